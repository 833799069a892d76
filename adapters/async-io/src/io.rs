//! A socket in one of the two reactors: that of a thread, or async-io.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_io::Async;
use stelo_runtime::Hangup;

use crate::reactor::{Reactor, Registration};
use crate::source::Direction;
use crate::watcher;

/// The reactor of a socket or a timer: that of a thread, or async-io.
pub(crate) type Home = Option<Arc<Reactor>>;

/// A socket in non-blocking mode. Registrations go first, because they must end before the socket is closed.
#[derive(Debug)]
pub(crate) enum Io<T: AsRawFd> {
    Thread {
        registration: Registration,
        io: T,
    },
    Process {
        /// The registration for hang-ups, made at the first use.
        watch: Option<Box<Registration>>,
        io: Async<T>,
        /// Whether the last operation in a direction has left nothing.
        drained: [bool; 2],
    },
}

impl<T: AsRawFd + AsFd> Io<T> {
    pub(crate) fn new(io: T, home: &Home) -> io::Result<Self> {
        Ok(match home {
            Some(reactor) => {
                Self::Thread { registration: Registration::new(reactor.clone(), io.as_raw_fd())?, io }
            }
            None => Self::Process { watch: None, io: Async::new_nonblocking(io)?, drained: [false; 2] },
        })
    }

    /// Returns the reactor of the socket.
    pub(crate) fn home(&self) -> Home {
        match self {
            Self::Thread { registration, .. } => Some(registration.reactor().clone()),
            Self::Process { .. } => None,
        }
    }

    /// Returns the socket.
    pub(crate) fn get_ref(&self) -> &T {
        match self {
            Self::Thread { io, .. } => io,
            Self::Process { io, .. } => io.get_ref(),
        }
    }

    /// Tries `operation`, unless it is known to block, and waits while it returns `WouldBlock`. `drained` says of a
    /// result that nothing is left: then the next operation waits at once, which saves a system call.
    pub(crate) fn poll<R>(
        &mut self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
        drained: impl FnOnce(&R) -> bool,
    ) -> Poll<io::Result<R>> {
        match self {
            Self::Thread { registration, io } => loop {
                let source = registration.source();
                let seen = ready!(source.poll_ready(direction, cx))?;
                match operation(io) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        source.would_block(direction, seen);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => {
                        if result.as_ref().is_ok_and(drained) {
                            source.drained(direction, seen);
                        }
                        return Poll::Ready(result);
                    }
                }
            },
            Self::Process { io, drained: known, .. } => {
                let known = &mut known[direction as usize];
                if std::mem::take(known) {
                    // async-io reports states, not changes, so this misses nothing. Its first answer may be outdated,
                    // hence the second.
                    ready!(poll_ready(io, direction, cx))?;
                    ready!(poll_ready(io, direction, cx))?;
                }
                loop {
                    match operation(io.get_ref()) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            ready!(poll_ready(io, direction, cx))?;
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        result => {
                            *known = result.as_ref().is_ok_and(drained);
                            return Poll::Ready(result);
                        }
                    }
                }
            }
        }
    }

    /// Waits for the peer to hang up. async-io does not tell hang-ups apart from unread bytes, so its sockets are
    /// registered with the [`watcher`] too.
    pub(crate) fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        let registration = match self {
            Self::Thread { registration, .. } => registration,
            Self::Process { watch: Some(registration), .. } => registration,
            Self::Process { watch, io, .. } => {
                match watcher::reactor()
                    .and_then(|reactor| Registration::new(reactor, io.get_ref().as_raw_fd()))
                {
                    Ok(registration) => watch.insert(Box::new(registration)),
                    // Without descriptors or threads, a hang-up shows at the next read or write.
                    Err(_) => return Poll::Pending,
                }
            }
        };
        registration.poll_hangup(cx)
    }
}

fn poll_ready<T>(io: &Async<T>, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    match direction {
        Direction::Read => io.poll_readable(cx),
        Direction::Write => io.poll_writable(cx),
    }
}

/// Runs the case in either reactor.
#[cfg(test)]
pub(crate) fn in_both(case: impl AsyncFn(&Home)) {
    async_io::block_on(case(&None));
    crate::block_on(async |handle| case(&handle.home()).await).expect("the reactor starts");
}
