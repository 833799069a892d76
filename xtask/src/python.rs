//! Sets up a Python environment under `target/` with the packages of the tests that use a Python client.

use std::path::PathBuf;
use std::process::Command;

use crate::metadata::target;
use crate::run::{in_ci, root, run};

/// The list of packages, each with its version.
const REQUIREMENTS: &str = "tests/python/requirements.txt";

/// Sets up the environment and returns its interpreter, or `None` without Python 3, which in CI is an error.
pub(crate) fn interpreter() -> Result<Option<PathBuf>, String> {
    if Command::new("python3").arg("--version").output().is_err() {
        let message = "Python 3 is missing: the tests with httpx are not run";
        if in_ci() {
            return Err(message.into());
        }
        eprintln!("{message}");
        return Ok(None);
    }
    let folder = target()?.join("python");
    let python = folder.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run(install.arg(root().join(REQUIREMENTS)))?;
    Ok(Some(python))
}
