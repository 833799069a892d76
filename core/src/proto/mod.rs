//! What the machines of all protocols have in common: the verbs that a driver uses, and the parts they are made of.
//!
//! | file | what it holds |
//! |---|---|
//! | `input.rs`, `output.rs` | bytes received and not yet looked at, bytes said and not yet sent |
//! | `timers.rs`, `reason.rs` | the deadlines of a machine, and the timeout behind each |
//! | `values.rs` | structs of limits and timeouts |
//! | `page.rs` | tables of states, as tests compare them with the documentation |

mod defaults;
mod http;
mod input;
mod output;
#[cfg(test)]
pub(crate) mod page;
mod reason;
mod timers;
mod values;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

pub use defaults::Defaults;
pub use http::{Command, Event, Length, StreamId};
pub(crate) use input::Input;
pub(crate) use output::Output;
pub use reason::Reason;
pub(crate) use timers::Timers;
pub(crate) use values::values;

use crate::Instant;
use crate::body::Region;
use crate::http::RequestHead;

/// The verbs of every protocol machine that have to do with sockets and time. What a machine says and is told
/// (`next_event`, `send`) differs from protocol to protocol.
pub trait Machine {
    /// Room for bytes from the peer; empty while the machine has enough to do. Read into it, then call
    /// [`received`](Self::received).
    fn spare(&mut self) -> &mut [u8];

    /// The peer has sent `n` bytes, which stand at the beginning of [`spare`](Self::spare) now. Ask for the next event
    /// again.
    fn received(&mut self, now: Instant, n: usize);

    /// The peer has sent `bytes`: as many as there is room for are copied. Says how many. Ask for the next event again.
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let spare = self.spare();
        let n = spare.len().min(bytes.len());
        spare[..n].copy_from_slice(&bytes[..n]);
        self.received(now, n);
        n
    }

    /// The peer has ended its side: no bytes will come any more, but it may still be reading. Ask for the next event
    /// and for [`close_state`](Self::close_state) again.
    fn receive_eof(&mut self, now: Instant);

    /// Fills `slices` with what is to be written next, in order, and says how many it filled.
    fn poll_transmit<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize;

    /// The stretch of a file that is to be sent right behind what [`poll_transmit`](Self::poll_transmit) gave, unless
    /// that has filled all slices.
    fn poll_transmit_file(&self) -> Option<&Region> {
        None
    }

    /// The first `n` bytes of what [`poll_transmit`](Self::poll_transmit) and then
    /// [`poll_transmit_file`](Self::poll_transmit_file) gave have been written. Says whether nothing is left to write.
    fn transmitted(&mut self, now: Instant, n: usize) -> bool;

    /// When [`handle_timeout`](Self::handle_timeout) has to be called, and why. Changes with every other call.
    fn poll_timeout(&self) -> Option<(Instant, Reason)>;

    /// Time has passed. Calls that come too early do nothing. Ask for the next event and for
    /// [`close_state`](Self::close_state) again.
    fn handle_timeout(&mut self, now: Instant);

    /// What to do with the socket, once nothing is left to write.
    fn close_state(&self) -> CloseState;

    /// Our side has been ended, as [`CloseState::HalfClose`] asked.
    fn half_closed(&mut self, now: Instant);

    /// The server is about to stop: end as soon as is decent. Look at what is to be written and at
    /// [`close_state`](Self::close_state) again.
    fn shutdown(&mut self, now: Instant);

    /// Takes away the memory of a connection on which nothing is going on; `None` if something is.
    fn release(&mut self) -> Option<Buffers>;

    /// Gives memory to a connection that has none. Not to do so is no error: it then makes its own.
    fn adopt(&mut self, buffers: Buffers);

    /// Whether the connection has no buffer to read into, and would make one.
    fn is_bare(&self) -> bool;
}

/// What to do with the socket, once nothing is left to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseState {
    /// Nothing: the connection goes on.
    Open,
    /// End our side, then say so with [`Machine::half_closed`].
    HalfClose,
    /// Go on reading (the bytes are dropped), until the peer ends its side or the timer says that it was long enough.
    Linger,
    /// Close.
    Close,
    /// The connection has left this protocol: what the peer has sent ahead belongs to the next one.
    Switched,
}

/// The memory of an idle connection, which another one can use meanwhile.
#[derive(Default)]
pub struct Buffers {
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
    pub(crate) head: Option<Arc<RequestHead>>,
    pub(crate) message: Vec<u8>,
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buffers")
    }
}

/// Lets a machine whose own methods bear the names of the verbs be driven as any [`Machine`]. Verbs that have a default
/// stand behind its name.
macro_rules! drive {
    ($machine:ty $(, $($verb:item)*)?) => {
        impl $crate::proto::Machine for $machine {
            $($($verb)*)?
            fn spare(&mut self) -> &mut [u8] {
                Self::spare(self)
            }
            fn received(&mut self, now: $crate::Instant, n: usize) {
                Self::received(self, now, n);
            }
            fn receive_eof(&mut self, now: $crate::Instant) {
                Self::receive_eof(self, now);
            }
            fn poll_transmit<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
                Self::poll_transmit(self, slices)
            }
            fn transmitted(&mut self, now: $crate::Instant, n: usize) -> bool {
                Self::transmitted(self, now, n)
            }
            fn poll_timeout(&self) -> Option<($crate::Instant, $crate::proto::Reason)> {
                Self::poll_timeout(self)
            }
            fn handle_timeout(&mut self, now: $crate::Instant) {
                Self::handle_timeout(self, now);
            }
            fn close_state(&self) -> $crate::proto::CloseState {
                Self::close_state(self)
            }
            fn half_closed(&mut self, now: $crate::Instant) {
                Self::half_closed(self, now);
            }
            fn shutdown(&mut self, now: $crate::Instant) {
                Self::shutdown(self, now);
            }
            fn release(&mut self) -> Option<$crate::proto::Buffers> {
                Self::release(self)
            }
            fn adopt(&mut self, buffers: $crate::proto::Buffers) {
                Self::adopt(self, buffers);
            }
            fn is_bare(&self) -> bool {
                Self::is_bare(self)
            }
        }
    };
}

pub(crate) use drive;
