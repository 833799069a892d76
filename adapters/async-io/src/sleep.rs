//! A timer in one of the two reactors.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_io::Timer;
use stelo_os::Clock;
use stelo_runtime::Instant;
use stelo_runtime::timers::Key;

use crate::io::Home;
use crate::reactor::Reactor;

/// A timer.
#[derive(Debug)]
pub struct Sleep(Kind);

#[derive(Debug)]
enum Kind {
    Thread { reactor: Arc<Reactor>, deadline: Instant, key: Option<Key> },
    Process(Timer),
}

impl Sleep {
    pub(crate) fn until(deadline: Instant, home: Home) -> Self {
        Self(match home {
            Some(reactor) => Kind::Thread { reactor, deadline, key: None },
            None => Kind::process(deadline),
        })
    }
}

impl Kind {
    fn process(deadline: Instant) -> Self {
        Self::Process(Timer::at(Clock::to_std(deadline)))
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.0 {
                Kind::Thread { reactor, deadline, key } => {
                    if *deadline <= Clock::now() {
                        return Poll::Ready(());
                    }
                    if reactor.wake_at(key, *deadline, cx) {
                        return Poll::Pending;
                    }
                    // The thread has ended.
                    self.0 = Kind::process(*deadline);
                }
                Kind::Process(timer) => {
                    ready!(Pin::new(timer).poll(cx));
                    return Poll::Ready(());
                }
            }
        }
    }
}

impl stelo_runtime::Sleep for Sleep {
    fn reset(&mut self, moved: Instant) {
        match &mut self.0 {
            // The entry is kept until the next poll: an earlier one is good enough.
            Kind::Thread { deadline, .. } => *deadline = moved,
            Kind::Process(timer) => timer.set_at(Clock::to_std(moved)),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Kind::Thread { reactor, key: Some(key), .. } = &self.0 {
            reactor.cancel(*key);
        }
    }
}
