//! The chores that run cargo: tests, formatting, lints, documentation, the program without std.

use crate::run::{Outcome, cargo, in_ci, run};
use crate::{chromium, python};

/// All features, for tests and documentation.
const ALL: &str = "stelo/tokio,stelo/smol,stelo/async-std,stelo/deflate,stelo/http,stelo/encrypted-cookies,stelo/validation,stelo/templates,stelo/brotli,stelo/zstd,stelo/tls-self-signed,stelo-tests/tls,stelo-model/tls";

/// The combinations of features that are supported, besides all of them at once.
const COMBINATIONS: &[&str] = &[
    "-p stelo --no-default-features",
    "-p stelo --no-default-features --features tokio",
    "-p stelo --no-default-features --features tokio,deflate",
    "-p stelo --no-default-features --features tokio,tls",
    "-p stelo --no-default-features --features smol",
    "-p stelo --no-default-features --features async-std",
    "-p stelo --no-default-features --features tokio,smol",
    "-p stelo --no-default-features --features bytes",
    "-p stelo --no-default-features --features sessions",
    "-p stelo-server-smol --no-default-features --features smol",
    "-p stelo-server-smol --no-default-features --features async-std",
];

/// Packages outside the workspace.
const OUTSIDERS: &[&str] = &["fuzz/Cargo.toml", NO_STD, RACES];
const RACES: &str = "tests/races/Cargo.toml";
const NO_STD: &str = "tests/no-std/Cargo.toml";

/// A package outside the workspace that is only formatted: it depends on other servers.
const DIFFERENTIAL: &str = "tests/differential/Cargo.toml";

/// Runs every test, doctests included.
pub(crate) fn test() -> Outcome {
    let mut command = cargo(&format!("test --workspace --features {ALL}"));
    if let Some(python) = python::interpreter()? {
        command.env("STELO_TEST_PYTHON", python);
    }
    if let Some(chromium) = chromium::program()? {
        command.env("STELO_TEST_CHROMIUM", chromium);
    }
    run(&mut command)
}

/// Checks the formatting.
pub(crate) fn fmt() -> Outcome {
    run(&mut cargo("fmt --all --check"))?;
    let outsiders = OUTSIDERS.iter().chain(&[DIFFERENTIAL]);
    outsiders.into_iter().try_for_each(|path| run(&mut cargo(&format!("fmt --check --manifest-path {path}"))))
}

/// Runs Clippy on every supported combination of features.
pub(crate) fn clippy() -> Outcome {
    let clippy = |what: &str| run(cargo(&format!("clippy {what}")).args(["--", "-D", "warnings"]));
    clippy(&format!("--workspace --all-targets --features {ALL}"))?;
    COMBINATIONS.iter().try_for_each(|combination| clippy(&format!("{combination} --all-targets")))?;
    OUTSIDERS.iter().try_for_each(|path| clippy(&format!("--manifest-path {path}")))
}

/// Builds the documentation. A broken link is an error.
pub(crate) fn docs() -> Outcome {
    let mut command = cargo(&format!("doc --workspace --no-deps --features {ALL}"));
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Runs the state that threads share in every order of their steps.
pub(crate) fn races() -> Outcome {
    run(&mut cargo(&format!("test --locked --manifest-path {RACES}")))
}

/// Builds and runs the program without std, which is written for Linux on x86-64.
pub(crate) fn no_std() -> Outcome {
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        run(&mut cargo(&format!("run --manifest-path {NO_STD}")))?;
        return run(&mut cargo(&format!("run --manifest-path {NO_STD} --features deflate")));
    }
    let message = "not run: the program without std is for Linux on x86-64";
    if in_ci() {
        return Err(message.into());
    }
    eprintln!("{message}");
    Ok(())
}
