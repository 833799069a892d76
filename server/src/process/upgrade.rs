//! The replacement of a supervisor by a new one (`SIGUSR2`).
//!
//! The old supervisor executes the program at its path, and sends it the listening sockets over a socket pair. The new one
//! takes those that its settings name, and opens others. It writes a byte when its first worker is ready; then the old one
//! drains. If the new one ends before that, nothing has changed.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};

use stelo_os::socket::Socket;
use stelo_os::{hand_over, inherit};
use stelo_runtime::Bind;

use super::link::Link;
use crate::Listen;
use crate::sockets::{Bound, HandedOver};

/// The sockets of a supervisor.
pub(super) type Sockets = Vec<Bound<Socket>>;

/// A new supervisor, as the old one sees it.
pub(super) struct Successor {
    pub(super) child: Child,
    control: UnixStream,
}

impl Successor {
    /// Starts a new supervisor.
    pub(super) fn start(
        command: &mut Command,
        sockets: &Sockets,
        admin: Option<(&Bind, &Socket)>,
    ) -> io::Result<Self> {
        let (control, inherited) = UnixStream::pair()?;
        let all = sockets.iter().map(|bound| (Use::Application, &bound.bind, &bound.socket));
        let all = all.chain(admin.map(|(bind, socket)| (Use::Admin, bind, socket)));
        let (names, descriptors): (Vec<_>, Vec<_>) =
            all.map(|(of, bind, socket)| ((of, bind), socket.as_fd())).unzip();
        hand_over::send(&control, &encode(names), &descriptors)?;
        let number = inherit::pass_on(&inherited)?;
        let variable = format!("{}:{number}", std::process::id());
        let child = command.env(Upgrade::VARIABLE, variable).env_remove(Link::VARIABLE).spawn()?;
        Ok(Self { child, control })
    }

    /// Returns the socket to wait for.
    pub(super) fn socket(&self) -> &UnixStream {
        &self.control
    }

    /// Whether the new supervisor has a ready worker, after the socket has become readable. If it has not, it ends.
    pub(super) fn is_ready(&self) -> bool {
        matches!((&self.control).read(&mut [0]), Ok(1))
    }
}

/// The sockets that a new supervisor has from the old one, and the link to it.
#[derive(Debug)]
pub(crate) struct Upgrade {
    control: UnixStream,
    sockets: HandedOver,
    /// The socket of `--admin`.
    admin: Option<(Bind, Socket)>,
}

impl Upgrade {
    /// The variable that makes a process a new supervisor. It is not a setting.
    pub(crate) const VARIABLE: &str = "_STELO_UPGRADE";

    /// Returns the sockets of the old supervisor, if the process is a new one. Programs that it starts inherit the variable,
    /// but not the socket.
    pub(crate) fn inherited(variable: Option<&OsStr>) -> Option<Self> {
        let (supervisor, number) = variable?.to_str()?.split_once(':')?;
        let number = number.parse().ok()?;
        let control = inherit::socket(number).ok()?;
        if inherit::creator(&control).ok()? != supervisor.parse::<u32>().ok()? {
            return None;
        }
        inherit::keep(number).ok()?;
        let (bytes, descriptors) = hand_over::receive(&control).ok()?;
        let (mut sockets, mut admin) = (Vec::new(), None);
        for ((of, bind), descriptor) in decode(&bytes)?.into_iter().zip(descriptors) {
            let socket = Socket::adopt(&bind, descriptor).ok()?;
            match of {
                Use::Application => sockets.push((bind, socket)),
                Use::Admin => admin = Some((bind, socket)),
            }
        }
        Some(Self { control, sockets, admin })
    }

    /// Returns the sockets that the old supervisor had inherited, if it had only such. Their numbers are no longer valid, but
    /// name them.
    pub(crate) fn descriptors(&self) -> Option<Vec<Listen>> {
        let number = |(bind, _): &(Bind, Socket)| match bind {
            Bind::Fd(number) => Some(Listen::Descriptor(*number)),
            _ => None,
        };
        self.sockets.iter().map(number).collect()
    }

    /// Splits into the sockets, that of `--admin`, and what tells the old supervisor.
    pub(super) fn split(self) -> (HandedOver, Option<(Bind, Socket)>, TakeOver) {
        (self.sockets, self.admin, TakeOver(self.control))
    }
}

/// Tells the old supervisor that a worker is ready.
pub(super) struct TakeOver(UnixStream);

impl TakeOver {
    pub(super) fn tell(self) {
        // Fails if the old supervisor has ended, which leaves nothing to take over from.
        let _ = (&self.0).write_all(&[1]);
    }
}

/// The purpose of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    Application,
    Admin,
}

/// Writes what the settings call the sockets. A zero byte ends each, because paths cannot contain one.
fn encode<'a>(names: impl IntoIterator<Item = (Use, &'a Bind)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (of, bind) in names {
        bytes.extend((of == Use::Admin).then_some(b'a'));
        match bind {
            Bind::Tcp(address) => bytes.extend(format!("t{address}").bytes()),
            Bind::DualStack(port) => bytes.extend(format!("d{port}").bytes()),
            Bind::Unix(path) => {
                bytes.push(b'u');
                bytes.extend(path.as_os_str().as_bytes());
            }
            Bind::Fd(number) => bytes.extend(format!("f{number}").bytes()),
        }
        bytes.push(0);
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Vec<(Use, Bind)>> {
    let read = |bytes: &[u8]| {
        let (of, bytes) = match bytes.strip_prefix(b"a") {
            Some(rest) => (Use::Admin, rest),
            None => (Use::Application, bytes),
        };
        let (kind, rest) = bytes.split_first()?;
        let text = str::from_utf8(rest).ok();
        let bind = match kind {
            b't' => Bind::Tcp(text?.parse().ok()?),
            b'd' => Bind::DualStack(text?.parse().ok()?),
            b'u' => Bind::Unix(OsString::from_vec(rest.to_vec()).into()),
            b'f' => Bind::Fd(text?.parse().ok()?),
            _ => return None,
        };
        Some((of, bind))
    };
    bytes.strip_suffix(&[0])?.split(|byte| *byte == 0).map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn sockets_are_handed_over_with_their_names() {
        let tcp = Bind::Tcp("127.0.0.1:0".parse().unwrap());
        let socket = Socket::bind(&tcp).unwrap();
        let address = socket.local_address().unwrap();
        let (old, new) = UnixStream::pair().unwrap();
        let names = [(Use::Application, &tcp), (Use::Admin, &tcp)];
        hand_over::send(&old, &encode(names), &[socket.as_fd(), socket.as_fd()]).unwrap();
        let variable = format!("{}:{}", std::process::id(), new.as_raw_fd());
        let upgrade = Upgrade::inherited(Some(variable.as_ref())).unwrap();
        assert_eq!(upgrade.descriptors(), None);
        let (sockets, admin, take_over) = upgrade.split();
        assert_eq!(sockets.len(), 1);
        for (bind, socket) in sockets.iter().chain(&admin) {
            assert_eq!((bind, socket.local_address().unwrap()), (&tcp, address.clone()));
        }
        assert!(admin.is_some());
        take_over.tell();
        assert!(matches!((&old).read(&mut [0]), Ok(1)));

        let other = variable.replacen(&std::process::id().to_string(), "1", 1);
        for variable in ["", "1", "a:b", "1:-1", &other] {
            assert!(Upgrade::inherited(Some(variable.as_ref())).is_none(), "{variable}");
        }
        assert!(Upgrade::inherited(None).is_none());
    }

    #[test]
    fn every_kind_of_socket_has_a_name() {
        let binds = [
            Bind::Tcp("[::1]:80".parse().unwrap()),
            Bind::DualStack(8000),
            Bind::Unix("/run/a b".into()),
            Bind::Fd(3),
        ];
        for of in [Use::Application, Use::Admin] {
            let names: Vec<_> = binds.iter().map(|bind| (of, bind.clone())).collect();
            assert_eq!(decode(&encode(names.iter().map(|(of, bind)| (*of, bind)))), Some(names));
        }
        for bytes in [&b""[..], b"t", b"a\0", b"t\0", b"x1\0", b"d70000\0", b"\0"] {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }
}
