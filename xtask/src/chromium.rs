//! Finds the browser for the test that opens a page.

use std::ffi::OsString;
use std::process::Command;

use crate::run::{apt_install, in_ci};

/// The names under which it is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Returns the program, or `None` if this machine has no browser. In CI a missing one is installed.
pub(crate) fn program() -> Result<Option<OsString>, String> {
    if let Some(program) = std::env::var_os("STELO_TEST_CHROMIUM").or_else(found) {
        return Ok(Some(program));
    }
    if !in_ci() {
        eprintln!("Chromium is missing: the test of the chat's page is not run");
        return Ok(None);
    }
    apt_install("chromium")?;
    found().map(Some).ok_or("Chromium was installed, but cannot be run".into())
}

fn found() -> Option<OsString> {
    let runs = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    NAMES.into_iter().find(runs).map(Into::into)
}
