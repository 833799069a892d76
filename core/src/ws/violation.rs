//! The rules that a peer can break, each with its close code and reason.

use core::fmt;

use super::CloseCode;

/// A broken rule or an exceeded limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Violation {
    Masking,
    Reserved,
    Opcode,
    UnexpectedContinuation,
    ExpectedContinuation,
    ControlTooLong,
    ControlFragmented,
    LengthEncoding,
    CloseTooShort,
    CloseCode,
    Utf8,
    Compression,
    MessageTooBig { limit: usize },
    FrameTooBig { limit: usize },
    EmptyFragments,
    PingTimeout,
}

impl Violation {
    /// Returns the code that closes the connection (RFC 6455 section 7.4.1).
    pub(super) const fn code(self) -> CloseCode {
        match self {
            Self::Utf8 => CloseCode::INVALID_FRAME_PAYLOAD_DATA,
            Self::MessageTooBig { .. } | Self::FrameTooBig { .. } => CloseCode::MESSAGE_TOO_BIG,
            Self::EmptyFragments => CloseCode::POLICY_VIOLATION,
            Self::PingTimeout => CloseCode::INTERNAL_ERROR,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Masking => "incorrect masking",
            Self::Reserved => "reserved bits must be 0",
            Self::Opcode => "invalid opcode",
            Self::UnexpectedContinuation => "unexpected continuation frame",
            Self::ExpectedContinuation => "expected a continuation frame",
            Self::ControlTooLong => "control frame too long",
            Self::ControlFragmented => "fragmented control frame",
            Self::LengthEncoding => "invalid payload length",
            Self::CloseTooShort => "close frame too short",
            Self::CloseCode => "invalid status code",
            Self::Utf8 => "invalid UTF-8",
            Self::Compression => "decompression failed",
            Self::EmptyFragments => "too many empty fragments",
            Self::PingTimeout => "keepalive ping timeout",
            Self::MessageTooBig { limit } => return write!(f, "message exceeds the limit of {limit} bytes"),
            Self::FrameTooBig { limit } => return write!(f, "frame exceeds the limit of {limit} bytes"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn the_page_shows_every_code_and_reason() {
        let page = include_str!("../../../docs/core/websocket.md");
        for violation in [
            Violation::Masking,
            Violation::Reserved,
            Violation::Opcode,
            Violation::UnexpectedContinuation,
            Violation::ExpectedContinuation,
            Violation::ControlTooLong,
            Violation::ControlFragmented,
            Violation::LengthEncoding,
            Violation::CloseTooShort,
            Violation::CloseCode,
            Violation::Utf8,
            Violation::Compression,
            Violation::EmptyFragments,
            Violation::PingTimeout,
        ] {
            let end = format!("| {} | `{violation}` |\n", violation.code());
            assert!(page.contains(&end), "docs/core/websocket.md has no row that ends with {end}");
        }
    }
}
