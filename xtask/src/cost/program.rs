//! `Program`: a package outside the workspace, built in a folder of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::metadata::target;
use crate::run::output;

/// The number of ticks of a second in `/proc`, the same on every architecture that Linux runs on today.
const TICKS: f64 = 100.0;

/// The beginning of the manifest. The profile `fat` is that of `benches/peers`.
const MANIFEST: &str = r#"[package]
name = "program"
version = "0.0.0"
edition = "2024"

[workspace]

[profile.fat]
inherits = "release"
lto = "fat"
codegen-units = 1
panic = "abort"

[dependencies]
"#;

/// The features of Stelo that a program has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Features {
    /// `tokio` alone.
    Least,
    Default,
    /// The default features and another one.
    And(&'static str),
}

impl Features {
    fn fields(self) -> String {
        match self {
            Self::Least => "default-features = false, features = [\"tokio\"]".into(),
            Self::Default => "features = []".into(),
            Self::And(name) => format!("features = [{name:?}]"),
        }
    }
}

/// A package that depends on Stelo.
pub(super) struct Program {
    folder: PathBuf,
}

impl Program {
    /// Writes a package with the versions of the lock file of `tree`, a copy of this repository. Its sources are in the
    /// cache of cargo, because the workspace was built before.
    pub(super) fn new(
        tree: &Path,
        features: Features,
        dependencies: &str,
        main: &str,
    ) -> Result<Self, String> {
        let program = Self { folder: target()?.join("cost") };
        program.clear()?;
        let lock = tree.join("Cargo.lock");
        let lock = fs::read(&lock).map_err(|error| format!("cannot read {}: {error}", lock.display()))?;
        program.write("Cargo.lock", &lock)?;
        program.set_dependencies(tree, features, dependencies)?;
        program.set_main(main)?;
        Ok(program)
    }

    /// Writes the manifest. Packages that were built stay.
    pub(super) fn set_dependencies(&self, tree: &Path, features: Features, more: &str) -> Result<(), String> {
        let stelo = format!("stelo = {{ path = {tree:?}, {} }}", features.fields());
        self.write("Cargo.toml", format!("{MANIFEST}{stelo}\n{more}").as_bytes())
    }

    /// Replaces the source. Packages that were built stay.
    pub(super) fn set_main(&self, main: &str) -> Result<(), String> {
        self.write("src/main.rs", main.as_bytes())
    }

    fn write(&self, name: &str, text: &[u8]) -> Result<(), String> {
        fs::write(self.folder.join(name), text).map_err(|error| format!("cannot write {name}: {error}"))
    }

    /// Removes what a former run has left.
    fn clear(&self) -> Result<(), String> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("cannot remove {}: {error}", self.folder.display()));
            }
            _ => {}
        }
        fs::create_dir_all(self.folder.join("src"))
            .map_err(|error| format!("cannot make {}: {error}", self.folder.display()))
    }

    /// Builds the program, and returns the seconds of CPU time.
    pub(super) fn build(&self, profile: &str) -> Result<f64, String> {
        let before = children()?;
        let mut command = self.cargo("build");
        command.args(["--offline", "--profile", profile]);
        output(command.env("CARGO_INCREMENTAL", "0"))?;
        Ok(children()? - before)
    }

    /// Returns the size of the built program without symbols, in bytes.
    pub(super) fn size(&self, profile: &str) -> Result<u64, String> {
        let program = self.folder.join("target").join(profile).join("program");
        output(Command::new("strip").arg(&program))?;
        fs::metadata(&program)
            .map(|file| file.len())
            .map_err(|error| format!("the program is missing: {error}"))
    }

    /// Returns the names and versions of the packages that are built, as cargo takes them.
    pub(super) fn packages(&self) -> Result<BTreeSet<String>, String> {
        let mut command = self.cargo("tree");
        command.args(["--offline", "--edges=normal,build", "--prefix=none", "--format={p}"]);
        let lines = String::from_utf8(output(&mut command)?).map_err(|error| error.to_string())?;
        // A line is `name v1.0.0`, and the folder of a package that comes from no registry.
        let name = |line: &str| line.split(" (").next().map(|line| line.replacen(" v", "@", 1));
        Ok(lines.lines().filter_map(name).collect())
    }

    /// Removes what was built of these packages.
    pub(super) fn forget<'a>(&self, packages: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let mut command = self.cargo("clean");
        command.arg("--offline");
        packages.for_each(|package| {
            command.args(["--package", package]);
        });
        output(&mut command).map(drop)
    }

    /// Returns a command of cargo for the package. Settings of the caller that change the code do not apply.
    fn cargo(&self, name: &str) -> Command {
        let mut command = Command::new("cargo");
        command.current_dir(&self.folder).arg(name).env("CARGO_TARGET_DIR", self.folder.join("target"));
        for variable in ["RUSTFLAGS", "RUSTC_WRAPPER", "CARGO_PROFILE_DEV_DEBUG"] {
            command.env_remove(variable);
        }
        command
    }
}

/// Returns the CPU time of the processes that this one has started and that have ended, in seconds.
fn children() -> Result<f64, String> {
    let stat = fs::read_to_string("/proc/self/stat")
        .map_err(|error| format!("CPU time is measured on Linux only: {error}"))?;
    ticks(&stat)
        .map(|ticks| ticks / TICKS)
        .ok_or_else(|| format!("/proc/self/stat has changed its format: {stat}"))
}

/// Returns the sum of `cutime` and `cstime`, the fields 16 and 17 of proc_pid_stat(5). The second field is the name of
/// the program in parentheses, which can have spaces.
fn ticks(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_is_after_the_name_and_its_spaces() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 90 80 0 0 11 12 130 40 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(170.0));
        assert_eq!(ticks("7 (a) S 1"), None);
    }
}
