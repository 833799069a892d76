//! Requests to stop a running server: signals, and its handle.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use stelo_runtime::{Runtime, Signal, Signals};

use crate::log;
use crate::stop::{Stop, Stopped};

/// The signals of a server and the requests of its handle. Only a second signal forces the end.
pub(crate) struct Interrupts<R: Runtime> {
    /// `None` leaves all signals to the program.
    signals: Option<R::Signals>,
    stop: Arc<Stop>,
    /// A signal has come.
    heard: bool,
}

impl<R: Runtime> Interrupts<R> {
    /// Subscribes to `signals`.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn new(runtime: &R, signals: &[Signal], stop: Arc<Stop>) -> io::Result<Self> {
        let signals = if signals.is_empty() { None } else { Some(runtime.signals(signals)?) };
        Ok(Self { signals, stop, heard: false })
    }

    /// Completes when a signal or the handle asks the server to stop.
    pub(crate) async fn stopped(&mut self) -> Stopped {
        poll_fn(|cx| self.poll_stopped(cx)).await
    }

    /// See [`stopped`](Self::stopped).
    pub(crate) fn poll_stopped(&mut self, cx: &mut Context<'_>) -> Poll<Stopped> {
        match self.poll_signal(cx) {
            Poll::Ready(signal) => {
                self.heard = true;
                Poll::Ready(Stopped::Signal(signal))
            }
            Poll::Pending => self.stop.poll_requested(cx).map(|()| Stopped::Request),
        }
    }

    /// Completes at the second signal. A server that its handle has stopped waits for two.
    pub(crate) fn poll_forced(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.poll_signal(cx).is_ready() {
            if std::mem::replace(&mut self.heard, true) {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        let Some(signals) = &mut self.signals else { return Poll::Pending };
        loop {
            match ready!(signals.poll_signal(cx)) {
                // Not a request to stop.
                Signal::User1 => log::reopen(),
                signal => return Poll::Ready(signal),
            }
        }
    }
}
