//! gzip (RFC 1952), and zlib (RFC 1950), which HTTP calls `deflate`.

use std::cell::Cell;
use std::io;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Method, Status, Strategy};

use super::{Corrupt, Decode, Encode, Step};

/// Added to the size of the window, as a power of two: the library then reads and writes gzip, with its checksum.
const GZIP: i32 = 16;

/// An encoder of gzip.
pub(super) struct Encoder(Deflate);

impl Encoder {
    /// Creates an encoder of a level from 1 (fast) to 9 (small).
    pub(super) fn new(level: u8, lasts: bool) -> Self {
        let (window, mem_level) = if lasts { (13, 5) } else { (15, 8) };
        Self(Deflate::new_with_config(DeflateConfig {
            level: level.clamp(1, 9).into(),
            method: Method::Deflated,
            window_bits: window + GZIP,
            mem_level,
            strategy: Strategy::Default,
        }))
    }

    fn run(&mut self, mut input: &[u8], out: &mut Vec<u8>, flush: DeflateFlush) -> io::Result<()> {
        loop {
            let (len, room) = (out.len(), (input.len() / 2).clamp(512, 32 << 10));
            out.resize(len + room, 0);
            let (read, written) = (self.0.total_in(), self.0.total_out());
            let status = self.0.compress(input, &mut out[len..], flush);
            input = &input[(self.0.total_in() - read) as usize..];
            let written = (self.0.total_out() - written) as usize;
            out.truncate(len + written);
            match status {
                Ok(Status::StreamEnd) => return Ok(()),
                // The output is complete if there is room left.
                Ok(_) if written == room || flush == DeflateFlush::Finish => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(io::Error::other(error.as_str())),
            }
        }
    }
}

thread_local! {
    /// The last encoder of [`encode`] and its level: it is cleared faster than a new one is allocated.
    static SPARE: Cell<Option<(u8, Encoder)>> = const { Cell::new(None) };
}

/// Encodes a whole body.
pub(super) fn encode(level: u8, input: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = match SPARE.take() {
        Some((of, encoder)) if of == level => encoder,
        _ => Encoder::new(level, false),
    };
    let mut out = Vec::with_capacity(input.len() / 3);
    encoder.run(input, &mut out, DeflateFlush::Finish)?;
    encoder.0.reset();
    SPARE.set(Some((level, encoder)));
    Ok(out)
}

impl Encode for Encoder {
    fn write(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.run(input, out, DeflateFlush::NoFlush)
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.run(&[], out, DeflateFlush::SyncFlush)
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> io::Result<()> {
        self.run(&[], out, DeflateFlush::Finish)
    }
}

/// A decoder of gzip or zlib.
pub(super) struct Decoder {
    state: Inflate,
    is_gzip: bool,
}

impl Decoder {
    pub(super) fn gzip() -> Self {
        Self { state: Inflate::new(true, 15 + GZIP as u8), is_gzip: true }
    }

    pub(super) fn zlib() -> Self {
        Self { state: Inflate::new(true, 15), is_gzip: false }
    }
}

impl Decode for Decoder {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Corrupt> {
        let (read, written) = (self.state.total_in(), self.state.total_out());
        let status = self.state.decompress(input, output, InflateFlush::NoFlush);
        let read = (self.state.total_in() - read) as usize;
        let written = (self.state.total_out() - written) as usize;
        match status {
            Ok(status) => Ok(Step { read, written, ended: status == Status::StreamEnd }),
            Err(_) => Err(Corrupt),
        }
    }

    /// A gzip file may have several members (RFC 1952 section 2.2).
    fn restart(&mut self) -> bool {
        if self.is_gzip {
            *self = Self::gzip();
        }
        self.is_gzip
    }
}
