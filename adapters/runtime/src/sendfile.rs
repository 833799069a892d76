//! Sending files without reading them, by the system call that all executors have in common.

use std::fs::File;
use std::io::{self, IoSlice};

/// What [`Stream::poll_send_file`](crate::Stream::poll_send_file) does, once, on a socket in non-blocking mode. `before` and
/// the file leave together: the system waits with the one until it has the other.
///
/// # Errors
/// Those of the socket, `WouldBlock` among them; `Unsupported` where the system cannot send this file.
#[cfg(target_os = "linux")]
pub fn send_file(
    socket: impl std::os::fd::AsFd,
    before: &[IoSlice<'_>],
    file: &File,
    mut offset: u64,
    len: usize,
) -> io::Result<usize> {
    use rustix::io::Errno;
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};

    let mut sent = 0;
    if !before.is_empty() {
        let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
        sent = sendmsg(&socket, before, &mut SendAncillaryBuffer::default(), flags)?;
        if sent < before.iter().map(|slice| slice.len()).sum() {
            return Ok(sent);
        }
    }
    match rustix::fs::sendfile(&socket, file, Some(&mut offset), len) {
        Ok(n) => Ok(sent + n),
        // The next call says so again.
        Err(_) if sent > 0 => Ok(sent),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(io::ErrorKind::Unsupported.into()),
        Err(error) => Err(error.into()),
    }
}

/// What [`Stream::poll_send_file`](crate::Stream::poll_send_file) does, where the system cannot.
///
/// # Errors
/// Always `Unsupported`.
#[cfg(not(target_os = "linux"))]
pub fn send_file<S>(_: S, _: &[IoSlice<'_>], _: &File, _: u64, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
