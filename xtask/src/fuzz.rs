//! A short run of every fuzz target. It finds what breaks at once; `fuzz/README.md` says how to search for longer.

use std::fs;

use crate::metadata::target;
use crate::run::{Outcome, cargo, in_ci, output, root, run};

/// How many inputs each target gets, if nothing else is said: some seconds' worth.
pub(crate) const RUNS: u64 = 50_000;

/// The version of cargo-fuzz, kept under `target/tools` and out of the user's own tools.
const VERSION: &str = "0.13.2";

/// Gives every target `runs` inputs.
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
        command.arg(format!("-runs={runs}"));
        if in_ci() {
            // The same inputs every time: what a change breaks is found with that change.
            command.arg("-seed=1");
        }
        run(command.env("PATH", &path))?;
    }
    Ok(())
}
