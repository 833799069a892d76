//! The deadlines of a machine, and their reasons.

use core::time::Duration;

use crate::Instant;
use crate::proto::Reason;

/// A duration in microseconds, as instants count. Adding a [`Duration`] to an instant has to convert it each time.
#[derive(Clone, Copy)]
pub(crate) struct Wait(u64);

impl From<Duration> for Wait {
    fn from(duration: Duration) -> Self {
        Self((Instant::ZERO + duration).as_micros())
    }
}

impl Wait {
    /// Returns the end of the wait.
    #[inline(always)]
    fn after(self, now: Instant) -> Instant {
        Instant::from_micros(now.as_micros().saturating_add(self.0))
    }
}

/// The deadlines of a connection: one for the next input, one for the progress of writing.
#[derive(Default)]
pub(crate) struct Timers {
    read: Option<(Instant, Reason)>,
    write: Option<Instant>,
}

impl Timers {
    /// Starts to wait for input from the peer.
    pub(crate) fn expect(&mut self, now: Instant, wait: impl Into<Wait>, reason: Reason) {
        self.read = Some((wait.into().after(now), reason));
    }

    /// Stops waiting for input.
    pub(crate) fn relax(&mut self) {
        self.read = None;
    }

    /// Returns the reason of the wait for input.
    pub(crate) fn expecting(&self) -> Option<Reason> {
        self.read.map(|(_, reason)| reason)
    }

    /// Returns the deadline of the wait for input, also while it is suspended.
    pub(crate) fn reading(&self) -> Option<(Instant, Reason)> {
        self.read
    }

    /// Starts or restarts the deadline of writing: there is more to write.
    pub(crate) fn writing(&mut self, now: Instant, wait: impl Into<Wait>) {
        self.write = Some(wait.into().after(now));
    }

    /// Returns whether there is something to write.
    pub(crate) fn is_writing(&self) -> bool {
        self.write.is_some()
    }

    /// Ends the deadline of writing: all output is written.
    pub(crate) fn written(&mut self) {
        self.write = None;
    }

    /// Returns the next deadline. While there is output, the wait for input is suspended: the peer may be busy
    /// reading.
    pub(crate) fn earliest(&self) -> Option<(Instant, Reason)> {
        match self.write {
            Some(at) => Some((at, Reason::Write)),
            None => self.read,
        }
    }

    /// Removes and returns the reason of a deadline that has passed.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<Reason> {
        let (at, reason) = self.earliest()?;
        if now < at {
            return None;
        }
        match reason {
            Reason::Write => self.write = None,
            _ => self.read = None,
        }
        Some(reason)
    }
}
