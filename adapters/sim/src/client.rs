//! A plain client for tests: it sends what it is told, bytes and pauses, and reads responses strictly.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use stelo_runtime::{Address, Runtime as _, Stream as _};

use crate::answer::{Answer, Asked, Reader};
use crate::handles::Stream;
use crate::sim::Sim;

/// One end of a connection to the server under test. What it sends is up to the caller, right or wrong.
#[derive(Debug)]
pub struct Client {
    sim: Sim,
    stream: Stream,
    /// What waits to be written, from `written` on.
    unsent: Vec<u8>,
    written: usize,
    input: Vec<u8>,
    reader: Reader,
    end: Option<End>,
}

/// How the other side has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Closed,
    Reset,
}

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Broken {
    /// The server has closed the connection before the first byte of an answer.
    Closed,
    /// The connection was reset before the first byte of an answer.
    Reset,
    /// The answer was cut off.
    Cut,
    /// What came is no response: this rule is broken. Always a fault of the server.
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
    /// Nobody listens there, or too many connections wait.
    pub async fn connect(sim: &Sim, address: &Address) -> io::Result<Self> {
        let stream = sim.connect(address).await?;
        let (unsent, input) = (Vec::new(), Vec::new());
        Ok(Self { sim: sim.clone(), stream, unsent, written: 0, input, reader: Reader::default(), end: None })
    }

    /// Our address.
    pub fn address(&self) -> Option<Address> {
        self.stream.local_address()
    }

    /// Has bytes sent while an answer is waited for, as a client does that reads while it writes.
    pub fn queue(&mut self, bytes: impl AsRef<[u8]>) {
        self.unsent.extend_from_slice(bytes.as_ref());
    }

    /// Sends bytes, and does not read meanwhile.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.queue(bytes);
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Sends bytes in pieces of this size, with a pause after each.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn trickle(&mut self, bytes: impl AsRef<[u8]>, size: usize, pause: Duration) -> io::Result<()> {
        for piece in bytes.as_ref().chunks(size.max(1)) {
            self.send(piece).await?;
            self.sim.pause(pause).await;
        }
        Ok(())
    }

    /// The next answer, to a request other than HEAD and CONNECT. Interim ones (100 to 199) are passed over.
    ///
    /// # Errors
    /// There is none, or not a whole one.
    pub async fn answer(&mut self) -> Result<Answer, Broken> {
        poll_fn(|cx| self.poll_answer(cx, Asked::Other)).await
    }

    /// The next answer, to a HEAD request: it has no body.
    ///
    /// # Errors
    /// There is none, or not a whole one.
    pub async fn answer_to_head(&mut self) -> Result<Answer, Broken> {
        poll_fn(|cx| self.poll_answer(cx, Asked::Head)).await
    }

    /// The next answer, to a CONNECT: behind a success come the bytes of the tunnel, which [`bytes`](Self::bytes)
    /// reads.
    ///
    /// # Errors
    /// There is none, or not a whole one.
    pub async fn answer_to_connect(&mut self) -> Result<Answer, Broken> {
        poll_fn(|cx| self.poll_answer(cx, Asked::Connect)).await
    }

    /// Waits to be asked for the body, after a request with `expect: 100-continue`: false if the answer comes instead.
    ///
    /// # Errors
    /// There is neither.
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

    /// The next `n` bytes, whatever they mean: for what follows an upgrade.
    ///
    /// # Errors
    /// The connection ends before.
    pub async fn bytes(&mut self, n: usize) -> Result<Vec<u8>, Broken> {
        poll_fn(|cx| {
            // They may be there although nothing more can be sent.
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

    /// Says that we send no more; answers can still come.
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn finish(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            ready!(self.poll_flush(cx))?;
            self.stream.poll_close(cx)
        })
        .await
    }

    /// Ends the connection at once, by a reset.
    pub fn reset(self) {
        self.stream.reset();
    }

    /// Reads to the end of the connection: how many bytes came that were no part of an answer.
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
        // An answer may be there although nothing more can be sent.
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

    /// Why nothing more will come, if so.
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
