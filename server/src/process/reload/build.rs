//! The command that builds the program, and its output.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The most bytes of the output that a page shows: the first errors matter.
const SHOWN: usize = 64 << 10;

/// A command that builds the program.
#[derive(Debug)]
pub(super) struct Build {
    words: Vec<OsString>,
    directory: Option<PathBuf>,
}

impl Build {
    /// Returns the command of the option, or that which has built this program, as far as its path tells: package and
    /// features are those that cargo chooses. `None` if the path is not one of cargo's.
    pub(super) fn of(command: Option<&str>, program: &Path, directory: Option<&Path>) -> Option<Self> {
        let words = match command {
            Some(command) => ["sh", "-c", command].map(Into::into).into(),
            None => cargo(program, env::var_os("CARGO"), env::var_os("CARGO_MANIFEST_DIR"))?,
        };
        Some(Self { words, directory: directory.map(Into::into) })
    }

    /// Builds. Shows the output on stderr as it comes, and returns it if the build has failed.
    ///
    /// # Errors
    /// The command cannot be started.
    pub(super) fn run(&self) -> io::Result<Option<String>> {
        let (mut reader, writer) = io::pipe()?;
        let mut words = self.words.iter();
        let mut command = Command::new(words.next().map_or(OsStr::new("sh"), OsString::as_os_str));
        command.args(words).env("CARGO_TERM_COLOR", "never").stdin(Stdio::null());
        command.stdout(writer.try_clone()?).stderr(writer);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let mut child = command.spawn()?;
        // Closes the write ends of this process.
        drop(command);
        let (mut output, mut buffer) = (Vec::new(), [0; 4096]);
        while let n @ 1.. = reader.read(&mut buffer)? {
            // A closed stderr does not end the build.
            let _ = io::stderr().write_all(&buffer[..n]);
            let room = SHOWN.saturating_sub(output.len());
            output.extend_from_slice(&buffer[..n.min(room)]);
        }
        let status = child.wait()?;
        Ok((!status.success()).then(|| plain(&String::from_utf8_lossy(&output))))
    }
}

/// Displays the command as in a shell.
impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.words.iter().map(|word| word.to_string_lossy()).collect();
        f.write_str(&words.join(" "))
    }
}

/// Returns the command that builds a program in a target directory of cargo.
fn cargo(program: &Path, cargo: Option<OsString>, manifest: Option<OsString>) -> Option<Vec<OsString>> {
    let name = program.file_stem()?;
    let mut profile = program.parent()?;
    let is_example = profile.file_name()? == "examples";
    if is_example {
        profile = profile.parent()?;
    }
    let is_target = |dir: &Path| dir.join("CACHEDIR.TAG").exists();
    let above = profile.parent()?;
    let (target, triple) = match is_target(above) {
        true => (above, None),
        false => (above.parent().filter(|dir| is_target(dir))?, above.file_name()),
    };
    let profile = match profile.file_name()? {
        debug if debug == "debug" => OsStr::new("dev"),
        other => other,
    };
    let mut words: Vec<OsString> = vec![cargo.unwrap_or_else(|| "cargo".into()), "build".into()];
    let kind = if is_example { "--example" } else { "--bin" };
    let option = |name: &str, value: &OsStr| [name.into(), value.to_owned()];
    words.extend(option(kind, name));
    words.extend(option("--profile", profile));
    words.extend(option("--target-dir", target.as_os_str()));
    words.extend(triple.into_iter().flat_map(|triple| option("--target", triple)));
    if let Some(manifest) = manifest {
        words.extend(option("--manifest-path", Path::new(&manifest).join("Cargo.toml").as_os_str()));
    }
    Some(words)
}

/// Removes escape sequences, such as those of colours.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        let after = after.strip_prefix('[').unwrap_or(after);
        let end = after.find(|c: char| ('@'..='~').contains(&c));
        rest = end.and_then(|end| after.get(end + 1..)).unwrap_or_default();
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_the_command() {
        let root = env::temp_dir().join(format!("stelo-build-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let command = |path: &str, manifest: Option<&str>| {
            let words = cargo(&root.join(path), None, manifest.map(Into::into))?;
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            Some(words.join(" ").replace(&root.display().to_string(), "T"))
        };
        assert_eq!(command("debug/shop", None), None);
        std::fs::write(root.join("CACHEDIR.TAG"), "").unwrap();
        for (path, manifest, expected) in [
            ("debug/shop", None, "cargo build --bin shop --profile dev --target-dir T"),
            ("release/examples/shop", None, "cargo build --example shop --profile release --target-dir T"),
            (
                "x86_64-a-b/fast/shop",
                None,
                "cargo build --bin shop --profile fast --target-dir T --target x86_64-a-b",
            ),
            (
                "debug/shop",
                Some("/p"),
                "cargo build --bin shop --profile dev --target-dir T --manifest-path /p/Cargo.toml",
            ),
        ] {
            assert_eq!(command(path, manifest).as_deref(), Some(expected));
        }
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn the_output_of_a_failed_build_is_returned() {
        let run = |command: &str| Build::of(Some(command), Path::new("/x"), None).unwrap().run().unwrap();
        assert_eq!(run("echo fine"), None);
        assert_eq!(
            run("echo one; printf '\\033[1;31mtwo\\033[0m\\n' >&2; exit 7").as_deref(),
            Some("one\ntwo\n")
        );
        assert_eq!(run("head -c 100000 /dev/zero | tr '\\0' a; exit 1").map(|text| text.len()), Some(SHOWN));
    }
}
