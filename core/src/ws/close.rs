//! How a WebSocket ends: close codes (RFC 6455 section 7.4), and the end as applications hear of it.

use alloc::string::String;
use core::error::Error;
use core::fmt;

/// Why a WebSocket ends, as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl CloseCode {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// The name, in capital letters, where it has one.
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
    /// 1000: the purpose is fulfilled.
    NORMAL_CLOSURE = 1000;
    /// 1001: the server goes down, or the user has left the page.
    GOING_AWAY = 1001;
    /// 1002: a rule of the protocol was broken.
    PROTOCOL_ERROR = 1002;
    /// 1003: a kind of message that the receiver cannot take.
    UNSUPPORTED_DATA = 1003;
    /// 1005, never sent: the peer gave no code.
    NO_STATUS_RCVD = 1005;
    /// 1006, never sent: the connection was lost without a close frame.
    ABNORMAL_CLOSURE = 1006;
    /// 1007: content that contradicts the kind of message, such as text that is not UTF-8.
    INVALID_FRAME_PAYLOAD_DATA = 1007;
    /// 1008: a policy forbids it.
    POLICY_VIOLATION = 1008;
    /// 1009: a message larger than the receiver wants to hold.
    MESSAGE_TOO_BIG = 1009;
    /// 1010: the server has not agreed to an extension that the client needs.
    MANDATORY_EXT = 1010;
    /// 1011: something unexpected in the server.
    INTERNAL_ERROR = 1011;
    /// 1012: the server starts anew.
    SERVICE_RESTART = 1012;
    /// 1013: the server has too much to do.
    TRY_AGAIN_LATER = 1013;
    /// 1014: a gateway got no sense out of who is behind it.
    BAD_GATEWAY = 1014;
    /// 1015, never sent: TLS could not be agreed on.
    TLS_HANDSHAKE = 1015;
}

impl CloseCode {
    /// Whether it may stand in a close frame (RFC 6455 section 7.4): 1000 to 1003, 1007 to 1014, 3000 to 4999.
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

/// A WebSocket has ended: nothing can be received any more, and nothing sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closed {
    /// The code of the close frame; 1005 if it had none, 1006 if none has come.
    pub code: CloseCode,
    /// The reason given, at most 123 bytes.
    pub reason: String,
}

impl Closed {
    /// The connection was lost without a close frame.
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
    fn codes_that_are_never_sent() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
            assert!(!CloseCode(code).is_sendable(), "{code}");
        }
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
            assert!(CloseCode(code).is_sendable(), "{code}");
        }
    }

    #[test]
    fn the_end_can_be_read() {
        let closed = Closed { code: CloseCode::GOING_AWAY, reason: "bye".into() };
        assert_eq!(closed.to_string(), "the WebSocket is closed (1001: bye)");
        assert_eq!(Closed::LOST.to_string(), "the WebSocket is closed (1006)");
        assert_eq!(CloseCode::SERVICE_RESTART.name(), Some("SERVICE_RESTART"));
    }
}
