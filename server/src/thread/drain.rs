//! Graceful shutdown: nothing new begins, what has begun may complete, and at the timeout the rest is dropped.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use stelo_runtime::Runtime;

use super::registry::{Kind, Phase, Registry};
use crate::interrupts::Interrupts;
use crate::messages;

/// The outcome of a drain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Drained {
    /// Everything has completed.
    Gracefully,
    /// The timeout has passed; the rest was dropped.
    TimedOut,
    /// A second signal has come; the rest was dropped.
    Forced,
}

/// The time to close the listeners, the time before the log mentions what is waited for, and the time to drop what is
/// left: 100 ms each.
const PATIENCE: Duration = Duration::from_millis(100);

/// Waits until nothing runs any more, until `timeout` has passed, or until a second signal comes.
pub(crate) async fn drain<R: Runtime>(
    runtime: &R,
    registries: &[Arc<Registry>],
    interrupts: &mut Interrupts<R>,
    timeout: Duration,
) -> Drained {
    messages::shutting_down();
    close_listeners(runtime, registries).await;
    enter(registries, Phase::Draining);
    let now = runtime.now();
    let mut patience = runtime.sleep(now + PATIENCE);
    let mut deadline = runtime.sleep(now + timeout);
    // What the log has mentioned.
    let (mut patient, mut said) = (true, None);
    let drained = poll_fn(|cx| {
        if poll_empty(registries, cx).is_ready() {
            return Poll::Ready(Drained::Gracefully);
        }
        if patient && Pin::new(&mut patience).poll(cx).is_ready() {
            patient = false;
        }
        let kind = if count(registries, Kind::Connection) > 0 { Kind::Connection } else { Kind::Task };
        if !patient && said != Some(kind) {
            said = Some(kind);
            match kind {
                Kind::Connection => messages::waiting_for_connections(),
                Kind::Listener | Kind::Task | Kind::Observer => messages::waiting_for_tasks(),
            }
        }
        if Pin::new(&mut deadline).poll(cx).is_ready() {
            return Poll::Ready(Drained::TimedOut);
        }
        interrupts.poll_forced(cx).map(|()| Drained::Forced)
    })
    .await;
    if drained == Drained::TimedOut {
        messages::graceful_timeout(count(registries, Kind::Connection) + count(registries, Kind::Task));
    }
    abort(runtime, registries).await;
    drained
}

/// Closes the listeners before the first response says `connection: close`. Its client connects again at once, and a
/// connection that is still in the queue of a listener when that closes is reset.
async fn close_listeners<R: Runtime>(runtime: &R, registries: &[Arc<Registry>]) {
    enter(registries, Phase::Closing);
    // A thread that is blocked cannot close its listener now.
    let mut patience = runtime.sleep(runtime.now() + PATIENCE);
    poll_fn(|cx| match poll_all(registries, |registry| registry.poll_without(cx, &[Kind::Listener])) {
        Poll::Pending => Pin::new(&mut patience).poll(cx),
        ready => ready,
    })
    .await;
}

/// Drops everything that still runs. A task that blocks its thread cannot be dropped, and is not waited for.
pub(crate) async fn abort<R: Runtime>(runtime: &R, registries: &[Arc<Registry>]) {
    enter(registries, Phase::Aborting);
    let mut patience = runtime.sleep(runtime.now() + PATIENCE);
    poll_fn(|cx| match poll_empty(registries, cx) {
        Poll::Pending => Pin::new(&mut patience).poll(cx),
        ready => ready,
    })
    .await;
}

fn enter(registries: &[Arc<Registry>], phase: Phase) {
    registries.iter().for_each(|registry| registry.enter(phase));
}

fn count(registries: &[Arc<Registry>], kind: Kind) -> usize {
    registries.iter().map(|registry| registry.count(kind)).sum()
}

/// Completes when no registry has a member.
fn poll_empty(registries: &[Arc<Registry>], cx: &mut Context<'_>) -> Poll<()> {
    poll_all(registries, |registry| registry.poll_empty(cx))
}

/// Completes when each registry does. Each is polled, so that each knows the waker.
fn poll_all(registries: &[Arc<Registry>], mut poll: impl FnMut(&Registry) -> Poll<()>) -> Poll<()> {
    let busy = registries.iter().filter(|registry| poll(registry).is_pending()).count();
    if busy == 0 { Poll::Ready(()) } else { Poll::Pending }
}
