//! Compressed messages: the extension `permessage-deflate` (RFC 7692).
//!
//! What is agreed on in the handshake, and the two halves that work by it. They know messages and pieces of messages;
//! frames, and the bit RSV1 that says that a message is compressed, are left to the connection.
//!
//! | file | what it holds |
//! |---|---|
//! | `negotiation.rs` | offers and answers: `Sec-WebSocket-Extensions` |
//! | `compressor.rs` | messages out |
//! | `lz77.rs`, `block.rs` | messages as literals and repetitions, and these as bits |
//! | `decompressor.rs` | messages in, piece by piece, within a limit |
//! | `inflate.rs` | bits as literals and repetitions |
//! | `huffman.rs` | codes, made and read |

mod block;
mod compressor;
mod decompressor;
mod huffman;
mod inflate;
mod lz77;
mod negotiation;
#[cfg(test)]
mod tests;

pub use compressor::Compressor;
pub use decompressor::{Decompressor, InflateError};
pub use negotiation::{Offer, Unacceptable};

/// What to offer, and what to agree to.
///
/// The windows are Uvicorn's: 4 KiB, kept from message to message. With them, a connection that has compressed
/// and decompressed holds some 40 KiB for it; one that has not, or not for a while, nothing but
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
    /// How hard to try, 1 (fast) to 9 (small). Default 4.
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
        level: 4,
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
    /// The two halves of a server.
    pub fn server(&self, config: &Deflate) -> (Compressor, Decompressor) {
        let (server, client) = self.sides();
        (Compressor::new(server, config.level), Decompressor::new(client))
    }

    /// The two halves of a client.
    pub fn client(&self, config: &Deflate) -> (Compressor, Decompressor) {
        let (server, client) = self.sides();
        (Compressor::new(client, config.level), Decompressor::new(server))
    }

    /// What the server sends, and what the client sends.
    fn sides(&self) -> (Side, Side) {
        let side = |bits: Option<u8>, afresh: bool| Side {
            window: 1 << bits.unwrap_or(15).clamp(8, 15),
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
    /// How far back it refers, in bytes: a power of two.
    window: usize,
    /// Whether it refers to earlier messages.
    takeover: bool,
}

/// An empty stored block without its first byte, which ends every message and is not sent (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The shortest and the longest repetition that deflate can express (RFC 1951 section 3.2.5).
const SHORTEST: usize = 3;
const LONGEST: usize = 258;
