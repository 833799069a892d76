//! Outgoing connections, without blocking.
//!
//! [`connect`] starts the attempt. The adapter registers the socket with its reactor, and calls [`connected`] each time
//! the socket may have become writable.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use stelo_runtime::Address;

/// A socket in non-blocking mode that is connected, or about to be.
#[derive(Debug)]
pub enum Connecting {
    /// A TCP socket, and the address of the peer.
    Tcp(TcpStream, SocketAddr),
    /// A Unix socket.
    Unix(UnixStream),
}

/// Starts to connect.
///
/// # Errors
/// Returns the errors of the system, as far as it knows them at once.
pub fn connect(address: &Address) -> io::Result<Connecting> {
    Ok(match address {
        Address::Ip(peer) => {
            let socket = Socket::new(Domain::for_address(*peer), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_tcp_nodelay(true)?;
            start(&socket, &(*peer).into())?;
            Connecting::Tcp(socket.into(), *peer)
        }
        Address::Unix(path) => {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            start(&socket, &super::unix_address((**path).as_ref())?)?;
            Connecting::Unix(socket.into())
        }
        // It names a client of a proxy, and cannot be connected to.
        Address::Name(_) => return Err(io::ErrorKind::InvalidInput.into()),
    })
}

fn start(socket: &Socket, address: &SockAddr) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    match socket.connect(address) {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(()),
        result => result,
    }
}

/// Checks whether the socket is connected.
///
/// # Errors
/// Returns `WouldBlock` while the attempt is in progress, and the error of an attempt that has failed.
pub fn connected(socket: &impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(socket);
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => Err(error),
    }
}
