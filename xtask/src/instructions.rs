//! What the way of a request costs in instructions, held against `benches/instructions.txt`.

use std::process::Command;

use crate::run::{Outcome, apt_install, cargo, in_ci, run};

/// Counts, and fails where the count has risen. Valgrind is installed in CI if it is missing.
pub(crate) fn check() -> Outcome {
    if Command::new("valgrind").arg("--version").output().is_err() {
        if !in_ci() {
            eprintln!("valgrind is missing: instructions are not counted");
            return Ok(());
        }
        apt_install("valgrind libc6-dbg")?;
    }
    run(&mut cargo("run --release -p stelo-benches --bin instructions"))
}
