//! Brotli (RFC 7932).

use std::io::{self, Write};

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, CompressorWriter};

use super::{Corrupt, Decode, Encode, Step};

/// An encoder. Its window is 256 KiB: the default of the library, 4 MiB, would be held for each stream.
pub(super) struct Encoder(CompressorWriter<Vec<u8>>);

impl Encoder {
    /// Creates an encoder of a level from 0 (fast) to 11 (small).
    pub(super) fn new(level: u8, lasts: bool) -> Self {
        let window = if lasts { 14 } else { 18 };
        Self(CompressorWriter::new(Vec::new(), 4 << 10, level.min(11).into(), window))
    }
}

/// Encodes a whole body.
pub(super) fn encode(level: u8, input: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new(level, false);
    encoder.0.write_all(input)?;
    Ok(encoder.0.into_inner())
}

impl Encode for Encoder {
    fn write(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.0.write_all(input)?;
        out.append(self.0.get_mut());
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.0.flush()?;
        out.append(self.0.get_mut());
        Ok(())
    }

    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> io::Result<()> {
        out.append(&mut self.0.into_inner());
        Ok(())
    }
}

/// A decoder, without the large windows that RFC 7932 does not have: they would let a client reserve 1 GiB.
pub(super) struct Decoder(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>);

impl Decoder {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self(Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())))
    }
}

impl Decode for Decoder {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Corrupt> {
        let (mut unread, mut room, mut total) = (input.len(), output.len(), 0);
        let (mut read, mut written) = (0, 0);
        let result = BrotliDecompressStream(
            &mut unread,
            &mut read,
            input,
            &mut room,
            &mut written,
            output,
            &mut total,
            &mut self.0,
        );
        match result {
            BrotliResult::ResultFailure => Err(Corrupt),
            BrotliResult::ResultSuccess => Ok(Step { read, written, ended: true }),
            _ => Ok(Step { read, written, ended: false }),
        }
    }

    fn restart(&mut self) -> bool {
        false
    }
}
