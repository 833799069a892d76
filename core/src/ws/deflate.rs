//! Compressed messages: the extension `permessage-deflate` (RFC 7692).
//!
//! The parameters of the handshake, the compressor and the decompressor. They handle messages and pieces of messages.
//! The connection handles frames, and the bit RSV1 of a compressed message.
//!
//! | file | contents |
//! |---|---|
//! | `negotiation.rs` | offers and answers: `Sec-WebSocket-Extensions` |
//! | `compressor.rs` | compression of messages |
//! | `decompressor.rs` | decompression in pieces, within a limit |
//!
//! `zlib-rs` does the work if the feature `deflate` is enabled; otherwise `without.rs` replaces both, and the
//! handshake agrees to nothing. Without `std`, `zlib-rs` needs three functions of a C library: `posix_memalign`,
//! `free` and `strlen`.

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

use crate::proto::values;

values! {
    /// The compression to offer and to agree to.
    ///
    /// The windows are those of Uvicorn: 4 KiB, kept between messages. A connection that compresses and decompresses
    /// holds some 210 KiB. An idle one holds only the filled part of the window of the client.
    pub struct Deflate {
        /// The largest window of the server's compressor, as a power of two: 8 (256 bytes) to 15 (32 KiB). Default 12
        /// (4 KiB). The client holds a window of this size. Values outside of the range are clamped.
        pub server_max_window_bits: u8 = 12,
        /// The largest window of the client's compressor. Default 12. The server holds a window of this size if the
        /// client lets it choose, and of 15 otherwise.
        pub client_max_window_bits: u8 = 12,
        /// Whether the server resets its compressor for each message: compression is worse, but the client holds no
        /// window. Default: only if the client asks for it.
        pub server_no_context_takeover: bool = false,
        /// Whether the client must reset its compressor for each message: compression is worse, but the server holds
        /// no window. Default: only if the client wants to.
        pub client_no_context_takeover: bool = false,
        /// The compression level, 1 (fast) to 9 (small). Default 1.
        pub level: u8 = 1,
        /// Messages with fewer bytes are sent uncompressed. Default 64: the savings are smaller than the headers of a
        /// packet. 0 compresses all messages, as Uvicorn does.
        pub threshold: usize = 64,
    }
}

/// The parameters that client and server have agreed on (RFC 7692 section 7.1). `Display` formats the server's
/// `Sec-WebSocket-Extensions`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Parameters {
    /// The server resets its compressor for each message.
    pub server_no_context_takeover: bool,
    /// The client resets its compressor for each message.
    pub client_no_context_takeover: bool,
    /// The window of the server's compressor: 8 to 15. `None` if it was not negotiated, which means 15.
    pub server_max_window_bits: Option<u8>,
    /// The window of the client's compressor, likewise.
    pub client_max_window_bits: Option<u8>,
}

impl Parameters {
    /// Returns the compressor and decompressor of a server; `None` without the feature `deflate`.
    pub fn server(&self, config: &Deflate) -> Option<(Compressor, Decompressor)> {
        let (server, client) = self.sides();
        Some((Compressor::new(server, config.level)?, Decompressor::new(client)?))
    }

    /// Returns the compressor and decompressor of a client; `None` without the feature `deflate`.
    pub fn client(&self, config: &Deflate) -> Option<(Compressor, Decompressor)> {
        let (server, client) = self.sides();
        Some((Compressor::new(client, config.level)?, Decompressor::new(server)?))
    }

    /// Returns the parameters of the server's messages and of the client's.
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

/// The parameters of one side's messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Side {
    /// The window, as a power of two.
    bits: u8,
    /// Whether a message refers to earlier ones.
    takeover: bool,
}

/// The reason why a message cannot be decompressed. The caller has to fail the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InflateError {
    /// The data is invalid. Close with 1002.
    Corrupt,
    /// The message is larger than the limit. Close with 1009.
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

/// The bytes of an empty stored block after its first one. They end every message and are not sent (RFC 7692 section
/// 7.2.1).
#[cfg(feature = "deflate")]
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
