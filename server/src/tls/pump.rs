//! A TLS session without input and output: ciphertext in, plaintext out, and the reverse.
//!
//! [`Pump`] drives the unbuffered interface of rustls, and holds only what a connection needs between two calls: the part
//! of a record that has arrived. The stream around it reads and writes.
//!
//! Each iteration of the loop consumes input, produces output or changes the state of the session. An iteration without
//! any of them is a fault, so that a defect below cannot keep a thread busy (as in RUSTSEC-2024-0336).

use std::convert::Infallible;
use std::sync::Arc;
use std::{error, fmt, io};

use super::resolver::take_server_name;
use rustls::server::{ServerConfig, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};

/// The most plaintext of a record (RFC 8446 section 5.1).
pub(super) const PLAINTEXT: usize = 16_384;

/// The largest record: 5 bytes of header, the plaintext, and 2,048 bytes of expansion (RFC 5246 section 6.2.3).
pub(super) const RECORD: usize = 5 + PLAINTEXT + 2048;

/// The most input that is kept during the handshake. A message has up to 64 KiB, such as a long chain of certificates.
const HANDSHAKE: usize = (64 << 10) + RECORD;

/// The bytes that encryption adds to a record at most: header, explicit nonce, content type, tag.
const OVERHEAD: usize = 64;

/// The answer to plain HTTP, which has no alert that it would understand.
const PLAIN_HTTP: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 60\r\n\
    connection: close\r\n\r\nThis port speaks HTTPS: use a URL that begins with https://\n";

/// A TLS session of the server.
pub(super) struct Pump {
    session: UnbufferedServerConnection,
    /// Ciphertext that was received and not consumed. Without capacity if empty.
    input: Vec<u8>,
    phase: Phase,
    /// The host name that the client has asked for.
    server_name: Option<Box<str>>,
}

/// The progress of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// The first record is not complete.
    Start,
    Handshake,
    /// Plaintext goes both ways.
    Open,
    /// The peer has sent `close_notify`.
    PeerClosed,
    Failed,
    /// Failed, because the peer speaks plain HTTP.
    PlainHttp,
}

/// Why a session has failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The peer breaks the protocol, or refuses the session.
    Protocol(rustls::Error),
    /// The peer speaks plain HTTP.
    PlainHttp,
    /// A record or a message of the handshake is too large.
    TooLarge,
    /// The session makes no progress, or cannot encrypt any more.
    Stuck,
}

/// Ciphertext that waits to be sent.
#[derive(Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Output {
    /// Returns the bytes to send.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Returns the length of the buffer.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Drops `n` bytes that were sent. Gives the buffer back after the last.
    pub(super) fn sent(&mut self, n: usize) {
        self.start += n;
        if self.is_empty() {
            self.release();
        }
    }

    /// Gives an unused buffer back.
    fn release(&mut self) {
        if self.bytes.capacity() > 0 {
            super::scratch::give(std::mem::take(&mut self.bytes));
        }
        (self.start, self.end) = (0, 0);
    }

    /// Appends bytes.
    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let write = |room: &mut [u8]| {
            room[..bytes.len()].copy_from_slice(bytes);
            Ok::<_, Infallible>(bytes.len())
        };
        self.append(bytes.len(), write, |never| match *never {})
    }

    /// Appends what `write` writes. Makes the room that it asks for.
    fn append<E>(
        &mut self,
        room: usize,
        mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
        lacks: impl Fn(&E) -> Option<usize>,
    ) -> Result<(), Fault> {
        if self.bytes.is_empty() {
            self.bytes = super::scratch::take();
        }
        let mut room = room;
        loop {
            if self.bytes.len() < self.end + room {
                self.bytes.resize(self.end + room, 0);
            }
            match write(&mut self.bytes[self.end..]) {
                Ok(n) => {
                    self.end += n;
                    return Ok(());
                }
                Err(error) => match lacks(&error) {
                    Some(required) if required > room => room = required,
                    _ => return Err(Fault::Stuck),
                },
            }
        }
    }
}

/// The work for a session that is able to send.
enum Send<'a> {
    Nothing,
    Plaintext(&'a [u8]),
    CloseNotify,
}

impl Pump {
    /// Creates a session that waits for a client.
    ///
    /// # Errors
    /// The configuration is not valid.
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        let session = UnbufferedServerConnection::new(config)?;
        Ok(Self { session, input: Vec::new(), phase: Phase::Start, server_name: None })
    }

    /// Returns the length of the buffer.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn capacity(&self) -> usize {
        self.input.capacity()
    }

    /// Whether the handshake has not ended.
    pub(super) fn is_handshaking(&self) -> bool {
        matches!(self.phase, Phase::Start | Phase::Handshake)
    }

    /// Whether the session has failed because the peer speaks plain HTTP.
    pub(super) fn is_plain_http(&self) -> bool {
        self.phase == Phase::PlainHttp
    }

    /// Whether the peer has sent `close_notify`. It sends no more plaintext, and can still receive.
    pub(super) fn is_peer_closed(&self) -> bool {
        self.phase == Phase::PeerClosed
    }

    /// Returns the session, for its facts.
    pub(super) fn session(&self) -> &UnbufferedServerConnection {
        &self.session
    }

    /// Returns the host name that the client has asked for.
    pub(super) fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Takes ciphertext that `read` writes into a buffer. Passes plaintext to `plain`, and appends answers to `output`.
    /// Returns what `read` returns.
    ///
    /// # Errors
    /// `read` fails, or the session. Then `output` may end with an alert for the peer.
    pub(super) fn receive<E: From<Fault>>(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
        plain: &mut dyn FnMut(&[u8]),
        output: &mut Output,
    ) -> Result<usize, E> {
        let limit = match self.phase {
            Phase::Start | Phase::Handshake => HANDSHAKE,
            Phase::Open => RECORD,
            Phase::PeerClosed | Phase::Failed | Phase::PlainHttp => return Err(Fault::Stuck.into()),
        };
        let kept = self.input.len();
        if kept >= limit {
            self.phase = Phase::Failed;
            return Err(Fault::TooLarge.into());
        }
        // The rest of a record, or of a message in the handshake.
        let end = limit.min((kept + 1).next_multiple_of(RECORD));
        let mut buffer = super::scratch::take();
        if buffer.len() < end {
            buffer.resize(end, 0);
        }
        buffer[..kept].copy_from_slice(&self.input);
        let result = read(&mut buffer[kept..end]).and_then(|n| {
            let filled = &mut buffer[..kept + n];
            let used = self.turn(filled, Send::Nothing, plain, output)?;
            let rest = if self.phase == Phase::PeerClosed { &[] } else { &filled[used..] };
            // An idle connection keeps no buffer.
            if rest.is_empty() {
                self.input = Vec::new();
            } else {
                self.input.clear();
                self.input.extend_from_slice(rest);
            }
            Ok(n)
        });
        super::scratch::give(buffer);
        result
    }

    /// Encrypts `plain` as one record, of at most [`PLAINTEXT`] bytes.
    ///
    /// # Errors
    /// The handshake has not ended, `close_notify` was sent, or the keys are used up.
    pub(super) fn send(&mut self, plain: &[u8], output: &mut Output) -> Result<(), Fault> {
        self.turn_kept(Send::Plaintext(plain), output)
    }

    /// Appends `close_notify`. The peer can still send.
    ///
    /// # Errors
    /// The session has failed.
    pub(super) fn close(&mut self, output: &mut Output) -> Result<(), Fault> {
        self.turn_kept(Send::CloseNotify, output)
    }

    /// Advances the session without new input. The session knows parts of messages by their place in the input.
    fn turn_kept(&mut self, send: Send<'_>, output: &mut Output) -> Result<(), Fault> {
        if matches!(self.phase, Phase::Failed | Phase::PlainHttp) {
            return Err(Fault::Stuck);
        }
        let mut input = std::mem::take(&mut self.input);
        let result = self.turn(&mut input, send, &mut |_| {}, output);
        if let Ok(used) = result {
            input.drain(..used);
        }
        self.input = input;
        result.map(drop)
    }

    /// Advances the session until it needs more input. Returns the number of bytes that it has consumed.
    fn turn(
        &mut self,
        input: &mut [u8],
        send: Send<'_>,
        plain: &mut dyn FnMut(&[u8]),
        output: &mut Output,
    ) -> Result<usize, Fault> {
        let handshaking = self.is_handshaking();
        // A method. No type of record is a letter (RFC 8446 section 5.1).
        if self.phase == Phase::Start && input.first().is_some_and(u8::is_ascii_uppercase) {
            self.phase = Phase::PlainHttp;
            output.push(PLAIN_HTTP.as_bytes())?;
            return Err(Fault::PlainHttp);
        }
        let turned = self.try_turn(input, send, plain, output);
        if handshaking && let Some(name) = take_server_name() {
            self.server_name = Some(name);
        }
        match turned {
            Err(_) => self.phase = Phase::Failed,
            Ok(used) if used > 0 && self.phase == Phase::Start => self.phase = Phase::Handshake,
            Ok(_) => {}
        }
        if output.is_empty() {
            output.release();
        }
        turned
    }

    fn try_turn(
        &mut self,
        input: &mut [u8],
        send: Send<'_>,
        plain: &mut dyn FnMut(&[u8]),
        output: &mut Output,
    ) -> Result<usize, Fault> {
        let mut used = 0;
        let error = loop {
            let UnbufferedStatus { mut discard, state } =
                self.session.process_tls_records(&mut input[used..]);
            let mut progress = discard > 0;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(Fault::Protocol)?;
                        discard += record.discard;
                        progress = true;
                        plain(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    output.append(0, |room| data.encode(room), encode_lacks)?;
                    progress = true;
                }
                // The output keeps the order, so the data counts as transmitted.
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    progress = true;
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.phase = Phase::PeerClosed;
                    progress = true;
                }
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    if matches!(self.phase, Phase::Start | Phase::Handshake) {
                        self.phase = Phase::Open;
                    }
                    match send {
                        Send::Nothing => {}
                        Send::Plaintext(bytes) => {
                            let room = bytes.len() + OVERHEAD;
                            output.append(room, |room| traffic.encrypt(bytes, room), encrypt_lacks)?;
                        }
                        Send::CloseNotify => {
                            output.append(
                                OVERHEAD,
                                |room| traffic.queue_close_notify(room),
                                encrypt_lacks,
                            )?;
                        }
                    }
                    return Ok(used + discard);
                }
                Ok(ConnectionState::BlockedHandshake | ConnectionState::Closed) => {
                    return match send {
                        Send::Plaintext(_) => Err(Fault::Stuck),
                        Send::Nothing | Send::CloseNotify => Ok(used + discard),
                    };
                }
                // Early data is off: a peer could replay it.
                Ok(_) => return Err(Fault::Stuck),
                Err(error) => {
                    used += discard;
                    break error;
                }
            }
            used += discard;
            if !progress {
                return Err(Fault::Stuck);
            }
        };
        self.alert(&mut input[used..], output)?;
        Err(Fault::Protocol(error))
    }

    /// Appends the alert that tells the peer why the session has failed. After an error rustls panics if it is asked to
    /// process input, so this asks only for what waits.
    fn alert(&mut self, input: &mut [u8], output: &mut Output) -> Result<(), Fault> {
        while self.session.wants_write()
            && let Ok(ConnectionState::EncodeTlsData(mut data)) =
                self.session.process_tls_records(input).state
        {
            output.append(0, |room| data.encode(room), encode_lacks)?;
        }
        Ok(())
    }
}

fn encode_lacks(error: &EncodeError) -> Option<usize> {
    match error {
        EncodeError::InsufficientSize(error) => Some(error.required_size),
        EncodeError::AlreadyEncoded => None,
    }
}

fn encrypt_lacks(error: &EncryptError) -> Option<usize> {
    match error {
        EncryptError::InsufficientSize(error) => Some(error.required_size),
        EncryptError::EncryptExhausted => None,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::PlainHttp => f.write_str("plain HTTP on a socket with TLS"),
            Self::TooLarge => f.write_str("a record or a message of the handshake is too large"),
            Self::Stuck => f.write_str("the session cannot go on"),
        }
    }
}

impl error::Error for Fault {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Protocol(error) => Some(error),
            Self::PlainHttp | Self::TooLarge | Self::Stuck => None,
        }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::new(io::ErrorKind::InvalidData, fault)
    }
}
