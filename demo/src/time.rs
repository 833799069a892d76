//! Delays, events, and work after the response.

use std::time::Duration;

use futures_lite::stream;
use stelo_toolkit::events::{Event, EventStream};
use stelo_toolkit::request::Executor;
use stelo_toolkit::response::Background;
use stelo_toolkit::{HttpError, Path};

use crate::refused;

/// The longest delay.
pub(crate) const MAX_DELAY_MS: u64 = 60_000;

/// The time between two events.
const TICK: Duration = Duration::from_millis(100);

/// Answers after a number of milliseconds.
pub(crate) async fn sleep(executor: Executor, Path(ms): Path<u64>) -> Result<String, HttpError> {
    if ms > MAX_DELAY_MS {
        return Err(refused(format!("{ms} ms is too long: ask for {MAX_DELAY_MS} at most")));
    }
    executor.sleep(Duration::from_millis(ms)).await;
    Ok(format!("slept {ms} ms"))
}

/// Counts down with ten events a second, until the client leaves or the server stops.
pub(crate) async fn events(executor: Executor, Path(n): Path<u64>) -> EventStream {
    let ticks = stream::unfold((executor.clone(), n), |(executor, n)| async move {
        let left = n.checked_sub(1)?;
        executor.sleep(TICK).await;
        Some((Event::data(n.to_string()), (executor, left)))
    });
    EventStream::new(executor, ticks)
}

/// Answers at once, and then runs a background task.
pub(crate) async fn background() -> Background<&'static str> {
    Background::new("the task runs now: see the log", async {
        tracing::info!("the background task has run");
    })
}
