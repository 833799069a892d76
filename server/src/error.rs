//! Why a server does not start, in lines that say what to do, and the exit codes that Uvicorn has for it.

use std::io;
use std::path::{Path, PathBuf};
use std::{error, fmt};

use stelo_core::app::BoxError;
use stelo_runtime::Bind;

use crate::ConfigError;

/// The exit code of a program that has been told something it cannot do.
pub const EXIT_USAGE: u8 = 2;

/// The exit code of a program whose server did not start.
pub const EXIT_STARTUP: u8 = 3;

/// Why a server did not start, or could not go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// A setting makes no sense.
    Config(ConfigError),
    /// The host has no address.
    Resolve {
        /// The host.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// A socket could not be bound.
    Bind {
        /// To what.
        address: Bind,
        /// Why.
        source: io::Error,
    },
    /// The directory that was to hold the Unix socket is not there.
    SocketDirectoryMissing {
        /// The socket.
        path: PathBuf,
    },
    /// A bound socket could not listen.
    Listen {
        /// What it is bound to.
        address: Bind,
        /// Why.
        source: io::Error,
    },
    /// The start-up hook of the application failed.
    Startup(BoxError),
    /// The shutdown hook of the application failed.
    Shutdown(BoxError),
    /// The system refuses what the executor needs.
    Runtime(io::Error),
    /// The caller is not run by the executor that is to run the server.
    Outside {
        /// The executor.
        runtime: &'static str,
        /// How it says so.
        source: io::Error,
    },
}

impl ServeError {
    /// What a failed bind means.
    pub fn bind(address: &Bind, source: io::Error) -> Self {
        match address {
            Bind::Unix(path) if source.kind() == io::ErrorKind::NotFound => {
                Self::SocketDirectoryMissing { path: path.clone() }
            }
            _ => Self::Bind { address: address.clone(), source },
        }
    }

    /// The exit code of a program that ends with this error.
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
                write!(f, "cannot find the address of {host} ({source}): check --host")
            }
            Self::Bind { address, source } | Self::Listen { address, source } => {
                write!(f, "cannot listen on {}: {}", Place(address), Cause { address, source })
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
            Self::Startup(error) => write!(f, "the start-up of the application failed: {error}"),
            Self::Shutdown(error) => write!(f, "the shutdown of the application failed: {error}"),
            Self::Runtime(error) => write!(f, "the executor could not go on: {error}"),
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
            | Self::Bind { source, .. }
            | Self::Listen { source, .. }
            | Self::Outside { source, .. } => Some(source),
            Self::Startup(error) | Self::Shutdown(error) => Some(&**error),
            Self::Runtime(error) => Some(error),
            Self::SocketDirectoryMissing { .. } => None,
        }
    }
}

impl From<ConfigError> for ServeError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// What was to be bound, as a person would write it.
struct Place<'a>(&'a Bind);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Bind::Tcp(address) => address.fmt(f),
            Bind::Unix(path) => path.display().fmt(f),
            Bind::Fd(fd) => write!(f, "descriptor {fd}"),
        }
    }
}

/// Why the system refuses, and what helps.
struct Cause<'a> {
    address: &'a Bind,
    source: &'a io::Error,
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
        f.write_str(match (self.address, self.source.kind()) {
            // A `SocketError` has said all that there is to say.
            _ if self.source.get_ref().is_some() => return self.source.fmt(f),
            (Bind::Tcp(_), AddrInUse) => {
                "the address is in use; stop the other program or choose another --port"
            }
            (Bind::Unix(_), AddrInUse) => {
                "the path is in use; stop the other program, remove the file or choose another --uds"
            }
            (Bind::Tcp(_), AddrNotAvailable) => {
                "this machine does not have the address; choose another --host"
            }
            (Bind::Tcp(_), PermissionDenied) => {
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
