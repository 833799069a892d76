//! A supervisor under load.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::run::{Outcome, output};

/// The longest wait for a line of the log.
const PATIENCE: Duration = Duration::from_secs(60);

/// A supervisor, and those that replace it.
pub(super) struct Server {
    pub(super) port: u16,
    /// The first supervisor, which is a child of this process.
    first: Child,
    /// The number of the supervisor that runs now.
    parent: u32,
    log: Receiver<String>,
}

impl Server {
    /// Starts a server with workers, and waits until one is ready.
    pub(super) fn start(program: &Path, workers: usize) -> Result<Self, String> {
        let fail = |error| format!("{}: {error}", program.display());
        let listener = TcpListener::bind("127.0.0.1:0").map_err(fail)?;
        let port = listener.local_addr().map_err(fail)?.port();
        drop(listener);
        let mut first = Command::new(program)
            .args(["--workers", &workers.to_string(), "--threads", "1", "--no-access-log"])
            .args(["--port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        let lines = first.stderr.take().map(BufReader::new);
        let (sender, log) = channel();
        thread::spawn(move || {
            for line in lines.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let parent = first.id();
        let server = Self { port, first, parent, log };
        server.expect("running on http://")?;
        Ok(server)
    }

    /// Waits for a line of the log.
    fn expect(&self, text: &str) -> Result<String, String> {
        let mut lines = Vec::new();
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return Ok(line),
                Ok(line) => lines.push(line),
                Err(error) => return Err(format!("no line says `{text}` ({error}):\n{}", lines.join("\n"))),
            }
        }
    }

    fn signal(&self, signal: &str) -> Outcome {
        output(Command::new("kill").args([signal, &self.parent.to_string()])).map(drop)
    }

    /// Replaces all workers.
    pub(super) fn restart(&mut self) -> Outcome {
        self.signal("-HUP")?;
        self.expect("Restarted all processes.").map(drop)
    }

    /// Replaces the supervisor.
    pub(super) fn upgrade(&mut self) -> Outcome {
        self.signal("-USR2")?;
        let line = self.expect("] has taken over.")?;
        let number = line.split_once('[').and_then(|(_, rest)| rest.split_once(']')?.0.parse().ok());
        self.parent = number.ok_or_else(|| format!("no number in `{line}`"))?;
        Ok(())
    }

    /// Kills the worker that was started first. Returns whether there was one.
    pub(super) fn kill_oldest(&mut self) -> bool {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.parent));
        let oldest = children.ok().and_then(|children| Some(children.split_whitespace().next()?.to_owned()));
        oldest.is_some_and(|oldest| output(Command::new("kill").args(["-KILL", &oldest])).is_ok())
    }

    /// Stops the supervisor that runs now.
    pub(super) fn stop(mut self) {
        // Fails if it has ended, which the outcome of the trial shows.
        let _ = self.signal("-TERM");
        let _ = self.first.wait();
    }
}
