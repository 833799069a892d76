//! Names and values of header fields that are valid by construction, and the common names as constants.
//!
//! [`Headers::set`](super::Headers::set) and [`append`](super::Headers::append) take these, so they cannot fail. Names and
//! values that are only known at run time go through [`try_set`](super::Headers::try_set) and
//! [`try_append`](super::Headers::try_append).

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::InvalidHeader;
use super::syntax::{is_field_value, is_token};

/// The name of a header field (RFC 9110 section 5.1).
///
/// ```
/// use stelo_core::http::header::{self, HeaderName};
/// use stelo_core::http::Headers;
///
/// // Checked by the compiler.
/// const X_ROOM: HeaderName = HeaderName::from_static("x-room");
///
/// let mut headers = Headers::new();
/// headers.set(X_ROOM, "tea");
/// headers.set(header::CACHE_CONTROL, "no-store");
/// assert_eq!(headers.get(X_ROOM), Some(&b"tea"[..]));
/// ```
#[derive(Clone, Copy)]
pub struct HeaderName(&'static str);

impl HeaderName {
    /// Creates a name from a literal.
    ///
    /// # Panics
    /// If `name` is not a token (RFC 9110 section 5.6.2). In a constant this is an error of compilation.
    #[track_caller]
    pub const fn from_static(name: &'static str) -> Self {
        assert!(
            is_token(name.as_bytes()),
            "invalid header name: use letters, digits and !#$%&'*+-.^_`|~ only"
        );
        Self(name)
    }

    /// Returns the name as it is written.
    pub const fn as_str(&self) -> &'static str {
        self.0
    }
}

impl AsRef<str> for HeaderName {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl AsRef<[u8]> for HeaderName {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl PartialEq for HeaderName {
    /// Compares without regard to case.
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Eq for HeaderName {}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns whether a field says how messages are framed (RFC 9112 section 6), or concerns one connection (RFC 9110 section
/// 7.6.1). The machines write these fields, so they cannot be [defaults](crate::proto::Defaults) of responses.
///
/// ```
/// use stelo_core::http::header::is_of_connection;
///
/// assert!(is_of_connection("Transfer-Encoding") && is_of_connection("connection"));
/// assert!(!is_of_connection("content-type"));
/// ```
pub fn is_of_connection(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "connection",
        "content-length",
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// The value of a header field (RFC 9110 section 5.5).
///
/// ```
/// use stelo_core::http::header::HeaderValue;
///
/// // Checked by the compiler.
/// const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
///
/// assert!(HeaderValue::try_from(String::from("a\r\nset-cookie: b")).is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderValue(Cow<'static, [u8]>);

impl HeaderValue {
    /// Creates a value from a literal.
    ///
    /// # Panics
    /// If `value` has a control character, or white space at an end. In a constant this is an error of compilation.
    #[track_caller]
    pub const fn from_static(value: &'static str) -> Self {
        assert!(
            is_field_value(value.as_bytes()),
            "invalid header value: control characters and white space at the ends are not allowed"
        );
        Self(Cow::Borrowed(value.as_bytes()))
    }

    /// Returns the bytes of the value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for HeaderValue {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl TryFrom<Vec<u8>> for HeaderValue {
    type Error = InvalidHeader;

    fn try_from(value: Vec<u8>) -> Result<Self, InvalidHeader> {
        match is_field_value(&value) {
            true => Ok(Self(Cow::Owned(value))),
            false => Err(InvalidHeader::Value),
        }
    }
}

impl TryFrom<String> for HeaderValue {
    type Error = InvalidHeader;

    fn try_from(value: String) -> Result<Self, InvalidHeader> {
        value.into_bytes().try_into()
    }
}

/// The name of a field in a call that cannot fail: a [`HeaderName`], or a literal.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a header name that is known when the program is compiled",
    note = "use a constant of `http::header`, a literal, or `try_set` and `try_append`, which check the name"
)]
pub trait IntoHeaderName {
    /// Converts into a name.
    ///
    /// # Panics
    /// If a literal is not a token.
    #[track_caller]
    fn into_header_name(self) -> HeaderName;
}

impl IntoHeaderName for HeaderName {
    fn into_header_name(self) -> HeaderName {
        self
    }
}

impl IntoHeaderName for &'static str {
    #[track_caller]
    fn into_header_name(self) -> HeaderName {
        assert!(is_token(self.as_bytes()), "{self:?}: {}", InvalidHeader::Name);
        HeaderName(self)
    }
}

/// The value of a field in a call that cannot fail: a [`HeaderValue`], a literal, or a number.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a header value that is known to be valid",
    note = "use a literal, a number, a `HeaderValue`, or `try_set` and `try_append`, which check the value"
)]
pub trait IntoHeaderValue {
    /// Converts into a value.
    ///
    /// # Panics
    /// If a literal has a control character, or white space at an end.
    #[track_caller]
    fn into_header_value(self) -> HeaderValue;
}

impl IntoHeaderValue for HeaderValue {
    fn into_header_value(self) -> HeaderValue {
        self
    }
}

impl IntoHeaderValue for &'static str {
    #[track_caller]
    fn into_header_value(self) -> HeaderValue {
        assert!(is_field_value(self.as_bytes()), "{self:?}: {}", InvalidHeader::Value);
        HeaderValue(Cow::Borrowed(self.as_bytes()))
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl IntoHeaderValue for $number {
            fn into_header_value(self) -> HeaderValue {
                HeaderValue(Cow::Owned(format!("{self}").into_bytes()))
            }
        }
    )*};
}

numbers! { u8 u16 u32 u64 usize i32 i64 }

macro_rules! names {
    ($($constant:ident = $name:literal, $source:literal;)*) => {$(
        #[doc = concat!("`", $name, "` (", $source, ")")]
        pub const $constant: HeaderName = HeaderName::from_static($name);
    )*};
}

names! {
    ACCEPT = "accept", "RFC 9110 section 12.5.1";
    ACCEPT_ENCODING = "accept-encoding", "RFC 9110 section 12.5.3";
    ACCEPT_LANGUAGE = "accept-language", "RFC 9110 section 12.5.4";
    ACCEPT_RANGES = "accept-ranges", "RFC 9110 section 14.3";
    ACCESS_CONTROL_ALLOW_CREDENTIALS = "access-control-allow-credentials", "Fetch, CORS protocol";
    ACCESS_CONTROL_ALLOW_HEADERS = "access-control-allow-headers", "Fetch, CORS protocol";
    ACCESS_CONTROL_ALLOW_METHODS = "access-control-allow-methods", "Fetch, CORS protocol";
    ACCESS_CONTROL_ALLOW_ORIGIN = "access-control-allow-origin", "Fetch, CORS protocol";
    ACCESS_CONTROL_EXPOSE_HEADERS = "access-control-expose-headers", "Fetch, CORS protocol";
    ACCESS_CONTROL_MAX_AGE = "access-control-max-age", "Fetch, CORS protocol";
    ACCESS_CONTROL_REQUEST_HEADERS = "access-control-request-headers", "Fetch, CORS protocol";
    ACCESS_CONTROL_REQUEST_METHOD = "access-control-request-method", "Fetch, CORS protocol";
    AGE = "age", "RFC 9111 section 5.1";
    ALLOW = "allow", "RFC 9110 section 10.2.1";
    ALT_SVC = "alt-svc", "RFC 7838 section 3";
    AUTHORIZATION = "authorization", "RFC 9110 section 11.6.2";
    CACHE_CONTROL = "cache-control", "RFC 9111 section 5.2";
    CONNECTION = "connection", "RFC 9110 section 7.6.1";
    CONTENT_DISPOSITION = "content-disposition", "RFC 6266 section 4";
    CONTENT_ENCODING = "content-encoding", "RFC 9110 section 8.4";
    CONTENT_LANGUAGE = "content-language", "RFC 9110 section 8.5";
    CONTENT_LENGTH = "content-length", "RFC 9110 section 8.6";
    CONTENT_LOCATION = "content-location", "RFC 9110 section 8.7";
    CONTENT_RANGE = "content-range", "RFC 9110 section 14.4";
    CONTENT_SECURITY_POLICY = "content-security-policy", "Content Security Policy Level 3";
    CONTENT_SECURITY_POLICY_REPORT_ONLY = "content-security-policy-report-only", "Content Security Policy Level 3";
    CONTENT_TYPE = "content-type", "RFC 9110 section 8.3";
    COOKIE = "cookie", "RFC 6265 section 4.2";
    CROSS_ORIGIN_EMBEDDER_POLICY = "cross-origin-embedder-policy", "HTML";
    CROSS_ORIGIN_OPENER_POLICY = "cross-origin-opener-policy", "HTML";
    CROSS_ORIGIN_RESOURCE_POLICY = "cross-origin-resource-policy", "Fetch";
    DATE = "date", "RFC 9110 section 6.6.1";
    ETAG = "etag", "RFC 9110 section 8.8.3";
    EXPECT = "expect", "RFC 9110 section 10.1.1";
    EXPIRES = "expires", "RFC 9111 section 5.3";
    FORWARDED = "forwarded", "RFC 7239 section 4";
    HOST = "host", "RFC 9110 section 7.2";
    IF_MATCH = "if-match", "RFC 9110 section 13.1.1";
    IF_MODIFIED_SINCE = "if-modified-since", "RFC 9110 section 13.1.3";
    IF_NONE_MATCH = "if-none-match", "RFC 9110 section 13.1.2";
    IF_RANGE = "if-range", "RFC 9110 section 13.1.5";
    IF_UNMODIFIED_SINCE = "if-unmodified-since", "RFC 9110 section 13.1.4";
    LAST_EVENT_ID = "last-event-id", "HTML, server-sent events";
    LAST_MODIFIED = "last-modified", "RFC 9110 section 8.8.2";
    LINK = "link", "RFC 8288 section 3";
    LOCATION = "location", "RFC 9110 section 10.2.2";
    ORIGIN = "origin", "RFC 6454 section 7";
    PERMISSIONS_POLICY = "permissions-policy", "Permissions Policy";
    PRAGMA = "pragma", "RFC 9111 section 5.4";
    PRIORITY = "priority", "RFC 9218 section 5";
    PROXY_AUTHENTICATE = "proxy-authenticate", "RFC 9110 section 11.7.1";
    PROXY_AUTHORIZATION = "proxy-authorization", "RFC 9110 section 11.7.2";
    RANGE = "range", "RFC 9110 section 14.2";
    REFERER = "referer", "RFC 9110 section 10.1.3";
    REFERRER_POLICY = "referrer-policy", "Referrer Policy";
    RETRY_AFTER = "retry-after", "RFC 9110 section 10.2.3";
    SEC_WEBSOCKET_ACCEPT = "sec-websocket-accept", "RFC 6455 section 11.3.3";
    SEC_WEBSOCKET_EXTENSIONS = "sec-websocket-extensions", "RFC 6455 section 11.3.2";
    SEC_WEBSOCKET_KEY = "sec-websocket-key", "RFC 6455 section 11.3.1";
    SEC_WEBSOCKET_PROTOCOL = "sec-websocket-protocol", "RFC 6455 section 11.3.4";
    SEC_WEBSOCKET_VERSION = "sec-websocket-version", "RFC 6455 section 11.3.5";
    SERVER = "server", "RFC 9110 section 10.2.4";
    SERVER_TIMING = "server-timing", "Server Timing";
    SET_COOKIE = "set-cookie", "RFC 6265 section 4.1";
    STRICT_TRANSPORT_SECURITY = "strict-transport-security", "RFC 6797 section 6.1";
    TE = "te", "RFC 9110 section 10.1.4";
    TRACEPARENT = "traceparent", "Trace Context";
    TRACESTATE = "tracestate", "Trace Context";
    TRAILER = "trailer", "RFC 9110 section 6.6.2";
    TRANSFER_ENCODING = "transfer-encoding", "RFC 9112 section 6.1";
    UPGRADE = "upgrade", "RFC 9110 section 7.8";
    UPGRADE_INSECURE_REQUESTS = "upgrade-insecure-requests", "Upgrade Insecure Requests";
    USER_AGENT = "user-agent", "RFC 9110 section 10.1.5";
    VARY = "vary", "RFC 9110 section 12.5.5";
    VIA = "via", "RFC 9110 section 7.6.3";
    WWW_AUTHENTICATE = "www-authenticate", "RFC 9110 section 11.6.1";
    X_CONTENT_TYPE_OPTIONS = "x-content-type-options", "Fetch";
    X_FORWARDED_FOR = "x-forwarded-for", "de facto";
    X_FORWARDED_HOST = "x-forwarded-host", "de facto";
    X_FORWARDED_PREFIX = "x-forwarded-prefix", "de facto";
    X_FORWARDED_PROTO = "x-forwarded-proto", "de facto";
    X_FRAME_OPTIONS = "x-frame-options", "RFC 7034 section 2";
    X_REQUEST_ID = "x-request-id", "de facto";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    #[test]
    fn literals_constants_and_numbers_are_set() {
        let mut headers = Headers::new();
        headers.append("x-a", "1");
        headers.append(RETRY_AFTER, 120u32);
        headers.append(VARY, HeaderValue::try_from(String::from("accept")).unwrap());
        headers.set("Retry-After", 60u64);
        assert_eq!(format!("{headers:?}"), r#"{"x-a": "1", "retry-after": "60", "vary": "accept"}"#);
        assert_eq!(headers.get_str(RETRY_AFTER), Some("60"));
        assert!(headers.remove(VARY) && !headers.contains(VARY));
    }

    #[test]
    #[should_panic(expected = r#""a b": invalid header name"#)]
    fn a_bad_literal_name_panics() {
        Headers::new().set("a b", "1");
    }

    #[test]
    #[should_panic(expected = r#""1\n": invalid header value"#)]
    fn a_bad_literal_value_panics() {
        Headers::new().append("a", "1\n");
    }
}
