//! Error codes (RFC 9113 section 7), and the rules that a peer can break.

use core::fmt;

/// An error code of RST_STREAM and GOAWAY (RFC 9113 section 7).
///
/// ```
/// use stelo_core::h2::ErrorCode;
///
/// assert_eq!(ErrorCode::PROTOCOL_ERROR.to_string(), "PROTOCOL_ERROR");
/// assert_eq!(ErrorCode(0xff).to_string(), "0xff");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(pub u32);

macro_rules! codes {
    ($($name:ident = $code:literal, $about:literal;)*) => {
        impl ErrorCode {
            $(#[doc = $about] pub const $name: Self = Self($code);)*

            /// Returns the name of the code in RFC 9113, or `None` if it has none.
            pub const fn name(self) -> Option<&'static str> {
                Some(match self.0 {
                    $($code => stringify!($name),)*
                    _ => return None,
                })
            }
        }
    };
}

codes! {
    NO_ERROR = 0x0, "Not an error: the end of a connection, or of a request body that is not needed.";
    PROTOCOL_ERROR = 0x1, "A broken rule without a code of its own.";
    INTERNAL_ERROR = 0x2, "A fault of the sender.";
    FLOW_CONTROL_ERROR = 0x3, "The peer has exceeded a flow-control window.";
    SETTINGS_TIMEOUT = 0x4, "The peer has not acknowledged the settings in time.";
    STREAM_CLOSED = 0x5, "A frame for a stream that the peer has ended.";
    FRAME_SIZE_ERROR = 0x6, "A frame of an invalid size.";
    REFUSED_STREAM = 0x7, "The request was not processed, so the client may repeat it.";
    CANCEL = 0x8, "The stream is no longer needed.";
    COMPRESSION_ERROR = 0x9, "A header block cannot be decoded, so the shared table is lost.";
    CONNECT_ERROR = 0xa, "The connection behind a CONNECT request was reset.";
    ENHANCE_YOUR_CALM = 0xb, "The peer causes too much load.";
    INADEQUATE_SECURITY = 0xc, "The TLS connection does not meet the minimum requirements.";
    HTTP_1_1_REQUIRED = 0xd, "The request has to be sent over HTTP/1.1.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The extent of an error (RFC 9113 section 5.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// One stream, by RST_STREAM.
    Stream,
    /// The connection, by GOAWAY. Nothing that follows is parsed.
    Connection,
}

/// A rule that the peer has broken, with the code to answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The code of the RST_STREAM or GOAWAY that answers.
    pub code: ErrorCode,
    /// The extent of the violation.
    pub scope: Scope,
    /// The broken rule, in a few words of ASCII: the debug data of a GOAWAY.
    pub rule: &'static str,
}

impl Violation {
    /// Creates a violation that ends the connection.
    pub const fn connection(code: ErrorCode, rule: &'static str) -> Self {
        Self { code, scope: Scope::Connection, rule }
    }

    /// Creates a violation that ends the stream.
    pub const fn stream(code: ErrorCode, rule: &'static str) -> Self {
        Self { code, scope: Scope::Stream, rule }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.rule)
    }
}

impl core::error::Error for Violation {}
