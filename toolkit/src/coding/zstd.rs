//! Zstandard (RFC 8878), with the window that HTTP allows (RFC 9659).

use std::io;

use zstd::bulk;
use zstd::stream::raw::{self, CParameter, DParameter, Operation, OutBuffer};

use super::{Corrupt, Decode, Encode, Step};

/// The largest window of a decoder, as a power of two: 8 MiB (RFC 9659 section 3).
const MOST: u32 = 23;

/// The window of an encoder, as a power of two: 512 KiB.
const WINDOW: u32 = 19;

/// An encoder.
pub(super) struct Encoder(raw::Encoder<'static>);

impl Encoder {
    /// Creates an encoder of a level from 1 (fast) to 19 (small).
    pub(super) fn new(level: i32, lasts: bool) -> io::Result<Self> {
        let mut encoder = raw::Encoder::new(level.clamp(1, 19))?;
        encoder.set_parameter(CParameter::WindowLog(if lasts { 14 } else { WINDOW }))?;
        Ok(Self(encoder))
    }

    /// Runs `step` with room in `out` until it says that no output is left.
    fn drain(
        &mut self,
        out: &mut Vec<u8>,
        step: fn(&mut raw::Encoder<'static>, &mut OutBuffer<'_, [u8]>) -> io::Result<usize>,
    ) -> io::Result<()> {
        loop {
            let left = extend(out, 1 << 10, |room| {
                let mut buffer = OutBuffer::around(room);
                let left = step(&mut self.0, &mut buffer)?;
                Ok((buffer.pos(), left))
            })?;
            if left == 0 {
                return Ok(());
            }
        }
    }
}

/// Encodes a whole body. The size is known, so that the tables of the encoder are no larger than it needs.
pub(super) fn encode(level: i32, input: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = bulk::Compressor::new(level.clamp(1, 19))?;
    encoder.set_parameter(CParameter::WindowLog(WINDOW))?;
    let mut out = encoder.compress(input)?;
    out.shrink_to_fit();
    Ok(out)
}

/// Lets `fill` write up to `room` bytes behind those in `out`. It returns the number of bytes and a result.
fn extend<T>(
    out: &mut Vec<u8>,
    room: usize,
    fill: impl FnOnce(&mut [u8]) -> io::Result<(usize, T)>,
) -> io::Result<T> {
    let len = out.len();
    out.resize(len + room, 0);
    let filled = fill(&mut out[len..]);
    out.truncate(len + filled.as_ref().map_or(0, |filled| filled.0));
    filled.map(|filled| filled.1)
}

impl Encode for Encoder {
    fn write(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        while !input.is_empty() {
            let read = extend(out, (input.len() / 2).clamp(512, 32 << 10), |room| {
                let status = self.0.run_on_buffers(input, room)?;
                Ok((status.bytes_written, status.bytes_read))
            })?;
            input = &input[read..];
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.drain(out, |encoder, buffer| encoder.flush(buffer))
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> io::Result<()> {
        self.drain(out, |encoder, buffer| encoder.finish(buffer, true))
    }
}

/// A decoder.
pub(super) struct Decoder(raw::Decoder<'static>);

impl Decoder {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = raw::Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(MOST))?;
        Ok(Self(decoder))
    }
}

impl Decode for Decoder {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Corrupt> {
        let status = self.0.run_on_buffers(input, output).map_err(|_| Corrupt)?;
        // 0 is the end of a frame.
        let ended = status.remaining == 0;
        Ok(Step { read: status.bytes_read, written: status.bytes_written, ended })
    }

    /// The library reads a further frame without being told (RFC 8878 section 3.1).
    fn restart(&mut self) -> bool {
        true
    }
}
