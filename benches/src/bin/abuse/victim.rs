//! The server under attack: a process of its own, of which the system tells what it holds.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use stelo_benches::Result;

/// The time limit for a server to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server program and its environment.
#[derive(Clone)]
pub(crate) struct Program {
    path: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Program {
    /// A server that reads `PORT` and `THREADS` from its environment.
    pub(crate) fn foreign(path: &Path) -> Self {
        Self { path: path.into(), variables: Vec::new() }
    }

    /// Our own server on an executor. It is built if it has to be.
    pub(crate) fn ours(executor: &str) -> Result<Self> {
        let name = if executor == "tokio" { "stelo-server-tokio" } else { "stelo-server-smol" };
        let here = env::current_exe()?;
        let target =
            here.parent().and_then(Path::parent).ok_or("this program lies in no target directory")?;
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let status = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
            .args(["build", "--quiet", "--profile", profile, "-p", name, "--target-dir"])
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()?;
        if !status.success() {
            return Err(format!("{name} cannot be built").into());
        }
        let variables = vec![("STELO_LOOP", executor.into()), ("STELO_ACCESS_LOG", "false".into())];
        Ok(Self { path: here.with_file_name(name), variables })
    }

    /// The same with one more variable in its environment.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.into()));
        self
    }
}

/// A server that runs; it is killed when it is dropped.
pub(crate) struct Victim {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Victim {
    /// Starts a server, and waits until it listens.
    pub(crate) fn start(program: &Program) -> Result<Self> {
        // Some servers cannot say which port the system has chosen, so it is chosen here.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let (port, threads) = (address.port().to_string(), thread::available_parallelism()?.to_string());
        let child = Command::new(&program.path)
            .envs([
                ("PORT", &port),
                ("STELO_PORT", &port),
                ("THREADS", &threads),
                ("STELO_THREADS", &threads),
            ])
            .envs(program.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", program.path.display()))?;
        let victim = Self { child, address };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            if start.elapsed() > PATIENCE {
                return Err(format!("{} does not listen on {address}", program.path.display()).into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(victim)
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Both fail where it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process, by its id.
#[derive(Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    /// The memory of its user space in KiB, with its share of what it has in common with others (`Pss`).
    pub(crate) fn memory(self) -> Result<f64> {
        let path = format!("/proc/{}/smaps_rollup", self.0);
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no Pss in smaps_rollup")?;
        Ok(number.trim().parse()?)
    }

    /// The number of open files and sockets.
    pub(crate) fn open(self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.0))?.count())
    }
}
