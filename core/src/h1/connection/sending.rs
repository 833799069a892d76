//! What the application says: decisions in, bytes for the peer out.

use super::{Closing, Connection};
use crate::body::Region;
use crate::fault::{Fault, FaultKind};
use crate::h1::defaults;
use crate::h1::encoder::{self, Asked, Framing, OrdinaryHead};
use crate::h1::state::{Role, State, Step};
use crate::http::{Headers, Status, header};
use crate::proto::Output;
use crate::proto::Reason;
use crate::proto::{Command, Defaults, Length, StreamId};
use crate::{Bytes, Instant};

impl Connection {
    /// Takes what the application has decided. Look at [`poll_transmit`](Self::poll_transmit) again, and after the
    /// end of a response at [`next_event`](Self::next_event).
    ///
    /// # Errors
    /// What was asked breaks a rule; nothing has been written. If a response has begun, all that is left is
    /// [`Command::Reset`].
    pub fn send(&mut self, now: Instant, _stream: StreamId, what: Command<'_>) -> Result<(), Fault> {
        self.now = now;
        self.encode(what).map_err(Fault::caller)?;
        if !self.timers.is_writing() && !self.output.is_empty() {
            self.timers.writing(now, self.config.timeouts.write);
        }
        Ok(())
    }

    fn encode(&mut self, what: Command<'_>) -> Result<(), FaultKind> {
        match what {
            Command::Continue => {
                if self.expects_continue && self.exchange.server == State::SendResponse {
                    encoder::informational(self.output.buf(), Status::CONTINUE, &Headers::new());
                    self.expects_continue = false;
                }
                Ok(())
            }
            Command::Informational { status, headers } => {
                if !status.is_informational() || matches!(status.code(), 100 | 101) {
                    return Err(FaultKind::Status);
                }
                self.exchange.step(Role::Server, Step::Informational)?;
                // HTTP/1.0 knows no informational responses (RFC 9110 section 15.2).
                if !self.asked.old {
                    encoder::informational(self.output.buf(), status, headers);
                }
                Ok(())
            }
            Command::Response { status, headers, length, defaults } => {
                self.response(status, headers, length, defaults)
            }
            Command::Whole { status, headers, defaults, body } => self.whole(status, headers, defaults, body),
            Command::Data(mut bytes) => self.data(&mut bytes),
            Command::Region(region) => self.piece(region.len(), |output| output.push_region(region)),
            Command::Trailers(trailers) => self.end(Some(trailers)),
            Command::End => self.end(None),
            Command::Reset => {
                // What has been said is still sent; what is missing shows that it was cut off.
                let _ = self.exchange.step(Role::Server, Step::Fail);
                self.exchange.keep_alive = false;
                self.timers.relax();
                // Earlier answers that the peer has not read yet must not be lost with this one.
                if self.closing == Closing::Quiet {
                    self.closing = Closing::Lingering;
                }
                Ok(())
            }
        }
    }

    fn response(
        &mut self,
        status: Status,
        headers: &Headers,
        length: Length,
        defaults: &Defaults,
    ) -> Result<(), FaultKind> {
        if let (Length::Known(n), Some(head)) = (length, self.ordinary(status, headers, defaults)) {
            head.write(self.output.buf(), n);
            self.framing = Framing::Known(n);
            return self.exchange.step(Role::Server, Step::Response);
        }
        match (self.exchange.client, self.exchange.server) {
            // Without a request there is only one answer: to what could not be understood.
            (_, State::SendResponse) | (State::Error, State::Idle) => {}
            _ => return Err(FaultKind::State),
        }
        let mut keep_alive = self.exchange.keep_alive && self.is_reusable();
        // While the request is still coming, its bytes would be taken for those of the next protocol.
        let switch = self.asked.switch && self.exchange.client == State::Done;
        let asked = Asked { switch, ..self.asked };
        let out = self.output.buf();
        let framing = encoder::head(out, status, headers, length, defaults, asked, &mut keep_alive)?;
        self.framing = framing;
        if framing == Framing::Switch {
            self.exchange.step(Role::Client, Step::Switch)?;
            return self.exchange.step(Role::Server, Step::Switch);
        }
        self.exchange.keep_alive = keep_alive;
        self.exchange.step(Role::Server, Step::Response)
    }

    /// A response and all of its body.
    fn whole(
        &mut self,
        status: Status,
        headers: &Headers,
        defaults: &Defaults,
        body: Option<&mut Bytes>,
    ) -> Result<(), FaultKind> {
        let Some(body) = body else {
            self.response(status, headers, Length::None, defaults)?;
            return if self.framing == Framing::Switch { Ok(()) } else { self.end(None) };
        };
        let length = body.len() as u64;
        if let Some(head) = self.ordinary(status, headers, defaults) {
            head.write(self.output.buf(), length);
            self.output.push_from(body);
            self.framing = Framing::Known(0);
            self.exchange.step(Role::Server, Step::Response)?;
            self.exchange.step(Role::Server, Step::End)?;
            self.settle();
            return Ok(());
        }
        self.response(status, headers, Length::Known(length), defaults)?;
        match self.framing {
            Framing::Switch => return Ok(()),
            Framing::Suppressed => {}
            _ => self.data(body)?,
        }
        self.end(None)
    }

    /// What most responses begin with: 200, with fields that mean nothing to us, on a connection that stays.
    #[inline(always)]
    fn ordinary<'a>(
        &self,
        status: Status,
        headers: &'a Headers,
        defaults: &'a Defaults,
    ) -> Option<OrdinaryHead<'a>> {
        let is_ordinary = status == Status::OK
            && (self.exchange.client, self.exchange.server) == (State::Done, State::SendResponse)
            && self.asked == Asked::default()
            && self.exchange.keep_alive
            && !self.eof;
        let head = OrdinaryHead { defaults: defaults::whole(defaults)?, lines: headers.lines()? };
        is_ordinary.then_some(head)
    }

    /// Whether another request can follow, as far as is known before the end of this one.
    fn is_reusable(&self) -> bool {
        // A client that has not been asked for its body may send it or not: what follows could be either.
        !self.eof && !self.expects_continue && matches!(self.exchange.client, State::Done | State::SendBody)
    }

    /// The application will not read the rest of the request body. If that is known to be more than is worth
    /// reading and dropping, the response will say that the connection closes.
    pub fn discard_body(&mut self, now: Instant) {
        self.now = now;
        let drain = self.config.limits.drain as u64;
        if self.exchange.client == State::SendBody && self.decoder.remaining().is_some_and(|n| n > drain) {
            self.exchange.keep_alive = false;
        }
    }

    fn data(&mut self, bytes: &mut Bytes) -> Result<(), FaultKind> {
        self.piece(bytes.len(), |output| output.push_from(bytes))
    }

    /// A piece of the body, of `len` bytes, which `push` puts into the output.
    fn piece(&mut self, len: usize, push: impl FnOnce(&mut Output)) -> Result<(), FaultKind> {
        if self.exchange.server != State::SendBody {
            return Err(FaultKind::State);
        }
        match &mut self.framing {
            Framing::Known(left) => {
                *left = left.checked_sub(len as u64).ok_or(FaultKind::BodyTooLong)?;
                push(&mut self.output);
            }
            Framing::Chunked => encoder::chunk(&mut self.output, len, push),
            Framing::Close => push(&mut self.output),
            Framing::Suppressed | Framing::Switch => {}
        }
        Ok(())
    }

    fn end(&mut self, trailers: Option<&Headers>) -> Result<(), FaultKind> {
        if let (State::SendBody, Framing::Known(1..)) = (self.exchange.server, self.framing) {
            return Err(FaultKind::BodyTooShort);
        }
        self.exchange.step(Role::Server, Step::End)?;
        if self.framing == Framing::Chunked {
            encoder::last_chunk(self.output.buf(), trailers);
        }
        self.settle();
        Ok(())
    }

    /// Answers a fault of the peer: its status, and a line of text that says what was wrong. The connection closes.
    /// Look at [`poll_transmit`](Self::poll_transmit) again.
    ///
    /// # Errors
    /// The fault has no status, or a response has begun.
    pub fn refuse(&mut self, now: Instant, fault: Fault, defaults: &Defaults) -> Result<(), Fault> {
        let status = fault.status().ok_or(Fault::caller(FaultKind::State))?;
        let text = alloc::format!("{}\n", fault.kind);
        let mut headers = Headers::new();
        headers.append(header::CONTENT_TYPE, "text/plain; charset=utf-8");
        let length = Length::Known(text.len() as u64);
        self.exchange.keep_alive = false;
        self.send(now, StreamId::ONLY, Command::Response { status, headers: &headers, length, defaults })?;
        self.send(now, StreamId::ONLY, Command::Data(text.into()))?;
        self.send(now, StreamId::ONLY, Command::End)
    }

    /// How many bytes of the response body the machine takes gladly: zero while the peer is slow to read, and when no
    /// body is due. Grows by [`transmitted`](Self::transmitted).
    pub fn capacity(&self, stream: StreamId) -> usize {
        match self.wants_body(stream) {
            true => self.config.limits.write_buffer.saturating_sub(self.output.len()),
            false => 0,
        }
    }

    /// Whether any of the response body will be sent: not for HEAD, 204, 304 and the like.
    pub fn wants_body(&self, _stream: StreamId) -> bool {
        self.exchange.server == State::SendBody && self.framing != Framing::Suppressed
    }

    /// Whether the head of the response has been said.
    pub fn has_responded(&self, _stream: StreamId) -> bool {
        !matches!(self.exchange.server, State::Idle | State::SendResponse)
    }

    /// No further request is taken: an idle connection closes, a busy one after its response. Look at
    /// [`close_state`](Self::close_state) again.
    pub fn shutdown(&mut self, now: Instant) {
        self.now = now;
        self.exchange.keep_alive = false;
        let idle = (self.exchange.client, self.exchange.server) == (State::Idle, State::Idle);
        if idle && self.input.is_empty() && !self.reader.is_partial() {
            self.close_quietly();
        }
    }

    /// Fills `slices` with what is to be written next, in order; says how many it filled, zero if nothing is.
    pub fn poll_transmit<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        self.output.slices(slices)
    }

    /// The stretch of a file that is to be sent right behind what [`poll_transmit`](Self::poll_transmit) gave, unless that
    /// has filled all slices.
    pub fn poll_transmit_file(&self) -> Option<&Region> {
        self.output.region()
    }

    /// The first `n` bytes of [`poll_transmit`](Self::poll_transmit), and of the file behind it, have been written. Says
    /// whether nothing is left to write: look at [`close_state`](Self::close_state) then, else at both again; and at
    /// [`capacity`](Self::capacity).
    pub fn transmitted(&mut self, now: Instant, n: usize) -> bool {
        self.now = now;
        self.output.advance(n);
        if !self.output.is_empty() {
            if n > 0 {
                self.timers.writing(now, self.config.timeouts.write);
            }
            return false;
        }
        self.timers.written();
        // A client that has read slowly has as much time for its next request as any other.
        if self.timers.expecting() == Some(Reason::KeepAlive) {
            self.timers.expect(now, self.config.timeouts.keep_alive, Reason::KeepAlive);
        }
        true
    }
}
