//! Finds the programs of LLVM that read profiles. They must be as new as the LLVM of rustc.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::output;

/// The paths of the programs.
pub(super) struct Tools {
    pub(super) profdata: PathBuf,
    pub(super) cov: PathBuf,
}

/// Finds the programs in the toolchain, or those of the system that are as new as rustc.
pub(super) fn find() -> Result<Tools, String> {
    let rustc = |args: &[&str]| {
        output(Command::new("rustc").args(args)).map(|text| String::from_utf8_lossy(&text).into_owned())
    };
    let version = rustc(&["-vV"])?;
    let field = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let major = field("LLVM version: ").split('.').next().unwrap_or_default();
    let sysroot = rustc(&["--print", "sysroot"])?;
    let bin = Path::new(sysroot.trim()).join("lib/rustlib").join(field("host: ")).join("bin");

    let program = |name: &str| {
        let candidates = [bin.join(name), format!("{name}-{major}").into()];
        candidates.into_iter().find(|path| Command::new(path).arg("--version").output().is_ok())
    };
    match (program("llvm-profdata"), program("llvm-cov")) {
        (Some(profdata), Some(cov)) => Ok(Tools { profdata, cov }),
        _ => Err(format!(
            "llvm-cov of LLVM {major} is missing: `rustup component add llvm-tools`, or on Debian `apt-get install llvm-{major}`"
        )),
    }
}
