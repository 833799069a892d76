//! The numbers of signals: those of the system, and those that travel through the socket.

use std::io;

use signal_hook::consts::{
    SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGWINCH,
};
use stelo_runtime::Signal;

/// Returns the number that the system has for a signal.
///
/// # Errors
/// Returns `Unsupported` for a signal that this crate does not know yet.
pub(super) fn of(signal: Signal) -> io::Result<i32> {
    Ok(match signal {
        Signal::Interrupt => SIGINT,
        Signal::Terminate => SIGTERM,
        Signal::Quit => SIGQUIT,
        Signal::Hangup => SIGHUP,
        Signal::User1 => SIGUSR1,
        Signal::User2 => SIGUSR2,
        Signal::TerminalInput => SIGTTIN,
        Signal::TerminalOutput => SIGTTOU,
        Signal::WindowChange => SIGWINCH,
        Signal::Child => SIGCHLD,
        _ => return Err(io::ErrorKind::Unsupported.into()),
    })
}

/// Returns the index of a signal in [`Signal::ALL`].
pub(super) fn index(signal: Signal) -> Option<usize> {
    Signal::ALL.iter().position(|known| *known == signal)
}

/// Returns the signal at this index of [`Signal::ALL`].
pub(super) fn from_byte(byte: u8) -> Option<Signal> {
    Signal::ALL.get(usize::from(byte)).copied()
}
