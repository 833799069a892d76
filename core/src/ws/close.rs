//! Close codes (RFC 6455 section 7.4), and the end of a WebSocket as the application sees it.

use alloc::string::String;
use core::error::Error;
use core::fmt;

/// A close code: the reason for the end of a WebSocket, as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl CloseCode {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// Returns the name in capital letters, if the code has one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// 1000: the purpose of the connection is fulfilled.
    NORMAL_CLOSURE = 1000;
    /// 1001: the server shuts down, or the user has left the page.
    GOING_AWAY = 1001;
    /// 1002: a protocol error.
    PROTOCOL_ERROR = 1002;
    /// 1003: a kind of message that the receiver does not accept.
    UNSUPPORTED_DATA = 1003;
    /// 1005, never sent: the peer gave no code.
    NO_STATUS_RCVD = 1005;
    /// 1006, never sent: the connection was lost without a close frame.
    ABNORMAL_CLOSURE = 1006;
    /// 1007: content that contradicts the kind of message, such as text that is not UTF-8.
    INVALID_FRAME_PAYLOAD_DATA = 1007;
    /// 1008: a policy forbids it.
    POLICY_VIOLATION = 1008;
    /// 1009: a message is larger than the limit of the receiver.
    MESSAGE_TOO_BIG = 1009;
    /// 1010: the server did not agree to an extension that the client needs.
    MANDATORY_EXT = 1010;
    /// 1011: an internal error of the server.
    INTERNAL_ERROR = 1011;
    /// 1012: the server restarts.
    SERVICE_RESTART = 1012;
    /// 1013: the server is overloaded.
    TRY_AGAIN_LATER = 1013;
    /// 1014: a gateway got an invalid response from its upstream.
    BAD_GATEWAY = 1014;
    /// 1015, never sent: the TLS handshake failed.
    TLS_HANDSHAKE = 1015;
}

impl CloseCode {
    /// Returns whether a close frame may contain the code (RFC 6455 section 7.4): 1000 to 1003, 1007 to 1014, 3000 to
    /// 4999.
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The end of a WebSocket. Nothing can be received or sent any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closed {
    /// The code of the close frame; 1005 if it had no code, 1006 if there was no close frame.
    pub code: CloseCode,
    /// The reason in the close frame, at most 123 bytes.
    pub reason: String,
}

impl Closed {
    /// Creates the end of a connection that was lost without a close frame.
    pub const LOST: Self = Self { code: CloseCode::ABNORMAL_CLOSURE, reason: String::new() };
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the WebSocket is closed ({}", self.code)?;
        if !self.reason.is_empty() {
            write!(f, ": {}", self.reason)?;
        }
        f.write_str(")")
    }
}

impl Error for Closed {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn reserved_codes_are_never_sent() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
            assert!(!CloseCode(code).is_sendable(), "{code}");
        }
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
            assert!(CloseCode(code).is_sendable(), "{code}");
        }
    }

    #[test]
    fn the_end_is_formatted_with_code_and_reason() {
        let closed = Closed { code: CloseCode::GOING_AWAY, reason: "bye".into() };
        assert_eq!(closed.to_string(), "the WebSocket is closed (1001: bye)");
        assert_eq!(Closed::LOST.to_string(), "the WebSocket is closed (1006)");
        assert_eq!(CloseCode::SERVICE_RESTART.name(), Some("SERVICE_RESTART"));
    }
}
