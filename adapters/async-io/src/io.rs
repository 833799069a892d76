//! A socket in one of the two reactors: that of a thread of ours, or that of async-io.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_io::Async;

use crate::reactor::Reactor;
use crate::source::{Direction, Source};

/// Where sockets are looked after: by a thread of ours, or else by async-io.
pub(crate) type Place = Option<Arc<Reactor>>;

/// A socket in non-blocking mode.
#[derive(Debug)]
pub(crate) enum Io<T: AsRawFd> {
    Thread(Registered<T>),
    Process {
        io: Async<T>,
        /// Whether the last operation in a direction has taken all that there was.
        drained: [bool; 2],
    },
}

/// A socket that a thread looks after.
#[derive(Debug)]
pub(crate) struct Registered<T: AsRawFd> {
    io: T,
    source: Arc<Source>,
    number: usize,
    reactor: Arc<Reactor>,
}

impl<T: AsRawFd> Drop for Registered<T> {
    fn drop(&mut self) {
        self.reactor.deregister(self.io.as_raw_fd(), self.number);
    }
}

impl<T: AsRawFd + AsFd> Io<T> {
    pub(crate) fn new(io: T, place: &Place) -> io::Result<Self> {
        Ok(match place {
            Some(reactor) => {
                let (source, number) = reactor.register(io.as_raw_fd())?;
                Self::Thread(Registered { io, source, number, reactor: reactor.clone() })
            }
            None => Self::Process { io: Async::new_nonblocking(io)?, drained: [false; 2] },
        })
    }

    /// Where it is looked after.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Thread(registered) => Some(registered.reactor.clone()),
            Self::Process { .. } => None,
        }
    }

    /// The socket.
    pub(crate) fn get_ref(&self) -> &T {
        match self {
            Self::Thread(registered) => &registered.io,
            Self::Process { io, .. } => io.get_ref(),
        }
    }

    /// Tries `operation`, unless it is known to be in vain, and waits while the system says that it would block.
    /// `drained` says of a result that nothing is left: the next operation then waits at once, which saves the system
    /// call that would only say so.
    pub(crate) fn poll<R>(
        &mut self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
        drained: impl FnOnce(&R) -> bool,
    ) -> Poll<io::Result<R>> {
        match self {
            Self::Thread(Registered { io, source, .. }) => loop {
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
            Self::Process { io, drained: known } => {
                let known = &mut known[direction as usize];
                if std::mem::take(known) {
                    // What has come since then is not missed: async-io is told the state, not the change. Asked twice,
                    // since its first answer may be of the past.
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
}

fn poll_ready<T>(io: &Async<T>, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    match direction {
        Direction::Read => io.poll_readable(cx),
        Direction::Write => io.poll_writable(cx),
    }
}

/// Runs the case in either reactor.
#[cfg(test)]
pub(crate) fn in_both(case: impl AsyncFn(&Place)) {
    async_io::block_on(case(&None));
    crate::block_on(async |handle| case(&handle.place()).await).expect("the reactor starts");
}
