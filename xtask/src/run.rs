//! Runs programs from the root of the repository.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// The result of a chore. The error says what is wrong and what to do about it.
pub(crate) type Outcome = Result<(), String>;

/// Returns the root of the repository.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Returns a `cargo` command for the root of the repository. Arguments are separated by spaces.
pub(crate) fn cargo(args: &str) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root()).args(args.split_whitespace());
    command
}

/// Runs a command. The error names it.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let line = line(command);
    eprintln!("$ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` ended with {status}")),
        Err(error) => Err(format!("cannot run `{line}`: {error}")),
    }
}

/// Runs a command and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let line = line(command);
    match command.output() {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => {
            Err(format!("`{line}` ended with {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
        }
        Err(error) => Err(format!("cannot run `{line}`: {error}")),
    }
}

/// Installs Debian packages, separated by spaces. Needs root.
pub(crate) fn apt_install(packages: &str) -> Outcome {
    let apt = |args: &str| {
        run(Command::new("apt-get").args(args.split(' ')).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt("update --quiet=2")
        .and_then(|()| apt(&format!("install --quiet=2 --yes --no-install-recommends {packages}")))
        .map_err(|error| format!("cannot install {packages}: {error}"))
}

/// Whether this is a run of CI, where a missing program is an error.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}

/// Formats the command as it is typed in a shell.
fn line(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    words.join(" ")
}
