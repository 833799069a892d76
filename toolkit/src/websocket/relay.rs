//! `Relay`: carries the values of a [`Broadcast`] between processes; and the relay in memory.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_core::Stream;
use futures_lite::{StreamExt, future};
use serde_core::Serialize;
use serde_core::de::DeserializeOwned;
use stelo_core::Bytes;
use stelo_core::app::BoxError;
use tracing::warn;

use super::Broadcast;
use crate::random;
use crate::request::Executor;

/// The result of a [`Relay`], now or later.
pub type RelayFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// The messages of a channel. An error or the end means that the connection is lost.
pub type RelayStream = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

/// Carries messages between processes, by channels with names: in [memory](MemoryRelay), or through a server such as Redis.
///
/// [`Broadcast::relay`] runs it.
pub trait Relay: Send + Sync + 'static {
    /// Sends a message to the subscribers of a channel in all processes. Those of this process may get it, too.
    fn publish<'a>(&'a self, channel: &'a str, message: Bytes) -> RelayFuture<'a, ()>;

    /// Subscribes to a channel. The stream returns the messages that are published after this has completed.
    fn subscribe<'a>(&'a self, channel: &'a str) -> RelayFuture<'a, RelayStream>;
}

impl<R: Relay + ?Sized> Relay for Arc<R> {
    fn publish<'a>(&'a self, channel: &'a str, message: Bytes) -> RelayFuture<'a, ()> {
        (**self).publish(channel, message)
    }

    fn subscribe<'a>(&'a self, channel: &'a str) -> RelayFuture<'a, RelayStream> {
        (**self).subscribe(channel)
    }
}

/// The time until the first attempt to connect again. It doubles with each failure.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest time until the next attempt.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The bytes before the value: they identify the sending process, which skips its own messages.
const SENDER: usize = 16;

impl<T: Clone + Serialize + DeserializeOwned + Send + 'static> Broadcast<T> {
    /// Shares the values with the processes that use the same channel of the same relay, until the server stops. Spawn it
    /// at the start.
    ///
    /// Values are sent as JSON. Subscribers of the sending process get a value at once, those of other processes later.
    /// If the relay fails, it is logged, and tried again after half a second, then after up to 30 seconds. Meanwhile the
    /// channel keeps as many outgoing values as its capacity, and drops the oldest beyond that.
    ///
    /// ```
    /// use stelo_toolkit::App;
    /// use stelo_toolkit::request::Executor;
    /// use stelo_toolkit::websocket::{Broadcast, MemoryRelay};
    ///
    /// let room = Broadcast::<String>::new(64);
    /// let shared = room.clone();
    /// let app = App::new().state(room).on_startup(move |executor: Executor| async move {
    ///     executor.spawn(shared.relay(executor.clone(), MemoryRelay::new(), "room"));
    /// });
    /// # app.build().unwrap();
    /// ```
    pub async fn relay(self, executor: Executor, relay: impl Relay, channel: impl Into<String>) {
        let bridge =
            Bridge { broadcast: self, relay, channel: channel.into(), sender: random::bytes::<SENDER>() };
        let stopped = executor.shutdown();
        future::or(stopped, bridge.run(&executor)).await;
    }
}

/// A [`Broadcast`] and its [`Relay`].
struct Bridge<T, R> {
    broadcast: Broadcast<T>,
    relay: R,
    channel: String,
    sender: [u8; SENDER],
}

impl<T: Clone + Serialize + DeserializeOwned, R: Relay> Bridge<T, R> {
    async fn run(&self, executor: &Executor) {
        let mut outgoing = self.broadcast.subscribe_outgoing();
        let mut wait = FIRST_WAIT;
        loop {
            let error = match self.relay.subscribe(&self.channel).await {
                Ok(incoming) => {
                    wait = FIRST_WAIT;
                    let both = future::try_zip(self.receive(incoming), self.publish(&mut outgoing));
                    let Err(error) = both.await;
                    error
                }
                Err(error) => error,
            };
            warn!(
                "the relay of the channel {:?} has failed, next attempt in {wait:?}: {error}",
                self.channel
            );
            executor.sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Publishes what this process sends.
    async fn publish(&self, outgoing: &mut super::Subscription<T>) -> Result<Infallible, BoxError> {
        while let Some(value) = outgoing.next().await {
            match value {
                Ok(value) => {
                    let mut message = self.sender.to_vec();
                    serde_json::to_writer(&mut message, &value)?;
                    self.relay.publish(&self.channel, message.into()).await?;
                }
                Err(lagged) => warn!("the relay of the channel {:?} {lagged}", self.channel),
            }
        }
        // `self.broadcast` is a sender.
        Err("the channel is closed".into())
    }

    /// Passes on what other processes send.
    async fn receive(&self, mut incoming: RelayStream) -> Result<Infallible, BoxError> {
        while let Some(message) = incoming.next().await {
            let message = message?;
            match message.split_at_checked(SENDER) {
                Some((sender, _)) if sender == self.sender => {}
                Some((_, value)) => match serde_json::from_slice(value) {
                    Ok(value) => self.broadcast.send_here(value),
                    Err(error) => warn!("a message of the channel {:?} was skipped: {error}", self.channel),
                },
                None => warn!("a message of the channel {:?} was skipped: it is too short", self.channel),
            }
        }
        Err("the connection has ended".into())
    }
}

/// A [`Relay`] within one process: for tests, and for applications that get another one in production. Clones share
/// their channels.
#[derive(Clone, Default)]
pub struct MemoryRelay {
    channels: Arc<Mutex<HashMap<String, Broadcast<Bytes>>>>,
}

impl MemoryRelay {
    /// The messages that a channel keeps for a slow subscriber, which misses the oldest beyond that.
    const CAPACITY: usize = 1024;

    /// Creates a relay without channels.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Relay for MemoryRelay {
    fn publish<'a>(&'a self, channel: &'a str, message: Bytes) -> RelayFuture<'a, ()> {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(channel) {
            channel.send(message);
        }
        Box::pin(ready(Ok(())))
    }

    fn subscribe<'a>(&'a self, channel: &'a str) -> RelayFuture<'a, RelayStream> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|_, channel| channel.subscribers() > 0);
        let channel = channels.entry(channel.to_owned()).or_insert_with(|| Broadcast::new(Self::CAPACITY));
        // A message that was missed is skipped.
        let messages = channel.subscribe().filter_map(|message| message.ok().map(Ok));
        Box::pin(ready(Ok(Box::pin(messages) as RelayStream)))
    }
}

impl fmt::Debug for MemoryRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryRelay")
    }
}
