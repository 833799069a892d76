//! Server-sent events: a response that stays open and tells a client what happens (HTML, section 9.2).
//!
//! | file | contents |
//! |---|---|
//! | `event.rs` | one event |
//! | `replay.rs` | the last events, for clients that connect again |

mod event;
mod replay;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use stelo_core::Bytes;
use stelo_core::app::{BoxError, BoxFuture, Response};
use stelo_core::http::{Headers, header};

pub use event::{Event, IntoEvent};
pub use replay::{Replay, Replayed, Replays};

use crate::extract::OptionalFromRequestParts;
use crate::request::{Executor, Parts};
use crate::response::{IntoResponse, StreamingResponse};

const CONTENT_TYPE: Headers =
    Headers::constant("content-type: text/event-stream; charset=utf-8").expect("a header field");

/// A response of server-sent events, for any method.
///
/// The stream is dropped when the client leaves, and ended when the server stops: the client connects again, and reaches
/// the next server. While the stream is quiet, a comment now and then shows that the connection works, so that proxies
/// keep it open, and the server notices a client that has left.
///
/// ```
/// use futures_lite::{StreamExt, stream};
/// use stelo_toolkit::events::{Event, EventStream};
/// use stelo_toolkit::request::Executor;
/// use stelo_toolkit::{App, TestClient, get};
///
/// async fn count(executor: Executor) -> EventStream {
///     let events = stream::iter(1..=2).map(|n| Event::data(format!("{n} sheep")).name("count").id(n));
///     EventStream::new(executor, events)
/// }
///
/// let client = TestClient::new(App::new().route("/count", get(count)));
/// let response = client.get("/count").send();
/// assert_eq!(response.header("content-type"), Some("text/event-stream; charset=utf-8"));
/// assert!(response.text().starts_with("data: 1 sheep\nevent: count\nid: 1\n\n"));
/// ```
#[must_use]
pub struct EventStream {
    executor: Executor,
    events: Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>,
    keep_alive: Option<Duration>,
}

impl EventStream {
    /// The default of [`keep_alive`](Self::keep_alive): 15 seconds, as the HTML standard recommends. Common proxies close
    /// a quiet connection after 60.
    pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

    /// Creates a response of these events. The executor has the timer of the comments, and knows when the server stops.
    pub fn new<T: IntoEvent + 'static>(
        executor: Executor,
        events: impl Stream<Item = T> + Send + 'static,
    ) -> Self {
        let events = Box::pin(Texts(Box::pin(events)));
        Self { executor, events, keep_alive: Some(Self::KEEP_ALIVE) }
    }

    /// Sets the interval of comments. One is sent when no event was sent for an interval, at its end. `None` sends none.
    pub fn keep_alive(self, interval: impl Into<Option<Duration>>) -> Self {
        Self { keep_alive: interval.into().filter(|interval| !interval.is_zero()), ..self }
    }
}

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        let Self { executor, events, keep_alive } = self;
        let comments = keep_alive.map(|interval| Comments {
            timer: executor.timer(interval),
            executor: executor.clone(),
            interval,
            is_quiet: true,
        });
        let stopping = executor.stopping();
        let stream = Live { events, comments, stopping };
        let mut response = StreamingResponse::fallible(stream).into_response();
        response.headers = CONTENT_TYPE;
        // Caches must not keep it, and a proxy that compresses or collects it delays events. nginx reads the second.
        response.headers.append(header::CACHE_CONTROL, "no-store, no-transform");
        response.headers.append("x-accel-buffering", "no");
        response
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("keep_alive", &self.keep_alive).finish_non_exhaustive()
    }
}

/// The events of a stream as text.
struct Texts<S>(Pin<Box<S>>);

impl<S: Stream<Item: IntoEvent>> Stream for Texts<S> {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx).map(|item| item.map(IntoEvent::into_text))
    }
}

/// The events, with comments while there are none, until the server stops.
struct Live {
    events: Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>,
    comments: Option<Comments>,
    stopping: BoxFuture<()>,
}

/// The timer of the comments. It is not moved by each event: it fires once an interval, and notices whether there was one.
struct Comments {
    executor: Executor,
    interval: Duration,
    timer: BoxFuture<()>,
    /// Whether no event was sent since the timer was set.
    is_quiet: bool,
}

impl Stream for Live {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // First, as a stream that is always ready must end too.
        if self.stopping.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(event) = self.events.as_mut().poll_next(cx) {
            if let Some(comments) = &mut self.comments {
                comments.is_quiet = false;
            }
            return Poll::Ready(event);
        }
        let Some(comments) = &mut self.comments else { return Poll::Pending };
        while comments.timer.as_mut().poll(cx).is_ready() {
            comments.timer = comments.executor.timer(comments.interval);
            if std::mem::replace(&mut comments.is_quiet, true) {
                // The new timer is polled, so that it wakes this task.
                if comments.timer.as_mut().poll(cx).is_ready() {
                    cx.waker().wake_by_ref();
                }
                return Poll::Ready(Some(Ok(Bytes::from_static(b":\n\n"))));
            }
        }
        Poll::Pending
    }
}

/// The id of the last event that the client has seen, from the field `last-event-id`. It is there when a client connects
/// again: take `Option<LastEventId>`. An id that is empty or not UTF-8 counts as none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastEventId(pub String);

impl OptionalFromRequestParts for LastEventId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts) -> Result<Option<Self>, Self::Rejection> {
        let id = parts.headers().get_str("last-event-id").filter(|id| !id.is_empty());
        Ok(id.map(|id| Self(id.to_owned())))
    }
}
