//! Streaming bodies, in both directions. Each handler holds one piece at a time.

use std::fmt::Write as _;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::stream;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stelo_core::body::Frame;
use stelo_core::body::Length;
use stelo_toolkit::request::Executor;
use stelo_toolkit::response::StreamingResponse;
use stelo_toolkit::{Body, Bytes, Headers, HttpError, Json, Path, Query, Response, header};

use crate::refused;
use crate::time::MAX_DELAY_MS;

/// The source of bodies.
static CHUNK: [u8; 65_536] = [b'x'; 65_536];

/// Sends the body back as it arrives, with its content type.
pub(crate) async fn echo(headers: Headers, body: Body) -> stelo_toolkit::Result<Response> {
    let mut response = Response::new(body);
    if let Some(content_type) = headers.get("content-type") {
        response.headers.try_append(header::CONTENT_TYPE, content_type)?;
    }
    Ok(response)
}

#[derive(Serialize)]
pub(crate) struct Upload {
    bytes: u64,
    sha256: String,
}

/// Counts the bytes of the body and hashes them.
pub(crate) async fn upload(mut body: Body) -> Result<Json<Upload>, HttpError> {
    let (mut bytes, mut hash) = (0, Sha256::new());
    while let Some(piece) = body.chunk().await {
        let piece = piece?;
        bytes += piece.len() as u64;
        hash.update(&piece);
    }
    let mut sha256 = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a `String` does not fail.
        let _ = write!(sha256, "{byte:02x}");
    }
    Ok(Json(Upload { bytes, sha256 }))
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Pieces {
    chunks: u32,
    size: usize,
    delay_ms: u64,
}

impl Default for Pieces {
    fn default() -> Self {
        Self { chunks: 10, size: 1000, delay_ms: 0 }
    }
}

impl Pieces {
    const MAX_CHUNKS: u32 = 1_000_000;
    const MAX_SIZE: usize = 1024 * 1024;

    fn check(&self) -> Result<(), HttpError> {
        let Self { chunks, size, delay_ms } = *self;
        for (name, value, max) in [
            ("chunks", chunks.into(), Self::MAX_CHUNKS.into()),
            ("size", size as u64, Self::MAX_SIZE as u64),
            ("delay_ms", delay_ms, MAX_DELAY_MS),
        ] {
            if value > max {
                return Err(refused(format!("`{name}` is {value}: ask for {max} at most")));
            }
        }
        Ok(())
    }
}

/// Answers with a body of unknown length: `chunks` pieces of `size` bytes, each after `delay_ms` milliseconds.
pub(crate) async fn stream(
    executor: Executor,
    Query(pieces): Query<Pieces>,
) -> Result<StreamingResponse, HttpError> {
    pieces.check()?;
    let delay = Duration::from_millis(pieces.delay_ms);
    let piece = Bytes::from(Arc::<[u8]>::from(vec![b'x'; pieces.size]));
    let pieces = stream::unfold(pieces.chunks, move |left| {
        let (executor, piece) = (executor.clone(), piece.clone());
        async move {
            let left = left.checked_sub(1)?;
            if !delay.is_zero() {
                executor.sleep(delay).await;
            }
            Some((piece, left))
        }
    });
    Ok(StreamingResponse::text(pieces))
}

/// Answers with `n` bytes and their length. All pieces are ranges of one chunk.
pub(crate) async fn bytes(Path(n): Path<u64>) -> ([(&'static str, &'static str); 1], Body) {
    let mut left = n;
    let pieces = iter::from_fn(move || {
        let piece = left.min(CHUNK.len() as u64);
        left -= piece;
        // At most the size of the chunk, so it fits a `usize`.
        CHUNK.get(..piece as usize).filter(|piece| !piece.is_empty())
    });
    let frames = stream::iter(pieces.map(|piece| Ok(Frame::Data(Bytes::from_static(piece)))));
    ([("content-type", "application/octet-stream")], Body::from_frames(frames, Length::Known(n)))
}
