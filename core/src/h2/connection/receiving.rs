//! Receives frames, and reports events.

use super::{Closing, Connection, Phase, Told, stream_id};
use crate::h2::frame::{Frame, Header, Kind, PREFACE};
use crate::h2::state::State;
use crate::h2::stream::Stage;
use crate::h2::{ErrorCode, Scope, Violation};
use crate::proto::Event;

/// The result of one step of the parser.
pub(super) enum Parsed {
    /// There may be more.
    Moved,
    /// A request, which must be reported.
    Request(super::blocks::Begun),
    /// More bytes are needed.
    Wait,
    /// Output has to be written first.
    HeldUp,
}

impl Connection {
    /// Returns what has happened next.
    pub(super) fn event(&mut self) -> Event<'_> {
        if let Some(id) = self.reported.take() {
            self.consume(id);
        }
        loop {
            match self.told.pop_front() {
                Some(Told::Reset(id, fault)) => return Event::Reset { stream: stream_id(id), fault },
                Some(Told::Fault(id, fault)) => return Event::Fault { stream: stream_id(id), fault },
                None => {}
            }
            while let Some(id) = self.writable.pop_front() {
                if self.capacity_of(id) > 0 {
                    return Event::Writable { stream: stream_id(id) };
                }
            }
            if self.closing != Closing::Open {
                return Event::Closed;
            }
            let waits = match self.parse() {
                Ok(Parsed::Moved) => continue,
                Ok(Parsed::Request(begun)) => {
                    let (stream, head, length) = (stream_id(begun.stream), begun.head, begun.length);
                    return Event::Request { stream, head, length };
                }
                Ok(Parsed::Wait) => Event::NeedData,
                Ok(Parsed::HeldUp) => Event::Paused,
                Err(violation) => {
                    self.fail(violation);
                    continue;
                }
            };
            if let Some(id) = self.next_news() {
                return self.news_of(id);
            }
            if self.eof && matches!(waits, Event::NeedData) && self.end_of_input() {
                continue;
            }
            return waits;
        }
    }

    /// Returns the next stream with something to report.
    fn next_news(&mut self) -> Option<u32> {
        while let Some(id) = self.news.pop_front() {
            if let Some(stream) = self.streams.get_mut(id) {
                stream.request.listed = false;
                if stream.request.wanted && stream.request.has_news() {
                    return Some(id);
                }
            }
        }
        None
    }

    /// Reports a part of a request body, or its end.
    fn news_of(&mut self, id: u32) -> Event<'_> {
        let stream = stream_id(id);
        let Some(open) = self.streams.get_mut(id) else { return Event::NeedData };
        let request = &mut open.request;
        if request.received.is_empty() {
            if let Some(trailers) = request.trailers.take() {
                request.listed = true;
                self.news.push_front(id);
                return Event::Trailers { stream, trailers };
            }
            request.stage = Stage::Done;
            request.due = None;
            if open.state == State::Closed {
                self.remove(id);
            }
            return Event::End { stream };
        }
        if request.stage == Stage::Ended {
            request.listed = true;
            self.news.push_back(id);
        }
        self.reported = Some(id);
        let received = self.streams.get(id).map(|stream| &*stream.request.received);
        Event::Data { stream, data: received.unwrap_or_default() }
    }

    /// Notes that a stream has something to report, if it is wanted.
    pub(super) fn list_news(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(id)
            && stream.request.wanted
            && !stream.request.listed
            && stream.request.has_news()
        {
            stream.request.listed = true;
            self.news.push_back(id);
        }
    }

    /// Parses the next frame, or a part of one.
    ///
    /// # Errors
    /// The peer has broken a rule of the connection.
    fn parse(&mut self) -> Result<Parsed, Violation> {
        self.held_up = false;
        if self.payload.is_some() {
            return Ok(self.take_payload());
        }
        if self.phase == Phase::Preface && !self.take_preface()? {
            return Ok(Parsed::Wait);
        }
        let Some(header) = Header::read(self.input.bytes()) else {
            return Ok(self.wait());
        };
        self.check_order(&header)?;
        let checked = header.check(self.max_frame());
        if let Err(violation) = checked
            && violation.scope == Scope::Connection
        {
            return Err(violation);
        }
        if header.kind == Kind::Data {
            return self.begin_payload(&header);
        }
        if self.control.is_full() {
            self.fill_output();
        }
        if self.control.is_full() || (header.kind == Kind::Headers && self.holds_requests(header.stream)) {
            self.held_up = true;
            return Ok(Parsed::HeldUp);
        }
        let len = Header::LEN + header.len as usize;
        if self.input.bytes().len() < len {
            return Ok(self.wait());
        }
        if self.block.is_none() {
            self.deadlines.head = None;
        }
        let parsed = match checked {
            Err(violation) => self.stream_error(header.stream, violation).map(|()| Parsed::Moved),
            Ok(()) => self.take_frame(&header),
        };
        self.input.take(len);
        parsed
    }

    /// Waits for the rest of a frame.
    pub(super) fn wait(&mut self) -> Parsed {
        if !self.input.is_empty() && self.deadlines.head.is_none() {
            self.deadlines.head = Some(self.now + self.config.timeouts.head);
        }
        Parsed::Wait
    }

    /// Takes the preface, octet by octet. Returns whether it is complete.
    fn take_preface(&mut self) -> Result<bool, Violation> {
        let bytes = self.input.bytes();
        let n = bytes.len().min(PREFACE.len());
        if bytes.get(..n) != PREFACE.get(..n) {
            return Err(Violation::connection(ErrorCode::PROTOCOL_ERROR, "no preface of HTTP/2"));
        }
        if n < PREFACE.len() {
            return Ok(false);
        }
        self.input.take(n);
        self.phase = Phase::Settings;
        Ok(true)
    }

    /// Checks that a frame may follow the last one.
    fn check_order(&mut self, header: &Header) -> Result<(), Violation> {
        let rule = match (self.phase, &self.block, header.kind) {
            (Phase::Settings, _, Kind::Settings) if !header.has(crate::h2::frame::flags::ACK) => {
                return Ok(());
            }
            (Phase::Settings, ..) => "first frame is not SETTINGS",
            (_, Some(block), Kind::Continuation) if block.stream == header.stream => return Ok(()),
            (_, Some(_), _) => "header block is interrupted",
            (_, None, Kind::Continuation) => "CONTINUATION without a header block",
            _ => return Ok(()),
        };
        Err(Violation::connection(ErrorCode::PROTOCOL_ERROR, rule))
    }

    /// Acts on a frame, which is complete in the input.
    fn take_frame(&mut self, header: &Header) -> Result<Parsed, Violation> {
        match header.kind {
            Kind::Headers | Kind::Continuation => return self.take_fragment(header),
            Kind::Settings => return self.take_settings(header).map(|()| Parsed::Moved),
            Kind::PriorityUpdate => return self.take_priority(header).map(|()| Parsed::Moved),
            _ => {}
        }
        let payload = self.input.bytes().get(Header::LEN..).unwrap_or_default();
        match header.frame(payload) {
            Err(violation) if violation.scope == Scope::Stream => {
                self.stream_error(header.stream, violation)?
            }
            Err(violation) => return Err(violation),
            Ok(Frame::Reset { stream, code }) => self.take_reset(stream, code)?,
            Ok(Frame::Ping { payload, ack }) => self.take_ping(payload, ack)?,
            Ok(Frame::WindowUpdate { stream, increment }) => self.take_window(stream, increment)?,
            Ok(Frame::PushPromise { .. }) => {
                return Err(Violation::connection(ErrorCode::PROTOCOL_ERROR, "PUSH_PROMISE from a client"));
            }
            // PRIORITY, and what is unknown. A client that says GOAWAY accepts no push, and there is none.
            Ok(_) => self.guard.glitch(self.now, 1)?,
        }
        Ok(Parsed::Moved)
    }
}
