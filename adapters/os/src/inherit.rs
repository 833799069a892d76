//! Descriptors that a child process inherits.
//!
//! Descriptors are close-on-exec, except those that [`pass_on`] changes. The child learns their numbers by other means,
//! and calls [`keep`] before it starts processes of its own.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::SendFlags;

use crate::socket::{duplicate, seal};

/// Lets the child processes that start from now on inherit a descriptor. Returns its number.
///
/// # Errors
/// Returns the errors of the system.
pub fn pass_on(descriptor: &impl AsFd) -> io::Result<i32> {
    let descriptor = descriptor.as_fd();
    fcntl_setfd(descriptor, FdFlags::empty())?;
    Ok(descriptor.as_raw_fd())
}

/// Keeps an inherited descriptor from the child processes that start from now on.
///
/// # Errors
/// Returns an error if the descriptor is not open.
pub fn keep(number: i32) -> io::Result<()> {
    seal(number)
}

/// Returns a duplicate of an inherited socket, which is close-on-exec. Leaves the original as it is.
///
/// # Errors
/// Returns an error if the descriptor is not open.
pub fn socket(number: i32) -> io::Result<UnixStream> {
    duplicate(number).map(UnixStream::from)
}

/// Returns the process that has created a socket pair, given one of its ends.
///
/// # Errors
/// Returns an error if the socket is not local.
pub fn creator(socket: &UnixStream) -> io::Result<u32> {
    let credentials = rustix::net::sockopt::socket_peercred(socket)?;
    Ok(credentials.pid.as_raw_nonzero().get().unsigned_abs())
}

/// Writes bytes to a socket without waiting for room.
///
/// # Errors
/// Returns [`WouldBlock`](io::ErrorKind::WouldBlock) if the other end reads too slowly, and the errors of the system.
pub fn write_now(socket: &UnixStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
}

#[cfg(test)]
mod tests {
    use rustix::io::fcntl_getfd;

    use super::*;

    #[test]
    fn a_descriptor_is_inherited_once() {
        let (one, other) = UnixStream::pair().unwrap();
        let number = pass_on(&one).unwrap();
        assert_eq!(fcntl_getfd(&one).unwrap(), FdFlags::empty());
        let taken = socket(number).unwrap();
        assert_eq!(fcntl_getfd(&taken).unwrap(), FdFlags::CLOEXEC);
        keep(number).unwrap();
        assert_eq!(fcntl_getfd(&one).unwrap(), FdFlags::CLOEXEC);
        assert_eq!(creator(&taken).unwrap(), std::process::id());
        assert_eq!(creator(&other).unwrap(), std::process::id());
        assert!(keep(-1).is_err() && socket(-1).is_err());
    }

    #[test]
    fn a_socket_that_is_full_or_closed_is_an_error() {
        let (one, other) = UnixStream::pair().unwrap();
        let error = std::iter::repeat_with(|| write_now(&one, &[1])).find_map(Result::err);
        assert_eq!(error.unwrap().kind(), io::ErrorKind::WouldBlock);
        drop(other);
        assert_eq!(write_now(&one, &[1]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
