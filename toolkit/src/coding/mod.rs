//! Content codings: encoders and decoders over buffers of the caller, without I/O (RFC 9110 section 8.4.1).
//!
//! | coding | package | memory of an encoder | memory of a decoder |
//! |---|---|---|---|
//! | gzip, deflate | `zlib-rs` | 270 KiB, of which a thread keeps one; 50 KiB for streams that last | 45 KiB |
//! | Brotli | `brotli`, window of 256 KiB | 2 MiB | the window of the client, at most 16 MiB |
//! | Zstandard | `zstd`, window of 512 KiB | 2 MiB | the window of the client, at most 8 MiB (RFC 9659) |
//!
//! The middleware decides what is encoded, and limits what is decoded.

#[cfg(feature = "brotli")]
mod brotli;
mod gzip;
#[cfg(feature = "zstd")]
mod zstd;

use std::io;

/// A content coding of responses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Coding {
    /// `gzip` (RFC 1952).
    Gzip,
    /// `br` (RFC 7932).
    #[cfg(feature = "brotli")]
    Brotli,
    /// `zstd` (RFC 8878).
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Coding {
    /// All codings of this build, in the order of preference between those of equal weight: the fastest for its size
    /// first.
    pub(crate) const ALL: &[Self] = &[
        #[cfg(feature = "zstd")]
        Self::Zstd,
        #[cfg(feature = "brotli")]
        Self::Brotli,
        Self::Gzip,
    ];

    /// Returns the name in `content-encoding`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            #[cfg(feature = "brotli")]
            Self::Brotli => "br",
            #[cfg(feature = "zstd")]
            Self::Zstd => "zstd",
        }
    }
}

/// The levels of the encoders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels {
    pub(crate) gzip: u8,
    #[cfg(feature = "brotli")]
    pub(crate) brotli: u8,
    #[cfg(feature = "zstd")]
    pub(crate) zstd: i32,
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            gzip: 6,
            #[cfg(feature = "brotli")]
            brotli: 4,
            #[cfg(feature = "zstd")]
            zstd: 3,
        }
    }
}

/// An encoder, which appends its output to a buffer of the caller.
pub(crate) trait Encode: Send {
    /// Encodes bytes. The output may be delayed.
    ///
    /// # Errors
    /// The library has failed, for example for lack of memory.
    fn write(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<()>;

    /// Appends the output that was delayed, so that the client can decode all input.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()>;

    /// Appends the rest of the output and the mark of the end.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> io::Result<()>;
}

/// Creates an encoder. One that lasts has a small window, where the library lets it choose.
///
/// # Errors
/// The library has failed, for example for lack of memory.
pub(crate) fn encoder(coding: Coding, levels: Levels, lasts: bool) -> io::Result<Box<dyn Encode>> {
    Ok(match coding {
        Coding::Gzip => Box::new(gzip::Encoder::new(levels.gzip, lasts)),
        #[cfg(feature = "brotli")]
        Coding::Brotli => Box::new(brotli::Encoder::new(levels.brotli, lasts)),
        #[cfg(feature = "zstd")]
        Coding::Zstd => Box::new(zstd::Encoder::new(levels.zstd, lasts)?),
    })
}

/// Encodes a whole body. It takes less than an encoder, which does not know the size.
///
/// # Errors
/// The library has failed, for example for lack of memory.
pub(crate) fn encode(coding: Coding, levels: Levels, input: &[u8]) -> io::Result<Vec<u8>> {
    match coding {
        Coding::Gzip => gzip::encode(levels.gzip, input),
        #[cfg(feature = "brotli")]
        Coding::Brotli => brotli::encode(levels.brotli, input),
        #[cfg(feature = "zstd")]
        Coding::Zstd => zstd::encode(levels.zstd, input),
    }
}

/// The progress of a decoder.
pub(crate) struct Step {
    /// The number of bytes of the input that were read.
    pub(crate) read: usize,
    /// The number of bytes of the output that were written.
    pub(crate) written: usize,
    /// The end of a stream was read.
    pub(crate) ended: bool,
}

/// The input of a decoder is invalid.
#[derive(Debug)]
pub(crate) struct Corrupt;

/// A decoder, which writes into a buffer of the caller.
pub(crate) trait Decode: Send {
    /// Decodes until the input is read, the output is full or the stream ends.
    ///
    /// # Errors
    /// The input is invalid.
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Corrupt>;

    /// Prepares for another stream after the end of one. Returns whether the coding allows that.
    fn restart(&mut self) -> bool;
}

/// The names of the codings that requests may have.
pub(crate) const DECODABLE: &str = match (cfg!(feature = "brotli"), cfg!(feature = "zstd")) {
    (false, false) => "gzip, deflate",
    (true, false) => "br, gzip, deflate",
    (false, true) => "zstd, gzip, deflate",
    (true, true) => "zstd, br, gzip, deflate",
};

/// Creates the decoder of a coding by its name. `None` if the coding is unknown.
pub(crate) fn decoder(name: &[u8]) -> Option<Box<dyn Decode>> {
    let is = |coding: &str| name.eq_ignore_ascii_case(coding.as_bytes());
    if is("gzip") || is("x-gzip") {
        return Some(Box::new(gzip::Decoder::gzip()));
    }
    if is("deflate") {
        return Some(Box::new(gzip::Decoder::zlib()));
    }
    #[cfg(feature = "brotli")]
    if is("br") {
        return Some(Box::new(brotli::Decoder::new()));
    }
    #[cfg(feature = "zstd")]
    if is("zstd") {
        return zstd::Decoder::new().ok().map(|decoder| Box::new(decoder) as Box<dyn Decode>);
    }
    None
}

#[cfg(test)]
mod tests;
