//! The browser in which a test uses a page.

use std::ffi::OsString;
use std::process::Command;

use crate::run::{apt_install, in_ci};

/// What it may be called.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The program; `None` if this machine has none. In CI it is installed then, where that is possible.
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
