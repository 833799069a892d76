//! Writing to descriptors that may not accept bytes, and work at the end of the process.
//!
//! The log of the server uses it. It does not take the locks of [`std::io::Stdout`] and [`std::io::Stderr`]: the thread that
//! holds one may be stopped or wait for the log, and a process that is forked while the log holds one can never take it.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Returns the number of columns of the terminal that standard output is, if it is one.
pub fn columns() -> Option<usize> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the request writes one `winsize`, which `size` is.
    let result = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (result == 0 && size.ws_col > 0).then(|| size.ws_col.into())
}

/// Writes to a descriptor. Blocks until the descriptor accepts at least one byte, even if it is non-blocking.
///
/// # Errors
/// Returns the error of the system, never `Interrupted` or `WouldBlock`.
///
/// ```
/// use std::io::{self, Read};
/// use std::os::fd::AsFd;
///
/// let (mut reader, writer) = io::pipe()?;
/// assert_eq!(stelo_os::output::write(writer.as_fd(), b"line\n")?, 5);
/// drop(writer);
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "line\n");
/// # Ok::<(), io::Error>(())
/// ```
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    loop {
        // SAFETY: the descriptor is open for the time of the borrow, and the pointer is valid for reads of `len` bytes.
        let written = unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        if let Ok(written) = usize::try_from(written) {
            return Ok(written);
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            // The description is shared with another program, which has made it non-blocking.
            io::ErrorKind::WouldBlock => {
                poll(fd, -1);
            }
            _ => return Err(error),
        }
    }
}

/// Whether writes of some 16 KiB in all, such as those of a panic with its backtrace, would not block.
///
/// The system calls a pipe writable if a single page is free. So of a pipe three quarters must be free, and at least
/// 32 KiB in all.
pub fn has_room(fd: BorrowedFd<'_>) -> bool {
    let fits = |(queued, capacity): (usize, usize)| capacity >= 32 * 1024 && queued <= capacity / 4;
    poll(fd, 0) && pipe(fd).is_none_or(fits)
}

/// Returns the number of bytes in a pipe and its capacity; `None` if the descriptor is no pipe.
fn pipe(fd: BorrowedFd<'_>) -> Option<(usize, usize)> {
    let mut status = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the descriptor is open for the time of the borrow, and the pointer is valid for a write of the structure.
    let known = unsafe { libc::fstat(fd.as_raw_fd(), status.as_mut_ptr()) } == 0;
    // SAFETY: all fields are initialized, because `fstat` has succeeded.
    if !known || unsafe { status.assume_init() }.st_mode & libc::S_IFMT != libc::S_IFIFO {
        return None;
    }
    let mut queued: libc::c_int = 0;
    // SAFETY: the descriptor is open for the time of the borrow, and the request writes one `int`.
    if unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut queued) } != 0 {
        return None;
    }
    Some((usize::try_from(queued).ok()?, capacity(fd)))
}

/// Returns the capacity of a pipe. A user with many pipes gets small ones.
#[cfg(target_os = "linux")]
fn capacity(fd: BorrowedFd<'_>) -> usize {
    // SAFETY: the descriptor is open for the time of the borrow, and the command has no argument.
    usize::try_from(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETPIPE_SZ) }).unwrap_or(0)
}

/// Returns the capacity that a pipe grows to.
#[cfg(not(target_os = "linux"))]
fn capacity(_: BorrowedFd<'_>) -> usize {
    64 * 1024
}

/// Waits until the descriptor is writable or has an error, for `timeout` milliseconds; without end if it is negative.
fn poll(fd: BorrowedFd<'_>, timeout: libc::c_int) -> bool {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    // SAFETY: the pointer is valid for one entry, and the descriptor is open for the time of the borrow.
    let ready = unsafe { libc::poll(&raw mut entry, 1, timeout) };
    ready > 0
}

/// Calls `work` when the process ends by the end of `main` or by [`std::process::exit`]; not if a signal ends it. `work`
/// must not panic.
///
/// # Errors
/// The list of the system is full.
pub fn at_exit(work: extern "C" fn()) -> io::Result<()> {
    // SAFETY: `work` is a function, so it is valid until the process ends, and it can be called from any thread.
    match unsafe { libc::atexit(work) } {
        0 => Ok(()),
        _ => Err(io::ErrorKind::OutOfMemory.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Fills a socket, which then accepts nothing.
    fn fill(socket: &UnixStream) -> usize {
        socket.set_nonblocking(true).unwrap();
        let mut sent = 0;
        while let Ok(n) = io::Write::write(&mut &*socket, &[b'x'; 4096]) {
            sent += n;
        }
        sent
    }

    #[test]
    fn a_full_descriptor_has_no_room() {
        let (_reader, writer) = UnixStream::pair().unwrap();
        assert!(has_room(writer.as_fd()));
        fill(&writer);
        assert!(!has_room(writer.as_fd()));
    }

    #[test]
    fn a_pipe_that_is_half_full_has_no_room() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        assert!(has_room(writer.as_fd()));
        io::Write::write_all(&mut writer, &[b'x'; 32 * 1024]).unwrap();
        assert!(poll(writer.as_fd(), 0), "the system calls it writable");
        assert!(!has_room(writer.as_fd()));
        reader.read_exact(&mut [0; 32 * 1024]).unwrap();
        assert!(has_room(writer.as_fd()));
    }

    #[test]
    fn a_write_to_a_non_blocking_descriptor_waits() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        let filled = fill(&writer);
        let thread = std::thread::spawn(move || write(writer.as_fd(), b"the end").unwrap());
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(thread.join().unwrap(), 7);
        assert_eq!(all.len(), filled + 7);
    }

    #[test]
    fn a_closed_pipe_is_an_error() {
        let (reader, writer) = UnixStream::pair().unwrap();
        drop(reader);
        assert_eq!(write(writer.as_fd(), b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
