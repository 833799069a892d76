//! A plain client for tests: it sends any bytes with any pauses, and reads responses strictly.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use stelo_runtime::{Address, Runtime as _, Stream as _};

use crate::answer::{Answer, Asked, Reader};
use crate::handles::Stream;
use crate::sim::Sim;

/// One end of a connection to the server under test. It sends any bytes, valid or not.
#[derive(Debug)]
pub struct Client {
    sim: Sim,
    stream: Stream,
    /// The bytes to send, from `written` on.
    unsent: Vec<u8>,
    written: usize,
    input: Vec<u8>,
    reader: Reader,
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
    /// The server closed the connection before the first byte of an answer.
    Closed,
    /// The connection was reset before the first byte of an answer.
    Reset,
    /// The answer was cut off.
    Cut,
    /// The answer breaks this rule. Always a fault of the server.
    Framing(&'static str),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection was closed before an answer"),
            Self::Reset => f.write_str("the connection was reset before an answer"),
            Self::Cut => f.write_str("the answer was cut off"),
            Self::Framing(rule) => write!(f, "not a response: {rule}"),
        }
    }
}

impl std::error::Error for Broken {}

impl Client {
    /// Opens a connection.
    ///
    /// # Errors
    /// Returns an error if no socket listens there, or its queue is full.
    pub async fn connect(sim: &Sim, address: &Address) -> io::Result<Self> {
        let stream = sim.connect(address).await?;
        let (unsent, input) = (Vec::new(), Vec::new());
        Ok(Self { sim: sim.clone(), stream, unsent, written: 0, input, reader: Reader::default(), end: None })
    }

    /// Returns the local address.
    pub fn address(&self) -> Option<Address> {
        self.stream.local_address()
    }

    /// Queues bytes, which are sent while the client waits for an answer.
    pub fn queue(&mut self, bytes: impl AsRef<[u8]>) {
        self.unsent.extend_from_slice(bytes.as_ref());
    }

    /// Sends bytes, without reading meanwhile.
    ///
    /// # Errors
    /// Returns an error if the connection is broken.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.queue(bytes);
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Sends bytes in pieces of `size`, with a pause after each.
    ///
    /// # Errors
    /// Returns an error if the connection is broken.
    pub async fn trickle(&mut self, bytes: impl AsRef<[u8]>, size: usize, pause: Duration) -> io::Result<()> {
        for piece in bytes.as_ref().chunks(size.max(1)) {
            self.send(piece).await?;
            self.sim.pause(pause).await;
        }
        Ok(())
    }

    /// Reads the next answer to a request other than HEAD and CONNECT. Skips informational responses (100 to 199).
    ///
    /// # Errors
    /// Returns an error if there is no complete answer.
    pub async fn answer(&mut self) -> Result<Answer, Broken> {
        poll_fn(|cx| self.poll_answer(cx, Asked::Other)).await
    }

    /// Reads the next answer to a HEAD request, which has no body.
    ///
    /// # Errors
    /// Returns an error if there is no complete answer.
    pub async fn answer_to_head(&mut self) -> Result<Answer, Broken> {
        poll_fn(|cx| self.poll_answer(cx, Asked::Head)).await
    }

    /// Reads the next answer to a CONNECT. The bytes of the tunnel follow a success; [`bytes`](Self::bytes) reads them.
    ///
    /// # Errors
    /// Returns an error if there is no complete answer.
    pub async fn answer_to_connect(&mut self) -> Result<Answer, Broken> {
        poll_fn(|cx| self.poll_answer(cx, Asked::Connect)).await
    }

    /// Waits for `100 Continue` after a request with `expect: 100-continue`. False if the answer comes instead.
    ///
    /// # Errors
    /// Returns an error if neither comes.
    pub async fn asked(&mut self) -> Result<bool, Broken> {
        poll_fn(|cx| {
            let _ = self.poll_flush(cx);
            loop {
                if let Some(asked) = self.reader.is_asked(&mut self.input) {
                    return Poll::Ready(Ok(asked));
                }
                if let Some(broken) = self.broken() {
                    return Poll::Ready(Err(broken));
                }
                ready!(self.poll_input(cx));
            }
        })
        .await
    }

    /// Reads the next `n` bytes without parsing them, such as those after an upgrade.
    ///
    /// # Errors
    /// Returns an error if the connection ends before.
    pub async fn bytes(&mut self, n: usize) -> Result<Vec<u8>, Broken> {
        poll_fn(|cx| {
            // The bytes may have arrived although sending fails.
            let _ = self.poll_flush(cx);
            while self.input.len() < n {
                if let Some(broken) = self.broken() {
                    return Poll::Ready(Err(broken));
                }
                ready!(self.poll_input(cx));
            }
            Poll::Ready(Ok(self.input.drain(..n).collect()))
        })
        .await
    }

    /// Closes the sending side. Answers can still come.
    ///
    /// # Errors
    /// Returns an error if the connection is broken.
    pub async fn finish(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            ready!(self.poll_flush(cx))?;
            self.stream.poll_close(cx)
        })
        .await
    }

    /// Resets the connection.
    pub fn reset(self) {
        self.stream.reset();
    }

    /// Reads to the end of the connection; returns the number of bytes that were not part of an answer.
    pub async fn drain(&mut self) -> usize {
        let mut n = std::mem::take(&mut self.input).len();
        while self.end.is_none() {
            poll_fn(|cx| self.poll_input(cx)).await;
            n += std::mem::take(&mut self.input).len();
        }
        n
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.unsent.len() {
            match ready!(self.stream.poll_write(cx, &self.unsent[self.written..])) {
                Ok(n) => self.written += n,
                Err(error) => {
                    self.forget();
                    return Poll::Ready(Err(error));
                }
            }
        }
        self.forget();
        Poll::Ready(Ok(()))
    }

    fn forget(&mut self) {
        self.unsent.clear();
        self.written = 0;
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>, asked: Asked) -> Poll<Result<Answer, Broken>> {
        // An answer may have arrived although sending fails.
        let _ = self.poll_flush(cx);
        loop {
            match self.reader.read(&mut self.input, self.end == Some(End::Closed), asked) {
                Ok(Some(answer)) => return Poll::Ready(Ok(answer)),
                Ok(None) => {}
                Err(rule) => return Poll::Ready(Err(Broken::Framing(rule))),
            }
            if let Some(broken) = self.broken() {
                return Poll::Ready(Err(broken));
            }
            ready!(self.poll_input(cx));
        }
    }

    /// Returns why the connection has ended, if it has.
    fn broken(&self) -> Option<Broken> {
        Some(match self.end? {
            _ if !self.reader.is_new() || !self.input.is_empty() => Broken::Cut,
            End::Closed => Broken::Closed,
            End::Reset => Broken::Reset,
        })
    }

    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut buf = [0; 4096];
        match ready!(self.stream.poll_read(cx, &mut buf)) {
            Ok(0) => self.end = Some(End::Closed),
            Ok(n) => self.input.extend_from_slice(&buf[..n]),
            Err(_) => self.end = Some(End::Reset),
        }
        Poll::Ready(())
    }
}
