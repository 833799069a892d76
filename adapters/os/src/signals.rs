//! Signals as bytes on a socket, which every executor can wait for.
//!
//! A signal handler may do almost nothing, but it may write. Each handler writes one byte, which names the signal, to a
//! socket pair; [`Signals`] reads the other end. While a signal has a subscription, it does not have its default
//! effect; it has again once the last one is dropped. Handlers that other code has registered through `signal-hook` (as
//! tokio does) run in both cases.

mod effect;
mod handlers;
mod number;

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll};

use signal_hook::low_level;
use stelo_runtime::{Signal, Stream};

use handlers::Handlers;

/// A subscription to signals, read through `S`: a stream of an executor, or a blocking socket.
#[derive(Debug)]
pub struct Signals<S> {
    // Dropped first, so that no handler writes to a socket without a reader.
    _handlers: Handlers,
    stream: S,
}

impl<S> Signals<S> {
    /// Subscribes to signals. `adapt` turns a non-blocking socket into a stream of the executor.
    ///
    /// # Errors
    /// Returns an error if the system refuses the sockets or the handlers, or `adapt` fails.
    pub fn new(signals: &[Signal], adapt: impl FnOnce(UnixStream) -> io::Result<S>) -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let stream = adapt(reader)?;
        Ok(Self { _handlers: Handlers::install(signals, writer)?, stream })
    }
}

impl Signals<UnixStream> {
    /// Subscribes to signals, for a program without an executor.
    ///
    /// # Errors
    /// Returns an error if the system refuses.
    ///
    /// ```
    /// use stelo_os::signals::{self, Signals};
    /// use stelo_runtime::Signal;
    ///
    /// let mut signals = Signals::blocking(&[Signal::User1])?;
    /// signals::raise(Signal::User1)?;
    /// assert_eq!(signals.wait()?, Signal::User1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn blocking(signals: &[Signal]) -> io::Result<Self> {
        Self::new(signals, |stream| stream.set_nonblocking(false).map(|()| stream))
    }

    /// Blocks until the next signal.
    ///
    /// # Errors
    /// Returns `WouldBlock` after the read timeout of [`socket`](Self::socket), if one is set.
    pub fn wait(&mut self) -> io::Result<Signal> {
        loop {
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            if let Some(signal) = number::from_byte(byte[0]) {
                return Ok(signal);
            }
        }
    }

    /// Returns the socket, to set a timeout, or to wait for it together with other descriptors.
    pub fn socket(&self) -> &UnixStream {
        &self.stream
    }
}

impl<S: Stream> stelo_runtime::Signals for Signals<S> {
    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        let mut byte = [0];
        while let Poll::Ready(Ok(1)) = self.stream.poll_read(cx, &mut byte) {
            if let Some(signal) = number::from_byte(byte[0]) {
                return Poll::Ready(signal);
            }
        }
        Poll::Pending
    }
}

/// Sends a signal to this process.
///
/// # Errors
/// Returns an error if the system refuses.
pub fn raise(signal: Signal) -> io::Result<()> {
    low_level::raise(number::of(signal)?)
}

/// Ends the process by the default effect of a signal, so that the parent process sees that signal as the cause.
///
/// Returns if the signal does not end the process: Linux drops such signals if this is process 1, as in a container. The
/// value is the exit code that says the same, 128 and the number of the signal.
///
/// # Errors
/// Returns an error if the system refuses.
pub fn end_by(signal: Signal) -> io::Result<u8> {
    let number = number::of(signal)?;
    effect::apply(number)?;
    Ok(effect::exit_code(number))
}

/// Whether the program has a handler for a signal, apart from those of this crate: if this crate has subscribed before,
/// whether it had one at that time.
pub fn is_handled(signal: Signal) -> bool {
    handlers::is_foreign(signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_a_number_and_a_byte() {
        for (index, signal) in Signal::ALL.iter().enumerate() {
            assert_eq!(low_level::signal_name(number::of(*signal).unwrap()), Some(&*signal.to_string()));
            assert_eq!(number::from_byte(index as u8), Some(*signal));
        }
    }

    #[test]
    fn signals_arrive_in_order_and_only_those_subscribed_to() {
        // `SIGCHLD` also comes from the children of other tests of this process.
        let mut signals = Signals::blocking(&[Signal::WindowChange, Signal::User2]).unwrap();
        let mut others = Signals::blocking(&[Signal::User2]).unwrap();
        for signal in [Signal::WindowChange, Signal::User2, Signal::WindowChange] {
            raise(signal).unwrap();
            assert_eq!(signals.wait().unwrap(), signal);
        }
        assert_eq!(others.wait().unwrap(), Signal::User2);
        drop(signals);
        raise(Signal::User2).unwrap();
        assert_eq!(others.wait().unwrap(), Signal::User2);
    }
}
