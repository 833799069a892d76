//! The chores of this repository, run as `cargo xtask <chore>`.
//!
//! This file lists them. Each has its own module.

mod api;
mod arrows;
mod builds;
mod chromium;
mod cost;
mod coverage;
mod dependencies;
mod evidence;
mod files;
mod fuzz;
mod instructions;
mod licences;
mod links;
mod metadata;
mod python;
mod restart;
mod rolling;
mod run;
mod rust;
mod words;

use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use rolling::Trial;
use run::Outcome;

const USAGE: &str = "\
cargo xtask <chore>

  test           every test, in every crate and on every executor
  check          all of the following, in this order

  fmt            formatting
  clippy         lints, on every supported combination of features
  docs           the documentation builds without a warning
  api            the public API is that of docs/inside/api [--write: renews the lists]
  no-std         the core links and runs without std
  arrows         which crate may use which, and no circles between folders
  words          prose is plain English [--count: how many findings each folder has]
  links          links of pages lead somewhere
  evidence       the tests that docs/evidence/starlette.md names exist
  dependencies   every direct dependency has its line in docs/inside/dependencies.md
  licences       licences and sources of all packages; none unmaintained
  races          the state that threads share, in every order of their steps
  instructions   the instructions of a request have not increased
  fuzz           every fuzz target for a short while [--runs N]

  coverage       the lines of core and toolkit that tests run [--write: renews docs/evidence/coverage.md]
  restart        counts the requests that are lost when the servers, or other PROGRAMS, are stopped under load
  rolling        no client loses anything while workers and supervisors, or those of PROGRAMS, are replaced under load
  rolling kill   the servers, or other PROGRAMS, go on while a worker is killed every 200 ms
  cost routes    the CPU time to build 30 to 600 routes grows with their number [--release]
  cost features  the CPU time and the packages that each feature adds to a build
  cost hello     the CPU time and the size of examples/hello, here and in other TREES of this repository
";

/// A chore and its name.
type Chore = (&'static str, fn() -> Outcome);

/// The chores of `check`, in order.
const CHECKS: &[Chore] = &[
    ("fmt", builds::fmt),
    ("clippy", builds::clippy),
    ("docs", builds::docs),
    ("api", api::check),
    ("no-std", builds::no_std),
    ("arrows", arrows::check),
    ("words", words::check),
    ("links", links::check),
    ("evidence", evidence::check),
    ("dependencies", dependencies::check),
    ("licences", licences::check),
    ("races", builds::races),
    ("instructions", instructions::check),
    ("fuzz", || fuzz::all(fuzz::RUNS)),
];

fn main() -> ExitCode {
    if let Some(code) = coverage::as_rustc() {
        return code;
    }
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args[..] {
        ["test"] => timed("test", builds::test),
        ["check"] => CHECKS.iter().try_for_each(|&(name, chore)| timed(name, chore)),
        ["coverage"] => timed("coverage", coverage::check),
        ["coverage", "--write"] => timed("coverage", coverage::write),
        ["restart"] => timed("restart", restart::servers),
        ["restart", ref programs @ ..] => {
            let programs: Vec<_> = programs.iter().map(Path::new).collect();
            timed("restart", || restart::programs(&programs))
        }
        ["rolling", "kill", ref programs @ ..] => timed("rolling kill", || rolling_on(Trial::Kill, programs)),
        ["rolling", ref programs @ ..] => timed("rolling", || rolling_on(Trial::Rolling, programs)),
        ["cost", "routes"] => timed("cost routes", || cost::routes("dev")),
        ["cost", "routes", "--release"] => timed("cost routes", || cost::routes("release")),
        ["cost", "features"] => timed("cost features", cost::features),
        ["cost", "hello", ref trees @ ..] => timed("cost hello", || cost::trees(trees)),
        ["api", "--write"] => timed("api", api::write),
        ["words", "--count"] => words::count(),
        ["fuzz", "--runs", runs] => match runs.parse() {
            Ok(runs) => timed("fuzz", || fuzz::all(runs)),
            Err(_) => Err(format!("--runs takes a number, not `{runs}`")),
        },
        [name] => match CHECKS.iter().find(|(check, _)| *check == name) {
            Some(&(name, chore)) => timed(name, chore),
            None => Err(USAGE.into()),
        },
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Tries these programs, or the servers of this repository.
fn rolling_on(trial: Trial, programs: &[&str]) -> Outcome {
    match programs {
        [] => rolling::servers(trial),
        programs => rolling::programs(trial, &programs.iter().map(Path::new).collect::<Vec<_>>()),
    }
}

/// Runs a chore under a headline and prints its duration.
fn timed(name: &str, chore: impl FnOnce() -> Outcome) -> Outcome {
    eprintln!("── {name}");
    let start = Instant::now();
    chore().map_err(|message| format!("── {name} failed\n{message}"))?;
    eprintln!("── {name}: passed in {:.0} s", start.elapsed().as_secs_f32());
    Ok(())
}
