//! From the number of an inherited descriptor to a descriptor of our own.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use super::SocketError;

/// The same number on every Unix.
const EBADF: i32 = 9;

/// Duplicates the descriptor with this number, close-on-exec. The original is left alone.
pub(super) fn duplicate(number: i32) -> io::Result<OwnedFd> {
    if number < 0 {
        return Err(SocketError::NotOpen.into());
    }
    // SAFETY: a borrowed descriptor must not be -1 (checked) and must be open as long as it is borrowed. It is borrowed
    // for the one system call that duplicates it, and that call is the check: `F_DUPFD_CLOEXEC` does nothing but take
    // another reference to what is open under this number, or answers `EBADF`. Neither reads, writes nor closes anything,
    // so that even a number that belongs to other code of this process suffers no harm.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    borrowed.try_clone_to_owned().map_err(|error| match error.raw_os_error() {
        Some(EBADF) => SocketError::NotOpen.into(),
        _ => error,
    })
}
