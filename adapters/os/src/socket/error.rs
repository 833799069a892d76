//! Errors of sockets that the system does not report by itself, or not as clearly.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a socket is not usable. It is the inner error of an [`io::Error`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SocketError {
    /// Another program listens on the Unix socket.
    InUse,
    /// The file at the path is not a socket.
    NotASocket,
    /// The descriptor is not open.
    NotOpen,
    /// The descriptor is not a stream socket.
    NotAStream,
    /// The socket has no address.
    Unbound,
    /// The machine has no IPv6.
    NoIpv6,
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InUse => "another program listens on this socket: stop it, or choose another path",
            Self::NotASocket => "the file is not a socket: move it away, or choose another path",
            Self::NotOpen => "the descriptor is not open: have the parent process pass it on",
            Self::NotAStream => "the descriptor is not a stream socket: pass a TCP or Unix stream socket",
            Self::Unbound => "the socket has no address: have the parent process bind it",
            Self::NoIpv6 => "this machine has no IPv6: choose an IPv4 address, such as 0.0.0.0",
        })
    }
}

impl Error for SocketError {}

impl From<SocketError> for io::Error {
    fn from(error: SocketError) -> Self {
        let kind = match error {
            SocketError::InUse => io::ErrorKind::AddrInUse,
            SocketError::NotASocket => io::ErrorKind::AlreadyExists,
            SocketError::NotOpen | SocketError::NotAStream | SocketError::Unbound => {
                io::ErrorKind::InvalidInput
            }
            SocketError::NoIpv6 => io::ErrorKind::AddrNotAvailable,
        };
        Self::new(kind, error)
    }
}
