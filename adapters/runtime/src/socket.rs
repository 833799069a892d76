//! Listening sockets of the operating system, bound in one way for every adapter.
//!
//! A [`Socket`] is bound, but does not listen; [`Socket::listen`] turns it into a [`Listener`] of the standard library
//! in non-blocking mode, which an adapter hands to its executor. The life of a Unix socket's file is looked after here
//! too, and so is the way from a socket's name to an [`Address`].

mod adopt;
mod file;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use socket2::{Domain, Protocol, SockAddr, SockRef, Type};

pub use file::SocketFile;

use crate::{Address, Bind};

/// A stream socket that is bound, but does not listen yet.
///
/// ```
/// use stelo_runtime::Bind;
/// use stelo_runtime::socket::Socket;
///
/// let address = "127.0.0.1:0".parse()?;
/// let socket = Socket::bind(&Bind::Tcp { address, reuse_port: false })?;
/// println!("bound to {}", socket.local_address()?);
/// let listener = socket.listen(128)?;
/// # drop(listener);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub enum Socket {
    /// A TCP socket of ours.
    Tcp(socket2::Socket),
    /// A Unix socket of ours, and its file.
    Unix(Arc<SocketFile>, socket2::Socket),
    /// A socket inherited from the parent process: TCP or Unix.
    Adopted(socket2::Socket),
}

/// A socket that listens, in non-blocking mode.
#[derive(Debug)]
pub enum Listener {
    /// TCP, and the address that its connections are at: known unless it listens at every address of the machine.
    Tcp(TcpListener, Option<SocketAddr>),
    /// Unix, and the file, if it is ours. The file is to be dropped first: while somebody listens, nobody replaces it.
    Unix(Option<Arc<SocketFile>>, UnixListener),
}

impl Socket {
    /// Binds a socket.
    ///
    /// # Errors
    /// Those of the system, and [`SocketError`] in an [`io::Error`].
    pub fn bind(bind: &Bind) -> io::Result<Self> {
        match bind {
            Bind::Tcp { address, reuse_port } => bind_tcp(*address, *reuse_port).map(Self::Tcp),
            Bind::Unix(path) => {
                let (socket, file) = file::bind(path)?;
                Ok(Self::Unix(Arc::new(file), socket))
            }
            Bind::Fd(fd) => adopt(*fd).map(Self::Adopted),
        }
    }

    /// Another socket at the same address, for another thread: see [`Runtime::share`](crate::Runtime::share).
    ///
    /// # Errors
    /// The system refuses.
    pub fn share(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(socket) => {
                // Set only now: a socket that is bound without it notices that the address is taken.
                socket.set_reuse_port(true)?;
                let address = socket.local_addr()?.as_socket().ok_or(SocketError::Unbound)?;
                bind_tcp(address, true).map(Self::Tcp)
            }
            Self::Unix(file, socket) => Ok(Self::Unix(Arc::clone(file), socket.try_clone()?)),
            Self::Adopted(socket) => socket.try_clone().map(Self::Adopted),
        }
    }

    /// Listens. `backlog` is how many connections may wait to be accepted; the system may have a lower limit.
    ///
    /// # Errors
    /// The system refuses; `AddrInUse` where another socket was bound to the address at the same time.
    pub fn listen(self, backlog: u32) -> io::Result<Listener> {
        let (socket, file) = match self {
            Self::Tcp(socket) | Self::Adopted(socket) => (socket, None),
            Self::Unix(file, socket) => (socket, Some(file)),
        };
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        socket.set_nonblocking(true)?;
        let name = socket.local_addr()?;
        if name.is_unix() {
            return Ok(Listener::Unix(file, socket.into()));
        }
        socket.set_tcp_nodelay(true)?;
        let address = name.as_socket().filter(|address| !address.ip().is_unspecified());
        Ok(Listener::Tcp(socket.into(), address))
    }

    /// The address that the socket is bound to.
    ///
    /// # Errors
    /// The system refuses.
    pub fn local_address(&self) -> io::Result<Address> {
        let (Self::Tcp(socket) | Self::Unix(_, socket) | Self::Adopted(socket)) = self;
        local_address(socket)?.ok_or_else(|| SocketError::Unbound.into())
    }
}

fn bind_tcp(address: SocketAddr, reuse_port: bool) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier server may still be closing.
    socket.set_reuse_address(true)?;
    if reuse_port {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn adopt(fd: i32) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::from(adopt::duplicate(fd)?);
    // Where the descriptor is no socket at all, the system says so.
    if !socket.r#type().is_ok_and(|kind| kind == Type::STREAM) {
        return Err(SocketError::NotAStream.into());
    }
    match address(&socket.local_addr()?) {
        None => Err(SocketError::Unbound.into()),
        Some(Address::Ip(address)) if address.port() == 0 => Err(SocketError::Unbound.into()),
        Some(_) => Ok(socket),
    }
}

/// The two ends of a TCP connection.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// That of the peer.
    pub peer: SocketAddr,
    /// Ours, if it is that of the [listener](Listener::Tcp).
    pub local: Option<SocketAddr>,
}

/// Has small writes of an accepted TCP connection sent at once.
///
/// # Errors
/// The connection is gone.
pub fn set_nodelay(connection: &impl AsFd) -> io::Result<()> {
    // On Linux, connections have it from their listener.
    if cfg!(any(target_os = "linux", target_os = "android")) {
        return Ok(());
    }
    SockRef::from(connection).set_tcp_nodelay(true)
}

/// The address of our end of a socket; `None` for a Unix socket without a name.
///
/// # Errors
/// The system refuses.
pub fn local_address(socket: &impl AsFd) -> io::Result<Option<Address>> {
    Ok(address(&SockRef::from(socket).local_addr()?))
}

/// The address of the peer's end of a socket; `None` for a Unix socket without a name.
///
/// # Errors
/// It is no longer connected.
pub fn peer_address(socket: &impl AsFd) -> io::Result<Option<Address>> {
    Ok(address(&SockRef::from(socket).peer_addr()?))
}

fn address(name: &SockAddr) -> Option<Address> {
    if let Some(address) = name.as_socket() {
        return Some(Address::Ip(address));
    }
    name.as_pathname().map(|path| Address::Unix(path.to_string_lossy().into()))
}

/// Why a socket was not taken, where the system itself would not have said it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SocketError {
    /// Somebody listens on the Unix socket.
    InUse,
    /// What is at the path is not a socket.
    NotASocket,
    /// The descriptor is not open.
    NotOpen,
    /// The descriptor is not a stream socket.
    NotAStream,
    /// The socket has no address.
    Unbound,
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InUse => "another program listens on this socket: stop it, or choose another path",
            Self::NotASocket => "the file is not a socket: move it away, or choose another path",
            Self::NotOpen => "the descriptor is not open: have the parent process pass it on",
            Self::NotAStream => "the descriptor is not a stream socket: pass a TCP or Unix stream socket",
            Self::Unbound => "the socket has no address: have the parent process bind it",
        })
    }
}

impl std::error::Error for SocketError {}

impl From<SocketError> for io::Error {
    fn from(error: SocketError) -> Self {
        let kind = match error {
            SocketError::InUse => io::ErrorKind::AddrInUse,
            SocketError::NotASocket => io::ErrorKind::AlreadyExists,
            SocketError::NotOpen | SocketError::NotAStream | SocketError::Unbound => {
                io::ErrorKind::InvalidInput
            }
        };
        Self::new(kind, error)
    }
}
