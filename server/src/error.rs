//! Errors of a server, displayed in one line that says what to do; and the exit codes, which are those of Uvicorn.

use std::io;
use std::path::{Path, PathBuf};
use std::{error, fmt};

use stelo_core::app::BoxError;
use stelo_runtime::Bind;

use crate::ConfigError;

/// The exit code of a program whose settings are invalid.
pub const EXIT_USAGE: u8 = 2;

/// The exit code of a program whose server did not start.
pub const EXIT_STARTUP: u8 = 3;

/// The reason why a server did not start, or failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// A setting is invalid.
    Config(ConfigError),
    /// The host has no address.
    Resolve {
        /// The host.
        host: String,
        /// The cause.
        source: io::Error,
    },
    /// A socket could not be bound.
    Bind {
        /// The address of the socket.
        address: Bind,
        /// The cause.
        source: io::Error,
    },
    /// The directory of the Unix socket does not exist.
    SocketDirectoryMissing {
        /// The path of the socket.
        path: PathBuf,
    },
    /// A certificate or a private key cannot be used.
    Ssl(BoxError),
    /// A file of the log cannot be opened.
    LogFile {
        /// The path of the file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A bound socket could not listen.
    Listen {
        /// The address of the socket.
        address: Bind,
        /// The cause.
        source: io::Error,
    },
    /// The start-up hook of the application failed.
    Startup(BoxError),
    /// The shutdown hook of the application failed.
    Shutdown(BoxError),
    /// The system refused a resource of the executor.
    Runtime(io::Error),
    /// No worker process could start.
    Workers,
    /// The file of `--pid` names a process that runs.
    Running {
        /// The file.
        path: PathBuf,
        /// The number of the process.
        process: u32,
    },
    /// The file of `--pid` cannot be written.
    PidFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The system does not know a user or a group.
    Account {
        /// The option that names it.
        option: &'static str,
        /// The name.
        name: String,
    },
    /// The system refused to change the user or the group.
    Identity(io::Error),
    /// The directory of `--chdir` cannot be used.
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A directory of `--reload-dir` cannot be read.
    Watched {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// `--reload`, but nothing tells how the program is built.
    NoBuild,
    /// The system refused what the supervisor of the worker processes needs.
    Supervisor(io::Error),
    /// The caller does not run on the executor of the server.
    Outside {
        /// The name of the executor.
        runtime: &'static str,
        /// The error of the executor.
        source: io::Error,
    },
    /// The caller runs on the executor of the server, which cannot wait for another one.
    Inside {
        /// The name of the executor.
        runtime: &'static str,
    },
}

impl ServeError {
    /// Creates the error of a failed bind.
    pub fn bind(address: &Bind, source: io::Error) -> Self {
        match address {
            Bind::Unix(path) if source.kind() == io::ErrorKind::NotFound => {
                Self::SocketDirectoryMissing { path: path.clone() }
            }
            _ => Self::Bind { address: address.clone(), source },
        }
    }

    /// Returns the exit code of a program that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => EXIT_USAGE,
            _ => EXIT_STARTUP,
        }
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Resolve { host, source } => {
                write!(f, "cannot find the address of {host} ({source}): check --host or --bind")
            }
            Self::Bind { address, source } | Self::Listen { address, source } => {
                write!(f, "cannot listen on {}: {}", Target(address), Cause { address, source })
            }
            Self::SocketDirectoryMissing { path } => {
                let directory = path.parent().unwrap_or(Path::new("/"));
                write!(
                    f,
                    "cannot listen on {}: create the directory {} or choose another --uds",
                    path.display(),
                    directory.display()
                )
            }
            Self::Ssl(error) => error.fmt(f),
            Self::LogFile { path, source } => {
                write!(f, "cannot open {} for the log: {source}", path.display())
            }
            Self::Startup(error) => write!(f, "the start-up of the application failed: {error}"),
            Self::Shutdown(error) => write!(f, "the shutdown of the application failed: {error}"),
            Self::Runtime(error) => write!(f, "the executor could not go on: {error}"),
            Self::Running { path, process } => write!(
                f,
                "the process {process} of {} is running: stop it, or choose another --pid",
                path.display()
            ),
            Self::PidFile { path, source } => {
                write!(f, "cannot write {} ({source}): check --pid", path.display())
            }
            Self::Account { option, name } => {
                write!(
                    f,
                    "this system does not know {name}: check {option}; a user without an entry needs --group, too"
                )
            }
            Self::Identity(error) => {
                write!(
                    f,
                    "cannot change the user or the group ({error}): start as root, or leave --user and --group out"
                )
            }
            Self::Directory { path, source } => {
                write!(f, "cannot change to {} ({source}): check --chdir", path.display())
            }
            Self::Watched { path, source } => {
                write!(f, "cannot watch {} ({source}): check --reload-dir", path.display())
            }
            Self::NoBuild => f.write_str(
                "--reload cannot tell how this program is built, for it is not in a target directory of cargo: use \
                 --reload-command",
            ),
            Self::Workers => f.write_str("no worker process could start: the lines above say why"),
            Self::Supervisor(error) => write!(f, "the supervisor could not go on: {error}"),
            Self::Inside { runtime } => {
                write!(
                    f,
                    "{runtime} already runs the caller: use `Server::serve(app).await` there, or make `main` \
                     an ordinary `fn`"
                )
            }
            Self::Outside { runtime, .. } => {
                write!(
                    f,
                    "{runtime} does not run the caller: serve inside it, or build with another executor"
                )
            }
        }
    }
}

impl error::Error for ServeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Resolve { source, .. }
            | Self::LogFile { source, .. }
            | Self::Bind { source, .. }
            | Self::Listen { source, .. }
            | Self::PidFile { source, .. }
            | Self::Directory { source, .. }
            | Self::Watched { source, .. }
            | Self::Outside { source, .. } => Some(source),
            Self::Ssl(error) | Self::Startup(error) | Self::Shutdown(error) => Some(&**error),
            Self::Runtime(error) | Self::Supervisor(error) | Self::Identity(error) => Some(error),
            Self::SocketDirectoryMissing { .. }
            | Self::Running { .. }
            | Self::Account { .. }
            | Self::NoBuild
            | Self::Workers
            | Self::Inside { .. } => None,
        }
    }
}

impl From<ConfigError> for ServeError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// Displays the address of a socket.
struct Target<'a>(&'a Bind);

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Bind::Tcp(address) => address.fmt(f),
            Bind::DualStack(port) => write!(f, "[::]:{port}"),
            Bind::Unix(path) => path.display().fmt(f),
            Bind::Fd(fd) => write!(f, "descriptor {fd}"),
        }
    }
}

/// Displays the cause and what to do.
struct Cause<'a> {
    address: &'a Bind,
    source: &'a io::Error,
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
        f.write_str(match (self.address, self.source.kind()) {
            // A `SocketError` says what to do.
            _ if self.source.get_ref().is_some() => return self.source.fmt(f),
            (Bind::Tcp(_) | Bind::DualStack(_), AddrInUse) => {
                "the address is in use; stop the other program or choose another --port"
            }
            (Bind::Unix(_), AddrInUse) => {
                "the path is in use; stop the other program, remove the file or choose another --uds"
            }
            (Bind::Tcp(_) | Bind::DualStack(_), AddrNotAvailable) => {
                "this machine does not have the address; choose another --host"
            }
            (Bind::Tcp(_) | Bind::DualStack(_), PermissionDenied) => {
                "not allowed; choose a --port of 1024 or above, or run with the privilege to use this one"
            }
            (Bind::Unix(_), PermissionDenied) => {
                "not allowed; choose a --uds in a directory that you may write to"
            }
            _ => return self.source.fmt(f),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use stelo_os::socket::SocketError;

    use super::*;

    fn tcp(address: &str) -> Bind {
        Bind::Tcp(address.parse().unwrap())
    }

    #[test]
    fn lines_say_what_to_do() {
        let unix = || Bind::Unix("/tmp/none/x.sock".into());
        for (address, kind, line) in [
            (
                tcp("127.0.0.1:8000"),
                ErrorKind::AddrInUse,
                "cannot listen on 127.0.0.1:8000: the address is in use; \
                 stop the other program or choose another --port",
            ),
            (
                tcp("[::1]:80"),
                ErrorKind::PermissionDenied,
                "cannot listen on [::1]:80: not allowed; choose a --port of 1024 or above, \
                 or run with the privilege to use this one",
            ),
            (
                tcp("192.0.2.1:80"),
                ErrorKind::AddrNotAvailable,
                "cannot listen on 192.0.2.1:80: this machine does not have the address; choose another --host",
            ),
            (
                unix(),
                ErrorKind::NotFound,
                "cannot listen on /tmp/none/x.sock: create the directory /tmp/none or choose another --uds",
            ),
            (
                unix(),
                ErrorKind::AddrInUse,
                "cannot listen on /tmp/none/x.sock: the path is in use; \
                 stop the other program, remove the file or choose another --uds",
            ),
        ] {
            let error = ServeError::bind(&address, kind.into());
            assert_eq!((error.to_string().as_str(), error.exit_code()), (line, 3));
        }
        let error = ServeError::bind(&Bind::Fd(77), SocketError::NotOpen.into());
        let line =
            "cannot listen on descriptor 77: the descriptor is not open: have the parent process pass it on";
        assert_eq!(error.to_string(), line);
    }

    #[test]
    fn a_bad_setting_is_a_usage_error_and_a_failed_hook_a_failed_start() {
        let error = ServeError::from(ConfigError::Executor { wanted: "smol".into(), built: vec!["tokio"] });
        assert_eq!(
            (error.to_string().as_str(), error.exit_code()),
            ("the executor smol is not compiled in: use auto or tokio, or build with another executor", 2)
        );
        let error = ServeError::Startup("no database".into());
        assert_eq!(
            (error.to_string().as_str(), error.exit_code()),
            ("the start-up of the application failed: no database", 3)
        );
    }
}
