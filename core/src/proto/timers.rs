//! What the machine waits for, and until when.

use core::time::Duration;

use crate::Instant;
use crate::proto::Reason;

/// The deadlines of a connection: one for what the peer owes us, one for what it does not read.
#[derive(Default)]
pub(crate) struct Timers {
    read: Option<(Instant, Reason)>,
    write: Option<Instant>,
}

impl Timers {
    /// From now on the peer owes us something.
    pub(crate) fn expect(&mut self, now: Instant, wait: Duration, reason: Reason) {
        self.read = Some((now + wait, reason));
    }

    /// The peer owes us nothing for the time being.
    pub(crate) fn relax(&mut self) {
        self.read = None;
    }

    /// Why the peer owes us something.
    pub(crate) fn expecting(&self) -> Option<Reason> {
        self.read.map(|(_, reason)| reason)
    }

    /// Progress in writing, or the beginning of it: there is more to write.
    pub(crate) fn writing(&mut self, now: Instant, wait: Duration) {
        self.write = Some(now + wait);
    }

    /// Whether there is something to write.
    pub(crate) fn is_writing(&self) -> bool {
        self.write.is_some()
    }

    /// Everything is written.
    pub(crate) fn written(&mut self) {
        self.write = None;
    }

    /// The earliest deadline. While there is something to write, the peer is not blamed for sending nothing.
    pub(crate) fn earliest(&self) -> Option<(Instant, Reason)> {
        match self.write {
            Some(at) => Some((at, Reason::Write)),
            None => self.read,
        }
    }

    /// The deadline that has passed, if one has; it is gone then.
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
