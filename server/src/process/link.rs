//! The link between a worker and its supervisor: a socket pair, and a variable that names the inherited descriptors.
//!
//! The supervisor first writes what workers share: a length, and as many bytes. They are the secret of TLS tickets, or none.
//! The worker writes a byte when it is ready. A further byte of the supervisor asks the worker to open the files of its log
//! again, or begins the output of a build. The end of the stream asks it to stop, and the system sends that as well when the
//! supervisor dies.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;

use stelo_os::inherit;

use super::message::{Message, Teller};
use super::reload::Notice;
use crate::{Listen, ServerHandle, log};

/// The stack of the thread that waits for the supervisor. It makes one system call.
const STACK: usize = 64 * 1024;

/// Marks a socket whose connections begin with TLS.
const SECURE: &str = "s";

/// Asks a worker to open the files of its log again.
pub(super) const REOPEN: u8 = 1;

/// Begins the output of a build: its length in four bytes, and the output. No output means that the build is good.
const BUILD: u8 = 2;

/// The link of a worker.
#[derive(Debug)]
pub(crate) struct Link {
    notice: Arc<Notice>,
    control: UnixStream,
    /// The numbers of the listening sockets, and whether their connections begin with TLS.
    sockets: Vec<(i32, bool)>,
    /// The bytes that workers share.
    shared: Vec<u8>,
}

impl Link {
    /// The variable that makes a process a worker. It is not a setting.
    pub(crate) const VARIABLE: &str = "_STELO_WORKER";

    /// Returns the value of the variable for a worker: supervisor, control socket, listening sockets.
    pub(super) fn variable(control: i32, sockets: &[(i32, bool)]) -> String {
        let text = |(number, secure): &(i32, bool)| format!("{number}{}", if *secure { SECURE } else { "" });
        let sockets: Vec<_> = sockets.iter().map(text).collect();
        format!("{}:{control}:{}", std::process::id(), sockets.join(","))
    }

    /// Returns the link if the process is a worker. Programs that a worker starts inherit the variable, but not the
    /// control socket.
    pub(crate) fn inherited(variable: Option<&OsStr>) -> Option<Self> {
        let mut parts = variable?.to_str()?.splitn(3, ':');
        let supervisor: u32 = parts.next()?.parse().ok()?;
        let number = parts.next()?.parse().ok()?;
        let socket = |text: &str| match text.strip_suffix(SECURE) {
            Some(number) => number.parse().map(|number| (number, true)),
            None => text.parse().map(|number| (number, false)),
        };
        let sockets: Vec<(i32, bool)> =
            parts.next()?.split(',').map(socket).collect::<Result<_, _>>().ok()?;
        let control = inherit::socket(number).ok()?;
        if inherit::creator(&control).ok()? != supervisor {
            return None;
        }
        for number in sockets.iter().map(|(number, _)| number).chain([&number]) {
            inherit::keep(*number).ok()?;
        }
        let mut shared = vec![0; read_byte(&control)?.into()];
        (&control).read_exact(&mut shared).ok()?;
        Some(Self { notice: Arc::default(), control, sockets, shared })
    }

    /// Writes what workers share to a new worker.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn share(mut control: &UnixStream, shared: &[u8]) -> io::Result<()> {
        let len = u8::try_from(shared.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        control.write_all(&[&[len], shared].concat())
    }

    /// Returns the message about a build, with its output if it has failed.
    pub(super) fn build(output: Option<&str>) -> Vec<u8> {
        let output = output.unwrap_or_default();
        let len = u32::try_from(output.len()).unwrap_or_default();
        [&[BUILD], &len.to_be_bytes()[..], output.as_bytes()].concat()
    }

    /// Returns what the supervisor says about builds.
    pub(crate) fn notice(&self) -> Arc<Notice> {
        self.notice.clone()
    }

    /// Returns what the supervisor has shared.
    pub(crate) fn shared(&self) -> &[u8] {
        &self.shared
    }

    /// Returns the sockets whose connections begin with TLS, or those that do not.
    pub(crate) fn sockets(&self, secure: bool) -> Vec<Listen> {
        let wanted = self.sockets.iter().filter(|(_, is_secure)| *is_secure == secure);
        wanted.map(|(number, _)| Listen::Descriptor(*number)).collect()
    }

    /// Tells the supervisor that the worker accepts connections.
    pub(crate) fn ready(&self) {
        if let Ok(teller) = self.teller() {
            teller.tell(Message::Ready);
        }
    }

    /// Returns what tells the supervisor.
    ///
    /// # Errors
    /// The system refuses another descriptor.
    pub(crate) fn teller(&self) -> io::Result<Teller> {
        self.control.try_clone().map(Teller::new)
    }

    /// Stops the server when the supervisor asks for it, and when the supervisor has ended.
    pub(crate) fn watch(&self, handle: ServerHandle) {
        let (control, notice) = (self.control.try_clone(), self.notice.clone());
        let wait = move || {
            while let Ok(control) = &control
                && let Some(byte) = read_byte(control)
            {
                match byte {
                    BUILD => match read_output(control) {
                        Some(output) => notice.set((!output.is_empty()).then_some(output)),
                        None => break,
                    },
                    _ => log::reopen(),
                }
            }
            handle.stop();
        };
        // Without the thread, the supervisor kills the worker when it does not stop in time.
        let _ = thread::Builder::new().name("stelo-supervised".into()).stack_size(STACK).spawn(wait);
    }
}

fn read_byte(mut control: &UnixStream) -> Option<u8> {
    let mut byte = [0];
    control.read_exact(&mut byte).ok().map(|()| byte[0])
}

/// Reads the output of a build.
fn read_output(mut control: &UnixStream) -> Option<String> {
    let mut len = [0; 4];
    control.read_exact(&mut len).ok()?;
    let mut output = vec![0; u32::from_be_bytes(len) as usize];
    control.read_exact(&mut output).ok()?;
    Some(String::from_utf8_lossy(&output).into_owned())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_process_is_a_worker_if_it_has_the_socket_of_the_supervisor() {
        let (supervisor, worker) = UnixStream::pair().unwrap();
        let variable = Link::variable(worker.as_raw_fd(), &[(worker.as_raw_fd(), true)]);
        Link::share(&supervisor, b"secret").unwrap();
        let link = Link::inherited(Some(variable.as_ref())).unwrap();
        assert_eq!(link.sockets(true), [Listen::Descriptor(worker.as_raw_fd())]);
        assert_eq!(link.sockets(false), []);
        assert_eq!(link.shared, b"secret");
        link.ready();
        let mut byte = [0];
        (&supervisor).read_exact(&mut byte).unwrap();
        assert_eq!(byte, [1]);

        let other = variable.replacen(&std::process::id().to_string(), "1", 1);
        for variable in ["", "1", "1:2", "a:b:c", &other, &Link::variable(-1, &[(0, false)])] {
            assert!(Link::inherited(Some(variable.as_ref())).is_none(), "{variable}");
        }
        assert!(Link::inherited(None).is_none());
    }
}
