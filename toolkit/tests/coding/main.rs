//! Content codings of responses and requests.
#![cfg(feature = "gzip")]

mod compression;
mod decompression;

use zlib_rs::{Inflate, InflateFlush, Status};

/// Decompresses gzip. `None` if it is invalid or incomplete.
fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut state, mut out) = (Inflate::new(true, 31), vec![0; 8 << 20]);
    let status = state.decompress(bytes, &mut out, InflateFlush::Finish);
    out.truncate(state.total_out() as usize);
    (status == Ok(Status::StreamEnd) && state.total_in() == bytes.len() as u64).then_some(out)
}

/// Compresses as gzip (`window` 31) or zlib (15).
fn deflated(bytes: &[u8], window: i32) -> Vec<u8> {
    let config = zlib_rs::DeflateConfig { window_bits: window, ..zlib_rs::DeflateConfig::default() };
    let mut state = zlib_rs::Deflate::new_with_config(config);
    let mut out = vec![0; bytes.len() + 1024];
    assert_eq!(state.compress(bytes, &mut out, zlib_rs::DeflateFlush::Finish), Ok(Status::StreamEnd));
    out.truncate(state.total_out() as usize);
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    deflated(bytes, 31)
}
