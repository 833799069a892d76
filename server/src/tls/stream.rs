//! A stream that encrypts another one.
//!
//! A write takes plaintext as soon as it is encrypted. What the socket does not accept yet waits, and the next write, read
//! or close sends it first. So at most one buffer of ciphertext waits per connection, and an idle connection has none.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use rustls::ProtocolVersion;
use rustls::server::ServerConfig;
use stelo_core::app::{self, Address};
use stelo_runtime::{Hangup, Stream};

use super::der::Certificate;
use super::pump::{Fault, Output, PLAINTEXT, Pump};
use super::scratch;

/// The plaintext of the first records of a response: the client can use each once it is complete, and 4 KiB are 3 packets.
const FIRST: usize = 4 << 10;

/// The plaintext that is sent in records of [`FIRST`] bytes before they have their full length.
const BURST: usize = 32 << 10;

/// The most plaintext of one write: nearly four records of full length. With what encryption adds, it fills a packet of
/// loopback, which has 65,483 bytes, or a train of packets that the system hands to the network at once. Another byte would
/// be a packet of its own.
const WRITE: usize = 4 * PLAINTEXT - 512;

/// A TLS connection over a stream.
pub(crate) struct TlsStream<S> {
    io: S,
    pump: Pump,
    /// Plaintext that was received and has found no room.
    plain: Vec<u8>,
    /// The number of bytes of `plain` that were read.
    taken: usize,
    output: Output,
    /// The plaintext sent since the last was received.
    burst: usize,
    /// `close_notify` is in the output, or was sent, or is left out.
    closed: bool,
    /// Waits to write. A read can send the output that it waits for.
    writer: Option<Waker>,
}

impl<S: Stream> TlsStream<S> {
    /// Creates a connection that waits for a client to begin the handshake.
    ///
    /// # Errors
    /// The configuration is not valid.
    pub(crate) fn new(io: S, config: Arc<ServerConfig>) -> io::Result<Self> {
        Ok(Self {
            io,
            pump: Pump::new(config).map_err(io::Error::other)?,
            plain: Vec::new(),
            taken: 0,
            output: Output::default(),
            burst: 0,
            closed: false,
            writer: None,
        })
    }

    /// Returns the application protocol that was agreed on.
    pub(crate) fn alpn(&self) -> Option<&[u8]> {
        self.pump.session().alpn_protocol()
    }

    /// Returns the facts of the session, for applications.
    pub(crate) fn facts(&self) -> app::Tls {
        let session = self.pump.session();
        let mut facts = app::Tls::default();
        facts.version = match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".into(),
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".into(),
            _ => String::new(),
        };
        let suite = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        // rustls writes `TLS13_AES_128_GCM_SHA256` for what IANA names `TLS_AES_128_GCM_SHA256`.
        facts.cipher_suite = suite.unwrap_or_default().replacen("TLS13_", "TLS_", 1);
        facts.server_name = self.pump.server_name().map(Into::into);
        facts.alpn = session.alpn_protocol().map(|name| name.to_vec().into());
        let certificates = session.peer_certificates().unwrap_or_default();
        facts.client_certificates = certificates.iter().map(|der| der.to_vec().into()).collect();
        let subject = |der| Certificate::read(der).map(|certificate| certificate.subject());
        facts.client_subject = certificates.first().and_then(|der| subject(der));
        facts
    }

    /// Whether the handshake has failed because the peer speaks plain HTTP.
    pub(crate) fn is_plain_http(&self) -> bool {
        self.pump.is_plain_http()
    }

    /// Completes when the handshake has ended. Its last bytes leave with the next read or write.
    ///
    /// # Errors
    /// The peer breaks the protocol, leaves or refuses the session. [`poll_reject`](Self::poll_reject) tells it why.
    pub(crate) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.pump.is_handshaking() {
            ready!(self.poll_flush(cx))?;
            if ready!(self.poll_receive(cx, &mut []))?.is_none() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends the alert of a failed handshake, or the answer to plain HTTP, and discards input until the peer closes. A socket that is closed with
    /// unread bytes resets the connection, and the peer may not see the alert.
    ///
    /// # Errors
    /// The connection is broken.
    pub(crate) fn poll_reject(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        ready!(self.io.poll_close(cx))?;
        let mut bytes = [0; 1024];
        while ready!(self.io.poll_read(cx, &mut bytes))? > 0 {}
        Poll::Ready(Ok(()))
    }

    /// Sends all output.
    ///
    /// # Errors
    /// The connection is broken.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.output.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while !self.output.is_empty() {
            match ready!(self.io.poll_write(cx, self.output.waiting()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.output.sent(n),
            }
        }
        if let Some(writer) = self.writer.take().filter(|writer| !writer.will_wake(cx.waker())) {
            writer.wake();
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the session without `close_notify`. Output that waits is still sent.
    pub(crate) fn cut_off(&mut self) {
        self.closed = true;
    }

    /// Sends all output and `close_notify`.
    ///
    /// # Errors
    /// The connection is broken.
    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closed {
            self.closed = true;
            self.pump.close(&mut self.output)?;
        }
        self.poll_flush(cx)
    }

    /// Whether all output is sent.
    pub(crate) fn is_flushed(&self) -> bool {
        self.output.is_empty()
    }

    /// Whether `close_notify` is sent.
    pub(crate) fn is_finished(&self) -> bool {
        self.closed && self.is_flushed()
    }

    /// Reads ciphertext once. Returns how much plaintext has come to `buf`, and `None` at the end of the stream. Further
    /// plaintext is kept.
    fn poll_receive(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Option<usize>>> {
        /// Why nothing was received.
        enum Stop {
            Pending,
            Failed(io::Error),
        }

        impl From<Fault> for Stop {
            fn from(fault: Fault) -> Self {
                Self::Failed(fault.into())
            }
        }

        let Self { io, pump, plain, output, .. } = self;
        let mut filled = 0;
        let mut take = |bytes: &[u8]| {
            let (now, later) = bytes.split_at(bytes.len().min(buf.len() - filled));
            buf[filled..filled + now.len()].copy_from_slice(now);
            filled += now.len();
            plain.extend_from_slice(later);
        };
        let read = |room: &mut [u8]| match io.poll_read(cx, room) {
            Poll::Pending => Err(Stop::Pending),
            Poll::Ready(read) => read.map_err(Stop::Failed),
        };
        match pump.receive(read, &mut take, output) {
            Ok(0) => Poll::Ready(Ok(None)),
            Ok(_) => Poll::Ready(Ok(Some(filled))),
            Err(Stop::Pending) => Poll::Pending,
            Err(Stop::Failed(error)) => Poll::Ready(Err(error)),
        }
    }

    /// Encrypts a part of `parts` in records. Returns the number of bytes.
    fn encrypt(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut filled = parts.iter().filter(|part| !part.is_empty());
        match (filled.next(), filled.next()) {
            (None, _) => Ok(0),
            (Some(part), None) => self.encrypt_slice(part),
            // A head and a small body share a record.
            (Some(_), Some(_)) => {
                let mut joined = scratch::take();
                let len = join(parts, &mut joined[..WRITE]);
                let encrypted = self.encrypt_slice(&joined[..len]);
                scratch::give(joined);
                encrypted
            }
        }
    }

    fn encrypt_slice(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut rest = &bytes[..bytes.len().min(WRITE)];
        let len = rest.len();
        while !rest.is_empty() {
            let most = if self.burst < BURST { FIRST } else { PLAINTEXT };
            let (record, later) = rest.split_at(most.min(rest.len()));
            self.pump.send(record, &mut self.output)?;
            self.burst += record.len();
            rest = later;
        }
        Ok(len)
    }

    /// Completes when more output can be taken.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.poll_flush(cx);
        if flushed.is_pending() {
            self.writer = Some(cx.waker().clone());
        }
        flushed
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.poll_output(cx))?;
        let n = self.encrypt(parts)?;
        if let Poll::Ready(flushed) = self.poll_flush(cx) {
            flushed?;
        }
        Poll::Ready(Ok(n))
    }
}

/// Copies the beginning of `parts` into `buffer`. Returns the number of bytes.
fn join(parts: &[IoSlice<'_>], buffer: &mut [u8]) -> usize {
    let mut len = 0;
    for part in parts {
        let n = part.len().min(buffer.len() - len);
        buffer[len..len + n].copy_from_slice(&part[..n]);
        len += n;
    }
    len
}

impl<S: Stream> Stream for TlsStream<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let waiting = &self.plain[self.taken..];
            if !waiting.is_empty() {
                let n = waiting.len().min(buf.len());
                buf[..n].copy_from_slice(&waiting[..n]);
                self.taken += n;
                if self.taken == self.plain.len() {
                    (self.plain, self.taken) = (Vec::new(), 0);
                }
                self.burst = 0;
                return Poll::Ready(Ok(n));
            }
            if self.pump.is_peer_closed() {
                return Poll::Ready(Ok(0));
            }
            if let Poll::Ready(flushed) = self.poll_flush(cx) {
                flushed?;
            }
            match ready!(self.poll_receive(cx, buf)) {
                Ok(Some(0)) => {}
                Ok(Some(n)) => {
                    self.burst = 0;
                    return Poll::Ready(Ok(n));
                }
                // Many clients close without `close_notify`. The length of a message tells whether it is complete.
                Ok(None) => return Poll::Ready(Ok(0)),
                Err(error) => {
                    // The alert. The connection ends, whether it can be sent or not.
                    let _ = self.poll_flush(cx);
                    return Poll::Ready(Err(error));
                }
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.poll_send(cx, bufs)
    }

    /// Reads the file into a shared buffer, behind the bytes that come before it, once output can be taken.
    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        before: &[IoSlice<'_>],
        file: BorrowedFd<'_>,
        offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_output(cx))?;
        let mut joined = scratch::take();
        let filled = join(before, &mut joined[..WRITE]);
        let end = WRITE.min(filled.saturating_add(len));
        let sent = match stelo_os::read_file(file, &mut joined[filled..end], offset) {
            // The caller reads the file itself, and finds the cause. After some bytes, the next call gets here.
            Err(_) if filled == 0 => Err(io::ErrorKind::Unsupported.into()),
            read => self.encrypt_slice(&joined[..filled + read.unwrap_or(0)]),
        };
        scratch::give(joined);
        let sent = sent?;
        if let Poll::Ready(flushed) = self.poll_flush(cx) {
            flushed?;
        }
        Poll::Ready(Ok(sent))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_finish(cx))?;
        self.io.poll_close(cx)
    }

    fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        if let Poll::Ready(Err(_)) = self.poll_flush(cx) {
            return Poll::Ready(Hangup::Gone);
        }
        self.io.poll_hangup(cx)
    }

    fn peer_address(&self) -> Option<Address> {
        self.io.peer_address()
    }

    fn local_address(&self) -> Option<Address> {
        self.io.local_address()
    }
}
