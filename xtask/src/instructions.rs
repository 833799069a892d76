//! Counts the instructions of the request path and compares them with `benches/instructions.txt`.

use std::process::Command;

use crate::run::{Outcome, apt_install, cargo, in_ci, run};

/// Fails if a count has risen. In CI, valgrind is installed if it is missing.
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
