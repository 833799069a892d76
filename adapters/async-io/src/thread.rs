//! The executor of a thread, and handles to it.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use async_executor::Executor;
use futures_lite::FutureExt;
use futures_lite::future::yield_now;
use stelo_os::socket::Socket;
use stelo_runtime::{Instant, Signal};

use crate::io::Home;
use crate::parker::Flag;
use crate::reactor::{Driver, Reactor};
use crate::{Listener, Signals, Sleep, Stream};

/// The most tasks that are polled before the sockets are checked again.
const AT_ONCE: usize = 200;

/// An executor: that of a thread, or the one of the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handle(Option<Weak<Thread>>);

#[derive(Debug)]
struct Thread {
    executor: Executor<'static>,
    reactor: Arc<Reactor>,
}

thread_local! {
    /// The executor of the enclosing `block_on`.
    static CURRENT: RefCell<Handle> = const { RefCell::new(Handle(None)) };
}

/// Restores the previous current executor.
struct Restore(Handle);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(std::mem::take(&mut self.0));
    }
}

/// Makes an executor for the calling thread, and runs `main` on it until it completes. Drops the tasks that have not
/// ended by then.
///
/// # Errors
/// Returns an error if the system refuses.
pub(crate) fn block_on<F: Future>(main: impl FnOnce(Handle) -> F) -> io::Result<F::Output> {
    let mut driver = Driver::new()?;
    let thread = Arc::new(Thread { executor: Executor::new(), reactor: driver.reactor.clone() });
    // Weak, because tasks hold handles and the executor holds tasks.
    let handle = Handle(Some(Arc::downgrade(&thread)));
    let _restore = Restore(CURRENT.replace(handle.clone()));

    let mut main = pin!(async { main(handle).await });
    let mut tasks = pin!(run(&thread.executor));
    // A flag each, so that a future is polled only if it was woken.
    let [(main_flag, main_waker), (tasks_flag, tasks_waker)] = [(); 2].map(|()| {
        let flag = Flag::new(driver.reactor.parker.clone());
        (flag.clone(), Waker::from(flag))
    });
    loop {
        driver.reactor.parker.look_around();
        if main_flag.take()
            && let Poll::Ready(output) = main.as_mut().poll(&mut Context::from_waker(&main_waker))
        {
            return Ok(output);
        }
        if tasks_flag.take()
            && let Poll::Ready(never) = tasks.as_mut().poll(&mut Context::from_waker(&tasks_waker))
        {
            match never {}
        }
        driver.turn()?;
    }
}

/// Runs the tasks. `Executor::run` would keep a second queue, for other threads to steal from; there are none.
async fn run(executor: &Executor<'_>) -> Infallible {
    loop {
        for _ in 0..AT_ONCE {
            executor.tick().await;
        }
        yield_now().await;
    }
}

impl Handle {
    /// Returns the executor of the enclosing [`block_on`], else that of the process.
    pub(crate) fn current() -> Self {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Spawns a task; `process` spawns it on the executor of the process.
    pub(crate) fn spawn<F>(&self, future: F, process: impl FnOnce(F))
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match &self.0 {
            // An executor that has ended drops new tasks, as it has dropped the others.
            Some(thread) => {
                if let Some(thread) = thread.upgrade() {
                    // A panic would end the thread. The panic hook has reported it, and no task waits for the result.
                    // Not in an async block, which would store the future twice.
                    thread.executor.spawn(AssertUnwindSafe(future).catch_unwind()).detach();
                }
            }
            None => process(future),
        }
    }

    /// See [`Runtime::yield_now`](stelo_runtime::Runtime::yield_now).
    pub(crate) fn yield_now(&self, cx: &mut Context<'_>) {
        match self.home() {
            Some(reactor) => reactor.wake_later(cx.waker().clone()),
            None => cx.waker().wake_by_ref(),
        }
    }

    /// Returns a timer that completes at `deadline`.
    pub(crate) fn sleep(&self, deadline: Instant) -> Sleep {
        Sleep::until(deadline, self.home())
    }

    /// Starts to listen.
    ///
    /// # Errors
    /// Returns an error if the system refuses.
    pub(crate) fn listen(&self, socket: Socket, backlog: u32) -> io::Result<Listener> {
        Listener::new(socket.listen(backlog)?, &self.home())
    }

    /// Subscribes to signals.
    ///
    /// # Errors
    /// Returns an error if the system refuses.
    pub(crate) fn signals(&self, signals: &[Signal]) -> io::Result<Signals> {
        Signals::new(signals, |stream| Stream::from_unix(stream, &self.home()))
    }

    /// Returns the reactor of the thread. If the thread has ended, async-io replaces it.
    pub(crate) fn home(&self) -> Home {
        self.0.as_ref().and_then(Weak::upgrade).map(|thread| thread.reactor.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use stelo_os::Clock;
    use stelo_runtime::Sleep as _;

    use super::*;

    #[test]
    fn timers_of_async_io_fire_here_too() {
        block_on(async |_| async_io::Timer::after(Duration::from_millis(1)).await).unwrap();
    }

    #[test]
    fn a_timer_outlives_its_executor() {
        let mut sleep =
            block_on(async |handle| handle.sleep(Clock::now() + Duration::from_secs(3600))).unwrap();
        sleep.reset(Clock::now() + Duration::from_millis(1));
        async_io::block_on(sleep);
    }

    #[test]
    fn a_timer_that_another_thread_sets_ends_a_longer_wait() {
        let mut timely = false;
        block_on(async |handle| {
            let mut patience = pin!(handle.sleep(Clock::now() + Duration::from_secs(20)));
            let rung = Arc::new(AtomicBool::new(false));
            let mut thread = None;
            poll_fn(|cx| {
                let patience = patience.as_mut().poll(cx);
                thread.get_or_insert_with(|| {
                    let (sleep, rung) = (handle.sleep(Clock::now() + Duration::from_millis(5)), rung.clone());
                    let waker = cx.waker().clone();
                    thread::spawn(move || {
                        async_io::block_on(sleep);
                        rung.store(true, Ordering::Release);
                        waker.wake();
                    })
                });
                timely = rung.load(Ordering::Acquire);
                if timely { Poll::Ready(()) } else { patience }
            })
            .await;
        })
        .unwrap();
        assert!(timely);
    }
}
