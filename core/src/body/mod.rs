//! Message bodies: bytes in memory, a channel, or a stream of pieces.
//!
//! [`Body`] is the type that applications read and return. A [`Sender`] fills one through a bounded channel, a
//! [`Region`] is a range of a file that a server can send without reading it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::http::Headers;
use crate::{Bytes, Fault};

mod channel;
mod region;

use channel::Receiver;
pub use channel::{Demand, Sender};
#[cfg(test)]
pub(crate) use region::tests;
pub use region::{File, Region};

/// The length of a body, as far as it is known before the body has arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Length {
    /// There is no body.
    #[default]
    None,
    /// The number of bytes.
    Known(u64),
    /// Not known in advance: the framing marks the end.
    Unknown,
}

/// One piece of a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// Bytes.
    Data(Bytes),
    /// The trailer fields, after all bytes (RFC 9110 section 6.5).
    Trailers(Headers),
}

/// One piece of a body, for servers that can send files without reading them.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Bytes, or the trailer fields.
    Frame(Frame),
    /// A range of a file, never empty.
    Region(Region),
}

/// The reason why a body ended early.
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// The peer disconnected before the end of the body.
    Disconnected,
    /// The peer broke a rule, exceeded a limit or was too slow.
    Fault(Fault),
    /// The body exceeds the limit of the reader.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The file became shorter while it was being sent.
    Truncated,
    /// The producer failed.
    Other(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => f.write_str("the client left before the body was complete"),
            Self::Fault(fault) => fault.fmt(f),
            Self::TooLarge { limit } => write!(f, "the body is larger than the limit of {limit} bytes"),
            Self::Truncated => f.write_str("the file has become shorter while it was being sent"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Fault(fault) => Some(fault),
            Self::Other(error) => Some(&**error),
            _ => None,
        }
    }
}

/// The body of a request or a response: empty, bytes in memory, or a stream of pieces.
///
/// A body is a [`Stream`] of `Result<Bytes, BodyError>`. Applications read it with [`chunk`](Self::chunk) or
/// [`collect`](Self::collect), or with [`frame`](Self::frame) if they need the trailers. Servers take
/// [`full_mut`](Self::full_mut) first and [`poll_piece`](Self::poll_piece) otherwise.
///
/// An application can return the body of a request as the body of a response: the server then forwards each piece
/// as it arrives.
///
/// ```
/// use stelo_core::body::{Body, Length};
///
/// let body = Body::from("hello");
/// assert_eq!(body.length(), Length::Known(5));
/// ```
#[derive(Default)]
pub struct Body(Repr);

#[derive(Default)]
enum Repr {
    #[default]
    Empty,
    Full(Bytes),
    Channel(Receiver),
    Stream(Box<Streamed>),
    Pieces(Box<Pieces>),
}

/// Boxed, like [`Pieces`], so that a body in memory stays small.
struct Streamed {
    frames: Pin<Box<dyn Stream<Item = Result<Frame, BodyError>> + Send>>,
    length: Length,
    half_closed: bool,
}

struct Pieces {
    pieces: Pin<Box<dyn Stream<Item = Result<Piece, BodyError>> + Send>>,
    length: Length,
    half_closed: bool,
    /// The unread rest of the last file range, if the body is read as frames.
    region: Option<Region>,
}

impl Body {
    /// Creates an empty body.
    pub const fn empty() -> Self {
        Self(Repr::Empty)
    }

    /// Creates a body of unknown length from a stream of bytes.
    pub fn from_stream<S, B, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<B, E>> + Send + 'static,
        B: Into<Bytes>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self::from_frames(
            Mapped {
                stream: Box::pin(stream),
                map: |item: Result<B, E>| match item {
                    Ok(bytes) => Ok(Frame::Data(bytes.into())),
                    Err(error) => Err(BodyError::Other(error.into())),
                },
            },
            Length::Unknown,
        )
    }

    /// Creates a body from a stream of bytes and trailers. With [`Length::Known`] the stream must give exactly that
    /// number of bytes.
    pub fn from_frames(
        frames: impl Stream<Item = Result<Frame, BodyError>> + Send + 'static,
        length: Length,
    ) -> Self {
        Self(Repr::Stream(Box::new(Streamed { frames: Box::pin(frames), length, half_closed: false })))
    }

    /// Creates a body from a stream of file ranges and frames. A server without `sendfile`, and an application that
    /// reads the body, get the ranges as bytes.
    pub fn from_pieces(
        pieces: impl Stream<Item = Result<Piece, BodyError>> + Send + 'static,
        length: Length,
    ) -> Self {
        Self(Repr::Pieces(Box::new(Pieces {
            pieces: Box::pin(pieces),
            length,
            half_closed: false,
            region: None,
        })))
    }

    /// Creates a body and the sender that fills it. The channel holds [`Sender::CAPACITY`] bytes, then the sender
    /// has to wait for the reader.
    pub fn channel(length: Length) -> (Sender, Self) {
        let (sender, receiver) = channel::new(length);
        (sender, Self(Repr::Channel(receiver)))
    }

    /// Returns the length, as far as it is known.
    pub fn length(&self) -> Length {
        match &self.0 {
            Repr::Empty => Length::None,
            Repr::Full(bytes) => Length::Known(bytes.len() as u64),
            Repr::Channel(receiver) => receiver.length(),
            Repr::Stream(stream) => stream.length,
            Repr::Pieces(pieces) => pieces.length,
        }
    }

    /// Lets the server send a body of unknown length to its end even if the client has ended its side of the connection.
    ///
    /// A client that has left by an ordinary close looks the same, so the server otherwise drops such a body after a
    /// timeout, when it next waits for its producer. With this, a quiet stream may outlive its client until the next
    /// write fails: use it for streams that end, or that send something now and then. Bodies of known length are always
    /// sent to their end.
    ///
    /// ```
    /// use stelo_core::body::{Body, Length};
    ///
    /// let (sender, body) = Body::channel(Length::Unknown);
    /// assert!(body.allow_half_closed().allows_half_closed());
    /// # drop(sender);
    /// ```
    #[must_use]
    pub fn allow_half_closed(mut self) -> Self {
        match &mut self.0 {
            Repr::Empty | Repr::Full(_) => {}
            Repr::Channel(receiver) => receiver.allow_half_closed(),
            Repr::Stream(stream) => stream.half_closed = true,
            Repr::Pieces(pieces) => pieces.half_closed = true,
        }
        self
    }

    /// Whether the body is sent to its end to a client that has ended its side: a body of known length always is.
    pub fn allows_half_closed(&self) -> bool {
        let allowed = match &self.0 {
            Repr::Empty | Repr::Full(_) => true,
            Repr::Channel(receiver) => receiver.allows_half_closed(),
            Repr::Stream(stream) => stream.half_closed,
            Repr::Pieces(pieces) => pieces.half_closed,
        };
        allowed || self.length() != Length::Unknown
    }

    /// Returns the bytes if the whole body is in memory, and `None` for an empty body and for a stream.
    pub fn full_mut(&mut self) -> Option<&mut Bytes> {
        match &mut self.0 {
            Repr::Full(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Polls for the next piece, with file ranges read into memory. `None` is the end.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        match &mut self.0 {
            Repr::Empty => Poll::Ready(None),
            Repr::Full(bytes) => {
                let bytes = core::mem::take(bytes);
                self.0 = Repr::Empty;
                Poll::Ready((!bytes.is_empty()).then_some(Ok(Frame::Data(bytes))))
            }
            Repr::Channel(receiver) => receiver.poll_frame(cx),
            Repr::Stream(stream) => stream.frames.as_mut().poll_next(cx),
            Repr::Pieces(pieces) => pieces.poll_frame(cx),
        }
    }

    /// Polls for the next piece, with file ranges left unread. `None` is the end. For servers that send files.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, BodyError>>> {
        match &mut self.0 {
            Repr::Pieces(body) => match body.region.take().filter(|rest| !rest.is_empty()) {
                Some(rest) => Poll::Ready(Some(Ok(Piece::Region(rest)))),
                None => body.pieces.as_mut().poll_next(cx),
            },
            _ => self.poll_frame(cx).map_ok(Piece::Frame),
        }
    }

    /// Returns the next piece, including trailers. `None` is the end.
    pub async fn frame(&mut self) -> Option<Result<Frame, BodyError>> {
        poll_fn(|cx| self.poll_frame(cx)).await
    }

    /// Returns the next bytes and skips trailers. `None` is the end.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Reads the whole body, up to `limit` bytes.
    ///
    /// No memory is reserved for a length that was only announced.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`] if the body exceeds `limit`; otherwise the error that ended the body early.
    pub async fn collect(mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        if let Length::Known(length) = self.length()
            && length > limit as u64
        {
            return Err(BodyError::TooLarge { limit });
        }
        if let Repr::Full(bytes) = self.0 {
            return Ok(bytes.into_vec());
        }
        let mut all = Vec::new();
        while let Some(bytes) = self.chunk().await {
            let bytes = bytes?;
            if bytes.len() > limit - all.len() {
                return Err(BodyError::TooLarge { limit });
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }
}

impl Pieces {
    /// Polls for the next frame and reads file ranges.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        loop {
            if let Some(rest) = self.region.as_mut().filter(|rest| !rest.is_empty()) {
                let bytes = rest.read();
                rest.advance(bytes.as_ref().map_or(0, Vec::len));
                return Poll::Ready(Some(bytes.map(|bytes| Frame::Data(bytes.into()))));
            }
            match ready!(self.pieces.as_mut().poll_next(cx)) {
                Some(Ok(Piece::Region(next))) => self.region = Some(next),
                Some(Ok(Piece::Frame(frame))) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Repr::Full(bytes.into()))
    }
}

impl Stream for Body {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(self.poll_frame(cx)) {
                Some(Ok(Frame::Data(bytes))) => Some(Ok(bytes)),
                Some(Ok(Frame::Trailers(_))) => continue,
                Some(Err(error)) => Some(Err(error)),
                None => None,
            });
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Full(bytes) => write!(f, "Body({bytes:?})"),
            _ => write!(f, "Body({:?})", self.length()),
        }
    }
}

/// A stream that applies a function to each item.
struct Mapped<S, F> {
    stream: Pin<Box<S>>,
    map: F,
}

impl<S: Stream, T, F: FnMut(S::Item) -> T + Unpin> Stream for Mapped<S, F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let item = ready!(self.stream.as_mut().poll_next(cx));
        Poll::Ready(item.map(&mut self.map))
    }
}

#[cfg(test)]
mod collecting {
    use alloc::vec;
    use core::pin::pin;
    use core::task::Waker;

    use super::*;

    /// Collects a body that arrives in pieces. Returns its length, or `None` if it is too large.
    fn collect(pieces: &[usize], limit: usize) -> Option<usize> {
        let (sender, body) = Body::channel(Length::Unknown);
        for &len in pieces {
            assert!(sender.try_send(Frame::Data(vec![7; len].into())).is_ok());
        }
        sender.finish();
        match pin!(body.collect(limit)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(all)) => Some(all.len()),
            Poll::Ready(Err(BodyError::TooLarge { limit: named })) if named == limit => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_body_of_exactly_the_limit_is_collected() {
        for pieces in [&[10][..], &[4, 6], &[9, 1], &[0, 10, 0]] {
            assert_eq!(collect(pieces, 10), Some(10), "{pieces:?}");
            assert_eq!(collect(pieces, 9), None, "{pieces:?}");
        }
        assert_eq!((collect(&[], 0), collect(&[0], 0), collect(&[1], 0)), (Some(0), Some(0), None));
    }
}
