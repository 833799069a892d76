//! `Replay`: the last events of a feed, so that a client that connects again misses none.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use futures_core::Stream;
use stelo_core::Bytes;
use stelo_core::app::BoxError;

use super::{Event, IntoEvent, LastEventId};
use crate::websocket::{Broadcast, Subscription};

/// A feed of events that keeps the last ones, bounded in number and in bytes. Clones send to the same subscribers.
///
/// Each event gets an id. A client that connects again sends the last id that it has seen, and
/// [`subscribe`](Self::subscribe) continues behind it. Sending never waits: a client that falls further behind than the
/// buffer misses events.
///
/// ```
/// use stelo_toolkit::events::{Event, EventStream, LastEventId, Replay};
/// use stelo_toolkit::request::Executor;
/// use stelo_toolkit::{App, State, get, post};
///
/// async fn feed(executor: Executor, State(news): State<Replay>, last: Option<LastEventId>) -> EventStream {
///     EventStream::new(executor, news.subscribe(last.as_ref()))
/// }
///
/// async fn publish(State(news): State<Replay>, text: String) {
///     news.send(Event::data(text).name("news"));
/// }
///
/// let app = App::new().state(Replay::new(100)).route("/news", get(feed).post(publish));
/// # app.build().unwrap();
/// ```
#[derive(Clone)]
pub struct Replay(Arc<Shared>);

struct Shared {
    kept: Mutex<Kept>,
    capacity: usize,
    max_bytes: usize,
    /// Distinguishes the ids of this feed from those of one before a restart.
    epoch: String,
    /// Wakes the subscribers. The events are in `kept`.
    news: Broadcast<()>,
}

#[derive(Default)]
struct Kept {
    events: VecDeque<Bytes>,
    bytes: usize,
    /// The number of events sent. The last in the queue has this number, the one before it one less.
    sent: u64,
}

impl Kept {
    /// The number of the event before the first in the queue.
    fn before(&self) -> u64 {
        self.sent - self.events.len() as u64
    }
}

impl Replay {
    /// The default of [`max_bytes`](Self::max_bytes): 1 MiB.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Creates a feed that keeps the last `capacity` events, at least one.
    pub fn new(capacity: usize) -> Self {
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(Arc::new(Shared {
            kept: Mutex::default(),
            capacity: capacity.max(1),
            max_bytes: Self::MAX_BYTES,
            epoch: format!("{:x}", time.as_micros()),
            news: Broadcast::new(1),
        }))
    }

    /// Sets the number of bytes that are kept. The last event is kept even if it is larger. For a new feed, which has no
    /// clone yet; later it changes nothing.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.0) {
            shared.max_bytes = bytes;
        }
        self
    }

    /// Sends an event to all subscribers, and returns its id. An id that the event has is replaced.
    pub fn send(&self, event: Event) -> String {
        let shared = &*self.0;
        let id = {
            let mut kept = shared.lock();
            kept.sent += 1;
            let id = format!("{}-{}", shared.epoch, kept.sent);
            // The last id of an event counts.
            let text: Vec<u8> = event.id(&id).as_str().into();
            kept.bytes += text.len();
            kept.events.push_back(Bytes::from_shared(Arc::new(text)));
            while kept.events.len() > shared.capacity
                || kept.bytes > shared.max_bytes && kept.events.len() > 1
            {
                kept.bytes -= kept.events.pop_front().map_or(0, |oldest| oldest.len());
            }
            id
        };
        shared.news.send(());
        id
    }

    /// Subscribes to the events after the one with that id; without an id, to those sent from now on. If the id is
    /// unknown or its event no longer kept, the stream begins with the oldest event kept.
    pub fn subscribe(&self, after: Option<&LastEventId>) -> Replays {
        let kept = self.0.lock();
        let last = match after {
            None => kept.sent,
            Some(LastEventId(id)) => self.0.number(id).filter(|number| *number <= kept.sent).unwrap_or(0),
        };
        drop(kept);
        Replays { news: self.0.news.subscribe(), shared: Arc::downgrade(&self.0), last }
    }

    /// The number of subscribers.
    pub fn subscribers(&self) -> usize {
        self.0.news.subscribers()
    }
}

impl Shared {
    /// Locks the events. Nothing can panic under the lock, so they are consistent even if poisoned.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the event with that id.
    fn number(&self, id: &str) -> Option<u64> {
        id.strip_prefix(&*self.epoch)?.strip_prefix('-')?.parse().ok()
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replay({} events, {} subscribers)", self.0.lock().events.len(), self.subscribers())
    }
}

/// The events that a [`Replay`] sends to one subscriber. Ends when all clones of the feed are gone.
#[must_use = "nothing is received unless this is polled"]
pub struct Replays {
    shared: std::sync::Weak<Shared>,
    news: Subscription<()>,
    /// The number of the last event that was received.
    last: u64,
}

impl Stream for Replays {
    type Item = Replayed;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Replayed>> {
        loop {
            let Some(shared) = self.shared.upgrade() else { return Poll::Ready(None) };
            let next = {
                let kept = shared.lock();
                let at = self.last.max(kept.before()) - kept.before();
                let event = kept.events.get(at as usize).cloned();
                event.map(|event| (kept.before() + at + 1, event))
            };
            if let Some((number, event)) = next {
                self.last = number;
                return Poll::Ready(Some(Replayed(event)));
            }
            drop(shared);
            // A wake-up that was missed says no more than that there may be news.
            ready!(Pin::new(&mut self.news).poll_next(cx));
        }
    }
}

impl fmt::Debug for Replays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replays")
    }
}

/// An event of a [`Replay`], as text of the stream. All subscribers share it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replayed(Bytes);

impl IntoEvent for Replayed {
    fn into_text(self) -> Result<Bytes, BoxError> {
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::StreamExt;
    use futures_lite::future::{block_on, poll_once, zip};

    use super::*;

    /// The numbers that a subscriber gets without waiting.
    fn received(feed: &Replay, after: Option<&str>) -> Vec<u64> {
        let mut events = feed.subscribe(after.map(|id| LastEventId(id.into())).as_ref());
        let mut numbers = Vec::new();
        block_on(async {
            while let Some(event) = poll_once(events.next()).await {
                let event = event.expect("the feed is there");
                let text = String::from_utf8(event.0.into_vec()).unwrap();
                let (_, number) = text.trim_end().rsplit_once('-').unwrap();
                numbers.push(number.parse().unwrap());
            }
        });
        numbers
    }

    #[test]
    fn a_client_that_returns_gets_what_it_has_missed() {
        let feed = Replay::new(3);
        let ids: Vec<_> = (0..5).map(|n| feed.send(Event::data(n.to_string()))).collect();
        assert!(received(&feed, None).is_empty());
        assert!(received(&feed, Some(&ids[4])).is_empty());
        assert_eq!(received(&feed, Some(&ids[3])), [5]);
        assert_eq!(received(&feed, Some(&ids[1])), [3, 4, 5]);
        // No longer kept, of another feed, invalid, of the future.
        for id in [&*ids[0], "0-4", "x", "", &format!("{}9", ids[4])] {
            assert_eq!(received(&feed, Some(id)), [3, 4, 5], "{id}");
        }
    }

    #[test]
    fn the_bytes_that_are_kept_are_limited() {
        let feed = Replay::new(1000).max_bytes(300);
        for _ in 0..20 {
            feed.send(Event::data("x".repeat(60)));
        }
        assert_eq!(received(&feed, Some("?")), [18, 19, 20]);
        feed.send(Event::data("x".repeat(1000)));
        assert_eq!(received(&feed, Some("?")), [21]);
    }

    #[test]
    fn sending_wakes_subscribers_and_the_end_of_the_feed_ends_them() {
        let feed = Replay::new(1);
        let mut events = feed.subscribe(None);
        block_on(zip(async { assert!(events.next().await.is_some()) }, async {
            feed.send(Event::data("x"))
        }));
        assert_eq!(feed.subscribers(), 1);
        drop(feed);
        assert_eq!(block_on(events.next()), None);
    }
}
