//! Bodies that stream both ways, and the channel between whoever produces one and whoever reads it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, ready};

use atomic_waker::AtomicWaker;
use concurrent_queue::ConcurrentQueue;
use futures_core::Stream;

use crate::http::Headers;
use crate::proto::Length;
use crate::{Bytes, Fault};

mod region;

#[cfg(test)]
pub(crate) use region::tests;
pub use region::{File, Region};

/// One piece of a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// Bytes.
    Data(Bytes),
    /// The trailer fields, after all bytes.
    Trailers(Headers),
}

/// One piece of a body, as servers take it.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Bytes, or the trailer fields.
    Frame(Frame),
    /// A stretch of a file, never empty.
    Region(Region),
}

/// Why a body broke off.
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// The peer left before the end.
    Disconnected,
    /// The peer broke a rule, hit a limit or was too slow.
    Fault(Fault),
    /// More bytes than the reader wanted to hold.
    TooLarge {
        /// What it wanted to hold at most.
        limit: usize,
    },
    /// The file that is sent has become shorter meanwhile.
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

/// The body of a request or a response: nothing, bytes at hand, or a stream of pieces.
///
/// It is a [`Stream`] of `Result<Bytes, BodyError>`. The body of a request can be given back as the body of a
/// response, and is then passed on piece by piece as it comes.
#[derive(Default)]
pub struct Body(Repr);

#[derive(Default)]
enum Repr {
    #[default]
    Empty,
    Full(Bytes),
    Channel(Reader),
    Stream(Box<Streamed>),
    Pieces(Box<Pieces>),
}

/// In a box, as [`Pieces`], so that bodies at hand, which most are, stay small.
struct Streamed {
    frames: Pin<Box<dyn Stream<Item = Result<Frame, BodyError>> + Send>>,
    length: Length,
}

struct Pieces {
    pieces: Pin<Box<dyn Stream<Item = Result<Piece, BodyError>> + Send>>,
    length: Length,
    /// What is left of the last stretch of a file, where it is read.
    region: Option<Region>,
}

impl Body {
    /// No body.
    pub const fn empty() -> Self {
        Self(Repr::Empty)
    }

    /// A body of unknown length, whose pieces come from a stream.
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

    /// A body whose pieces, trailers among them, come from a stream. With [`Length::Known`] the stream must give
    /// exactly so many bytes.
    pub fn from_frames(
        frames: impl Stream<Item = Result<Frame, BodyError>> + Send + 'static,
        length: Length,
    ) -> Self {
        Self(Repr::Stream(Box::new(Streamed { frames: Box::pin(frames), length })))
    }

    /// A body of stretches of files and of other pieces. Who does not send files reads them.
    pub fn from_pieces(
        pieces: impl Stream<Item = Result<Piece, BodyError>> + Send + 'static,
        length: Length,
    ) -> Self {
        Self(Repr::Pieces(Box::new(Pieces { pieces: Box::pin(pieces), length, region: None })))
    }

    /// A body and the sender that fills it, piece by piece; the reader pushes back on the sender.
    pub fn channel(length: Length) -> (Sender, Self) {
        let shared = Arc::new(Shared {
            // One slot more than the reader is ever behind: an error always finds a place.
            frames: ConcurrentQueue::bounded(Sender::CAPACITY + 1),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            wanted: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
        });
        (Sender { shared: shared.clone() }, Self(Repr::Channel(Reader { shared, length })))
    }

    /// How long the body is, as far as it is known.
    pub fn length(&self) -> Length {
        match &self.0 {
            Repr::Empty => Length::None,
            Repr::Full(bytes) => Length::Known(bytes.len() as u64),
            Repr::Channel(reader) => reader.length,
            Repr::Stream(stream) => stream.length,
            Repr::Pieces(pieces) => pieces.length,
        }
    }

    /// The bytes, if there are any and they are all at hand.
    pub fn full_mut(&mut self) -> Option<&mut Bytes> {
        match &mut self.0 {
            Repr::Full(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Takes the bytes out, if they are all at hand; the body is empty then.
    pub fn take_full(&mut self) -> Option<Bytes> {
        match core::mem::take(&mut self.0) {
            Repr::Empty => Some(Bytes::new()),
            Repr::Full(bytes) => Some(bytes),
            other => {
                self.0 = other;
                None
            }
        }
    }

    /// The next piece; `None` at the end.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        match &mut self.0 {
            Repr::Empty => Poll::Ready(None),
            Repr::Full(bytes) => {
                let bytes = core::mem::take(bytes);
                self.0 = Repr::Empty;
                Poll::Ready((!bytes.is_empty()).then_some(Ok(Frame::Data(bytes))))
            }
            Repr::Channel(reader) => reader.poll_frame(cx),
            Repr::Stream(stream) => stream.frames.as_mut().poll_next(cx),
            Repr::Pieces(pieces) => pieces.poll_frame(cx),
        }
    }

    /// The next piece, files unread; `None` at the end. For servers that send files.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, BodyError>>> {
        match &mut self.0 {
            Repr::Pieces(body) => match body.region.take().filter(|rest| !rest.is_empty()) {
                Some(rest) => Poll::Ready(Some(Ok(Piece::Region(rest)))),
                None => body.pieces.as_mut().poll_next(cx),
            },
            _ => self.poll_frame(cx).map_ok(Piece::Frame),
        }
    }

    /// The next piece, trailers among them; `None` at the end.
    pub async fn frame(&mut self) -> Option<Result<Frame, BodyError>> {
        poll_fn(|cx| self.poll_frame(cx)).await
    }

    /// The next bytes, trailers left out; `None` at the end.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// All bytes, `limit` at most.
    ///
    /// # Errors
    /// The body broke off, or is larger than `limit`; nothing is reserved for a length that was only announced.
    pub async fn collect(mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        if let Length::Known(length) = self.length()
            && length > limit as u64
        {
            return Err(BodyError::TooLarge { limit });
        }
        let mut all = match self.take_full() {
            Some(bytes) => return Ok(bytes.into_vec()),
            None => Vec::new(),
        };
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
    /// The next frame: files are read.
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

/// A stream whose items are passed through a function.
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

/// What sender and reader share.
struct Shared {
    frames: ConcurrentQueue<Result<Frame, BodyError>>,
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// The reader has asked for a piece and found none.
    wanted: AtomicBool,
    /// The sender has said all.
    ended: AtomicBool,
    /// The reader is gone.
    abandoned: AtomicBool,
}

struct Reader {
    shared: Arc<Shared>,
    length: Length,
}

impl Reader {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        let shared = &*self.shared;
        if let Some(frame) = shared.pop() {
            return Poll::Ready(Some(frame));
        }
        shared.reader.register(cx.waker());
        shared.wanted.store(true, Ordering::Release);
        // Looked at before the queue: what was sent before the end is in the queue by now.
        let ended = shared.ended.load(Ordering::Acquire);
        if let Some(frame) = shared.pop() {
            return Poll::Ready(Some(frame));
        }
        if ended {
            return Poll::Ready(None);
        }
        shared.writer.wake();
        Poll::Pending
    }
}

impl Shared {
    fn pop(&self) -> Option<Result<Frame, BodyError>> {
        let frame = self.frames.pop().ok()?;
        self.wanted.store(true, Ordering::Release);
        self.writer.wake();
        Some(frame)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.abandoned.store(true, Ordering::Release);
        self.shared.writer.wake();
    }
}

/// The end of a body channel that fills it. Dropping it before [`finish`](Self::finish) breaks the body off.
pub struct Sender {
    shared: Arc<Shared>,
}

impl Sender {
    /// How many pieces wait for the reader at most.
    pub const CAPACITY: usize = 2;

    /// Whether the reader has ever asked for a piece.
    pub fn is_wanted(&self) -> bool {
        self.shared.wanted.load(Ordering::Acquire)
    }

    /// Whether there is room for a piece.
    pub fn has_room(&self) -> bool {
        self.shared.frames.len() < Self::CAPACITY
    }

    /// Whether the reader has been dropped: further pieces go nowhere.
    pub fn is_abandoned(&self) -> bool {
        self.shared.abandoned.load(Ordering::Acquire)
    }

    /// Has `cx` woken when the reader wants a piece, makes room, or is dropped.
    pub fn watch(&self, cx: &mut Context<'_>) {
        self.shared.writer.register(cx.waker());
    }

    /// Ends [`watch`](Self::watch).
    pub fn unwatch(&self) {
        self.shared.writer.take();
    }

    /// Hands a piece to the reader; gives it back where there is no room or no reader.
    pub fn try_send(&self, frame: Frame) -> Result<(), Frame> {
        if self.is_abandoned() || !self.has_room() {
            return Err(frame);
        }
        self.push(Ok(frame));
        Ok(())
    }

    /// Hands bytes to the reader, waiting for room.
    ///
    /// # Errors
    /// The reader has been dropped.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), BodyError> {
        let mut frame = Some(Frame::Data(bytes.into()));
        poll_fn(|cx| {
            self.watch(cx);
            let Some(piece) = frame.take() else { return Poll::Ready(Ok(())) };
            match self.try_send(piece) {
                Ok(()) => Poll::Ready(Ok(())),
                Err(_) if self.is_abandoned() => Poll::Ready(Err(BodyError::Disconnected)),
                Err(piece) => {
                    frame = Some(piece);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The body is complete.
    pub fn finish(self) {
        self.end();
    }

    /// The body breaks off.
    pub fn fail(self, error: BodyError) {
        self.push(Err(error));
        self.end();
    }

    fn end(&self) {
        self.shared.ended.store(true, Ordering::Release);
        self.shared.reader.wake();
    }

    /// There is only one sender and it has looked for room, so the queue is never full here.
    fn push(&self, item: Result<Frame, BodyError>) {
        let _ = self.shared.frames.push(item);
        self.shared.reader.wake();
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if !self.shared.ended.load(Ordering::Acquire) {
            self.push(Err(BodyError::Disconnected));
            self.end();
        }
    }
}
