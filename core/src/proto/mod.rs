//! The common parts of all protocol machines: the methods that a driver calls, the vocabulary of HTTP, buffers and
//! timers.
//!
//! | file | contents |
//! |---|---|
//! | `http.rs` | [`HttpMachine`], [`Event`] and [`Command`]: one vocabulary for all versions of HTTP |
//! | `input.rs`, `output.rs` | the receive buffer and the send buffer |
//! | `pace.rs` | the least rate of a request body |
//! | `timers.rs`, `reason.rs` | the deadlines of a machine, and the timeout behind each |
//! | `values.rs` | structs of limits and timeouts |
//! | `page.rs` | state tables in the form in which tests compare them with the documentation |

mod defaults;
mod http;
mod input;
mod output;
mod pace;
#[cfg(test)]
pub(crate) mod page;
mod reason;
mod timers;
mod values;

pub use defaults::Defaults;
pub use http::{Command, Event, HttpMachine, ResetCause, StreamId};
pub(crate) use input::Input;
pub(crate) use output::Output;
pub(crate) use pace::Pace;
pub use reason::Reason;
pub(crate) use timers::{Timers, Wait};
pub(crate) use values::values;

use crate::Instant;
use crate::body::Region;

/// A protocol machine: a connection as a value, without socket and clock.
///
/// Methods come in four kinds:
///
/// 1. **Input** (`&mut self`, with the current time): [`received`](Self::received), [`receive`](Self::receive),
///    [`receive_eof`](Self::receive_eof), [`peer_gone`](Self::peer_gone), [`handle_timeout`](Self::handle_timeout),
///    [`half_closed`](Self::half_closed), [`shutdown`](Self::shutdown), [`transmitted`](Self::transmitted), and
///    the commands of the protocol (`send`, `want_body`, ...).
/// 2. **Events**: the `next_event` of the protocol.
/// 3. **Output**: [`poll_transmit`](Self::poll_transmit), [`close_state`](Self::close_state) and
///    [`poll_timeout`](Self::poll_timeout).
/// 4. **Memory**: [`release`](Self::release) and [`adopt`](Self::adopt).
///
/// **After any input, drain in this order**: events until none is left, then [`poll_transmit`](Self::poll_transmit)
/// until there is nothing to write, then [`close_state`](Self::close_state), then
/// [`poll_timeout`](Self::poll_timeout). Calling a method too often is harmless.
///
/// What a machine reports and accepts differs from protocol to protocol: see [`HttpMachine`] and
/// [`ws::Connection`](crate::ws::Connection).
pub trait Machine {
    /// The buffers of an idle connection.
    type Memory: 'static;

    /// Returns room for bytes from the peer, empty while the machine accepts none. Read into it, then call
    /// [`received`](Self::received).
    fn spare(&mut self) -> &mut [u8];

    /// Accepts `n` bytes that the caller has written to the start of [`spare`](Self::spare).
    fn received(&mut self, now: Instant, n: usize);

    /// Copies as many of `bytes` as there is room for, and returns their number.
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let spare = self.spare();
        let n = spare.len().min(bytes.len());
        spare[..n].copy_from_slice(&bytes[..n]);
        self.received(now, n);
        n
    }

    /// Notes that the peer has ended its side. It may still be reading.
    fn receive_eof(&mut self, now: Instant);

    /// Notes that the peer can neither be read from nor written to. Output that was not sent is dropped.
    fn peer_gone(&mut self, now: Instant);

    /// Fills `slices` with the next bytes to write, in order.
    fn poll_transmit<'a>(&'a mut self, slices: &mut [&'a [u8]]) -> Transmit<'a>;

    /// Notes that the first `n` bytes of [`poll_transmit`](Self::poll_transmit) were written: slices first, then the
    /// range of the file. Returns whether nothing is left to write.
    fn transmitted(&mut self, now: Instant, n: usize) -> bool;

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due, and why.
    fn poll_timeout(&self) -> Option<(Instant, Reason)>;

    /// Acts on deadlines that have passed. Calls that come too early do nothing.
    fn handle_timeout(&mut self, now: Instant);

    /// Returns what to do with the socket once nothing is left to write.
    fn close_state(&self) -> CloseState;

    /// Notes that the caller has ended the sending side, as [`CloseState::HalfClose`] asked.
    fn half_closed(&mut self, now: Instant);

    /// Begins a graceful shutdown: the machine finishes what has begun, and begins nothing new.
    fn shutdown(&mut self, now: Instant);

    /// Takes the buffers of an idle connection, for another connection to use; `None` if this one is not idle.
    fn release(&mut self) -> Option<Self::Memory>;

    /// Gives buffers to a connection without any. This is optional: a machine allocates what it lacks.
    fn adopt(&mut self, memory: Self::Memory);

    /// Whether the machine has no receive buffer, and [`spare`](Self::spare) would allocate one.
    fn is_bare(&self) -> bool;
}

/// The output to write next. See [`Machine::poll_transmit`].
#[derive(Clone, Copy, Debug)]
pub struct Transmit<'a> {
    /// The number of slices that were filled.
    pub slices: usize,
    /// The range of a file that follows the slices directly.
    pub region: Option<&'a Region>,
}

impl Transmit<'_> {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.slices == 0 && self.region.is_none()
    }
}

/// The action for the socket once nothing is left to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseState {
    /// Keep it open.
    Open,
    /// End the sending side, then call [`Machine::half_closed`].
    HalfClose,
    /// Keep reading, and dropping what is read, until the peer ends its side or the deadline passes.
    Linger,
    /// Close it.
    Close,
    /// Hand it to the next protocol, together with the bytes that the machine has not parsed.
    Switched,
}
