//! Takes over an inherited descriptor by its number.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::{FdFlags, fcntl_setfd};

use super::SocketError;

/// Duplicates the descriptor with this number, close-on-exec. Leaves the original open.
pub(crate) fn duplicate(number: i32) -> io::Result<OwnedFd> {
    borrow(number, |descriptor| descriptor.try_clone_to_owned())
}

/// Makes the descriptor with this number close-on-exec.
pub(crate) fn seal(number: i32) -> io::Result<()> {
    borrow(number, |descriptor| Ok(fcntl_setfd(descriptor, FdFlags::CLOEXEC)?))
}

/// Makes one of two system calls on the descriptor with this number.
fn borrow<T>(number: i32, call: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>) -> io::Result<T> {
    if number < 0 {
        return Err(SocketError::NotOpen.into());
    }
    // SAFETY: `borrow_raw` requires that the number is not -1 (checked) and that the descriptor stays open while it is
    // borrowed. The borrow lasts for one system call, and that call is the check: `F_DUPFD_CLOEXEC` takes another
    // reference to the open file, `F_SETFD` sets a flag, and both fail with `EBADF` if it is closed. Neither reads,
    // writes or closes anything, so they do no harm to a descriptor that belongs to other code of this process.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    call(borrowed).map_err(|error| match error.raw_os_error() {
        Some(libc::EBADF) => SocketError::NotOpen.into(),
        _ => error,
    })
}
