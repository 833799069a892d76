//! The signals that a server or a supervisor subscribes to.

use std::fmt;
use std::task::{Context, Poll};

/// A Unix signal that the process can subscribe to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGINT`: Ctrl+C.
    Interrupt,
    /// `SIGTERM`: a request to end.
    Terminate,
    /// `SIGQUIT`: Ctrl+\\.
    Quit,
    /// `SIGHUP`: the terminal is gone; for daemons, a request to reload.
    Hangup,
    /// `SIGUSR1`.
    User1,
    /// `SIGUSR2`.
    User2,
    /// `SIGTTIN`: a background process reads from the terminal; for supervisors, a request for one more worker.
    TerminalInput,
    /// `SIGTTOU`: a background process writes to the terminal; for supervisors, a request for one worker less.
    TerminalOutput,
    /// `SIGWINCH`: the size of the terminal has changed.
    WindowChange,
    /// `SIGCHLD`: a child process has ended.
    Child,
}

impl Signal {
    /// Every signal of this type.
    pub const ALL: &[Self] = &[
        Self::Interrupt,
        Self::Terminate,
        Self::Quit,
        Self::Hangup,
        Self::User1,
        Self::User2,
        Self::TerminalInput,
        Self::TerminalOutput,
        Self::WindowChange,
        Self::Child,
    ];
}

impl fmt::Display for Signal {
    /// Writes the name, such as `SIGTERM`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Quit => "SIGQUIT",
            Self::Hangup => "SIGHUP",
            Self::User1 => "SIGUSR1",
            Self::User2 => "SIGUSR2",
            Self::TerminalInput => "SIGTTIN",
            Self::TerminalOutput => "SIGTTOU",
            Self::WindowChange => "SIGWINCH",
            Self::Child => "SIGCHLD",
        })
    }
}

/// A subscription to signals. Once the last subscription to a signal is dropped, the signal has its default effect
/// again.
pub trait Signals: Send + 'static {
    /// Waits for the next signal. Signals arrive in the order in which the process received them.
    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<Signal>;
}
