//! Header blocks: requests and trailers (RFC 9113 sections 4.3, 5.1.1 and 8).

use alloc::sync::Arc;

use super::receiving::Parsed;
use super::{Connection, Stopping, Told};
use crate::body::Length;
use crate::fault::{Fault, FaultKind};
use crate::h1::encoder::Asked;
use crate::h2::frame::{Frame, Header};
use crate::h2::hpack::{BlockLimits, Excess, FieldLines};
use crate::h2::priority::Priority;
use crate::h2::request::{Received, block_limits, trailer_limits};
use crate::h2::state::{Effect, State, Step, received};
use crate::h2::stream::{Stage, Stream};
use crate::h2::{ErrorCode, Scope, Violation};
use crate::http::RequestHead;

/// A header block that is incomplete.
pub(super) struct Block {
    pub(super) stream: u32,
    use_of: Use,
    end_stream: bool,
    /// The CONTINUATION frames so far.
    continuations: u32,
}

/// The use of a header block.
#[derive(Clone, Copy)]
enum Use {
    Request,
    Trailers,
    /// It is decoded for the table only. Then the stream is reset, if there is a reason to.
    Nothing(Option<Violation>),
}

/// A request that has begun.
pub(super) struct Begun {
    pub(super) stream: u32,
    pub(super) head: Arc<RequestHead>,
    pub(super) length: Length,
}

/// Keeps no field.
const NOTHING: BlockLimits = BlockLimits { size: 0, fields: 0, hard: 0 };

impl Connection {
    /// Returns whether a new request has to wait until the peer has read earlier responses.
    pub(super) fn holds_requests(&self, stream: u32) -> bool {
        stream > self.opened.last && self.output.len() >= self.config.limits.write_buffer
    }

    /// Takes a HEADERS or a CONTINUATION frame.
    pub(super) fn take_fragment(&mut self, header: &Header) -> Result<Parsed, Violation> {
        let mut block = match self.block.take() {
            Some(block) => block,
            None => self.begin_block(header)?,
        };
        let payload = self.input.bytes().get(Header::LEN..).unwrap_or_default();
        let (fragment, end_headers) = match header.frame(payload)? {
            Frame::Headers { fragment, end_headers, .. } => (fragment, end_headers),
            Frame::Continuation { fragment, end_headers, .. } => {
                block.continuations += 1;
                (fragment, end_headers)
            }
            _ => return Ok(Parsed::Moved),
        };
        if block.continuations > self.config.limits.continuations {
            let (code, rule) = (ErrorCode::ENHANCE_YOUR_CALM, "too many CONTINUATION frames");
            return Err(Violation::connection(code, rule));
        }
        match block.use_of {
            Use::Request => self.decoder.decode(fragment, &mut self.heads.sink(&self.config.limits)),
            Use::Trailers => self.decoder.decode(fragment, &mut self.trailers),
            Use::Nothing(_) => self.decoder.decode(fragment, &mut FieldLines::default()),
        }
        .map_err(|error| error.violation())?;
        if !end_headers {
            if self.deadlines.head.is_none() {
                self.deadlines.head = Some(self.now + self.config.timeouts.head);
            }
            self.block = Some(block);
            return Ok(Parsed::Moved);
        }
        self.deadlines.head = None;
        let excess = self.decoder.finish().map_err(|error| error.violation())?;
        self.end_block(&block, excess)
    }

    /// Decides what a header block is for.
    fn begin_block(&mut self, header: &Header) -> Result<Block, Violation> {
        let end_stream = header.has(crate::h2::frame::flags::END_STREAM);
        let use_of = self.use_of(header.stream)?;
        let limits = &self.config.limits;
        match use_of {
            Use::Request => {
                self.heads.begin();
                self.decoder.begin(block_limits(limits));
            }
            Use::Trailers => self.decoder.begin(trailer_limits(limits)),
            Use::Nothing(_) => {
                self.decoder.begin(BlockLimits { hard: limits.head.saturating_mul(4), ..NOTHING });
            }
        }
        Ok(Block { stream: header.stream, use_of, end_stream, continuations: 0 })
    }

    /// Returns the use of a header block that begins on a stream.
    fn use_of(&mut self, id: u32) -> Result<Use, Violation> {
        let state = self.state_of(id);
        match received(state, Step::Headers) {
            Effect::To(State::Open) if state == State::Idle => {}
            Effect::To(_) => return Ok(Use::Trailers),
            Effect::Ignored => {
                self.guard.glitch(self.now, 1)?;
                return Ok(Use::Nothing(None));
            }
            Effect::Error(Scope::Stream, code) => {
                return Ok(Use::Nothing(Some(Violation::stream(
                    code,
                    "HEADERS after the end of the stream",
                ))));
            }
            Effect::Error(Scope::Connection, _) if !self.opened.was_open(id) => {
                let (code, rule) = (ErrorCode::PROTOCOL_ERROR, "stream identifier is not above the last one");
                return Err(Violation::connection(code, rule));
            }
            Effect::Error(Scope::Connection, code) => {
                return Err(Violation::connection(code, "HEADERS on a closed stream"));
            }
        }
        if id.is_multiple_of(2) {
            let (code, rule) = (ErrorCode::PROTOCOL_ERROR, "stream identifier of a client is even");
            return Err(Violation::connection(code, rule));
        }
        self.opened.open(id);
        if let Stopping::Final = self.stopping {
            // The client knows that it was not processed.
            return Ok(Use::Nothing(None));
        }
        let limits = &self.config.limits;
        if self.streams.len() >= limits.streams as usize || self.streams.heads > limits.heads {
            let refused = Violation::stream(ErrorCode::REFUSED_STREAM, "too many streams are open");
            return Ok(Use::Nothing(Some(refused)));
        }
        self.opened.accepted = id;
        Ok(Use::Request)
    }

    /// Returns the state of a stream.
    pub(super) fn state_of(&self, id: u32) -> State {
        match self.streams.get(id) {
            Some(stream) => stream.state,
            None if id > self.opened.last => State::Idle,
            // An even identifier was never used.
            None if id.is_multiple_of(2) => State::Idle,
            None if self.opened.is_reset(id) => State::Reset,
            None if self.stopping == Stopping::Final && id > self.opened.accepted => State::Reset,
            None => State::Closed,
        }
    }

    /// Acts on a header block that is complete.
    fn end_block(&mut self, block: &Block, excess: Option<Excess>) -> Result<Parsed, Violation> {
        match block.use_of {
            Use::Request => self.end_request(block, excess),
            Use::Trailers => self.end_trailers(block, excess).map(|()| Parsed::Moved),
            Use::Nothing(None) => Ok(Parsed::Moved),
            Use::Nothing(Some(violation)) => {
                self.stream_error(block.stream, violation)?;
                Ok(Parsed::Moved)
            }
        }
    }

    fn end_request(&mut self, block: &Block, excess: Option<Excess>) -> Result<Parsed, Violation> {
        let (id, ended) = (block.stream, block.end_stream);
        let config = &self.config;
        let finished = self.heads.finish(&config.limits, excess, ended, config.extended_connect);
        let state = if ended { State::HalfClosedRemote } else { State::Open };
        self.requests_left = self.requests_left.saturating_sub(1);
        match finished {
            Ok(Received { head, length, expects_continue, asked }) => {
                self.guard.request();
                let priority = head.headers().get("priority").map(Priority::parse);
                let head_size = size_of::<RequestHead>() + head.held();
                let stream = self.add_stream(id, state, asked, priority, head_size);
                stream.request.expects_continue = expects_continue;
                stream.request.stage = if ended { Stage::Done } else { Stage::Open };
                if let Length::Known(length) = length {
                    stream.request.left = Some(length);
                }
                Ok(Parsed::Request(Begun { stream: id, head, length }))
            }
            Err((kind, asked)) if kind.status().is_some_and(|status| status.code() != 400) => {
                let stream = self.add_stream(id, state, asked, None, 0);
                stream.request.stage = Stage::Done;
                self.told.push_back(Told::Fault(id, Fault { kind, at: self.input.offset() }));
                Ok(Parsed::Moved)
            }
            Err(_) => {
                self.stream_error(id, Violation::stream(ErrorCode::PROTOCOL_ERROR, "malformed request"))?;
                Ok(Parsed::Moved)
            }
        }
    }

    fn add_stream(
        &mut self,
        id: u32,
        state: State,
        asked: Asked,
        priority: Option<Priority>,
        head_size: usize,
    ) -> &mut Stream {
        let limits = &self.config.limits;
        let mut stream = Stream::new(id, state);
        stream.asked = asked;
        stream.head_size = head_size;
        stream.request.window = match self.acknowledged {
            true => limits.window,
            false => limits.window.max(crate::h2::frame::Settings::INITIAL.initial_window_size),
        };
        stream.request.target = limits.window;
        stream.request.room = limits.body.unwrap_or(u64::MAX);
        stream.response.window = i64::from(self.peer.initial_window_size);
        let told = self.priorities.iter().position(|(other, _)| *other == id);
        let told = told.and_then(|at| self.priorities.remove(at)).map(|(_, priority)| priority);
        stream.response.priority = told.or(priority).unwrap_or_default();
        self.streams.insert(stream);
        self.deadlines.begun(self.now, &self.config.timeouts);
        if self.requests_left == 0 {
            self.begin_shutdown();
        }
        // It was inserted just now.
        self.streams.last_mut()
    }

    fn end_trailers(&mut self, block: &Block, excess: Option<Excess>) -> Result<(), Violation> {
        let id = block.stream;
        let finished = self.trailers.finish(excess);
        let malformed = Violation::stream(ErrorCode::PROTOCOL_ERROR, "malformed trailers");
        match (finished, block.end_stream) {
            (Ok(trailers), true) => {
                let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
                if stream.request.left.is_some_and(|left| left > 0) {
                    return self.stream_error(id, malformed);
                }
                if stream.request.stage == Stage::Open && !trailers.is_empty() && !stream.tunnel {
                    stream.request.trailers = Some(trailers);
                }
                self.end_of_request(id);
                Ok(())
            }
            (Err(FaultKind::TrailersTooLarge), true) => {
                self.body_fault(id, FaultKind::TrailersTooLarge);
                self.end_of_request(id);
                Ok(())
            }
            _ => self.stream_error(id, malformed),
        }
    }

    /// Notes that the peer has ended its side of a stream.
    pub(super) fn end_of_request(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if let Effect::To(state) = received(stream.state, Step::End) {
            stream.state = state;
        }
        if stream.request.stage == Stage::Open {
            stream.request.stage = Stage::Ended;
        }
        if stream.state == State::Closed {
            // Everything was answered before: this was a tunnel.
            if stream.request.stage == Stage::Done {
                self.remove(id);
            }
            return self.list_news(id);
        }
        self.list_news(id);
    }
}
