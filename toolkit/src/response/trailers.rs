//! Trailer fields behind the body of a response (RFC 9110 section 6.5).

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use stelo_core::app::BoxFuture;
use stelo_core::body::{Body, BodyError, Frame, Length};
use stelo_core::http::Headers;

/// Returns the body with trailer fields behind it. Its length is no longer known, as only a body in chunks has trailers.
pub(super) fn with_trailers(body: Body, trailers: impl Future<Output = Headers> + Send + 'static) -> Body {
    let half_closed = body.allows_half_closed();
    let frames = Frames { body, trailers: Some(Box::pin(trailers)) };
    let body = Body::from_frames(frames, Length::Unknown);
    if half_closed { body.allow_half_closed() } else { body }
}

struct Frames {
    body: Body,
    /// `None` once they have been sent.
    trailers: Option<BoxFuture<Headers>>,
}

impl Stream for Frames {
    type Item = Result<Frame, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(frame) = ready!(self.body.poll_frame(cx)) {
            return Poll::Ready(Some(frame));
        }
        let Some(trailers) = &mut self.trailers else { return Poll::Ready(None) };
        let fields = ready!(trailers.as_mut().poll(cx));
        self.trailers = None;
        Poll::Ready(Some(Ok(Frame::Trailers(fields))))
    }
}
