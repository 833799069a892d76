//! Takes over an inherited descriptor by its number.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use super::SocketError;

/// Duplicates the descriptor with this number, close-on-exec. Leaves the original open.
pub(super) fn duplicate(number: i32) -> io::Result<OwnedFd> {
    if number < 0 {
        return Err(SocketError::NotOpen.into());
    }
    // SAFETY: `borrow_raw` requires that the number is not -1 (checked) and that the descriptor stays open while it is
    // borrowed. The borrow lasts for one system call, and that call is the check: `F_DUPFD_CLOEXEC` takes another
    // reference to the open file, or fails with `EBADF`. It does not read, write or close anything, so it does no harm
    // to a descriptor that belongs to other code of this process.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    borrowed.try_clone_to_owned().map_err(|error| match error.raw_os_error() {
        Some(libc::EBADF) => SocketError::NotOpen.into(),
        _ => error,
    })
}
