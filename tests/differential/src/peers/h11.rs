//! h11, in a Python of its own with the version that `requirements.txt` names.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command};

/// The peer, which ends with this value.
pub(crate) struct Python(Child);

impl Drop for Python {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub(crate) fn start(listener: TcpListener) -> io::Result<Python> {
    let mut command = Command::new(interpreter()?);
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/peers/h11_server.py"))
        .stdin(OwnedFd::from(listener));
    Ok(Python(command.spawn()?))
}

/// Makes the interpreter ready, once, and says where it is.
fn interpreter() -> io::Result<PathBuf> {
    let folder = std::env::current_exe()?.with_file_name("python-with-h11");
    let python = folder.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/peers/requirements.txt")))?;
    Ok(python)
}

fn run(command: &mut Command) -> io::Result<()> {
    match command.status()? {
        status if status.success() => Ok(()),
        status => Err(io::Error::other(format!("{command:?} ended with {status}"))),
    }
}
