//! Waits for several descriptors at once, for a program without an executor.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Blocks until one of the descriptors can be read or has ended, or until the timeout. Returns which of them are so.
///
/// A signal ends the wait early, with no descriptor.
///
/// # Errors
/// Returns the errors of the system.
///
/// ```
/// use std::io::Write;
/// use std::os::fd::AsFd;
/// use std::os::unix::net::UnixStream;
/// use std::time::Duration;
///
/// let (mut one, other) = UnixStream::pair()?;
/// assert_eq!(stelo_os::readable(&[other.as_fd()], Some(Duration::ZERO))?, [false]);
/// one.write_all(b"!")?;
/// assert_eq!(stelo_os::readable(&[one.as_fd(), other.as_fd()], None)?, [false, true]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn readable(descriptors: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut polled: Vec<_> =
        descriptors.iter().map(|descriptor| PollFd::from_borrowed_fd(*descriptor, PollFlags::IN)).collect();
    // A timeout that the system cannot represent is longer than a process lives.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) => Ok(polled.iter().map(|polled| !polled.revents().is_empty()).collect()),
        Err(rustix::io::Errno::INTR) => Ok(vec![false; descriptors.len()]),
        Err(error) => Err(error.into()),
    }
}
