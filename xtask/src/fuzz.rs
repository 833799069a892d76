//! Runs every fuzz target for a short while. `fuzz/README.md` describes longer runs.

use std::fs;

use crate::metadata::target;
use crate::run::{Outcome, cargo, in_ci, output, root, run};

/// The number of inputs for each target by default: a run of a few seconds.
pub(crate) const RUNS: u64 = 50_000;

/// The target that gets a fiftieth of the inputs: each is several handshakes.
const SLOW: &str = "tls_pump";

/// The version of cargo-fuzz. It is installed to `target/tools`, apart from the user's tools.
const VERSION: &str = "0.13.2";

/// Runs every target with `runs` inputs.
pub(crate) fn all(runs: u64) -> Outcome {
    let tools = target()?.join("tools");
    run(cargo("install cargo-fuzz --locked --quiet --version").arg(VERSION).arg("--root").arg(&tools))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(tools.join("bin")).chain(std::env::split_paths(&path)))
        .map_err(|error| error.to_string())?;

    let list = output(cargo("fuzz list").env("PATH", &path))?;
    for target in String::from_utf8_lossy(&list).split_whitespace() {
        let folder = |kind: &str| root().join("fuzz").join(kind).join(target);
        let (corpus, seeds) = (folder("corpus"), folder("seeds"));
        fs::create_dir_all(&corpus).map_err(|error| format!("cannot make {}: {error}", corpus.display()))?;
        // The core forbids `unsafe`, so a sanitizer has little to find; without one, stable Rust is enough.
        let mut command = cargo("fuzz run --sanitizer none");
        command.arg(target).arg(corpus).arg(seeds);
        let words = root().join("fuzz/http.dict");
        command.args(["--", "-verbosity=0", "-timeout=10"]).arg(format!("-dict={}", words.display()));
        let runs = if target == SLOW { runs.div_ceil(50) } else { runs };
        command.arg(format!("-runs={runs}"));
        if in_ci() {
            // The same inputs each time, so a failure belongs to the change that is tested.
            command.arg("-seed=1");
        }
        run(command.env("PATH", &path))?;
    }
    Ok(())
}
