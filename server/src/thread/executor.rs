//! The executor as an application sees it: a runtime whose tasks are counted.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use stelo_core::app::{BoxFuture, Executor};
use stelo_runtime::Runtime;
use tracing::error;

use super::Thread;
use super::registry::{Kind, Member, Phase, Registry};
use crate::contain::{Contained, catch};
use crate::log::SERVER;

/// A runtime whose tasks are members of a registry.
pub(crate) struct Handle<R> {
    pub(crate) runtime: R,
    pub(crate) registry: Arc<Registry>,
    /// The setting of the operator.
    pub(crate) blocking_threads: NonZeroUsize,
    /// Whether the application runs its hooks.
    pub(crate) lifespan: bool,
}

impl<R: Runtime> Executor for Handle<R> {
    fn spawn(&self, future: BoxFuture<()>) {
        self.runtime.spawn(Task::new(future, &self.registry, None));
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        Box::pin(self.runtime.sleep(self.runtime.now() + duration))
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.runtime.blocking(work);
    }

    fn blocking_threads(&self) -> Option<NonZeroUsize> {
        Some(self.blocking_threads)
    }

    fn lifespan(&self) -> bool {
        self.lifespan
    }

    fn shutdown(&self) -> BoxFuture<()> {
        Box::pin(Shutdown(self.registry.join(Kind::Observer)))
    }
}

/// Completes when the server drains, after the listeners have closed: a client that connects again at once reaches the
/// next server.
struct Shutdown(Member);

impl Future for Shutdown {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.phase(cx) {
            Phase::Running | Phase::Closing => Poll::Pending,
            Phase::Draining | Phase::Aborting => Poll::Ready(()),
        }
    }
}

impl<R: Runtime> Thread<R> {
    /// Spawns the background task of a response. `request` describes the request in lines of the log.
    pub(crate) fn spawn(&self, future: BoxFuture<()>, request: Box<str>) {
        self.runtime.spawn(Task::new(future, &self.registry, Some(request)));
    }
}

/// A background task. It ends when it completes or panics, or when the server aborts.
struct Task {
    future: Contained<BoxFuture<()>>,
    member: Member,
    /// The request that it belongs to, if it was a part of the response.
    request: Option<Box<str>>,
}

impl Task {
    fn new(future: BoxFuture<()>, registry: &Arc<Registry>, request: Option<Box<str>>) -> Self {
        Self { future: Contained::new(future), member: registry.join(Kind::Task), request }
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.member.phase(cx) == Phase::Aborting {
            return Poll::Ready(());
        }
        let Some(future) = self.future.get() else { return Poll::Ready(()) };
        match catch(|| future.as_mut().poll(cx)) {
            Ok(poll) => poll,
            Err(message) => {
                match &self.request {
                    Some(request) => {
                        error!(target: SERVER, "A background task panicked, {request}: {message}")
                    }
                    None => error!(target: SERVER, "A background task panicked: {message}"),
                }
                Poll::Ready(())
            }
        }
    }
}
