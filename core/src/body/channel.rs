//! The channel behind a streamed body: one producer, one reader, bounded in bytes.
//!
//! A server fills it with a request body, an application with a response body. The reader pulls: [`Sender::demand`]
//! says whether it waits for a piece, and a server that follows it holds the client back.

use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll};

use super::{BodyError, Frame, Length};
use crate::Bytes;
use crate::sync::{AtomicBool, AtomicUsize, AtomicWaker, ConcurrentQueue, Ordering};

/// Creates a channel for a body of this length.
pub(super) fn new(length: Length) -> (Sender, Receiver) {
    let shared = Arc::new(Shared {
        frames: ConcurrentQueue::unbounded(),
        queued: AtomicUsize::new(0),
        reader: AtomicWaker::new(),
        writer: AtomicWaker::new(),
        wanted: AtomicBool::new(false),
        ended: AtomicBool::new(false),
        abandoned: AtomicBool::new(false),
        half_closed: AtomicBool::new(false),
    });
    (Sender { shared: shared.clone() }, Receiver { shared, length })
}

/// The state of both ends.
struct Shared {
    /// Bounded by `queued`, which is also why a push cannot fail.
    frames: ConcurrentQueue<Result<Frame, BodyError>>,
    /// The weight of all frames in the queue. Raised before a push and lowered after a pop.
    queued: AtomicUsize,
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// The reader has asked for a piece.
    wanted: AtomicBool,
    /// The sender has finished, failed or been dropped.
    ended: AtomicBool,
    /// The reader has been dropped.
    abandoned: AtomicBool,
    /// See [`Body::allow_half_closed`](super::Body::allow_half_closed).
    half_closed: AtomicBool,
}

impl Shared {
    /// Takes a piece from the queue.
    fn pop(&self) -> Option<Result<Frame, BodyError>> {
        let frame = self.frames.pop().ok()?;
        let weight = weight(&frame);
        let before = self.queued.fetch_sub(weight, Ordering::AcqRel);
        let made_room = before >= Sender::CAPACITY && before - weight < Sender::CAPACITY;
        if self.ask() || made_room {
            self.writer.wake();
        }
        Some(frame)
    }

    /// Notes that the reader wants a piece. Returns whether this is the first time.
    fn ask(&self) -> bool {
        !self.wanted.load(Ordering::Relaxed) && !self.wanted.swap(true, Ordering::AcqRel)
    }
}

/// Returns the weight of a piece: its bytes, and the slot in the queue, so that tiny pieces are bounded too.
fn weight(frame: &Result<Frame, BodyError>) -> usize {
    size_of::<Result<Frame, BodyError>>()
        + match frame {
            Ok(Frame::Data(bytes)) => bytes.len(),
            Ok(Frame::Trailers(trailers)) => trailers.held(),
            Err(_) => 0,
        }
}

/// The end of the channel that a [`Body`](super::Body) reads.
pub(super) struct Receiver {
    shared: Arc<Shared>,
    length: Length,
}

impl Receiver {
    /// Returns the announced length of the whole body.
    pub(super) fn length(&self) -> Length {
        self.length
    }

    pub(super) fn allow_half_closed(&self) {
        self.shared.half_closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn allows_half_closed(&self) -> bool {
        self.shared.half_closed.load(Ordering::Relaxed)
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        let shared = &*self.shared;
        if let Some(frame) = shared.pop() {
            return Poll::Ready(Some(frame));
        }
        shared.reader.register(cx.waker());
        // Loaded before the second pop: what was sent before the end is in the queue by then.
        let ended = shared.ended.load(Ordering::Acquire);
        if let Some(frame) = shared.pop() {
            return Poll::Ready(Some(frame));
        }
        if ended {
            return Poll::Ready(None);
        }
        if shared.ask() {
            shared.writer.wake();
        }
        Poll::Pending
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.abandoned.store(true, Ordering::Release);
        self.shared.writer.wake();
    }
}

/// The demand of the reader of a body channel, as its [`Sender`] sees it.
///
/// | from | to | when |
/// |---|---|---|
/// | `Unasked` | `Wanted` | the reader asks for its first piece |
/// | `Unasked`, `Wanted` | `Full` | the sender has sent [`Sender::CAPACITY`] bytes |
/// | `Full` | `Wanted` | the reader takes a piece |
/// | any | `Abandoned` | the reader is dropped |
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Demand {
    /// The reader has not asked for anything yet. A server does not read the body, and sends no `100 Continue`.
    Unasked,
    /// The reader has asked, and there is room for a piece.
    Wanted,
    /// [`Sender::CAPACITY`] bytes are queued.
    Full,
    /// The reader has been dropped: further pieces are discarded.
    Abandoned,
}

/// The end of a body channel that fills it, made by [`Body::channel`](super::Body::channel).
///
/// Dropping it before [`finish`](Self::finish) ends the body with [`BodyError::Disconnected`].
///
/// ```
/// # use std::task::{Context, Poll, Waker};
/// use stelo_core::body::{Body, Demand, Frame, Length};
///
/// let (sender, mut body) = Body::channel(Length::Unknown);
/// assert_eq!(sender.demand(), Demand::Unasked);
///
/// let mut cx = Context::from_waker(Waker::noop());
/// assert!(body.poll_frame(&mut cx).is_pending());
/// assert_eq!(sender.demand(), Demand::Wanted);
///
/// sender.try_send(Frame::Data("hello".into())).unwrap();
/// sender.finish();
/// assert!(matches!(body.poll_frame(&mut cx), Poll::Ready(Some(Ok(Frame::Data(_))))));
/// assert!(matches!(body.poll_frame(&mut cx), Poll::Ready(None)));
/// ```
pub struct Sender {
    shared: Arc<Shared>,
}

impl Sender {
    /// The capacity of the channel, in bytes: 64 KiB. A piece is accepted while less than this is queued, so a
    /// piece of any size passes. Each piece also counts for its slot in the queue (some 50 bytes).
    ///
    /// It bounds the memory that a slow reader costs.
    pub const CAPACITY: usize = 64 << 10;

    /// Returns the current demand and drops the waker of an earlier [`poll_demand`](Self::poll_demand).
    ///
    /// A server calls this while it works on the connection: if the handler runs in the same task, the pieces that it
    /// takes then wake nothing.
    pub fn demand(&self) -> Demand {
        self.shared.writer.take();
        self.current()
    }

    /// Returns the current demand, and wakes the task of `cx` when it changes to [`Wanted`](Demand::Wanted) or
    /// [`Abandoned`](Demand::Abandoned). The last waker counts.
    ///
    /// A server calls this once, before it waits.
    pub fn poll_demand(&self, cx: &mut Context<'_>) -> Demand {
        self.shared.writer.register(cx.waker());
        self.current()
    }

    fn current(&self) -> Demand {
        if self.shared.abandoned.load(Ordering::Acquire) {
            Demand::Abandoned
        } else if self.shared.queued.load(Ordering::Acquire) >= Self::CAPACITY {
            Demand::Full
        } else if self.shared.wanted.load(Ordering::Acquire) {
            Demand::Wanted
        } else {
            Demand::Unasked
        }
    }

    /// Sends a piece without waiting. It passes as it is, without a copy, whether the reader has asked or not.
    ///
    /// # Errors
    /// Returns the piece if the demand is [`Full`](Demand::Full) or [`Abandoned`](Demand::Abandoned).
    pub fn try_send(&self, frame: Frame) -> Result<(), Frame> {
        match self.current() {
            Demand::Full | Demand::Abandoned => Err(frame),
            Demand::Unasked | Demand::Wanted => {
                self.push(Ok(frame));
                Ok(())
            }
        }
    }

    /// Sends bytes, and waits while the channel is full.
    ///
    /// # Errors
    /// [`BodyError::Disconnected`] if the reader has been dropped.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), BodyError> {
        let bytes = bytes.into();
        poll_fn(|cx| match self.poll_demand(cx) {
            Demand::Full => Poll::Pending,
            Demand::Abandoned => Poll::Ready(Err(BodyError::Disconnected)),
            Demand::Unasked | Demand::Wanted => Poll::Ready(Ok(())),
        })
        .await?;
        self.push(Ok(Frame::Data(bytes)));
        Ok(())
    }

    /// Ends the body: it is complete.
    pub fn finish(self) {
        self.end();
    }

    /// Ends the body with an error.
    pub fn fail(self, error: BodyError) {
        self.push(Err(error));
        self.end();
    }

    fn end(&self) {
        self.shared.ended.store(true, Ordering::Release);
        self.shared.reader.wake();
    }

    fn push(&self, item: Result<Frame, BodyError>) {
        self.shared.queued.fetch_add(weight(&item), Ordering::AcqRel);
        // An unbounded queue refuses only when it is closed, and this one never is.
        let pushed = self.shared.frames.push(item);
        debug_assert!(pushed.is_ok());
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

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("demand", &self.current()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;
    use alloc::collections::VecDeque;
    use alloc::task::Wake;
    use core::task::Waker;
    use proptest::prelude::*;

    /// Counts how often its task is woken.
    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Wakes {
        fn take(&self) -> usize {
            self.0.swap(0, Ordering::Relaxed)
        }
    }

    fn piece(len: usize) -> Frame {
        Frame::Data(alloc::vec![7; len].into())
    }

    /// Takes a piece from a body that is not expected to fail.
    fn read(body: &mut Body) -> Poll<Option<usize>> {
        match body.poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(Frame::Data(bytes)))) => Poll::Ready(Some(bytes.len())),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_sender_is_woken_when_it_is_asked_and_when_there_is_room() {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let mut cx = Context::from_waker(&waker);
        let (sender, mut body) = Body::channel(Length::Unknown);

        assert_eq!(sender.poll_demand(&mut cx), Demand::Unasked);
        assert!(read(&mut body).is_pending());
        assert_eq!((wakes.take(), sender.poll_demand(&mut cx)), (1, Demand::Wanted));

        // An oversized piece passes alone.
        sender.try_send(piece(2 * Sender::CAPACITY)).unwrap();
        assert_eq!(sender.try_send(piece(1)), Err(piece(1)));
        assert_eq!((wakes.take(), sender.poll_demand(&mut cx)), (0, Demand::Full));
        assert_eq!(read(&mut body), Poll::Ready(Some(2 * Sender::CAPACITY)));
        assert_eq!((wakes.take(), sender.poll_demand(&mut cx)), (1, Demand::Wanted));

        // The reader takes pieces from a channel that is not full.
        sender.try_send(piece(1)).unwrap();
        assert_eq!((read(&mut body), wakes.take()), (Poll::Ready(Some(1)), 0));

        drop(body);
        assert_eq!((wakes.take(), sender.poll_demand(&mut cx)), (1, Demand::Abandoned));
        assert_eq!(sender.try_send(piece(1)), Err(piece(1)));
    }

    #[test]
    fn a_look_at_the_demand_ends_the_wait() {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let (sender, mut body) = Body::channel(Length::Unknown);
        sender.poll_demand(&mut Context::from_waker(&waker));
        assert_eq!(sender.demand(), Demand::Unasked);
        assert!(read(&mut body).is_pending());
        drop(body);
        assert_eq!((wakes.take(), sender.demand()), (0, Demand::Abandoned));
    }

    #[test]
    fn the_end_comes_after_what_was_sent() {
        let mut cx = Context::from_waker(Waker::noop());
        let (sender, mut body) = Body::channel(Length::Unknown);
        sender.try_send(piece(3)).unwrap();
        sender.finish();
        assert_eq!((read(&mut body), read(&mut body)), (Poll::Ready(Some(3)), Poll::Ready(None)));

        // An error finds a place in a full channel.
        let (sender, mut body) = Body::channel(Length::Unknown);
        sender.try_send(piece(Sender::CAPACITY)).unwrap();
        drop(sender);
        assert_eq!(read(&mut body), Poll::Ready(Some(Sender::CAPACITY)));
        assert!(matches!(body.poll_frame(&mut cx), Poll::Ready(Some(Err(BodyError::Disconnected)))));
        assert_eq!(read(&mut body), Poll::Ready(None));
    }

    #[test]
    fn a_send_waits_for_room_and_fails_without_a_reader() {
        let mut cx = Context::from_waker(Waker::noop());
        let (sender, mut body) = Body::channel(Length::Unknown);
        sender.try_send(piece(Sender::CAPACITY)).unwrap();
        let mut send = core::pin::pin!(sender.send("a"));
        assert!(send.as_mut().poll(&mut cx).is_pending());
        assert_eq!(read(&mut body), Poll::Ready(Some(Sender::CAPACITY)));
        assert!(matches!(send.as_mut().poll(&mut cx), Poll::Ready(Ok(()))));
        assert_eq!(read(&mut body), Poll::Ready(Some(1)));
        drop(body);
        let mut send = core::pin::pin!(sender.send("a"));
        assert!(matches!(send.as_mut().poll(&mut cx), Poll::Ready(Err(BodyError::Disconnected))));
    }

    proptest! {
        #[test]
        fn pieces_arrive_in_order_and_within_the_capacity(
            steps in proptest::collection::vec(proptest::option::of(0usize..40_000), 0..200),
        ) {
            let slot = size_of::<Result<Frame, BodyError>>();
            let (sender, mut body) = Body::channel(Length::Unknown);
            let (mut queue, mut asked) = (VecDeque::new(), false);
            for step in steps {
                let weight = |queue: &VecDeque<usize>| queue.iter().map(|len| len + slot).sum::<usize>();
                match step {
                    Some(len) => {
                        let sent = sender.try_send(piece(len)).is_ok();
                        prop_assert_eq!(sent, weight(&queue) < Sender::CAPACITY);
                        queue.extend(sent.then_some(len));
                    }
                    None => {
                        let expected = queue.pop_front().map_or(Poll::Pending, |len| Poll::Ready(Some(len)));
                        prop_assert_eq!(read(&mut body), expected);
                        asked = true;
                    }
                }
                let expected = match weight(&queue) {
                    Sender::CAPACITY.. => Demand::Full,
                    _ if asked => Demand::Wanted,
                    _ => Demand::Unasked,
                };
                prop_assert_eq!(sender.demand(), expected);
            }
            drop(sender);
            for len in queue {
                prop_assert_eq!(read(&mut body), Poll::Ready(Some(len)));
            }
        }
    }
}
