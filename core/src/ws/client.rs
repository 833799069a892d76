//! The opening handshake of a client (RFC 6455 section 4.1): writes the request, and parses the response in pieces.

use alloc::string::String;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::config::Config;
use super::deflate::Offer;
use super::handshake::{Agreed, PROTOCOL, accept, only};
use crate::http::{Headers, Status, is_field_value, is_token, trim};

/// The handshake of a client: its request, and the received part of the response.
///
/// ```
/// use stelo_core::ws::{ClientHandshake, Config};
///
/// let mut handshake = ClientHandshake::new("example.org", "/chat", &["chat"], *b"the sample nonce", &Config::default()).unwrap();
/// assert!(handshake.request().starts_with(b"GET /chat HTTP/1.1\r\nhost: example.org\r\n"));
/// let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
///     sec-websocket-protocol: chat\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x02hi";
/// let (first, rest) = answer.split_at(20);
/// assert_eq!(handshake.receive(first).unwrap(), None);
/// let opened = handshake.receive(rest).unwrap().unwrap();
/// assert_eq!(opened.protocol.as_deref(), Some("chat"));
/// assert_eq!(opened.ahead, b"\x81\x02hi");
/// ```
#[derive(Debug)]
pub struct ClientHandshake {
    request: Vec<u8>,
    key: [u8; 24],
    protocols: Vec<String>,
    offer: Option<Offer>,
    /// The received part of the response.
    answer: Vec<u8>,
    /// The number of received bytes in which the end of the head was not found.
    scanned: usize,
}

/// A WebSocket that the server has accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opened {
    /// The result of the handshake, for [`Connection::client`](super::Connection::client).
    pub agreed: Agreed,
    /// The subprotocol that the server has chosen.
    pub protocol: Option<String>,
    /// The header fields of the response.
    pub headers: Headers,
    /// The bytes after the response: the first input of the connection.
    pub ahead: Vec<u8>,
}

impl ClientHandshake {
    /// The maximum length of a response head, in bytes.
    const HEAD: usize = 16 << 10;

    /// Creates a request to `host` for the WebSocket at `target`.
    ///
    /// `host` includes the port unless it is the default one, and `target` is a path with an optional query. `key`
    /// must be random.
    ///
    /// # Errors
    /// Host, target or a subprotocol is invalid.
    pub fn new(
        host: &str,
        target: &str,
        protocols: &[&str],
        key: [u8; 16],
        config: &Config,
    ) -> Result<Self, HandshakeError> {
        let target_is_good = target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic());
        let host_is_good = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
        if !target_is_good || !host_is_good || !protocols.iter().all(|protocol| is_token(protocol.as_bytes()))
        {
            return Err(HandshakeError::Request);
        }
        let mut text = [0; 24];
        // 16 bytes are 24 characters.
        let _ = STANDARD.encode_slice(key, &mut text);
        let offer = config.compression().map(|deflate| deflate.offer());
        let mut request = alloc::format!(
            "GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: "
        );
        request.extend(text.iter().map(|&byte| char::from(byte)));
        if !protocols.is_empty() {
            // Writing to a `String` never fails.
            let _ = write!(request, "\r\n{PROTOCOL}: {}", protocols.join(", "));
        }
        if let Some(offer) = &offer {
            let _ = write!(request, "\r\nsec-websocket-extensions: {offer}");
        }
        request += "\r\n\r\n";
        Ok(Self {
            request: request.into_bytes(),
            key: text,
            protocols: protocols.iter().map(|&protocol| protocol.into()).collect(),
            offer,
            answer: Vec::new(),
            scanned: 0,
        })
    }

    /// Adds a field to the request: `origin`, `cookie`, `authorization`.
    ///
    /// # Errors
    /// The field is invalid, or one of the handshake.
    pub fn header(&mut self, name: &str, value: &str) -> Result<(), HandshakeError> {
        const OURS: [&str; 3] = ["host", "connection", "upgrade"];
        let ours = OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours))
            || name.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("sec-websocket-"));
        if ours || !is_token(name.as_bytes()) || !is_field_value(value.as_bytes()) {
            return Err(HandshakeError::Request);
        }
        self.request.truncate(self.request.len() - 2);
        for part in [name, ": ", value, "\r\n\r\n"] {
            self.request.extend_from_slice(part.as_bytes());
        }
        Ok(())
    }

    /// Returns the bytes of the request.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Parses the next bytes of the response. Returns the result once the head is complete. The method must not be
    /// called after that.
    ///
    /// # Errors
    /// The server did not accept, or its response is invalid.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<Opened>, HandshakeError> {
        self.answer.extend_from_slice(bytes);
        // The end of the head may have begun in the earlier bytes.
        let from = self.scanned.saturating_sub(3);
        let unseen = self.answer.get(from..).unwrap_or_default();
        let end = memchr::memmem::find(unseen, b"\r\n\r\n").map(|at| from + at);
        self.scanned = self.answer.len();
        if end.unwrap_or(self.answer.len()) > Self::HEAD {
            return Err(HandshakeError::TooLarge);
        }
        let Some(end) = end else { return Ok(None) };
        let ahead = self.answer.split_off(end + 4);
        self.answer.truncate(end + 2);
        let (status, headers) = head(&self.answer).ok_or(HandshakeError::Malformed)?;
        if status != Status::SWITCHING_PROTOCOLS {
            return Err(HandshakeError::Refused { status, headers, ahead });
        }
        let (agreed, protocol) = self.check(&headers)?;
        Ok(Some(Opened { agreed, protocol, headers, ahead }))
    }

    /// Checks a response by the rules of section 4.1.
    fn check(&self, headers: &Headers) -> Result<(Agreed, Option<String>), HandshakeError> {
        if !headers.has_token("upgrade", "websocket") || !headers.has_token("connection", "upgrade") {
            return Err(HandshakeError::Malformed);
        }
        if only(headers, "sec-websocket-accept") != Some(&accept(&self.key)) {
            return Err(HandshakeError::Accept);
        }
        let protocol = match headers.get(PROTOCOL) {
            None => None,
            Some(_) => {
                let chosen = only(headers, PROTOCOL);
                let offered = self.protocols.iter().find(|offered| chosen == Some(offered.as_bytes()));
                Some(offered.ok_or(HandshakeError::Protocol)?.clone())
            }
        };
        let deflate = Offer::answered(self.offer.as_ref(), headers).map_err(|_| HandshakeError::Extension)?;
        Ok((Agreed { deflate }, protocol))
    }
}

/// Parses status and fields of a response whose lines are complete.
fn head(bytes: &[u8]) -> Option<(Status, Headers)> {
    let mut lines = bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r"));
    let status = lines.next()??.strip_prefix(b"HTTP/1.1 ")?;
    let (code, rest) = status.split_first_chunk::<3>()?;
    if !matches!(rest, [] | [b' ', ..]) || !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let mut headers = Headers::new();
    while let Some(Some(line)) = lines.next() {
        let colon = memchr::memchr(b':', line)?;
        let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?);
        headers.try_append(name, trim(value)).ok()?;
    }
    Some((Status::new(code)?, headers))
}

/// The reason why a WebSocket was not opened.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The host, the target, a subprotocol or a field is invalid.
    Request,
    /// The server has answered with another status.
    Refused {
        /// The status.
        status: Status,
        /// The header fields.
        headers: Headers,
        /// The beginning of the body.
        ahead: Vec<u8>,
    },
    /// The response is not HTTP/1.1, or does not upgrade to a WebSocket.
    Malformed,
    /// The head of the response is larger than 16 KiB.
    TooLarge,
    /// The response does not match the key.
    Accept,
    /// The server chose a subprotocol that was not offered.
    Protocol,
    /// The server chose an extension that was not offered.
    Extension,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "invalid host, path, subprotocol or header field",
            Self::Refused { status, .. } => {
                return write!(f, "the server has not opened the WebSocket: {status}");
            }
            Self::Malformed => "the server does not speak WebSocket here",
            Self::TooLarge => "the head of the server's answer is larger than 16 KiB",
            Self::Accept => "the server has answered another handshake than this one",
            Self::Protocol => "the server has chosen a subprotocol that was not offered to it",
            Self::Extension => "the server has answered with an extension that was not offered to it",
        })
    }
}

impl Error for HandshakeError {}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 16] = *b"0123456789abcdef";
    const ACCEPT: &str = "sec-websocket-accept: BACScCJPNqyz+UBoqMH89VmURoA=\r\n";
    const UPGRADE: &str = "upgrade: WebSocket\r\nconnection: Upgrade\r\n";

    fn asked() -> ClientHandshake {
        ClientHandshake::new("a.example:81", "/b?c", &["chat", "v2"], KEY, &Config::DEFAULT).unwrap()
    }

    /// Returns the result of a response, which is the same whole and byte by byte.
    fn answered(answer: &str) -> Result<Option<Opened>, HandshakeError> {
        let whole = asked().receive(answer.as_bytes());
        let mut slow = asked();
        let mut seen = Ok(None);
        for byte in answer.as_bytes() {
            if seen == Ok(None) {
                seen = slow.receive(core::slice::from_ref(byte));
            }
        }
        assert_eq!(whole, seen, "{answer}");
        whole
    }

    fn fields(fields: &str) -> Result<Option<Opened>, HandshakeError> {
        answered(&alloc::format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n"))
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn a_server_accepts_the_request_of_a_client() {
        let mut asked = asked();
        asked.header("Origin", "https://a.example").unwrap();
        for (name, value) in [("Host", "x"), ("sec-websocket-key", "x"), ("a b", "x"), ("a", "x\r\nb: c")] {
            assert_eq!(asked.header(name, value), Err(HandshakeError::Request), "{name}");
        }
        let mut server = crate::h1::Connection::new(alloc::sync::Arc::default(), crate::Instant::ZERO);
        use crate::proto::{Event, HttpMachine, Machine};
        server.receive(crate::Instant::ZERO, asked.request());
        let Event::Request { head, .. } = server.next_event() else { panic!("a request") };
        assert_eq!((head.target(), head.authority()), ("/b?c", Some("a.example:81")));
        assert_eq!(head.headers().get_str("origin"), Some("https://a.example"));
        assert!(crate::ws::is_asked_for(&head));
        let handshake = crate::ws::Handshake::check(&head).unwrap();
        let mut headers = Headers::new();
        headers.append(PROTOCOL, "v2");
        let agreed = handshake.accept(&mut headers, &Config::DEFAULT).unwrap();
        let mut answer = String::from("HTTP/1.1 101 \r\n");
        for (name, value) in headers.iter() {
            let value = core::str::from_utf8(value).unwrap();
            write!(answer, "{name}: {value}\r\n").unwrap();
        }
        answer += "\r\n";
        let opened = asked.receive(answer.as_bytes()).unwrap().unwrap();
        assert!(agreed.deflate.is_some());
        assert_eq!((opened.agreed, opened.protocol.as_deref()), (agreed, Some("v2")));
    }

    #[test]
    fn invalid_parts_of_a_request_are_rejected() {
        let new = |host, target, protocols: &[&str]| {
            ClientHandshake::new(host, target, protocols, KEY, &Config::DEFAULT).err()
        };
        for (host, target, protocols) in [
            ("", "/", &[][..]),
            ("a b", "/", &[]),
            ("a", "", &[]),
            ("a", "b", &[]),
            ("a", "/ HTTP/1.1\r\nb: c", &[]),
            ("a", "/", &["a, b"]),
        ] {
            assert_eq!(new(host, target, protocols), Some(HandshakeError::Request), "{host} {target}");
        }
    }

    #[test]
    fn a_response_must_match_the_request() {
        let opened = fields(&alloc::format!("{UPGRADE}{ACCEPT}")).unwrap().unwrap();
        assert_eq!((opened.agreed, opened.protocol), (Agreed::default(), None));
        let good = alloc::format!("{UPGRADE}{ACCEPT}");
        for (bad, error) in [
            (UPGRADE.into(), HandshakeError::Accept),
            (alloc::format!("{UPGRADE}{}", ACCEPT.replace("BA", "AB")), HandshakeError::Accept),
            (alloc::format!("{good}{ACCEPT}"), HandshakeError::Accept),
            (ACCEPT.into(), HandshakeError::Malformed),
            (alloc::format!("{good}no colon\r\n"), HandshakeError::Malformed),
            (alloc::format!("{good}sec-websocket-protocol: other\r\n"), HandshakeError::Protocol),
            (alloc::format!("{good}sec-websocket-protocol: chat, v2\r\n"), HandshakeError::Protocol),
            (alloc::format!("{good}sec-websocket-extensions: x-other\r\n"), HandshakeError::Extension),
        ] {
            assert_eq!(fields(&bad), Err(error), "{bad}");
        }
    }

    #[test]
    fn a_refusal_has_the_status_and_fields_of_the_response() {
        let answer = "HTTP/1.1 403 Forbidden\r\nwww-authenticate: Basic\r\n\r\n";
        let error = answered(answer).unwrap_err();
        let HandshakeError::Refused { status, headers, ahead } = error else { panic!("{error:?}") };
        assert_eq!((status, ahead.len()), (Status::FORBIDDEN, 0));
        assert_eq!(headers.get_str("www-authenticate"), Some("Basic"));
        for garbage in ["SSH-2.0-x\r\n\r\n", "HTTP/1.0 101 x\r\n\r\n", "HTTP/1.1 1010 x\r\n\r\n", "\r\n\r\n"]
        {
            assert_eq!(answered(garbage), Err(HandshakeError::Malformed), "{garbage:?}");
        }
    }

    /// RUSTSEC-2023-0065: a head without an end was parsed again from its beginning with each byte, without a limit.
    #[test]
    fn an_endless_head_is_rejected_and_scanned_once() {
        let mut client = asked();
        client.receive(b"HTTP/1.1 101 x\r\na: ").unwrap();
        let mut error = None;
        for _ in 0..=ClientHandshake::HEAD {
            assert_eq!(client.scanned, client.answer.len());
            if let Err(refused) = client.receive(b"x") {
                error = Some(refused);
                break;
            }
        }
        assert_eq!(error, Some(HandshakeError::TooLarge));
    }
}
