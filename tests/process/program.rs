//! A server in its own process.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};

use stelo_tests::{Client, On, PATIENCE};

/// Returns the root of the repository.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Builds programs with the cargo that runs the tests, and returns their paths.
fn build(what: &[&str]) -> Vec<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--quiet", "--message-format=json"]).args(what).current_dir(root());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo can be run");
    assert!(output.status.success(), "{what:?} cannot be built");
    let messages = String::from_utf8(output.stdout).expect("cargo writes JSON");
    let executable = |line: &str| {
        let message: serde_json::Value = serde_json::from_str(line).expect("cargo writes JSON");
        Some(PathBuf::from(message["executable"].as_str()?))
    };
    messages.lines().filter_map(executable).collect()
}

/// Returns a command that runs a server on an executor.
pub(crate) fn command(on: On) -> Command {
    static PROGRAMS: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let name = match on {
        On::Tokio => "stelo-server-tokio",
        On::Smol | On::AsyncStd => "stelo-server-smol",
    };
    let mut what = vec!["-p", "stelo-server-tokio", "-p", "stelo-server-smol"];
    if cfg!(feature = "tls") {
        what.extend(["--features", "stelo-server-tokio/tls-self-signed,stelo-server-smol/tls-self-signed"]);
    }
    on_executor(PROGRAMS.get_or_init(|| build(&what)), name, on)
}

/// Returns a command that runs the application of `programs/faulty.rs` on an executor.
pub(crate) fn faulty(on: On) -> Command {
    static PROGRAMS: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| build(&["-p", "stelo-tests", "--example", "faulty"]));
    on_executor(programs, "faulty", on)
}

fn on_executor(programs: &[PathBuf], name: &str, on: On) -> Command {
    let executor = match on {
        On::Tokio => "tokio",
        On::Smol => "smol",
        On::AsyncStd => "async-std",
    };
    let program = programs.iter().find(|path| path.file_stem().is_some_and(|stem| stem == name));
    let mut command = Command::new(program.expect("cargo names what it has built"));
    command.args(["--loop", executor]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The path of a file that is removed at the end of a case.
pub(crate) struct Temporary(String);

impl Temporary {
    pub(crate) fn new(on: On, name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stelo-{}-{on:?}-{name}", process::id()));
        Self(path.to_string_lossy().into_owned())
    }

    pub(crate) fn path(&self) -> &str {
        &self.0
    }

    pub(crate) fn write(&self, text: &str) {
        std::fs::write(&self.0, text).expect("the temporary directory is writable");
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // The case may have removed it.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A copy of a server, which another program can replace.
pub(crate) struct Copied(Temporary);

impl Copied {
    pub(crate) fn new(on: On, name: &str) -> Self {
        let copied = Self(Temporary::new(on, name));
        copied.replace(Path::new(command(on).get_program()));
        copied
    }

    /// Puts another file in the place of the program, which may run.
    pub(crate) fn replace(&self, file: &Path) {
        let new = format!("{}.new", self.0.path());
        std::fs::copy(file, &new).expect("the temporary directory has space");
        std::fs::rename(&new, self.0.path()).expect("the temporary directory is writable");
    }

    /// Puts a script in the place of the program.
    pub(crate) fn replace_by(&self, script: &str) {
        let new = Temporary(format!("{}.sh", self.0.path()));
        new.write(&format!("#!/bin/sh\n{script}\n"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(new.path(), mode).expect("the file is there");
        self.replace(Path::new(new.path()));
    }

    /// Returns a command that runs the copy.
    pub(crate) fn command(&self, on: On) -> Command {
        let mut copy = Command::new(self.0.path());
        copy.args(command(on).get_args());
        copy.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        copy
    }
}

/// A process. Dropping it kills it.
pub(crate) struct Child(process::Child);

impl Child {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the server can be started"))
    }

    /// Sends a signal, given the name that `kill` uses.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([format!("-{name}"), self.0.id().to_string()]).status();
        assert!(kill.expect("there is a program kill").success());
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.0.wait().expect("a child can be waited for")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail if the process has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running server whose log is read.
pub(crate) struct Process {
    child: Child,
    /// The lines of its log, from standard error.
    log: Receiver<String>,
    /// The access lines, from standard output.
    access: Receiver<String>,
}

/// Collects the lines that a process writes.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Process {
    /// Starts a server on a port that the system chooses, and waits until it listens.
    #[track_caller]
    pub(crate) fn serve(on: On, args: &[&str]) -> (Self, SocketAddr) {
        let process = Self::start(command(on).args(["--port", "0"]).args(args));
        let address = process.address();
        (process, address)
    }

    /// Waits until the server listens, and returns its address.
    #[track_caller]
    pub(crate) fn address(&self) -> SocketAddr {
        let line = self.expect_line("Stelo running on http://");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        address.expect("the line names an address")
    }

    /// Starts a server.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = Child::start(command);
        let log = lines(child.0.stderr.take().expect("standard error is a pipe"));
        let access = lines(child.0.stdout.take().expect("standard output is a pipe"));
        Self { child, log, access }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Returns the next line of the log.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.log.recv_timeout(PATIENCE).expect("the server writes a line")
    }

    /// Returns the next line of the log that contains a text. Skips other lines.
    #[track_caller]
    pub(crate) fn expect_line(&self, text: &str) -> String {
        let mut others = Vec::new();
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => others.push(line),
                Err(error) => panic!("no line says {text:?} ({error}), but {others:#?}"),
            }
        }
    }

    /// Returns the next line of the log, if it is written already.
    pub(crate) fn next_line(&self) -> Option<String> {
        self.log.try_recv().ok()
    }

    /// Returns the next access line.
    #[track_caller]
    pub(crate) fn access_line(&self) -> String {
        self.access.recv_timeout(PATIENCE).expect("the server writes an access line")
    }

    /// Sends a signal, given the name that `kill` uses.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        self.child.signal(name);
    }

    /// Waits for the process to end. Returns its status, and the unread lines of the log and of the access log.
    #[track_caller]
    pub(crate) fn wait(self) -> (ExitStatus, Vec<String>, Vec<String>) {
        // The pipes close when the process ends.
        let rest = |lines: &Receiver<String>| {
            std::iter::from_fn(|| match lines.recv_timeout(PATIENCE) {
                Ok(line) => Some(line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("the server does not end"),
            })
            .collect::<Vec<_>>()
        };
        let (log, access) = (rest(&self.log), rest(&self.access));
        (self.child.wait(), log, access)
    }
}

/// Sends a `GET` on a new connection. Returns the status and the text.
#[track_caller]
pub(crate) fn get(address: SocketAddr, target: &str) -> (u16, String) {
    let answer = Client::connect(address).get(target);
    (answer.status, answer.text())
}
