//! Listening sockets, bound in the same way for every adapter.
//!
//! A [`Socket`] is bound, but does not listen. [`Socket::listen`] turns it into a non-blocking [`Listener`] of the
//! standard library, which an adapter registers with its reactor. This module also owns the files of Unix sockets, and
//! converts the addresses of sockets.

mod abstract_name;
mod adopt;
mod connect;
mod error;
mod socket_file;
#[cfg(test)]
mod tests;

use std::io;
#[cfg(not(target_os = "linux"))]
use std::io::Write;
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::RecvFlags;
#[cfg(target_os = "linux")]
use rustix::net::SendFlags;
use socket2::{Domain, Protocol, SockAddr, SockRef, TcpKeepalive, Type};
use stelo_runtime::{Address, Bind, KeepAlive};

pub use abstract_name::is_abstract;
use abstract_name::{unix_address, unix_path};
pub(crate) use adopt::{duplicate, seal};
pub use connect::{Connecting, connect, connected};
pub use error::SocketError;
pub use socket_file::SocketFile;

/// A stream socket that is bound, but does not listen yet.
///
/// ```
/// use stelo_os::socket::Socket;
/// use stelo_runtime::Bind;
///
/// let socket = Socket::bind(&Bind::Tcp("127.0.0.1:0".parse()?))?;
/// println!("bound to {}", socket.local_address()?);
/// let listener = socket.listen(128)?;
/// # drop(listener);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub enum Socket {
    /// A TCP socket that this process has bound.
    Tcp(socket2::Socket),
    /// A Unix socket that this process has bound, and its file.
    Unix(Arc<SocketFile>, socket2::Socket),
    /// A TCP or Unix socket inherited from the parent process, or a Unix socket without a file.
    Inherited(socket2::Socket),
}

/// A listening socket in non-blocking mode.
#[derive(Debug)]
pub enum Listener {
    /// A TCP listener, and the local address of its connections, unless it listens at every address of the machine.
    Tcp(TcpListener, Option<Arc<SocketAddr>>),
    /// A Unix listener, and its file if this process has bound it. Drop the file first: while the socket listens, no
    /// other program replaces the file.
    Unix(Option<Arc<SocketFile>>, UnixListener),
}

impl Socket {
    /// Binds a socket.
    ///
    /// # Errors
    /// Returns the errors of the system, and [`SocketError`] inside an [`io::Error`].
    pub fn bind(bind: &Bind) -> io::Result<Self> {
        match bind {
            Bind::Tcp(address) => bind_tcp(*address, true, false).map(Self::Tcp),
            Bind::DualStack(port) => {
                bind_tcp((Ipv6Addr::UNSPECIFIED, *port).into(), false, false).map(Self::Tcp)
            }
            // Without a file it is as one of another process.
            Bind::Unix(path) if is_abstract(path) => bind_abstract(path).map(Self::Inherited),
            Bind::Unix(path) => {
                let (socket, file) = socket_file::bind(path)?;
                Ok(Self::Unix(Arc::new(file), socket))
            }
            Bind::Fd(fd) => inherited(*fd).map(Self::Inherited),
        }
    }

    /// Returns a socket that another process has bound as [`bind`](Self::bind) does, and handed over. It may listen already.
    /// The file of a Unix socket is left to the other process until [`set_file_removed`](Self::set_file_removed).
    ///
    /// # Errors
    /// Returns the errors of the system, and [`SocketError`] inside an [`io::Error`].
    pub fn adopt(bind: &Bind, descriptor: OwnedFd) -> io::Result<Self> {
        let socket = bound(socket2::Socket::from(descriptor))?;
        Ok(match bind {
            Bind::Tcp(_) | Bind::DualStack(_) => Self::Tcp(socket),
            Bind::Unix(path) if !is_abstract(path) => {
                Self::Unix(Arc::new(SocketFile::of_another(path)?), socket)
            }
            Bind::Unix(_) | Bind::Fd(_) => Self::Inherited(socket),
        })
    }

    /// Sets whether the file of a Unix socket that this process has bound is removed in the end.
    pub fn set_file_removed(&self, removed: bool) {
        if let Self::Unix(file, _) = self {
            file.set_removed(removed);
        }
    }

    /// Returns another socket at the same address, for another thread: see
    /// [`Runtime::share`](stelo_runtime::Runtime::share).
    ///
    /// # Errors
    /// Returns an error if the system refuses.
    pub fn share(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(socket) => {
                // Set after `bind`: without the option, `bind` fails if the address is in use.
                socket.set_reuse_port(true)?;
                let address = socket.local_addr()?.as_socket().ok_or(SocketError::Unbound)?;
                let only_v6 = address.is_ipv6() && socket.only_v6()?;
                bind_tcp(address, only_v6, true).map(Self::Tcp)
            }
            Self::Unix(file, socket) => Ok(Self::Unix(Arc::clone(file), socket.try_clone()?)),
            Self::Inherited(socket) => socket.try_clone().map(Self::Inherited),
        }
    }

    /// Sets TCP keep-alive. Accepted connections inherit it from their listener: see `tcp_create_openreq_child` of Linux
    /// and `syncache_socket` of FreeBSD. Does nothing for Unix sockets. Times are rounded up to whole seconds.
    ///
    /// # Errors
    /// Returns an error if the system refuses the values.
    pub fn set_keep_alive(&self, keep_alive: KeepAlive) -> io::Result<()> {
        let (Self::Tcp(socket) | Self::Inherited(socket)) = self else { return Ok(()) };
        if socket.local_addr()?.is_unix() {
            return Ok(());
        }
        let whole = |time: Duration| Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0));
        let options = TcpKeepalive::new()
            .with_time(whole(keep_alive.idle))
            .with_interval(whole(keep_alive.interval))
            .with_retries(keep_alive.probes);
        socket.set_tcp_keepalive(&options)
    }

    /// Starts to listen. `backlog` limits the connections that wait to be accepted; the system may have a lower limit.
    ///
    /// # Errors
    /// Returns the errors of the system; `AddrInUse` if another socket was bound to the address at the same time.
    pub fn listen(self, backlog: u32) -> io::Result<Listener> {
        let (socket, file) = match self {
            Self::Tcp(socket) | Self::Inherited(socket) => (socket, None),
            Self::Unix(file, socket) => (socket, Some(file)),
        };
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        socket.set_nonblocking(true)?;
        let name = socket.local_addr()?;
        if name.is_unix() {
            return Ok(Listener::Unix(file, socket.into()));
        }
        socket.set_tcp_nodelay(true)?;
        let address = name.as_socket().filter(|address| !address.ip().is_unspecified()).map(Arc::new);
        Ok(Listener::Tcp(socket.into(), address))
    }

    /// Returns the address that the socket is bound to.
    ///
    /// # Errors
    /// Returns an error if the system refuses.
    pub fn local_address(&self) -> io::Result<Address> {
        local_address(self)?.ok_or_else(|| SocketError::Unbound.into())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        let (Self::Tcp(socket) | Self::Unix(_, socket) | Self::Inherited(socket)) = self;
        socket.as_fd()
    }
}

fn bind_tcp(address: SocketAddr, only_v6: bool, reuse_port: bool) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP));
    let socket = socket.map_err(|error| match error.raw_os_error() {
        Some(libc::EAFNOSUPPORT) if address.is_ipv6() => SocketError::NoIpv6.into(),
        _ => error,
    })?;
    // Lets a restarted server bind while connections of the old one are in TIME-WAIT.
    socket.set_reuse_address(true)?;
    if reuse_port {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        // The default differs between systems, and on Linux is a setting of the machine.
        socket.set_only_v6(only_v6)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn bind_abstract(path: &Path) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&unix_address(path)?)?;
    Ok(socket)
}

fn inherited(fd: i32) -> io::Result<socket2::Socket> {
    bound(socket2::Socket::from(duplicate(fd)?))
}

/// Checks that a descriptor of another process is a stream socket with an address.
fn bound(socket: socket2::Socket) -> io::Result<socket2::Socket> {
    // Fails for a descriptor that is not a socket.
    if !socket.r#type().is_ok_and(|kind| kind == Type::STREAM) {
        return Err(SocketError::NotAStream.into());
    }
    match address(&socket.local_addr()?) {
        None => Err(SocketError::Unbound.into()),
        Some(Address::Ip(address)) if address.port() == 0 => Err(SocketError::Unbound.into()),
        Some(_) => Ok(socket),
    }
}

/// The addresses of a TCP connection.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The address of the peer.
    pub peer: SocketAddr,
    /// The local address, if the [listener](Listener::Tcp) knows it. Shared, because it is larger than a pointer.
    pub local: Option<Arc<SocketAddr>>,
}

/// Sets `TCP_NODELAY` on an accepted connection, so that small writes leave at once.
///
/// # Errors
/// Returns an error if the connection is gone.
pub fn set_nodelay(connection: &impl AsFd) -> io::Result<()> {
    // On Linux, a connection inherits the option from its listener.
    if cfg!(any(target_os = "linux", target_os = "android")) {
        return Ok(());
    }
    SockRef::from(connection).set_tcp_nodelay(true)
}

/// Reads from a non-blocking stream socket, without the readiness that an executor has noted.
///
/// # Errors
/// Returns `WouldBlock` if there is nothing to read, and the errors of the socket.
#[inline]
pub fn read(socket: &impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
    // On Linux, rustix makes the system call itself, without the thread cancellation that the C library has around it.
    let (read, _) = rustix::net::recv(socket, buf, RecvFlags::empty())?;
    Ok(read)
}

/// Writes to a non-blocking stream socket, without the readiness that an executor has noted.
///
/// # Errors
/// Returns `WouldBlock` if the socket accepts nothing, and the errors of the socket.
#[inline]
pub fn write(socket: &impl AsFd, buf: &[u8]) -> io::Result<usize> {
    // As for reading. Only a call with this flag cannot end the process by a signal.
    #[cfg(target_os = "linux")]
    return Ok(rustix::net::send(socket, buf, SendFlags::NOSIGNAL)?);
    #[cfg(not(target_os = "linux"))]
    (&*SockRef::from(socket)).write(buf)
}

/// Returns the local address of a socket; `None` for a Unix socket without a name.
///
/// # Errors
/// Returns an error if the system refuses.
pub fn local_address(socket: &impl AsFd) -> io::Result<Option<Address>> {
    Ok(address(&SockRef::from(socket).local_addr()?))
}

/// Returns the address of the peer of a socket; `None` for a Unix socket without a name.
///
/// # Errors
/// Returns an error if the socket is not connected.
pub fn peer_address(socket: &impl AsFd) -> io::Result<Option<Address>> {
    Ok(address(&SockRef::from(socket).peer_addr()?))
}

fn address(name: &SockAddr) -> Option<Address> {
    if let Some(address) = name.as_socket() {
        return Some(address.into());
    }
    unix_path(name).map(|path| Address::Unix(path.into()))
}
