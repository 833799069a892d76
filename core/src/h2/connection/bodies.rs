//! DATA, and the windows of the peer (RFC 9113 sections 5.2, 6.1 and 6.9).
//!
//! A window is opened again when the application has taken the bytes, and that of the connection also when they are
//! dropped. Updates are sent in batches.

use super::receiving::Parsed;
use super::{Connection, Told};
use crate::Bytes;
use crate::fault::{Fault, FaultKind};
use crate::h2::frame::{Header, Kind, flags};
use crate::h2::state::{Effect, Step, received};
use crate::h2::stream::Stage;
use crate::h2::{ErrorCode, Scope, Violation};

/// A DATA frame that is incomplete.
pub(super) struct Payload {
    stream: u32,
    /// The data and the padding that are still to come.
    data: usize,
    padding: usize,
    end_stream: bool,
    /// It is dropped.
    ignored: bool,
}

impl Connection {
    /// Begins a DATA frame: all that its header tells.
    pub(super) fn begin_payload(&mut self, header: &Header) -> Result<Parsed, Violation> {
        let id = header.stream;
        let effect = received(self.state_of(id), Step::Data);
        if let Effect::Error(Scope::Connection, code) = effect {
            return Err(Violation::connection(code, "DATA on a stream that is not open"));
        }
        let payload = self.input.bytes().get(Header::LEN..).unwrap_or_default();
        let Some(layout) = header.layout(payload)? else { return Ok(self.wait()) };
        let Some(window) = self.window.checked_sub(header.len) else {
            let (code, rule) = (ErrorCode::FLOW_CONTROL_ERROR, "DATA exceeds the window of the connection");
            return Err(Violation::connection(code, rule));
        };
        self.window = window;
        self.input.take(Header::LEN + layout.before);
        let end_stream = header.has(flags::END_STREAM);
        if layout.data == 0 && !end_stream {
            self.guard.glitch(self.now, 1)?;
        }
        self.guard.useful(layout.data);
        let mut payload =
            Payload { stream: id, data: layout.data, padding: layout.after, end_stream, ignored: true };
        let violation = match effect {
            Effect::Error(_, code) => Some(Violation::stream(code, "DATA after the end of the stream")),
            Effect::Ignored => None,
            Effect::To(_) => {
                payload.ignored = false;
                self.admit(header.len, &payload)
            }
        };
        if let Some(violation) = violation {
            payload.ignored = true;
            self.stream_error(id, violation)?;
        }
        self.payload = Some(payload);
        Ok(Parsed::Moved)
    }

    /// Counts a frame of `len` bytes for its stream. Returns the rule that it breaks.
    fn admit(&mut self, len: u32, payload: &Payload) -> Option<Violation> {
        let stream = self.streams.get_mut(payload.stream)?;
        let request = &mut stream.request;
        request.expects_continue = false;
        let Some(window) = request.window.checked_sub(len) else {
            let (code, rule) = (ErrorCode::FLOW_CONTROL_ERROR, "DATA exceeds the window of the stream");
            return Some(Violation::stream(code, rule));
        };
        request.window = window;
        if let Some(left) = &mut request.left {
            let rest = left.checked_sub(payload.data as u64);
            match rest {
                Some(rest) if rest == 0 || !payload.end_stream => *left = rest,
                _ => {
                    let rule = "DATA contradicts content-length";
                    return Some(Violation::stream(ErrorCode::PROTOCOL_ERROR, rule));
                }
            }
        }
        match request.room.checked_sub(payload.data as u64) {
            Some(room) => request.room = room,
            None => {
                request.room = 0;
                self.body_fault(payload.stream, FaultKind::BodyTooLarge);
            }
        }
        None
    }

    /// Takes what is here of a DATA frame.
    pub(super) fn take_payload(&mut self) -> Parsed {
        let Some(payload) = &mut self.payload else { return Parsed::Moved };
        let n = self.input.bytes().len().min(payload.data);
        if n > 0 {
            self.input.take(n);
            payload.data -= n;
            if let Some(stream) = self.streams.get_mut(payload.stream).filter(|_| !payload.ignored)
                && stream.request.stage == Stage::Open
            {
                stream.request.received.extend_from_slice(self.input.taken(n));
                self.buffered += n;
                stream.request.pace.received(n);
                if stream.request.due.is_some() {
                    stream.request.pace.pause(self.now);
                    stream.await_body(self.now, &self.config);
                }
            }
        }
        let padding = self.input.bytes().len().min(payload.padding);
        if payload.data == 0 {
            self.input.take(padding);
            payload.padding -= padding;
        }
        let (id, complete) = (payload.stream, payload.data + payload.padding == 0);
        if !complete {
            self.list_news(id);
            self.credit_connection();
            return Parsed::Wait;
        }
        let ends = payload.end_stream && !payload.ignored;
        self.payload = None;
        match ends {
            true => self.end_of_request(id),
            false => self.list_news(id),
        }
        self.credit(id);
        Parsed::Moved
    }

    /// Notes that the data of a stream, which was reported, is used up.
    pub(super) fn consume(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(id) {
            self.buffered -= stream.request.received.len();
            stream.request.received.clear();
        }
        self.credit(id);
    }

    /// Takes the data of a stream, which was reported.
    pub(super) fn take_reported(&mut self) -> Bytes {
        let Some(id) = self.reported.take() else { return Bytes::new() };
        let bytes = match self.streams.get_mut(id) {
            Some(stream) => core::mem::take(&mut stream.request.received),
            None => return Bytes::new(),
        };
        self.buffered -= bytes.len();
        self.credit(id);
        bytes.into()
    }

    /// Opens the windows of a stream and of the connection again, if it is worth a frame.
    pub(super) fn credit(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(id)
            && !stream.has_ended()
            && stream.request.stage == Stage::Open
            && !stream.request.owed
            && stream.request.credit().is_some()
        {
            stream.request.owed = true;
            self.control.owe(id);
        }
        self.credit_connection();
    }

    /// Drops the request body of a stream, and what comes of it.
    pub(super) fn drop_body(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(id) {
            let request = &mut stream.request;
            self.buffered -= request.received.len();
            request.received = alloc::vec::Vec::new();
            request.stage = Stage::Done;
            request.trailers = None;
            request.due = None;
        }
        self.credit_connection();
    }

    /// Reports a fault of a request body. The rest of it is dropped.
    pub(super) fn body_fault(&mut self, id: u32, kind: FaultKind) {
        self.drop_body(id);
        self.told.push_back(Told::Fault(id, Fault { kind, at: self.input.offset() }));
    }

    /// Returns a request body that is complete in the input, if nothing of it was reported.
    pub(super) fn whole_body(&mut self, id: u32) -> Option<Bytes> {
        // The frames of this stream that follow its head are taken, if nothing is wrong with them.
        while let Some(stream) = self.streams.get(id).filter(|stream| stream.request.stage == Stage::Open) {
            let header = Header::read(self.input.bytes()).filter(|_| self.payload.is_none())?;
            let len = header.len as usize;
            let is_plain = header.kind == Kind::Data
                && header.stream == id
                && !header.has(flags::PADDED)
                && len > 0
                && self.input.bytes().len() >= Header::LEN + len
                && header.len <= self.window.min(stream.request.window).min(self.max_frame())
                && stream.request.room >= len as u64
                && stream.request.left.is_none_or(|left| match header.has(flags::END_STREAM) {
                    true => left == len as u64,
                    false => left >= len as u64,
                });
            if !is_plain {
                return None;
            }
            // Neither can fail.
            self.begin_payload(&header).ok()?;
            self.take_payload();
        }
        let stream = self.streams.get_mut(id)?;
        let request = &mut stream.request;
        if request.stage != Stage::Ended || request.trailers.is_some() {
            return None;
        }
        request.stage = Stage::Done;
        let bytes = core::mem::take(&mut request.received);
        self.buffered -= bytes.len();
        self.credit_connection();
        Some(bytes.into())
    }
}
