//! Measures the lines of the core, of the toolkit and of the templates that tests run.
//!
//! The crates of the workspace are built with `-C instrument-coverage`, and their dependencies without. This file runs
//! the tests. [`tools`] finds LLVM's programs, [`lines`] reads their output without the code of tests, and [`page`] keeps
//! the reasons of lines that no test runs.

mod lines;
mod page;
mod tests_of;
mod tools;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde_json::Value;

use crate::metadata::target;
use crate::run::{Outcome, cargo, output, root, run};
use page::Page;

const PAGE: &str = "docs/evidence/coverage.md";

/// Tells this program that cargo runs it in the place of rustc.
const WRAPPER: &str = "STELO_COVERAGE";

/// The option that makes rustc count.
const INSTRUMENT: &str = "-Cinstrument-coverage";

/// The packages whose tests count: the measured ones, the simulator, and the tests over real sockets. All commands select
/// all of them, so that cargo builds each crate once.
const PACKAGES: &str = "test -p stelo-core -p stelo-toolkit -p stelo-templates -p stelo-sim -p stelo-tests --all-features --no-fail-fast";

/// The targets of the first command. The patterns leave out `process`: its servers end by signals and write no profile.
const TESTS: &str = "--lib --test [!p]* --test p[!r]*";

/// The targets of the second command.
const DOCTESTS: &str = "--doc";

/// The folders that are measured.
const FOLDERS: &[&str] = &["core/src", "toolkit/src", "batteries/templates/src"];

/// Prints the figures, and fails if a line that no test runs has no reason on the page.
pub(crate) fn check() -> Outcome {
    let page = measure()?;
    eprint!("{}", page.folders());
    let missing = page.missing();
    if missing.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = missing.iter().map(ToString::to_string).collect();
    let help = format!("no test runs these lines: test them, or give a reason in {PAGE} after --write");
    Err(format!("{}\n{help}", list.join("\n")))
}

/// Writes the figures to the page. The reasons that it has are kept.
pub(crate) fn write() -> Outcome {
    let page = measure()?;
    eprint!("{}", page.folders());
    fs::write(root().join(PAGE), page.to_string()).map_err(|error| format!("{PAGE}: {error}"))
}

/// Runs rustc with instrumentation and returns its exit code, if cargo has started this program as a wrapper of rustc.
pub(crate) fn as_rustc() -> Option<ExitCode> {
    env::var_os(WRAPPER)?;
    let mut args = env::args_os().skip(1);
    let status = Command::new(args.next()?).args(args).arg(INSTRUMENT).status();
    Some(match status {
        Ok(status) => status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(code as u8)),
        Err(error) => {
            eprintln!("cannot run rustc: {error}");
            ExitCode::FAILURE
        }
    })
}

/// Runs the tests and compares what they have run with the page.
fn measure() -> Result<Page, String> {
    let tools = tools::find()?;
    let folder = target()?.join("coverage");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let programs = programs(&folder)?;
    for targets in [TESTS, DOCTESTS] {
        // The figures without the tests that fail are still of use.
        run(&mut instrumented(targets, &folder)?).unwrap_or_else(|error| eprintln!("{error}"));
    }

    let merged = folder.join("merged.profdata");
    let profiles = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let profiles: Vec<PathBuf> = profiles.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // A program that was killed may leave a profile that cannot be read. The others count.
    let mut merge = Command::new(&tools.profdata);
    merge.args(["merge", "--sparse", "--failure-mode=warn", "-o"]).arg(&merged).args(profiles);
    output(&mut merge)?;
    let mut export = Command::new(&tools.cov);
    export.args(["export", "--format=lcov", "--instr-profile"]).arg(&merged);
    // The first program has no option in front of it.
    for (index, program) in programs.iter().enumerate() {
        export.args((index > 0).then_some("--object")).arg(program);
    }
    export.args(FOLDERS.iter().map(|folder| root().join(folder)));
    let files = lines::read(&String::from_utf8_lossy(&output(&mut export)?), root())?;
    let written = fs::read_to_string(root().join(PAGE)).map_err(|error| format!("{PAGE}: {error}"))?;
    Ok(Page::new(&written, files))
}

/// Builds the tests and returns the paths of their programs.
fn programs(profiles: &Path) -> Result<BTreeSet<PathBuf>, String> {
    run(instrumented(TESTS, profiles)?.arg("--no-run"))?;
    let json = output(instrumented(TESTS, profiles)?.args(["--no-run", "--message-format=json"]))?;
    let executable = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    };
    Ok(String::from_utf8_lossy(&json).lines().filter_map(executable).collect())
}

/// Returns a cargo command that instruments the crates of the workspace.
fn instrumented(targets: &str, profiles: &Path) -> Result<Command, String> {
    let this = env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let mut command = cargo(PACKAGES);
    command.args(targets.split(' '));
    command.env("RUSTC_WORKSPACE_WRAPPER", this).env(WRAPPER, "1").env("RUSTDOCFLAGS", INSTRUMENT);
    // One file for each program, to which all its processes add.
    command.env("LLVM_PROFILE_FILE", profiles.join("%m.profraw"));
    Ok(command)
}
