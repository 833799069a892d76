//! A broadcast channel: every subscriber gets every value. It needs no executor, because sending wakes the subscribers.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_broadcast::{InactiveReceiver, Receiver, RecvError, Sender, broadcast};
use futures_core::Stream;

/// A channel from many senders to many subscribers, for chat rooms and live updates. Clones send to the same
/// subscribers.
///
/// Sending never waits. The channel keeps a fixed number of values. A subscriber that falls further behind gets
/// [`Lagged`] with the number of values it has missed, and continues with the oldest value kept. Each subscriber gets a
/// clone, so wrap large values in an `Arc`. A [`Text`](crate::websocket::Text) of an `Arc<str>` and shared
/// [`Bytes`](crate::Bytes) are cheap to clone.
///
/// ```
/// use stelo_toolkit::websocket::{Broadcast, Lagged};
///
/// # futures_lite::future::block_on(async {
/// let news = Broadcast::new(2);
/// let mut reader = news.subscribe();
/// for number in 1..=3 {
///     news.send(number);
/// }
/// assert_eq!(reader.next().await, Some(Err(Lagged(1))));
/// assert_eq!(reader.next().await, Some(Ok(2)));
/// assert_eq!(reader.next().await, Some(Ok(3)));
///
/// drop(news);
/// assert_eq!(reader.next().await, None);
/// # });
/// ```
///
/// The subscribers are those of this process. [`relay`](Self::relay) shares the values with other processes.
pub struct Broadcast<T> {
    here: Channel<T>,
    /// The values that were sent in this process, for [`relay`](Self::relay).
    outgoing: Channel<T>,
}

impl<T: Clone> Broadcast<T> {
    /// Creates a channel that keeps the last `capacity` values, at least one.
    pub fn new(capacity: usize) -> Self {
        Self { here: Channel::new(capacity), outgoing: Channel::new(capacity) }
    }

    /// Sends a value to all subscribers, and returns the number of those in this process. Never waits.
    pub fn send(&self, value: T) -> usize {
        if self.outgoing.receivers() > 0 {
            self.outgoing.send(value.clone());
        }
        self.here.send(value)
    }

    /// Sends a value of another process to the subscribers of this one.
    pub(super) fn send_here(&self, value: T) {
        self.here.send(value);
    }

    /// Adds a subscriber, which gets the values sent from now on.
    pub fn subscribe(&self) -> Subscription<T> {
        self.here.subscribe()
    }

    /// Adds a subscriber to what this process sends.
    pub(super) fn subscribe_outgoing(&self) -> Subscription<T> {
        self.outgoing.subscribe()
    }

    /// The number of subscribers in this process.
    pub fn subscribers(&self) -> usize {
        self.here.receivers()
    }
}

impl<T> Clone for Broadcast<T> {
    fn clone(&self) -> Self {
        Self { here: self.here.clone(), outgoing: self.outgoing.clone() }
    }
}

impl<T> fmt::Debug for Broadcast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broadcast({} subscribers)", self.here.receivers())
    }
}

/// A channel that drops its oldest value when it is full.
struct Channel<T> {
    sender: Sender<T>,
    /// Keeps the channel open while there are no subscribers.
    open: InactiveReceiver<T>,
}

impl<T> Channel<T> {
    fn new(capacity: usize) -> Self {
        let (mut sender, receiver) = broadcast(capacity.max(1));
        sender.set_overflow(true);
        sender.set_await_active(false);
        Self { sender, open: receiver.deactivate() }
    }

    fn receivers(&self) -> usize {
        self.sender.receiver_count()
    }

    fn subscribe(&self) -> Subscription<T> {
        Subscription(Box::pin(self.sender.new_receiver()))
    }
}

impl<T: Clone> Channel<T> {
    /// Returns the number of receivers.
    fn send(&self, value: T) -> usize {
        // Fails only without receivers.
        let sent = self.sender.try_broadcast(value);
        if sent.is_ok() { self.receivers() } else { 0 }
    }
}

impl<T> Clone for Channel<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), open: self.open.clone() }
    }
}

/// A subscriber of a [`Broadcast`]: a stream of the values, which ends when all senders are gone.
#[must_use = "nothing is received unless this is polled"]
pub struct Subscription<T>(Pin<Box<Receiver<T>>>);

impl<T: Clone> Subscription<T> {
    /// Waits for the next value. `None` once all senders are gone.
    pub async fn next(&mut self) -> Option<Result<T, Lagged>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T: Clone> Stream for Subscription<T> {
    type Item = Result<T, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_recv(cx).map(|received| match received? {
            Ok(value) => Some(Ok(value)),
            Err(RecvError::Overflowed(missed)) => Some(Err(Lagged(missed))),
            Err(RecvError::Closed) => None,
        })
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription")
    }
}

/// A [`Subscription`] was too slow and has missed this number of values. The stream continues.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lagged(pub u64);

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missed {} values: read faster, or give the `Broadcast` a larger capacity", self.0)
    }
}

impl std::error::Error for Lagged {}

#[cfg(test)]
mod tests {
    use futures_lite::future::{self, block_on};

    use super::*;

    #[test]
    fn a_subscriber_gets_the_values_sent_after_it_subscribed() {
        block_on(async {
            let news = Broadcast::new(4);
            assert_eq!(news.send("none"), 0);
            let mut first = news.subscribe();
            assert_eq!(news.send("one"), 1);
            let mut second = news.subscribe();
            assert_eq!(news.clone().send("both"), 2);
            assert_eq!(first.next().await, Some(Ok("one")));
            assert_eq!(first.next().await, Some(Ok("both")));
            assert_eq!(second.next().await, Some(Ok("both")));
            drop(first);
            assert_eq!(news.send("second"), 1);
            assert_eq!(second.next().await, Some(Ok("second")));
        });
    }

    #[test]
    fn sending_wakes_a_subscriber() {
        let news = Broadcast::new(1);
        let mut reader = news.subscribe();
        let received = block_on(future::zip(reader.next(), async {
            future::yield_now().await;
            news.send(7)
        }));
        assert_eq!(received, (Some(Ok(7)), 1));
    }

    #[test]
    fn a_slow_subscriber_holds_back_neither_sender_nor_others() {
        block_on(async {
            let news = Broadcast::new(3);
            let mut slow = news.subscribe();
            let mut quick = news.subscribe();
            for number in 0..100 {
                news.send(number);
                assert_eq!(quick.next().await, Some(Ok(number)));
            }
            assert_eq!(slow.next().await, Some(Err(Lagged(97))));
            for number in 97..100 {
                assert_eq!(slow.next().await, Some(Ok(number)));
            }
            assert!(future::poll_once(slow.next()).await.is_none());
        });
    }
}
