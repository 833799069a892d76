//! The default effect of a signal: for most of them, the end of the process.
#![allow(unsafe_code)]

use std::io;

use signal_hook::consts::{SIGCHLD, SIGTTIN, SIGTTOU, SIGWINCH};
use signal_hook::low_level;

/// The exit code that a shell shows for a process that a signal has ended: 128 and the number of the signal.
pub(super) fn exit_code(number: i32) -> u8 {
    128u8.saturating_add(u8::try_from(number).unwrap_or(0))
}

/// Applies the default effect of a signal. Returns if it does not end the process. Async-signal-safe.
///
/// # Errors
/// Returns an error if the system refuses.
pub(super) fn apply(number: i32) -> io::Result<()> {
    if !ends(number) {
        return low_level::emulate_default_handler(number);
    }
    // SAFETY: the calls are async-signal-safe (POSIX 2.4.3). A zeroed `sigaction` is `SIG_DFL` with no flags, and
    // `sigemptyset` makes valid masks. The pointers are valid for the time of the calls.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigemptyset(&raw mut action.sa_mask);
        action.sa_sigaction = libc::SIG_DFL;
        if libc::sigaction(number, &raw const action, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        // A signal is blocked while its handler runs.
        let mut mask: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut mask);
        libc::sigaddset(&raw mut mask, number);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const mask, std::ptr::null_mut());
    }
    // Linux drops such a signal if this is process 1, as in a container.
    low_level::raise(number)
}

/// Does what a signal does without a handler. Ends the process even where the system drops the signal.
/// Async-signal-safe.
pub(super) fn enforce(number: i32) {
    let _ = apply(number);
    if ends(number) {
        // SAFETY: `_exit` is async-signal-safe, and runs nothing of this process.
        unsafe { libc::_exit(exit_code(number).into()) }
    }
}

/// Whether the program has a handler for a signal.
pub(super) fn is_handled(number: i32) -> bool {
    // SAFETY: a zeroed `sigaction` is valid, and the pointer is valid for the time of the call, which changes nothing.
    let action = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        match libc::sigaction(number, std::ptr::null(), &raw mut action) {
            0 => action.sa_sigaction,
            _ => libc::SIG_DFL,
        }
    };
    action != libc::SIG_DFL && action != libc::SIG_IGN
}

/// Whether the default effect is to end the process.
fn ends(number: i32) -> bool {
    !matches!(number, SIGCHLD | SIGWINCH | SIGTTIN | SIGTTOU)
}
