//! The opening handshake of a server: checks the request and adds the fields of the response. With HTTP/1.1 it is an upgrade
//! (RFC 6455 section 4.2), with HTTP/2 an extended CONNECT (RFC 8441 section 5). HTTP writes status and head.

use core::error::Error;
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1_smol::Sha1;

use super::config::Config;
use super::deflate::{Compressor, Decompressor, Parameters};
use super::state::Role;
use crate::http::{Headers, Method, RequestHead, Status, Version, list, trim};

/// The constant that is hashed after the key (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

pub(super) const PROTOCOL: &str = "sec-websocket-protocol";
const EXTENSIONS: &str = "sec-websocket-extensions";

/// Returns whether a request asks for a WebSocket.
pub fn is_asked_for(head: &RequestHead) -> bool {
    if let Some(protocol) = head.protocol() {
        return protocol.eq_ignore_ascii_case("websocket");
    }
    let headers = head.headers();
    head.version() == Version::Http11
        && headers.has_token("upgrade", "websocket")
        && headers.has_token("connection", "upgrade")
}

/// Returns the subprotocols that a client offers, in its order of preference.
///
/// ```
/// use stelo_core::http::Headers;
/// use stelo_core::ws::protocols;
///
/// let mut headers = Headers::new();
/// headers.append("Sec-WebSocket-Protocol", "chat, superchat");
/// assert_eq!(protocols(&headers).collect::<Vec<_>>(), ["chat", "superchat"]);
/// ```
pub fn protocols(headers: &Headers) -> impl Iterator<Item = &str> {
    headers.get_all(PROTOCOL).flat_map(list).filter_map(|protocol| core::str::from_utf8(protocol).ok())
}

/// A valid request for a WebSocket.
///
/// ```
/// use stelo_core::http::{Headers, Method, RequestHead};
/// use stelo_core::ws::{Config, Handshake};
///
/// let mut head = RequestHead::new(Method::Get, "/chat").unwrap();
/// for (name, value) in [
///     ("connection", "keep-alive, Upgrade"),
///     ("upgrade", "websocket"),
///     ("sec-websocket-version", "13"),
///     ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
/// ] {
///     head.headers_mut().try_append(name, value).unwrap();
/// }
/// let handshake = Handshake::check(&head).unwrap();
/// let mut headers = Headers::new();
/// handshake.accept(&mut headers, &Config::default()).unwrap();
/// assert_eq!(headers.get_str("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
/// ```
#[derive(Clone, Debug)]
pub struct Handshake {
    /// The answer to the key; `None` for an extended CONNECT, which has no key.
    accept: Option<[u8; 28]>,
    /// The fields with the offers of the client.
    offers: Headers,
}

impl Handshake {
    /// Checks a request that [asks for](is_asked_for) a WebSocket.
    ///
    /// # Errors
    /// The request breaks a rule. The refusal has the status and the fields of the response.
    pub fn check(head: &RequestHead) -> Result<Self, Refusal> {
        let is_connect = head.protocol().is_some();
        if !is_connect && *head.method() != Method::Get {
            return Err(Refusal::Method);
        }
        let headers = head.headers();
        match only(headers, "sec-websocket-version") {
            Some(b"13") => {}
            _ if !headers.contains("sec-websocket-version") => return Err(Refusal::VersionMissing),
            _ => return Err(Refusal::Version),
        }
        let accept = match only(headers, "sec-websocket-key") {
            _ if is_connect => None,
            Some(key) if is_key(key) => Some(accept(key)),
            None if !headers.contains("sec-websocket-key") => return Err(Refusal::KeyMissing),
            _ => return Err(Refusal::Key),
        };
        let mut offers = Headers::new();
        for name in [PROTOCOL, EXTENSIONS] {
            for value in headers.get_all(name) {
                // Received fields have been checked by the same rules.
                offers.push(name.as_bytes(), trim(value));
            }
        }
        Ok(Self { accept, offers })
    }

    /// Adds the fields that accept the WebSocket: `connection`, `upgrade` and `sec-websocket-accept`, unless an extended
    /// CONNECT asks for it, and `sec-websocket-extensions` if an offer is accepted.
    ///
    /// If the application has chosen a subprotocol, `headers` already has it as `sec-websocket-protocol`.
    ///
    /// # Errors
    /// That subprotocol was not offered. The caller chooses the response.
    pub fn accept(&self, headers: &mut Headers, config: &Config) -> Result<Agreed, NotOffered> {
        let mut chosen = headers.get_all(PROTOCOL);
        let first = chosen.next();
        let offered = |name: &[u8]| protocols(&self.offers).any(|protocol| protocol.as_bytes() == name);
        if chosen.next().is_some() || first.is_some_and(|name| !offered(name)) {
            return Err(NotOffered);
        }
        drop(chosen);
        for name in ["connection", "upgrade", "sec-websocket-accept", EXTENSIONS] {
            headers.remove(name);
        }
        let deflate = config.compression().and_then(|deflate| deflate.answer(&self.offers));
        // The values are ASCII without control characters: base64, and tokens with numbers.
        if let Some(accept) = &self.accept {
            headers.append("connection", "Upgrade");
            headers.append("upgrade", "websocket");
            headers.push(b"sec-websocket-accept", accept);
        }
        if let Some(deflate) = &deflate {
            headers.push(EXTENSIONS.as_bytes(), alloc::format!("{deflate}").as_bytes());
        }
        Ok(Agreed { deflate })
    }
}

/// The result of the handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Agreed {
    /// The compression of messages, if agreed.
    pub deflate: Option<Parameters>,
}

impl Agreed {
    /// Returns the compressor and the decompressor, if compression was agreed.
    pub(super) fn codec(&self, config: &Config, role: Role) -> Option<(Compressor, Decompressor)> {
        let (deflate, parameters) = (config.compression()?, self.deflate?);
        match role {
            Role::Server => parameters.server(&deflate),
            Role::Client => parameters.client(&deflate),
        }
    }
}

/// The reason why a request for a WebSocket is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The method is not GET: 405.
    Method,
    /// There is no version: 426.
    VersionMissing,
    /// The version is not 13, the only one: 426.
    Version,
    /// There is no key: 400.
    KeyMissing,
    /// The key is not 16 bytes in base64: 400.
    Key,
}

impl Refusal {
    /// Returns the status of the response.
    pub fn status(self) -> Status {
        match self {
            Self::Method => Status::METHOD_NOT_ALLOWED,
            Self::VersionMissing | Self::Version => Status::UPGRADE_REQUIRED,
            Self::KeyMissing | Self::Key => Status::BAD_REQUEST,
        }
    }

    /// Returns the fields that belong to the status.
    pub fn headers(self) -> Headers {
        let fields: &[(&'static str, &'static str)] = match self {
            Self::Method => &[("allow", "GET")],
            Self::VersionMissing | Self::Version => {
                &[("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-version", "13")]
            }
            Self::KeyMissing | Self::Key => &[],
        };
        let mut headers = Headers::new();
        for &(name, value) in fields {
            headers.append(name, value);
        }
        headers
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "a WebSocket is asked for with GET",
            Self::VersionMissing => "missing Sec-WebSocket-Version header",
            Self::Version => "unsupported Sec-WebSocket-Version: use 13",
            Self::KeyMissing => "missing Sec-WebSocket-Key header",
            Self::Key => "invalid Sec-WebSocket-Key header: it has to be 16 bytes in base64",
        })
    }
}

impl Error for Refusal {}

/// The application has chosen a subprotocol that the client did not offer, or several.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotOffered;

impl fmt::Display for NotOffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the chosen subprotocol was not offered by the client: choose one of `ws::protocols`, or none",
        )
    }
}

impl Error for NotOffered {}

/// Returns the value of a field that may occur only once.
pub(super) fn only<'a>(headers: &'a Headers, name: &str) -> Option<&'a [u8]> {
    let mut all = headers.get_all(name);
    let value = all.next()?;
    all.next().is_none().then(|| trim(value))
}

/// Returns whether `key` is 16 bytes in base64. Its last bits are ignored, because some clients set them.
fn is_key(key: &[u8]) -> bool {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let mut bytes = [0; 18];
    key.len() == 24 && LENIENT.decode_slice(key, &mut bytes) == Ok(16)
}

/// Returns the answer to a key (RFC 6455 section 4.2.2).
pub(super) fn accept(key: &[u8]) -> [u8; 28] {
    let mut hash = Sha1::from(key);
    hash.update(GUID);
    let hash = hash.digest().bytes();
    let mut text = [0; 28];
    // 20 bytes are 28 characters.
    let _ = STANDARD.encode_slice(hash, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const GOOD: [(&str, &str); 5] = [
        ("host", "example.org"),
        ("upgrade", "WebSocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "MDEyMzQ1Njc4OWFiY2RlZg=="),
    ];

    /// Creates a valid request with these fields added, or replacing those of the same name.
    fn request(method: Method, others: &[(&str, &str)]) -> RequestHead {
        let mut head = RequestHead::new(method, "/chat").unwrap();
        for (name, value) in
            GOOD.iter().filter(|good| others.iter().all(|other| other.0 != good.0)).chain(others)
        {
            head.headers_mut().try_append(name, value).unwrap();
        }
        head
    }

    fn refusal(others: &[(&str, &str)]) -> Option<Refusal> {
        Handshake::check(&request(Method::Get, others)).err()
    }

    #[test]
    fn two_fields_request_a_websocket() {
        assert!(is_asked_for(&request(Method::Get, &[])));
        assert!(!is_asked_for(&request(Method::Get, &[("upgrade", "h2c")])));
        assert!(!is_asked_for(&request(Method::Get, &[("connection", "keep-alive")])));
    }

    #[test]
    fn invalid_requests_are_refused() {
        assert_eq!(refusal(&[]), None);
        assert_eq!(Handshake::check(&request(Method::Post, &[])).err(), Some(Refusal::Method));
        for (version, refused) in
            [("8", Refusal::Version), ("", Refusal::Version), ("13, 8", Refusal::Version)]
        {
            assert_eq!(refusal(&[("sec-websocket-version", version)]), Some(refused), "{version:?}");
        }
        let twice = [("sec-websocket-version", "13"), ("sec-websocket-version", "13")];
        assert_eq!(refusal(&twice), Some(Refusal::Version));
        for key in
            ["", "abc", "MDEyMzQ1Njc4OWFiY2RlZg=", "MDEyMzQ1Njc4OWFiY2RlZmdo", "MDEyMzQ1Njc4OWFiY2RlZg!="]
        {
            assert_eq!(refusal(&[("sec-websocket-key", key)]), Some(Refusal::Key), "{key:?}");
        }
        let twice = [("sec-websocket-key", GOOD[4].1), ("sec-websocket-key", GOOD[4].1)];
        assert_eq!(refusal(&twice), Some(Refusal::Key));
        // The last bits of a key are ignored.
        assert_eq!(refusal(&[("sec-websocket-key", "MDEyMzQ1Njc4OWFiY2RlZh==")]), None);
        let mut missing = request(Method::Get, &[]);
        missing.headers_mut().remove("sec-websocket-key");
        assert_eq!(Handshake::check(&missing).err(), Some(Refusal::KeyMissing));
        missing.headers_mut().remove("sec-websocket-version");
        assert_eq!(Handshake::check(&missing).err(), Some(Refusal::VersionMissing));
    }

    #[test]
    fn a_refusal_names_the_accepted_method_or_version() {
        for (refusal, status, fields) in [
            (Refusal::Method, 405, &[("allow", "GET")][..]),
            (Refusal::Version, 426, &[("upgrade", "websocket"), ("sec-websocket-version", "13")]),
            (Refusal::VersionMissing, 426, &[("upgrade", "websocket"), ("sec-websocket-version", "13")]),
            (Refusal::Key, 400, &[]),
            (Refusal::KeyMissing, 400, &[]),
        ] {
            assert_eq!(refusal.status().code(), status);
            let headers = refusal.headers();
            assert!(fields.iter().all(|(name, value)| headers.get_str(name) == Some(value)), "{refusal:?}");
        }
    }

    fn accepted(others: &[(&str, &str)], chosen: &[&str]) -> Result<(Agreed, Headers), NotOffered> {
        let handshake = Handshake::check(&request(Method::Get, others)).unwrap();
        let mut headers = Headers::new();
        for protocol in chosen {
            headers.try_append(PROTOCOL, protocol).unwrap();
        }
        let agreed = handshake.accept(&mut headers, &Config::DEFAULT)?;
        Ok((agreed, headers))
    }

    #[test]
    fn the_accept_value_is_computed_from_the_key() {
        let (agreed, headers) = accepted(&[], &[]).unwrap();
        let fields: Vec<_> = headers.iter().collect();
        let expected: [(&str, &[u8]); 3] = [
            ("connection", b"Upgrade"),
            ("upgrade", b"websocket"),
            ("sec-websocket-accept", b"BACScCJPNqyz+UBoqMH89VmURoA="),
        ];
        assert_eq!((agreed, &*fields), (Agreed::default(), &expected[..]));
    }

    #[test]
    fn only_an_offered_subprotocol_can_be_chosen() {
        let offers = [(PROTOCOL, "chat, superchat"), (PROTOCOL, "v2")];
        for good in [&[][..], &["chat"], &["superchat"], &["v2"]] {
            let (_, headers) = accepted(&offers, good).unwrap();
            assert_eq!(headers.get_all(PROTOCOL).count(), good.len());
        }
        for bad in [&["Chat"][..], &["chat, v2"], &["chat", "v2"], &[""]] {
            assert_eq!(accepted(&offers, bad).err(), Some(NotOffered), "{bad:?}");
        }
        assert_eq!(accepted(&[], &["chat"]).err(), Some(NotOffered));
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn compression_is_agreed_on_if_it_was_offered() {
        let offer = [(EXTENSIONS, "permessage-deflate; client_max_window_bits")];
        let (agreed, headers) = accepted(&offer, &[]).unwrap();
        assert!(agreed.deflate.is_some());
        let answer = "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12";
        assert_eq!(headers.get_str(EXTENSIONS), Some(answer));
        let (agreed, headers) = accepted(&[(EXTENSIONS, "x-other")], &[]).unwrap();
        assert!(agreed.deflate.is_none() && !headers.contains(EXTENSIONS));
    }
}
