//! Copies a streamed body while the client reads it, to be stored at its end.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use stelo_core::app::BoxFuture;
use stelo_core::body::{Body, BodyError, Frame, Length, Piece};

/// Stores a body.
pub(super) type Store = Box<dyn FnOnce(Vec<u8>) -> BoxFuture<()> + Send>;

/// Returns a body that is the same, and is stored at its end if it has up to `limit` bytes. A body with trailers or with
/// ranges of files is not stored: the system caches files.
pub(super) fn tee(body: Body, limit: usize, store: Store) -> Body {
    let (length, is_finite) = (body.length(), body.allows_half_closed());
    let tee = Tee { body, copy: Some((Vec::new(), store)), limit, length, storing: None };
    let body = Body::from_pieces(tee, length);
    if is_finite { body.allow_half_closed() } else { body }
}

struct Tee {
    body: Body,
    /// `None` if the body is not stored.
    copy: Option<(Vec<u8>, Store)>,
    limit: usize,
    length: Length,
    storing: Option<BoxFuture<()>>,
}

impl Stream for Tee {
    type Item = Result<Piece, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(storing) = &mut this.storing {
            std::task::ready!(storing.as_mut().poll(cx));
            this.storing = None;
            return Poll::Ready(None);
        }
        let piece = std::task::ready!(this.body.poll_piece(cx));
        match (&piece, &mut this.copy) {
            (Some(Ok(Piece::Frame(Frame::Data(bytes)))), Some((copy, _)))
                if bytes.len() <= this.limit - copy.len() =>
            {
                copy.extend_from_slice(bytes);
                // A server does not poll a body again that has all its bytes.
                if Length::Known(copy.len() as u64) == this.length {
                    this.begin();
                    if let Some(storing) = &mut this.storing
                        && storing.as_mut().poll(cx).is_ready()
                    {
                        this.storing = None;
                    }
                }
            }
            (None, Some(_)) => {
                if this.length == Length::Unknown {
                    this.begin();
                    return Pin::new(this).poll_next(cx);
                }
            }
            _ => this.copy = None,
        }
        Poll::Ready(piece)
    }
}

impl Tee {
    fn begin(&mut self) {
        if let Some((copy, store)) = self.copy.take() {
            self.storing = Some(store(copy));
        }
    }
}
