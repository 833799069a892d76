//! A connection to a server: bytes to send, and a reader of responses. The runtime can be any.

use std::fmt;
use std::io;
use std::task::{Context, Poll, ready};

use stelo_runtime::Stream;

use crate::answer::{Answer, Asked, Reader};

/// A connection on which responses are read.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    pub(crate) stream: S,
    /// The bytes to send, from `written` on.
    unsent: Vec<u8>,
    written: usize,
    pub(crate) input: Vec<u8>,
    pub(crate) reader: Reader,
    end: Option<End>,
}

/// The way in which the server has ended the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Closed,
    Reset,
}

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Broken {
    /// There is no connection to the server.
    Connect(io::ErrorKind),
    /// The server closed the connection before the first byte of an answer.
    Closed,
    /// The connection was reset before the first byte of an answer.
    Reset,
    /// The answer was cut off.
    Cut,
    /// The answer was not complete within the [timeout](crate::ClientRequest::timeout) of the request.
    Timeout,
    /// The answer breaks this rule. Always a fault of the server.
    Framing(&'static str),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(kind) => write!(f, "there is no connection to the server: {kind}"),
            Self::Closed => f.write_str("the connection was closed before an answer"),
            Self::Reset => f.write_str("the connection was reset before an answer"),
            Self::Cut => f.write_str("the answer was cut off"),
            Self::Timeout => f.write_str("the answer was not complete in time"),
            Self::Framing(rule) => write!(f, "not a response: {rule}"),
        }
    }
}

impl std::error::Error for Broken {}

impl<S: Stream> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        let (unsent, input) = (Vec::new(), Vec::new());
        Self { stream, unsent, written: 0, input, reader: Reader::default(), end: None }
    }

    /// Queues bytes, which are sent while an answer is awaited.
    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
    }

    /// Queues bytes as a chunk of a body. An empty chunk would end the body, so it is left out.
    pub(crate) fn queue_chunk(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.queue(format!("{:x}\r\n", bytes.len()).as_bytes());
            self.queue(bytes);
            self.queue(b"\r\n");
        }
    }

    /// Sends the bytes that are queued.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut outcome = Ok(());
        while self.written < self.unsent.len() {
            match ready!(self.stream.poll_write(cx, &self.unsent[self.written..])) {
                Ok(n) => self.written += n,
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        self.unsent.clear();
        self.written = 0;
        Poll::Ready(outcome)
    }

    /// Reads until a response is complete.
    pub(crate) fn poll_answer(&mut self, cx: &mut Context<'_>, asked: Asked) -> Poll<Result<Answer, Broken>> {
        ready!(self.poll_until(cx, asked, |_| false))?;
        Poll::Ready(Ok(self.reader.take_answer()))
    }

    /// Reads the next piece of the body. `None` is the end of the response.
    pub(crate) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        asked: Asked,
    ) -> Poll<Result<Option<Vec<u8>>, Broken>> {
        ready!(self.poll_until(cx, asked, |reader| !reader.answer().body.is_empty()))?;
        let piece = std::mem::take(&mut self.reader.answer().body);
        Poll::Ready(Ok((!piece.is_empty()).then_some(piece)))
    }

    /// Reads until a response is complete, or `is_enough`. Sends what is queued meanwhile.
    pub(crate) fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        asked: Asked,
        is_enough: impl Fn(&mut Reader) -> bool,
    ) -> Poll<Result<(), Broken>> {
        // An answer may have arrived although sending fails.
        let _ = self.poll_flush(cx);
        loop {
            let read = self.reader.read(&mut self.input, self.end == Some(End::Closed), asked);
            if let Err(rule) = read {
                return Poll::Ready(Err(Broken::Framing(rule)));
            }
            if self.reader.is_done() || is_enough(&mut self.reader) {
                return Poll::Ready(Ok(()));
            }
            if let Some(broken) = self.broken() {
                return Poll::Ready(Err(broken));
            }
            ready!(self.poll_input(cx));
        }
    }

    /// Returns why the connection has ended, if it has.
    pub(crate) fn broken(&self) -> Option<Broken> {
        Some(match self.end? {
            _ if self.reader.has_head() || !self.input.is_empty() => Broken::Cut,
            End::Closed => Broken::Closed,
            End::Reset => Broken::Reset,
        })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether another request can follow: nothing has come without a request, and the server has not closed.
    pub(crate) fn is_idle(&mut self, cx: &mut Context<'_>) -> bool {
        self.end.is_none() && self.input.is_empty() && self.poll_input(cx).is_pending()
    }

    pub(crate) fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut buf = [0; 4096];
        match ready!(self.stream.poll_read(cx, &mut buf)) {
            Ok(0) => self.end = Some(End::Closed),
            Ok(n) => self.input.extend_from_slice(&buf[..n]),
            Err(_) => self.end = Some(End::Reset),
        }
        Poll::Ready(())
    }
}
