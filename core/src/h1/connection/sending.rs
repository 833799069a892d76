//! Sends responses: from commands to output.

use super::{Closing, Connection, Pressure};
use crate::Bytes;
use crate::body::Length;
use crate::fault::FaultKind;
use crate::h1::defaults;
use crate::h1::encoder::{self, Asked, OrdinaryHead, ResponseFraming};
use crate::h1::state::{Role, State, Step};
use crate::http::{Headers, Status};
use crate::proto::{Command, Defaults, Output};

impl Connection {
    /// Inlined: a caller that knows which command it sends does not store it.
    #[inline(always)]
    pub(super) fn encode(&mut self, what: Command<'_>) -> Result<(), FaultKind> {
        match what {
            Command::Informational { status, headers } => {
                if !status.is_informational() || matches!(status.code(), 100 | 101) {
                    return Err(FaultKind::Status);
                }
                self.exchange.step(Role::Server, Step::Informational)?;
                // HTTP/1.0 has no informational responses (RFC 9110 section 15.2).
                if !self.asked.old {
                    encoder::informational(self.output.buf(), status, headers);
                }
                Ok(())
            }
            Command::Response { status, headers, length, defaults } => {
                self.response(status, headers, length, defaults)?;
                self.note_pressure();
                Ok(())
            }
            Command::Whole { status, headers, defaults, body } => self.whole(status, headers, defaults, body),
            Command::Data(mut bytes) => self.data(&mut bytes),
            Command::Region(region) => self.piece(region.len(), |output| output.push_region(region)),
            Command::Trailers(trailers) => self.end(Some(trailers)),
            Command::End => self.end(None),
            Command::Reset(_) => {
                // Output so far is still sent. The missing rest shows that the response was cut off.
                self.fail_response();
                self.exchange.keep_alive = false;
                self.timers.relax();
                // Earlier responses that the peer has not read must not be lost with this one.
                if self.closing == Closing::Quiet {
                    self.closing = Closing::Lingering;
                }
                Ok(())
            }
        }
    }

    #[inline(never)]
    fn response(
        &mut self,
        status: Status,
        headers: &Headers,
        length: Length,
        defaults: &Defaults,
    ) -> Result<(), FaultKind> {
        if let (Length::Known(n), Some(head)) = (length, self.ordinary(status, headers, defaults)) {
            head.write(self.output.buf(), n);
            self.say_idle_time();
            self.framing = ResponseFraming::Known(n);
            return self.exchange.step(Role::Server, Step::Response);
        }
        match (self.exchange.client, self.exchange.server) {
            // Without a request only one response is allowed: to input that could not be parsed.
            (_, State::SendResponse) | (State::Error, State::Idle) => {}
            _ => return Err(FaultKind::State),
        }
        let mut keep_alive = self.exchange.keep_alive && self.is_reusable();
        // While the request is incomplete, its bytes would be taken for those of the next protocol.
        let switch = self.asked.switch && self.exchange.client == State::Done;
        let asked = Asked { switch, ..self.asked };
        let out = self.output.buf();
        let framing = encoder::head(out, status, headers, length, defaults, asked, &mut keep_alive)?;
        self.framing = framing;
        if framing == ResponseFraming::Switch {
            self.exchange.step(Role::Client, Step::Switch)?;
            return self.exchange.step(Role::Server, Step::Switch);
        }
        self.exchange.keep_alive = keep_alive;
        if keep_alive {
            self.say_idle_time();
        }
        self.exchange.step(Role::Server, Step::Response)
    }

    /// Tells a client that has asked for `keep-alive` how long it lasts, at the end of a head.
    #[inline(always)]
    fn say_idle_time(&mut self) {
        if self.asks_keep_alive {
            let seconds = self.config.timeouts.keep_alive.as_secs();
            encoder::append_idle_time(self.output.buf(), seconds);
        }
    }

    /// Writes a response with all of its body.
    #[inline(never)]
    fn whole(
        &mut self,
        status: Status,
        headers: &Headers,
        defaults: &Defaults,
        body: Option<&mut Bytes>,
    ) -> Result<(), FaultKind> {
        let Some(body) = body else {
            self.response(status, headers, Length::None, defaults)?;
            return if self.framing == ResponseFraming::Switch { Ok(()) } else { self.end(None) };
        };
        let length = body.len() as u64;
        if let Some(head) = self.ordinary(status, headers, defaults) {
            head.write(self.output.buf(), length);
            self.say_idle_time();
            self.output.push_from(body);
            self.framing = ResponseFraming::Known(0);
            self.exchange.step(Role::Server, Step::Response)?;
            self.exchange.step(Role::Server, Step::End)?;
            self.settle();
            return Ok(());
        }
        self.response(status, headers, Length::Known(length), defaults)?;
        match self.framing {
            ResponseFraming::Switch => return Ok(()),
            ResponseFraming::Suppressed => {}
            _ => self.data(body)?,
        }
        self.end(None)
    }

    /// Returns the head of an ordinary response: 200, no special fields, on a connection that stays open.
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

    /// Returns whether another request can follow, as far as is known before the end of this one.
    fn is_reusable(&self) -> bool {
        // A client that got no `100 Continue` may send its body or not, so the next bytes are ambiguous.
        !self.eof && !self.expects_continue && matches!(self.exchange.client, State::Done | State::SendBody)
    }

    fn data(&mut self, bytes: &mut Bytes) -> Result<(), FaultKind> {
        self.piece(bytes.len(), |output| output.push_from(bytes))
    }

    /// Writes a piece of the body of `len` bytes, which `push` adds to the output.
    fn piece(&mut self, len: usize, push: impl FnOnce(&mut Output)) -> Result<(), FaultKind> {
        if self.exchange.server != State::SendBody {
            return Err(FaultKind::State);
        }
        match &mut self.framing {
            ResponseFraming::Known(left) => {
                *left = left.checked_sub(len as u64).ok_or(FaultKind::BodyTooLong)?;
                push(&mut self.output);
            }
            ResponseFraming::Chunked => encoder::chunk(&mut self.output, len, push),
            ResponseFraming::Close => push(&mut self.output),
            ResponseFraming::Suppressed | ResponseFraming::Switch => {}
        }
        self.note_pressure();
        Ok(())
    }

    /// Notes that the output buffer is full, so that `Writable` is reported once it is not.
    fn note_pressure(&mut self) {
        if self.output.len() >= self.config.limits.write_buffer {
            self.pressure = Pressure::Full;
        }
    }

    fn end(&mut self, trailers: Option<&Headers>) -> Result<(), FaultKind> {
        if let (State::SendBody, ResponseFraming::Known(1..)) = (self.exchange.server, self.framing) {
            return Err(FaultKind::BodyTooShort);
        }
        self.exchange.step(Role::Server, Step::End)?;
        if self.framing == ResponseFraming::Chunked {
            encoder::last_chunk(self.output.buf(), trailers);
        }
        self.settle();
        Ok(())
    }
}
