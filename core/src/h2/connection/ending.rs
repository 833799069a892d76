//! Errors, timeouts, and the end of the connection (RFC 9113 sections 5.4 and 6.8).

use core::time::Duration;

use super::{Connection, Phase, Told};
use crate::Instant;
use crate::fault::{Fault, FaultKind};
use crate::h2::config::Timeouts;
use crate::h2::frame::MAX_31;
use crate::h2::stream::Stream;
use crate::h2::{ErrorCode, Violation};
use crate::proto::Reason;

/// The progress of a graceful shutdown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stopping {
    No,
    /// The first GOAWAY was sent. Requests that cross it are answered.
    Announced,
    /// The second one was sent: streams above its identifier are not processed.
    Final,
}

/// The progress of closing the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Closing {
    Open,
    /// The last frames are in flight: the sending side ends first, and the peer gets time to read.
    Lingering,
    /// The sending side has ended.
    HalfClosed {
        /// When it has ended.
        since: Instant,
        /// The number of bytes that were dropped since.
        dropped: usize,
    },
    /// The lingering close is over.
    Over,
}

/// The deadlines of a connection.
pub(super) struct Deadlines {
    /// Of the preface and the first SETTINGS, or of a header block.
    pub(super) head: Option<Instant>,
    /// Of the acknowledgement of our settings.
    pub(super) settings: Option<Instant>,
    keep_alive: Option<Instant>,
    write: Option<Instant>,
    /// The bytes written since `write` was set.
    written: usize,
    /// No later than the first deadline of a stream. Streams are looked at when it has passed.
    streams: Option<Instant>,
    ping: Option<Instant>,
    /// A PING was sent, and nothing has come since.
    asked: bool,
    heard: Instant,
    drain: Option<Instant>,
    linger: Option<Instant>,
}

/// The bytes that the connection has to write.
const PROGRESS: usize = 1 << 10;

impl Deadlines {
    pub(super) fn new(timeouts: &Timeouts, now: Instant) -> Self {
        Self { head: Some(now + timeouts.head), settings: Some(now + timeouts.settings), ..Self::none(now) }
    }

    fn none(now: Instant) -> Self {
        Self {
            head: None,
            settings: None,
            keep_alive: None,
            write: None,
            written: 0,
            streams: None,
            ping: None,
            asked: false,
            heard: now,
            drain: None,
            linger: None,
        }
    }

    /// Whether nothing is written, and no frame is incomplete.
    fn is_idle(&self) -> bool {
        self.write.is_none() && self.head.is_none()
    }

    /// Returns the first deadline, and its reason.
    pub(super) fn earliest(&self) -> Option<(Instant, Reason)> {
        let keep_alive = if self.is_idle() { self.keep_alive } else { None };
        [
            (self.write, Reason::Write),
            (keep_alive, Reason::KeepAlive),
            (self.head, Reason::Head),
            (self.settings, Reason::Settings),
            (self.streams, Reason::Body),
            (self.ping, if self.asked { Reason::Pong } else { Reason::Ping }),
            (self.drain, Reason::Drain),
            (self.linger, Reason::Linger),
        ]
        .into_iter()
        .filter_map(|(at, reason)| Some((at?, reason)))
        .min_by_key(|(at, _)| *at)
    }

    /// Notes that bytes have come.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.asked = false;
    }

    /// Notes that bytes were written.
    pub(super) fn wrote(&mut self, n: usize) {
        self.written += n;
        if self.written >= PROGRESS {
            (self.write, self.written) = (None, 0);
        }
    }

    /// Starts the deadline of writing, unless there is one or nothing to write.
    pub(super) fn writing(&mut self, now: Instant, wait: Duration, nothing: bool) {
        match nothing {
            true => (self.write, self.written) = (None, 0),
            false => {
                self.write.get_or_insert(now + wait);
            }
        }
    }

    /// Notes the beginning of the connection: the preface is complete.
    pub(super) fn open(&mut self, now: Instant, timeouts: &Timeouts) {
        self.head = None;
        self.idle(now, timeouts.keep_alive);
    }

    /// Notes that a stream has begun.
    pub(super) fn begun(&mut self, now: Instant, timeouts: &Timeouts) {
        self.keep_alive = None;
        self.ping.get_or_insert(now + timeouts.ping);
    }

    /// Notes that no stream is open.
    pub(super) fn idle(&mut self, now: Instant, wait: Duration) {
        self.keep_alive = Some(now + wait);
        self.ping = None;
        self.asked = false;
        self.streams = None;
    }

    /// Notes that an idle connection has written all that was due: a client that has read slowly has as much time for its
    /// next request as any other.
    pub(super) fn flushed(&mut self, now: Instant, wait: Duration) {
        if self.write.is_some() && self.keep_alive.is_some() {
            self.keep_alive = Some(now + wait);
        }
    }

    /// Notes a deadline of a stream.
    pub(super) fn watch(&mut self, at: Instant) {
        self.streams = Some(self.streams.map_or(at, |first| first.min(at)));
    }
}

fn has_passed(at: Option<Instant>, now: Instant) -> bool {
    at.is_some_and(|at| now >= at)
}

impl Connection {
    /// Acts on deadlines that have passed.
    pub(super) fn act_on_time(&mut self) {
        let now = self.now;
        if has_passed(self.deadlines.linger, now) {
            self.closing = Closing::Over;
            self.deadlines = Deadlines::none(now);
            return;
        }
        if has_passed(self.deadlines.write, now) {
            return self.give_up(FaultKind::WriteTimeout);
        }
        if self.closing != Closing::Open {
            return;
        }
        if has_passed(self.deadlines.head, now) {
            let (code, rule) = match self.phase {
                Phase::Open => (ErrorCode::ENHANCE_YOUR_CALM, "frame did not arrive in time"),
                _ => (ErrorCode::SETTINGS_TIMEOUT, "SETTINGS did not arrive in time"),
            };
            return self.fail(Violation::connection(code, rule));
        }
        if has_passed(self.deadlines.settings, now) {
            let (code, rule) = (ErrorCode::SETTINGS_TIMEOUT, "SETTINGS are not acknowledged");
            return self.fail(Violation::connection(code, rule));
        }
        if has_passed(self.deadlines.drain, now) {
            self.end_shutdown();
        }
        if has_passed(self.deadlines.streams, now)
            && let Err(violation) = self.act_on_streams()
        {
            return self.fail(violation);
        }
        if has_passed(self.deadlines.ping, now) {
            self.ask_for_life();
        }
        if has_passed(self.deadlines.keep_alive, now)
            && self.deadlines.is_idle()
            && self.closing == Closing::Open
        {
            self.control.go_away(self.opened.accepted, ErrorCode::NO_ERROR, "idle");
            self.finish();
        }
    }

    /// Acts on the deadlines of streams that have passed, and finds the next one.
    fn act_on_streams(&mut self) -> Result<(), Violation> {
        let now = self.now;
        let passed =
            |stream: &&Stream| has_passed(stream.request.due, now) || has_passed(stream.response.due, now);
        let late: alloc::vec::Vec<_> = self
            .streams
            .iter()
            .filter(passed)
            .map(|stream| (stream.id, has_passed(stream.response.due, now)))
            .collect();
        for (id, stalled) in late {
            match stalled {
                true => self.cancel(id, FaultKind::WriteTimeout)?,
                false => self.body_fault(id, FaultKind::BodyTimeout),
            }
        }
        let due = |stream: &Stream| [stream.request.due, stream.response.due].into_iter().flatten().min();
        self.deadlines.streams = self.streams.iter().filter_map(due).min();
        Ok(())
    }

    /// Sends PING if nothing has come for a while, and gives the connection up if nothing has come since.
    fn ask_for_life(&mut self) {
        let timeouts = &self.config.timeouts;
        let due = self.deadlines.heard + timeouts.ping;
        if self.deadlines.asked {
            return self.give_up(FaultKind::Gone);
        }
        if self.now < due {
            self.deadlines.ping = Some(due);
            return;
        }
        self.deadlines.asked = true;
        self.deadlines.ping = Some(self.now + timeouts.pong);
        self.control.alive_ping();
    }

    /// Removes a stream.
    pub(super) fn remove(&mut self, id: u32) -> Option<Stream> {
        let stream = self.streams.remove(id)?;
        if stream.response.scheduled {
            self.schedule.remove(id);
        }
        self.buffered -= stream.request.received.len();
        self.credit_connection();
        if self.reported == Some(id) {
            self.reported = None;
        }
        if self.streams.is_empty() {
            self.deadlines.idle(self.now, self.config.timeouts.keep_alive);
            if self.stopping == Stopping::Final {
                self.finish();
            }
        }
        Some(stream)
    }

    /// Ends all streams.
    fn remove_all(&mut self, kind: FaultKind) {
        let fault = Fault { kind, at: self.input.offset() };
        let ids: alloc::vec::Vec<_> = self.streams.ids().collect();
        for id in ids {
            self.streams.remove(id);
            self.told.push_back(Told::Reset(id, fault));
        }
        self.streams.shrink();
        self.schedule.clear();
        self.buffered = 0;
        self.reported = None;
        self.block = None;
        self.payload = None;
        self.news.clear();
        self.writable.clear();
    }

    /// Ends the connection because the peer has broken a rule. What is in the output is still written.
    pub(super) fn fail(&mut self, violation: Violation) {
        if self.closing != Closing::Open {
            return;
        }
        self.violation = Some(violation);
        self.remove_all(FaultKind::ConnectionRule);
        self.control.clear();
        self.control.go_away(self.opened.accepted, violation.code, violation.rule);
        self.finish();
    }

    /// Ends the connection at once.
    pub(super) fn give_up(&mut self, kind: FaultKind) {
        self.remove_all(kind);
        self.control = super::Control::default();
        self.output.clear();
        self.input.clear();
        self.closing = Closing::Over;
        self.deadlines = Deadlines::none(self.now);
    }

    /// Ends the connection once all output is written.
    pub(super) fn finish(&mut self) {
        if self.closing == Closing::Open {
            self.closing = Closing::Lingering;
            self.input.clear();
            let write = self.deadlines.write;
            self.deadlines = Deadlines { write, ..Deadlines::none(self.now) };
        }
    }

    /// Acts on the end of the peer's side, when all of its frames are parsed. Returns whether anything has changed.
    pub(super) fn end_of_input(&mut self) -> bool {
        let incomplete: alloc::vec::Vec<_> =
            self.streams.iter().filter(|stream| !stream.has_ended()).map(|stream| stream.id).collect();
        for &id in &incomplete {
            self.remove(id);
            let fault = Fault { kind: FaultKind::Incomplete, at: self.input.offset() };
            self.told.push_back(Told::Reset(id, fault));
        }
        if self.streams.is_empty() {
            self.finish();
            return true;
        }
        !incomplete.is_empty()
    }

    /// Begins a graceful shutdown. Requests that are on their way are answered.
    pub(super) fn begin_shutdown(&mut self) {
        if self.stopping != Stopping::No || self.closing != Closing::Open {
            return;
        }
        if self.streams.is_empty() && self.block.is_none() {
            return self.end_shutdown();
        }
        self.stopping = Stopping::Announced;
        self.control.go_away(MAX_31, ErrorCode::NO_ERROR, "");
        self.control.drain_ping();
        self.deadlines.drain = Some(self.now + self.config.timeouts.drain);
    }

    /// Ends it: from now on no request is accepted.
    pub(super) fn end_shutdown(&mut self) {
        self.stopping = Stopping::Final;
        self.deadlines.drain = None;
        self.control.go_away(self.opened.accepted, ErrorCode::NO_ERROR, "");
        if self.streams.is_empty() {
            self.finish();
        }
    }

    /// Drops the input in a lingering close, and sets its deadline.
    pub(super) fn drop_input(&mut self, since: Instant, dropped: usize) {
        self.input.clear();
        self.closing = Closing::HalfClosed { since, dropped };
        let timeouts = &self.config.timeouts;
        let left = timeouts.linger_total.saturating_sub(self.now - since);
        self.deadlines.linger = Some(self.now + left.min(timeouts.linger));
    }
}
