//! Sending a file without reading it.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};

/// Reads part of a file from `offset` on, for streams that change what they send. Returns the number of bytes, 0 at the end
/// of the file.
///
/// # Errors
/// Returns the errors of the system.
pub fn read_file(file: BorrowedFd<'_>, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match rustix::io::pread(file, &mut *buf, offset) {
            Err(rustix::io::Errno::INTR) => {}
            read => return Ok(read?),
        }
    }
}

/// The longest piece of a file that Linux hands to a socket at once.
#[cfg(target_os = "linux")]
const PIECE: usize = 64 * 1024;

/// Does what [`Stream::poll_send_file`](stelo_runtime::Stream::poll_send_file) does, once, on a non-blocking socket.
///
/// `MSG_MORE` holds `before` back until the file follows, so that both leave in the same packets.
///
/// Linux sends a file in pieces of 64 KiB, and without `TCP_CORK` the end of each leaves in a small packet of its own. On
/// loopback, where a packet holds 65,483 bytes, that doubles their number. So a longer range is sent corked.
///
/// # Errors
/// Returns the errors of the socket, among them `WouldBlock`; `Unsupported` if the system cannot send this file.
#[cfg(target_os = "linux")]
pub fn send_file(
    socket: impl AsFd,
    before: &[IoSlice<'_>],
    file: BorrowedFd<'_>,
    mut offset: u64,
    len: usize,
) -> io::Result<usize> {
    use rustix::io::Errno;
    use rustix::net::sockopt::set_tcp_cork;
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};

    let mut sent = 0;
    if !before.is_empty() {
        let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
        sent = sendmsg(&socket, before, &mut SendAncillaryBuffer::default(), flags)?;
        if sent < before.iter().map(|slice| slice.len()).sum() {
            return Ok(sent);
        }
    }
    // A Unix socket has no cork.
    let corked = len > PIECE && set_tcp_cork(&socket, true).is_ok();
    let file_sent = rustix::fs::sendfile(&socket, file, Some(&mut offset), len);
    if corked {
        // It fails only if the socket is broken, as the next call then reports.
        let _ = set_tcp_cork(&socket, false);
    }
    match file_sent {
        Ok(n) => Ok(sent + n),
        // The next call returns the error.
        Err(_) if sent > 0 => Ok(sent),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(io::ErrorKind::Unsupported.into()),
        Err(error) => Err(error.into()),
    }
}

/// Rejects every file: this system has no call for it that is used here.
///
/// # Errors
/// Always returns `Unsupported`.
#[cfg(not(target_os = "linux"))]
pub fn send_file(_: impl AsFd, _: &[IoSlice<'_>], _: BorrowedFd<'_>, _: u64, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
