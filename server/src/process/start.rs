//! The command that starts workers, and new supervisors.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};

use stelo_os::inherit;
use stelo_os::socket::Socket;

use super::link::Link;
use super::message::Message;
use super::notify::Notify;
use super::plan::Id;
use super::upgrade::{Sockets, Successor, Upgrade};
use crate::Config;
use crate::admin::{Channels, Supervision};
use crate::directory::Start;
use crate::sockets::Bound;

/// A worker process.
pub(super) struct Worker {
    pub(super) id: Id,
    pub(super) child: Child,
    pub(super) control: UnixStream,
    /// The worker has not closed its end.
    pub(super) open: bool,
}

impl Worker {
    /// Returns the messages that have come. Does not block after the socket has become readable.
    pub(super) fn read(&mut self) -> Vec<Message> {
        let mut bytes = [0; 64];
        let len = self.control.read(&mut bytes).unwrap_or(0);
        self.open = len > 0;
        bytes[..len].iter().copied().filter_map(Message::from_byte).collect()
    }

    /// Tells the worker that the program cannot be built, with the output of the build; or that it can again.
    pub(super) fn tell_build(&mut self, output: Option<&str>) {
        // Fails only if the worker has ended. It reads at once, so the socket has room.
        let _ = self.control.write_all(&Link::build(output));
    }
}

/// The program of this process, and its arguments.
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// The directory in which it was started.
    directory: Option<PathBuf>,
    arguments: Vec<OsString>,
    /// The secret of TLS tickets.
    #[cfg(feature = "tls")]
    secret: Option<crate::tls::Secret>,
}

impl Program {
    /// Returns the program of this process by its path: a restart runs the file that is there by then.
    ///
    /// # Errors
    /// The system has no random bytes for TLS.
    pub(super) fn of_this_process(config: &Config, start: &Start) -> io::Result<Self> {
        let mut arguments = env::args_os();
        let name = arguments.next().unwrap_or_default();
        let path = env::current_exe().unwrap_or_else(|_| name.into());
        #[cfg(feature = "tls")]
        let secret = match config.ssl.is_on() {
            true => {
                let secret = crate::tls::Secret::new(std::time::SystemTime::now());
                Some(secret.map_err(|_| io::ErrorKind::Other)?)
            }
            false => None,
        };
        #[cfg(not(feature = "tls"))]
        let _ = config;
        Ok(Self {
            path,
            directory: start.path().map(Into::into),
            arguments: arguments.collect(),
            #[cfg(feature = "tls")]
            secret,
        })
    }

    /// Returns what a worker that starts now shares with the others.
    fn shared(&mut self) -> Vec<u8> {
        #[cfg(feature = "tls")]
        if let Some(secret) = &mut self.secret {
            secret.advance(std::time::SystemTime::now());
            return secret.encode().into();
        }
        Vec::new()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }

    /// Starts a worker, which inherits the sockets.
    pub(super) fn start(
        &mut self,
        id: Id,
        sockets: &Sockets,
        admin: Option<&Supervision>,
    ) -> io::Result<Worker> {
        let (control, inherited) = UnixStream::pair()?;
        // The worker reads it when it has started.
        Link::share(&control, &self.shared())?;
        let number = inherit::pass_on(&inherited)?;
        let pass_on = |Bound { socket, secure, .. }: &Bound<Socket>| {
            inherit::pass_on(socket).map(|number| (number, *secure))
        };
        let sockets = sockets.iter().map(pass_on).collect::<io::Result<Vec<_>>>()?;
        let mut command = self.command();
        command.env(Link::VARIABLE, Link::variable(number, &sockets)).env_remove(Upgrade::VARIABLE);
        for name in Notify::VARIABLES {
            command.env_remove(name);
        }
        // The end of the worker is closed here once the worker has it.
        let channel = admin.map(|admin| admin.channels(Channels::open)).transpose()?;
        if let Some((variable, value, _)) = &channel {
            command.env(variable, value);
        }
        let child = command.spawn();
        // Other programs do not inherit the sockets. They are open, so this does not fail.
        sockets.iter().for_each(|(number, _)| drop(inherit::keep(*number)));
        Ok(Worker { id, child: child?, control, open: true })
    }

    /// Starts a new supervisor. `watched` is whether the watchdog of the service manager watches this one.
    pub(super) fn succeed(
        &self,
        sockets: &Sockets,
        admin: Option<&Supervision>,
        watched: bool,
    ) -> io::Result<Successor> {
        let mut command = self.command();
        if watched {
            // It names this process.
            command.env_remove(Notify::WATCHED);
        }
        Successor::start(&mut command, sockets, admin.map(Supervision::socket))
    }
}
