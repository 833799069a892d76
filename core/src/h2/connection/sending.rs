//! Sends responses: from commands to frames. DATA is cut into frames when it is about to be written, so that priorities
//! and windows decide as late as possible.

use super::{Connection, Told};
use crate::Bytes;
use crate::body::{Length, Region};
use crate::fault::{Fault, FaultKind};
use crate::h1::encoder::{Framed, ResponseFraming, framed};
use crate::h2::frame::write;
use crate::h2::head;
use crate::h2::state::{State, Step, sent};
use crate::h2::stream::{End, Piece, Stage};
use crate::h2::{ErrorCode, Violation};
use crate::http::{Headers, Status};
use crate::proto::{Command, Defaults, ResetCause};

/// The largest frame that is sent, whatever the peer accepts: other streams get their turn.
const FRAME: usize = 64 << 10;

/// Up to this size a part of a body is copied, and not referred to.
const COPY: usize = 4 << 10;

/// The least bytes of a response that are taken, on a connection with many streams.
const SHARE: usize = 16 << 10;

/// The bytes that a stalled stream has to move.
const PROGRESS: usize = 1 << 10;

impl Connection {
    pub(super) fn encode(&mut self, id: u32, what: Command<'_>) -> Result<(), FaultKind> {
        match what {
            Command::Informational { status, headers } => {
                if !status.is_informational() || matches!(status.code(), 100 | 101) {
                    return Err(FaultKind::Status);
                }
                if self.streams.get(id).ok_or(FaultKind::State)?.response.begun {
                    return Err(FaultKind::State);
                }
                self.write_informational(id, status, headers);
                Ok(())
            }
            Command::Response { status, headers, length, defaults } => {
                self.write_head(id, status, headers, length, defaults, false).map(drop)
            }
            Command::Whole { status, headers, defaults, body } => {
                self.write_whole(id, status, headers, defaults, body)
            }
            Command::Data(bytes) => self.queue(id, bytes.len(), Piece::Bytes(bytes)),
            Command::Region(region) => self.queue(id, Region::len(&region), Piece::Region(region)),
            Command::Trailers(trailers) => self.end_response(id, Some(trailers)),
            Command::End => self.end_response(id, None),
            Command::Reset(cause) => {
                if self.remove(id).is_some() {
                    self.opened.note_reset(id);
                    self.control.reset(
                        id,
                        match cause {
                            ResetCause::Internal => ErrorCode::INTERNAL_ERROR,
                            ResetCause::Cancel => ErrorCode::CANCEL,
                            ResetCause::NoError => ErrorCode::NO_ERROR,
                        },
                    );
                }
                Ok(())
            }
        }
    }

    /// Writes an informational response.
    pub(super) fn write_informational(&mut self, id: u32, status: Status, headers: &Headers) {
        let out = self.output.buf();
        let at = write::begin_headers(out);
        self.encoder.begin(out);
        crate::h2::hpack::Encoder::status(out, status);
        head::fields(out, headers);
        write::end_headers(out, at, id, false, self.peer.max_frame_size);
    }

    /// Writes the head of a response. Returns its framing. `whole` says that the response ends with its head if it has no
    /// body.
    fn write_head(
        &mut self,
        id: u32,
        status: Status,
        headers: &Headers,
        length: Length,
        defaults: &Defaults,
        whole: bool,
    ) -> Result<ResponseFraming, FaultKind> {
        let stream = self.streams.get_mut(id).ok_or(FaultKind::State)?;
        let response = &mut stream.response;
        if response.begun {
            return Err(FaultKind::State);
        }
        let Framed { framing, length, close } = framed(status, headers, length, stream.asked)?;
        response.begun = true;
        response.framing = framing;
        stream.tunnel = framing == ResponseFraming::Switch;
        stream.request.expects_continue = false;
        if stream.tunnel {
            stream.request.due = None;
        }
        let ends = whole && matches!(framing, ResponseFraming::Suppressed | ResponseFraming::Known(0));
        let out = self.output.buf();
        let at = write::begin_headers(out);
        self.encoder.begin(out);
        head::response(out, status, headers, length, defaults);
        write::end_headers(out, at, id, ends, self.peer.max_frame_size);
        if close {
            self.begin_shutdown();
        }
        if ends {
            self.finish_response(id);
        }
        Ok(framing)
    }

    /// Writes a response with all of its body.
    fn write_whole(
        &mut self,
        id: u32,
        status: Status,
        headers: &Headers,
        defaults: &Defaults,
        body: Option<&mut Bytes>,
    ) -> Result<(), FaultKind> {
        let length = body.as_ref().map_or(Length::None, |body| Length::Known(body.len() as u64));
        let framing = self.write_head(id, status, headers, length, defaults, true)?;
        let body = match (framing, body) {
            (ResponseFraming::Suppressed | ResponseFraming::Known(0), _) => return Ok(()),
            (_, Some(body)) => body,
            (_, None) => return self.end_response(id, None),
        };
        let len = body.len();
        let is_small = len <= self.frame_room() && len as i64 <= self.send_window;
        if let Some(stream) = self.streams.get_mut(id)
            && is_small
            && len > 0
            && len as i64 <= stream.response.window
            && self.schedule.is_empty()
            && self.output.len() < self.config.limits.write_buffer
        {
            self.send_window -= len as i64;
            write::data(self.output.buf(), id, len, true);
            self.output.push_from(body);
            self.finish_response(id);
            return Ok(());
        }
        self.queue(id, len, Piece::Bytes(core::mem::take(body)))?;
        self.end_response(id, None)
    }

    /// Queues a piece of a response body.
    fn queue(&mut self, id: u32, len: usize, piece: Piece) -> Result<(), FaultKind> {
        let most = self.share();
        let stream = self.streams.get_mut(id).ok_or(FaultKind::State)?;
        let response = &mut stream.response;
        if !response.begun || response.end.is_some() {
            return Err(FaultKind::State);
        }
        match &mut response.framing {
            ResponseFraming::Suppressed => return Ok(()),
            ResponseFraming::Known(left) => {
                *left = left.checked_sub(len as u64).ok_or(FaultKind::BodyTooLong)?;
            }
            _ => {}
        }
        if len == 0 {
            return Ok(());
        }
        response.pieces.push_back(piece);
        response.queued += len;
        response.full |= response.queued >= most;
        if response.due.is_none() {
            let due = self.now + self.config.timeouts.write;
            (response.due, response.moved) = (Some(due), 0);
            self.deadlines.watch(due);
        }
        if response.window > 0 && !response.scheduled {
            response.scheduled = true;
            self.schedule.push(id, response.priority.urgency);
        }
        Ok(())
    }

    /// Ends a response: at once if nothing of its body is left.
    fn end_response(&mut self, id: u32, trailers: Option<&Headers>) -> Result<(), FaultKind> {
        let stream = self.streams.get_mut(id).ok_or(FaultKind::State)?;
        let response = &mut stream.response;
        if !response.begun || response.end.is_some() {
            return Err(FaultKind::State);
        }
        if let ResponseFraming::Known(1..) = response.framing {
            return Err(FaultKind::BodyTooShort);
        }
        let has_body = response.framing != ResponseFraming::Suppressed;
        response.end = Some(match trailers.filter(|trailers| has_body && !trailers.is_empty()) {
            Some(trailers) => End::Trailers(trailers.clone()),
            None => End::Plain,
        });
        if response.queued == 0 {
            self.write_end(id, false);
        }
        Ok(())
    }

    /// Writes the end of a response whose body is written. `said` says that the last frame has END_STREAM.
    fn write_end(&mut self, id: u32, said: bool) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let out = self.output.buf();
        match stream.response.end.take() {
            Some(End::Trailers(trailers)) => {
                let at = write::begin_headers(out);
                self.encoder.begin(out);
                head::fields(out, &trailers);
                write::end_headers(out, at, id, true, self.peer.max_frame_size);
            }
            _ if !said => write::data(out, id, 0, true),
            _ => {}
        }
        self.finish_response(id);
    }

    /// Ends our side of a stream, after END_STREAM.
    fn finish_response(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.response.end = Some(End::Plain);
        if let Some(state) = sent(stream.state, Step::End) {
            stream.state = state;
        }
        match stream.state {
            State::HalfClosedLocal if stream.tunnel => {}
            State::Closed if stream.tunnel && stream.request.stage != Stage::Done => {}
            State::HalfClosedLocal => {
                // The rest of the request is not needed (RFC 9113 section 8.1).
                self.control.reset(id, ErrorCode::NO_ERROR);
                self.opened.note_reset(id);
                self.remove(id);
            }
            _ => {
                self.remove(id);
            }
        }
    }

    /// Fills the output with the frames that are due.
    pub(super) fn fill_output(&mut self) {
        let mark = self.config.limits.write_buffer;
        if self.output.len() < mark {
            self.write_control();
            while self.output.len() < mark && self.send_window > 0 {
                let Some(id) = self.schedule.pop() else { break };
                self.cut(id);
            }
            self.write_control();
        }
        self.deadlines.writing(self.now, self.config.timeouts.write, self.output.is_empty());
    }

    /// Returns the largest DATA frame that is sent.
    fn frame_room(&self) -> usize {
        (self.peer.max_frame_size as usize).min(FRAME)
    }

    /// Cuts the next frame of a stream.
    fn cut(&mut self, id: u32) {
        let (room, most) = (self.frame_room() as i64, self.share());
        let Some(stream) = self.streams.get_mut(id) else { return };
        let response = &mut stream.response;
        response.scheduled = false;
        if let Some(Piece::Region(region)) = response.pieces.front_mut() {
            match region.read() {
                Ok(bytes) => {
                    region.advance(bytes.len());
                    if region.is_empty() {
                        response.pieces.pop_front();
                    }
                    response.pieces.push_front(Piece::Bytes(bytes.into()));
                }
                Err(_) => return self.fail_file(id),
            }
        }
        let room = room.min(response.window).min(self.send_window).max(0) as usize;
        let mut len = 0;
        for piece in &response.pieces {
            let Piece::Bytes(bytes) = piece else { break };
            len += bytes.len();
            if len >= room {
                len = room;
                break;
            }
        }
        if len == 0 {
            return;
        }
        let said = len == response.queued && matches!(response.end, Some(End::Plain));
        write::data(self.output.buf(), id, len, said);
        let mut rest = len;
        while let Some(Piece::Bytes(bytes)) = response.pieces.front_mut()
            && rest > 0
        {
            if bytes.len() <= rest {
                rest -= bytes.len();
                self.output.push_from(bytes);
                response.pieces.pop_front();
            } else {
                match bytes.get(..rest) {
                    Some(part) if rest <= COPY => self.output.buf().extend_from_slice(part),
                    _ => self.output.push(bytes.slice(..rest)),
                }
                bytes.advance(rest);
                rest = 0;
            }
        }
        self.send_window -= len as i64;
        response.window -= len as i64;
        response.queued -= len;
        response.moved += len;
        if response.queued == 0 {
            response.due = None;
        } else if response.moved >= PROGRESS {
            (response.due, response.moved) = (Some(self.now + self.config.timeouts.write), 0);
        }
        if response.full && response.queued < most {
            response.full = false;
            if response.end.is_none() {
                self.writable.push_back(id);
            }
        }
        if response.queued == 0 {
            if response.end.is_some() {
                self.write_end(id, said);
            }
        } else if response.window > 0 {
            response.scheduled = true;
            match response.priority.turns {
                true => self.schedule.push(id, response.priority.urgency),
                false => self.schedule.push_front(id, response.priority.urgency),
            }
        }
    }

    /// Cuts off a response whose file cannot be read.
    fn fail_file(&mut self, id: u32) {
        self.remove(id);
        self.opened.note_reset(id);
        self.control.reset(id, ErrorCode::INTERNAL_ERROR);
        self.told.push_back(Told::Reset(id, Fault::caller(FaultKind::FileTooShort)));
    }

    /// Returns the bytes of each response body that are taken ahead of the windows.
    fn share(&self) -> usize {
        let whole = self.config.limits.write_buffer;
        (whole / self.streams.len().max(1)).max(SHARE.min(whole))
    }

    pub(super) fn capacity_of(&self, id: u32) -> usize {
        match self.streams.get(id) {
            Some(stream) if self.takes_data(id) => self.share().saturating_sub(stream.response.queued),
            _ => 0,
        }
    }

    pub(super) fn takes_data(&self, id: u32) -> bool {
        self.streams.get(id).is_some_and(|stream| {
            let response = &stream.response;
            response.begun && response.end.is_none() && response.framing != ResponseFraming::Suppressed
        })
    }

    /// Resets a stream that has made no progress, or whose peer is too slow.
    pub(super) fn cancel(&mut self, id: u32, kind: FaultKind) -> Result<(), Violation> {
        self.remove(id);
        self.opened.note_reset(id);
        self.control.reset(id, ErrorCode::CANCEL);
        self.told.push_back(Told::Reset(id, Fault { kind, at: self.input.offset() }));
        self.guard.reset(self.now)
    }
}
