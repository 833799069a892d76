//! The compressed form of a body. A small one in memory is compressed at once; others as the client reads them.
//!
//! Each chunk is flushed, unless the next one is ready. Files and large chunks are compressed on the executor's threads for
//! blocking work, in pieces, so that the memory of a stream does not depend on its length.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use futures_lite::{future, stream};
use stelo_core::Bytes;
use stelo_core::body::{Body, BodyError, Frame, Length, Piece, Region};
use stelo_core::http::Headers;

use crate::coding::Encode;
use crate::request::Executor;

/// From this size in bytes, a chunk takes milliseconds, and other tasks of the thread would wait for it.
const LARGE: usize = 128 << 10;
/// The most bytes that are compressed at once.
const PORTION: usize = 256 << 10;
/// The size in bytes from which output is sent, although more input is ready.
const OUTPUT: usize = 16 << 10;

/// Returns a body that is compressed at once; `None` for one that is compressed as the client reads it, so that its length is
/// not known.
pub(super) fn whole(body: &mut Body) -> Option<&Bytes> {
    body.full_mut().map(|bytes| &*bytes).filter(|bytes| bytes.len() < LARGE)
}

/// Returns the form of a body that is compressed as the client reads it.
pub(super) fn compressed(body: Body, encoder: Box<dyn Encode>, executor: Executor) -> Body {
    let is_finite = body.allows_half_closed();
    let work = Work {
        body,
        rest: None,
        encoder: Some(encoder),
        executor,
        out: Vec::new(),
        is_delayed: false,
        unyielded: 0,
        trailers: None,
    };
    let compressed = Body::from_frames(stream::try_unfold(work, Work::next), Length::Unknown);
    if is_finite { compressed.allow_half_closed() } else { compressed }
}

/// A body that is being compressed.
struct Work {
    body: Body,
    /// The rest of the last chunk or range.
    rest: Option<Rest>,
    /// `None` after the end.
    encoder: Option<Box<dyn Encode>>,
    executor: Executor,
    out: Vec<u8>,
    /// The encoder may hold input that the client cannot decode yet.
    is_delayed: bool,
    /// The number of bytes that were compressed on this thread without a pause.
    unyielded: usize,
    trailers: Option<Headers>,
}

enum Rest {
    Bytes(Bytes),
    Region(Region),
}

impl Work {
    /// Returns the next frame. An error of the body ends the output before the mark of its end.
    async fn next(mut self) -> Result<Option<(Frame, Self)>, BodyError> {
        loop {
            let is_full = self.out.len() >= OUTPUT;
            if is_full || (self.encoder.is_none() && !self.out.is_empty()) {
                let out = std::mem::take(&mut self.out);
                return Ok(Some((Frame::Data(out.into()), self)));
            }
            if self.encoder.is_none() {
                return Ok(self.trailers.take().map(|trailers| (Frame::Trailers(trailers), self)));
            }
            if let Some(rest) = self.rest.take() {
                self.compress(rest).await?;
                continue;
            }
            let ready = poll_fn(|cx| Poll::Ready(self.body.poll_piece(cx))).await;
            let piece = match ready {
                Poll::Ready(piece) => piece,
                Poll::Pending if self.is_delayed => {
                    self.flush()?;
                    let out = std::mem::take(&mut self.out);
                    return Ok(Some((Frame::Data(out.into()), self)));
                }
                Poll::Pending => poll_fn(|cx| self.body.poll_piece(cx)).await,
            };
            match piece.transpose()? {
                Some(Piece::Frame(Frame::Data(bytes))) => self.rest = Some(Rest::Bytes(bytes)),
                Some(Piece::Region(region)) => self.rest = Some(Rest::Region(region)),
                Some(Piece::Frame(Frame::Trailers(trailers))) => {
                    self.trailers = Some(trailers);
                    self.finish()?;
                }
                None => self.finish()?,
            }
        }
    }

    /// Compresses a portion of a chunk or a range. Keeps the rest.
    async fn compress(&mut self, rest: Rest) -> Result<(), BodyError> {
        match rest {
            Rest::Bytes(bytes) if bytes.len() < LARGE => {
                if let Some(encoder) = &mut self.encoder {
                    encoder.write(&bytes, &mut self.out).map_err(failed)?;
                }
                self.is_delayed |= !bytes.is_empty();
                self.unyielded += bytes.len();
                if self.unyielded >= PORTION {
                    self.unyielded = 0;
                    future::yield_now().await;
                }
                Ok(())
            }
            Rest::Bytes(mut bytes) => {
                let portion = bytes.slice(..bytes.len().min(PORTION));
                bytes.advance(portion.len());
                self.compress_elsewhere(move |encoder, out| {
                    encoder.write(&portion, out).map_err(failed)?;
                    Ok((!bytes.is_empty()).then_some(Rest::Bytes(bytes)))
                })
                .await
            }
            Rest::Region(mut region) => {
                self.compress_elsewhere(move |encoder, out| {
                    let mut read = 0;
                    while read < PORTION && !region.is_empty() {
                        let bytes = region.read()?;
                        encoder.write(&bytes, out).map_err(failed)?;
                        region.advance(bytes.len());
                        read += bytes.len();
                    }
                    Ok((!region.is_empty()).then_some(Rest::Region(region)))
                })
                .await
            }
        }
    }

    /// Runs `work` on a thread where it delays no other request. It returns the rest.
    async fn compress_elsewhere(
        &mut self,
        work: impl FnOnce(&mut dyn Encode, &mut Vec<u8>) -> Result<Option<Rest>, BodyError> + Send + 'static,
    ) -> Result<(), BodyError> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(()) };
        let mut out = std::mem::take(&mut self.out);
        let work = move || work(&mut *encoder, &mut out).map(|rest| (encoder, out, rest));
        let (encoder, out, rest) = self.executor.run_blocking(work).await?;
        (self.encoder, self.out, self.rest) = (Some(encoder), out, rest);
        (self.is_delayed, self.unyielded) = (true, 0);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BodyError> {
        self.is_delayed = false;
        match &mut self.encoder {
            Some(encoder) => encoder.flush(&mut self.out).map_err(failed),
            None => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), BodyError> {
        match self.encoder.take() {
            Some(encoder) => encoder.finish(&mut self.out).map_err(failed),
            None => Ok(()),
        }
    }
}

fn failed(error: io::Error) -> BodyError {
    BodyError::Other(error.into())
}
