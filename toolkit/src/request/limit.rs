//! `Limit`: the limit of a request body that [`BodyLimit`](crate::middleware::BodyLimit) sets, and the body that keeps it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use stelo_core::body::{Body, BodyError, Frame, Length};

/// The limit of the body of one request. An inner middleware replaces the limit of an outer one, so they share it.
#[derive(Clone)]
pub(crate) struct Limit(Arc<Shared>);

struct Shared {
    bytes: AtomicUsize,
    /// Whether the application has begun to read the body.
    is_read: AtomicBool,
}

impl Limit {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Shared { bytes: AtomicUsize::new(bytes), is_read: AtomicBool::new(false) }))
    }

    /// Returns the limit, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, bytes: usize) {
        self.0.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Whether a body declares more bytes than the limit.
    pub(crate) fn is_exceeded_by(&self, length: Length) -> bool {
        matches!(length, Length::Known(length) if length > self.bytes() as u64)
    }

    /// Whether the application has begun to read the body, and so has seen that it is too large.
    pub(crate) fn is_read(&self) -> bool {
        self.0.is_read.load(Ordering::Relaxed)
    }

    /// Returns a body that fails with [`BodyError::TooLarge`] beyond the limit.
    pub(crate) fn around(&self, body: Body) -> Body {
        let length = body.length();
        Body::from_frames(Limited { body, limit: self.clone(), taken: 0, length, is_over: false }, length)
    }
}

struct Limited {
    body: Body,
    limit: Limit,
    /// The number of bytes that have been read.
    taken: usize,
    length: Length,
    is_over: bool,
}

impl Stream for Limited {
    type Item = Result<Frame, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { body, limit, taken, length, is_over } = &mut *self;
        if *is_over {
            return Poll::Ready(None);
        }
        limit.0.is_read.store(true, Ordering::Relaxed);
        *is_over = limit.is_exceeded_by(*length);
        if !*is_over {
            let frame = ready!(body.poll_frame(cx));
            if let Some(Ok(Frame::Data(bytes))) = &frame {
                *taken = taken.saturating_add(bytes.len());
            }
            *is_over = *taken > limit.bytes();
            if !*is_over {
                return Poll::Ready(frame);
            }
        }
        Poll::Ready(Some(Err(BodyError::TooLarge { limit: limit.bytes() })))
    }
}
