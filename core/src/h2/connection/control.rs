//! Frames that the machine answers itself: SETTINGS, PING, RST_STREAM, WINDOW_UPDATE, PRIORITY_UPDATE.
//!
//! Answers are state, and not a queue of frames: a peer that does not read cannot make them grow. While they are full,
//! nothing more is parsed.

use alloc::vec::Vec;

use super::{Connection, Phase, Stopping, Told};
use crate::fault::{Fault, FaultKind};
use crate::h2::frame::{self, Frame, Header, MAX_31, Setting, write};
use crate::h2::priority::Priority;
use crate::h2::state::{Effect, State, Step, received};
use crate::h2::stream::worth;
use crate::h2::{ErrorCode, Scope, Violation};
use crate::proto::Output;

/// The payload of the PING between two GOAWAY.
const DRAIN: [u8; 8] = *b"goaway\0\0";

/// The payload of the PING that asks whether the peer is there.
const ALIVE: [u8; 8] = *b"there?\0\0";

/// Control frames that are due.
#[derive(Default)]
pub(super) struct Control {
    settings_acks: u32,
    pings: Vec<[u8; 8]>,
    resets: Vec<(u32, ErrorCode)>,
    /// The streams whose window is due.
    owed: Vec<u32>,
    /// The window of the connection is due.
    connection: bool,
    /// A PING of our own.
    ping: Option<[u8; 8]>,
    go_away: Option<(u32, ErrorCode, &'static str)>,
}

impl Control {
    /// The answers of each kind that may wait.
    const MOST: usize = 16;

    pub(super) fn is_full(&self) -> bool {
        self.settings_acks as usize >= Self::MOST
            || self.pings.len() >= Self::MOST
            || self.resets.len() >= 4 * Self::MOST
    }

    pub(super) fn is_empty(&self) -> bool {
        self.settings_acks == 0
            && self.pings.is_empty()
            && self.resets.is_empty()
            && self.owed.is_empty()
            && !self.connection
            && self.ping.is_none()
            && self.go_away.is_none()
    }

    /// Lets the window of a stream be updated.
    pub(super) fn owe(&mut self, stream: u32) {
        self.owed.push(stream);
    }

    pub(super) fn reset(&mut self, stream: u32, code: ErrorCode) {
        self.resets.push((stream, code));
    }

    /// Says GOAWAY. One that is due already is replaced.
    pub(super) fn go_away(&mut self, last: u32, code: ErrorCode, rule: &'static str) {
        self.go_away = Some((last, code, rule));
    }

    pub(super) fn drain_ping(&mut self) {
        self.ping = Some(DRAIN);
    }

    pub(super) fn alive_ping(&mut self) {
        self.ping.get_or_insert(ALIVE);
    }

    /// Drops all but GOAWAY: the connection ends.
    pub(super) fn clear(&mut self) {
        *self = Self { go_away: self.go_away, ..Self::default() };
    }

    pub(super) fn held(&self) -> usize {
        self.pings.capacity() * 8 + self.resets.capacity() * 8 + self.owed.capacity() * 4
    }
}

impl Connection {
    /// Writes the control frames that are due.
    pub(super) fn write_control(&mut self) {
        if self.control.is_empty() {
            return;
        }
        let Self { control, output, streams, window, buffered, config, .. } = self;
        let out = Output::buf(output);
        for _ in 0..core::mem::take(&mut control.settings_acks) {
            write::settings_ack(out);
        }
        for payload in control.pings.drain(..) {
            write::ping(out, payload, true);
        }
        for (stream, code) in control.resets.drain(..) {
            write::reset(out, stream, code);
        }
        for id in control.owed.drain(..) {
            let Some(stream) = streams.get_mut(id) else { continue };
            stream.request.owed = false;
            if let Some(credit) = stream.request.credit().filter(|_| !stream.has_ended()) {
                stream.request.window += credit;
                write::window_update(out, id, credit);
            }
        }
        if core::mem::take(&mut control.connection) {
            let credit = connection_credit(config.limits.connection_window, *window, *buffered);
            if credit > 0 {
                *window += credit;
                write::window_update(out, 0, credit);
            }
        }
        if let Some((last, code, rule)) = control.go_away.take() {
            write::go_away(out, last, code, rule.as_bytes());
        }
        if let Some(payload) = control.ping.take() {
            write::ping(out, payload, false);
        }
    }

    /// Opens the window of the connection again, if it is worth a frame.
    pub(super) fn credit_connection(&mut self) {
        let target = self.config.limits.connection_window;
        let credit = connection_credit(target, self.window, self.buffered);
        self.control.connection |= worth(credit, self.window, target);
    }

    /// Takes SETTINGS, or their acknowledgement (RFC 9113 section 6.5).
    pub(super) fn take_settings(&mut self, header: &Header) -> Result<(), Violation> {
        if header.has(frame::flags::ACK) {
            if core::mem::replace(&mut self.acknowledged, true) {
                let (code, rule) =
                    (ErrorCode::PROTOCOL_ERROR, "acknowledgement of settings that were not sent");
                return Err(Violation::connection(code, rule));
            }
            self.deadlines.settings = None;
            let table = self.config.limits.table;
            if u32::from(table) < frame::Settings::INITIAL.header_table_size {
                self.decoder.set_table_limit(table);
            }
            return Ok(());
        }
        let first = self.phase == Phase::Settings;
        if !first {
            self.guard.glitch(self.now, 4)?;
        }
        let payload = self.input.bytes().get(Header::LEN..).unwrap_or_default();
        let Frame::Settings(entries) = header.frame(payload)? else { return Ok(()) };
        if entries.len() > self.config.limits.settings {
            let rule = "too many entries in SETTINGS";
            return Err(Violation::connection(ErrorCode::ENHANCE_YOUR_CALM, rule));
        }
        let before = self.peer;
        for setting in entries {
            let setting = setting?;
            let rule = match setting {
                Setting::EnableConnectProtocol(false) if self.peer.enable_connect_protocol => {
                    "SETTINGS_ENABLE_CONNECT_PROTOCOL is withdrawn"
                }
                Setting::NoRfc7540Priorities(value) if !first && value != before.no_rfc7540_priorities => {
                    "SETTINGS_NO_RFC7540_PRIORITIES has changed"
                }
                _ => {
                    self.peer.apply(setting);
                    continue;
                }
            };
            return Err(Violation::connection(ErrorCode::PROTOCOL_ERROR, rule));
        }
        self.encoder.set_peer_limit(self.peer.header_table_size);
        let moved = i64::from(self.peer.initial_window_size) - i64::from(before.initial_window_size);
        if moved != 0 {
            self.move_windows(moved)?;
        }
        self.control.settings_acks += 1;
        if first {
            self.phase = Phase::Open;
            self.deadlines.open(self.now, &self.config.timeouts);
        }
        Ok(())
    }

    /// Moves the windows of all streams (RFC 9113 section 6.9.2).
    fn move_windows(&mut self, by: i64) -> Result<(), Violation> {
        let (mut overflow, schedule) = (false, &mut self.schedule);
        self.streams.for_each(|stream| {
            let response = &mut stream.response;
            response.window += by;
            overflow |= response.window > i64::from(MAX_31);
            if response.window > 0 && response.queued > 0 && !response.scheduled {
                response.scheduled = true;
                schedule.push(stream.id, response.priority.urgency);
            }
        });
        match overflow {
            true => {
                let rule = "SETTINGS_INITIAL_WINDOW_SIZE makes a window too large";
                Err(Violation::connection(ErrorCode::FLOW_CONTROL_ERROR, rule))
            }
            false => Ok(()),
        }
    }

    pub(super) fn take_ping(&mut self, payload: [u8; 8], ack: bool) -> Result<(), Violation> {
        self.guard.glitch(self.now, 1)?;
        match (ack, self.stopping) {
            (false, _) => self.control.pings.push(payload),
            (true, Stopping::Announced) if payload == DRAIN => self.end_shutdown(),
            (true, _) => {}
        }
        Ok(())
    }

    /// Takes RST_STREAM (RFC 9113 section 6.4).
    pub(super) fn take_reset(&mut self, id: u32, _: ErrorCode) -> Result<(), Violation> {
        match received(self.state_of(id), Step::Reset) {
            Effect::To(_) => {
                let fault = Fault { kind: FaultKind::StreamReset, at: self.input.offset() };
                self.remove(id);
                self.told.push_back(Told::Reset(id, fault));
                self.guard.reset(self.now)
            }
            Effect::Ignored => self.guard.glitch(self.now, 1),
            Effect::Error(_, code) => {
                Err(Violation::connection(code, "RST_STREAM on a stream that is not open"))
            }
        }
    }

    /// Takes WINDOW_UPDATE (RFC 9113 section 6.9).
    pub(super) fn take_window(&mut self, id: u32, increment: u32) -> Result<(), Violation> {
        if increment < 256 {
            self.guard.glitch(self.now, 1)?;
        }
        let (code, rule) = (ErrorCode::FLOW_CONTROL_ERROR, "WINDOW_UPDATE makes a window too large");
        if id == 0 {
            self.send_window += i64::from(increment);
            return match self.send_window > i64::from(MAX_31) {
                true => Err(Violation::connection(code, rule)),
                false => Ok(()),
            };
        }
        match received(self.state_of(id), Step::Window) {
            Effect::Error(Scope::Connection, code) => {
                return Err(Violation::connection(code, "WINDOW_UPDATE on a stream that is not open"));
            }
            Effect::To(_) => {}
            _ => return self.guard.glitch(self.now, 1),
        }
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        let response = &mut stream.response;
        response.window += i64::from(increment);
        if response.window > i64::from(MAX_31) {
            return self.stream_error(id, Violation::stream(code, rule));
        }
        if response.window > 0 && response.queued > 0 && !response.scheduled {
            response.scheduled = true;
            self.schedule.push(id, response.priority.urgency);
        }
        Ok(())
    }

    /// Takes PRIORITY_UPDATE (RFC 9218 section 7.1).
    pub(super) fn take_priority(&mut self, header: &Header) -> Result<(), Violation> {
        self.guard.glitch(self.now, 1)?;
        let payload = self.input.bytes().get(Header::LEN..).unwrap_or_default();
        let Frame::PriorityUpdate { prioritized: id, value } = header.frame(payload)? else { return Ok(()) };
        let priority = Priority::parse(value);
        match self.state_of(id) {
            State::Idle if id.is_multiple_of(2) => {
                let rule = "PRIORITY_UPDATE for a stream of the server";
                return Err(Violation::connection(ErrorCode::PROTOCOL_ERROR, rule));
            }
            State::Idle => {
                self.priorities.retain(|(other, _)| *other != id);
                if self.priorities.len() >= self.config.limits.priorities {
                    self.priorities.pop_front();
                }
                if self.config.limits.priorities > 0 {
                    self.priorities.push_back((id, priority));
                }
            }
            _ => {
                if let Some(stream) = self.streams.get_mut(id) {
                    // A stream in the schedule is moved after its next frame.
                    stream.response.priority = priority;
                }
            }
        }
        Ok(())
    }

    /// Resets a stream because the peer has broken a rule.
    ///
    /// # Errors
    /// That has happened too often.
    pub(super) fn stream_error(&mut self, id: u32, violation: Violation) -> Result<(), Violation> {
        let state = self.state_of(id);
        if state == State::Idle {
            // RST_STREAM must not be sent on an idle stream.
            return Err(Violation::connection(violation.code, violation.rule));
        }
        if self.remove(id).is_some() {
            let fault = Fault { kind: FaultKind::StreamRule, at: self.input.offset() };
            self.told.push_back(Told::Reset(id, fault));
        }
        if state != State::Reset {
            self.control.reset(id, violation.code);
            self.opened.note_reset(id);
        }
        self.guard.reset(self.now)
    }
}

fn connection_credit(target: u32, window: u32, buffered: usize) -> u32 {
    (target as usize).saturating_sub(window as usize + buffered) as u32
}
