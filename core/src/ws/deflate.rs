//! Compressed messages: the extension `permessage-deflate` (RFC 7692).
//!
//! What is agreed on in the handshake, and the two halves that work by it. They know messages and pieces of messages;
//! frames, and the bit RSV1 that says that a message is compressed, are left to the connection.
//!
//! | file | what it holds |
//! |---|---|
//! | `negotiation.rs` | offers and answers: `Sec-WebSocket-Extensions` |
//! | `compressor.rs` | messages out |
//! | `decompressor.rs` | messages in, piece by piece, within a limit |
//!
//! The work is done by `zlib-rs`, if the feature `deflate` is on; else `without.rs` stands in, and nothing is agreed on.
//! Where there is no `std`, `zlib-rs` wants a few functions of a C library: `posix_memalign`, `free` and `strlen`.

use core::error::Error;
use core::fmt;

#[cfg(feature = "deflate")]
mod compressor;
#[cfg(feature = "deflate")]
mod decompressor;
mod negotiation;
#[cfg(all(test, feature = "deflate"))]
mod tests;
#[cfg(not(feature = "deflate"))]
mod without;

#[cfg(not(feature = "deflate"))]
pub use without::{Compressor, Decompressor};
#[cfg(feature = "deflate")]
pub use {compressor::Compressor, decompressor::Decompressor};

pub use negotiation::{Offer, Unacceptable};

/// What to offer, and what to agree to.
///
/// The windows are Uvicorn's: 4 KiB, kept from message to message. A connection that has compressed
/// and decompressed holds some 210 KiB for it; one that has not, or not for a while, nothing but
/// the window of the client, as far as it was filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deflate {
    /// The largest window of what the server compresses, as a power of two: 8 (256 bytes) to 15 (32 KiB). Default 12
    /// (4 KiB). The client holds that much. Values outside are taken for the nearest one inside.
    pub server_max_window_bits: u8,
    /// The largest window of what the client compresses. Default 12. The server holds that much for a client that
    /// lets it choose; for others it is 15.
    pub client_max_window_bits: u8,
    /// Whether the server starts each message afresh: worse compression, but the client holds no window.
    /// Default: only if the client asks for it.
    pub server_no_context_takeover: bool,
    /// Whether the client has to start each message afresh: worse compression, but the server holds no window.
    /// Default: only if the client wants to.
    pub client_no_context_takeover: bool,
    /// How hard to try, 1 (fast) to 9 (small). Default 1.
    pub level: u8,
    /// Messages of fewer bytes are sent as they are. Default 64: what would be saved is less than what the headers of a
    /// packet take. 0 compresses all, as Uvicorn does.
    pub threshold: usize,
}

impl Deflate {
    /// The defaults, as a constant.
    pub const DEFAULT: Self = Self {
        server_max_window_bits: 12,
        client_max_window_bits: 12,
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        level: 1,
        threshold: 64,
    };
}

impl Default for Deflate {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What client and server have agreed on (RFC 7692 section 7.1). Written, it is the value of the server's
/// `Sec-WebSocket-Extensions`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Parameters {
    /// The server starts each message afresh.
    pub server_no_context_takeover: bool,
    /// The client starts each message afresh.
    pub client_no_context_takeover: bool,
    /// The window of what the server compresses: 8 to 15; `None` if nothing was said of it, which is 15.
    pub server_max_window_bits: Option<u8>,
    /// The window of what the client compresses, likewise.
    pub client_max_window_bits: Option<u8>,
}

impl Parameters {
    /// The two halves of a server; none without the feature `deflate`.
    pub fn server(&self, config: &Deflate) -> Option<(Compressor, Decompressor)> {
        let (server, client) = self.sides();
        Some((Compressor::new(server, config.level)?, Decompressor::new(client)?))
    }

    /// The two halves of a client; none without the feature `deflate`.
    pub fn client(&self, config: &Deflate) -> Option<(Compressor, Decompressor)> {
        let (server, client) = self.sides();
        Some((Compressor::new(client, config.level)?, Decompressor::new(server)?))
    }

    /// What the server sends, and what the client sends.
    fn sides(&self) -> (Side, Side) {
        let side = |bits: Option<u8>, afresh: bool| Side {
            bits: bits.unwrap_or(15).clamp(8, 15),
            takeover: !afresh,
        };
        (
            side(self.server_max_window_bits, self.server_no_context_takeover),
            side(self.client_max_window_bits, self.client_no_context_takeover),
        )
    }
}

/// How one of the two sides compresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Side {
    /// How far back it refers, in bytes, as a power of two.
    bits: u8,
    /// Whether it refers to earlier messages.
    takeover: bool,
}

/// Why a message cannot be decompressed. The connection has to be failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InflateError {
    /// It is not what a compressor makes. Close with 1002.
    Corrupt,
    /// It becomes larger than allowed. Close with 1009.
    TooLarge,
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Corrupt => "decompression failed",
            Self::TooLarge => "the decompressed message is too large",
        })
    }
}

impl Error for InflateError {}

/// An empty stored block without its first byte, which ends every message and is not sent (RFC 7692 section 7.2.1).
#[cfg(feature = "deflate")]
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
