//! The pulse of an executor thread: a task that answers when it is asked, which it cannot while a handler blocks the
//! thread.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use stelo_os::health;
use stelo_runtime::Runtime;

use crate::thread::Thread;
use crate::thread::registry::{Kind, Member, Phase};

/// The pulse of one thread.
#[derive(Default)]
pub(crate) struct Pulse {
    /// The watcher waits for an answer.
    asked: AtomicBool,
    waker: AtomicWaker,
    name: OnceLock<String>,
    /// The system's number of the thread; 0 before the first answer.
    thread: AtomicU32,
}

impl Pulse {
    /// Asks for an answer. Returns whether the last question has one.
    pub(super) fn ask(&self) -> bool {
        let answered = !self.asked.swap(true, Ordering::AcqRel);
        self.waker.wake();
        answered
    }

    fn answer(&self, cx: &mut Context<'_>) {
        thread_local! {
            static THREAD: u32 = health::this_thread();
        }
        // First, so that no question is missed.
        self.waker.register(cx.waker());
        self.asked.store(false, Ordering::Release);
        self.name.get_or_init(|| std::thread::current().name().unwrap_or("of the executor").to_owned());
        self.thread.store(THREAD.with(|thread| *thread), Ordering::Relaxed);
    }
}

/// Names the thread, and what it does now.
impl fmt::Display for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thread = self.thread.load(Ordering::Relaxed);
        write!(f, "{} [{thread}]", self.name.get().map_or("", String::as_str))?;
        match health::thread_state(thread) {
            Some(state) => write!(f, " ({state})"),
            None => Ok(()),
        }
    }
}

impl<R: Runtime> Thread<R> {
    /// Lets a pulse answer from this thread, until the server aborts.
    pub(crate) fn beat(&self, pulse: Arc<Pulse>) {
        self.runtime.spawn(Beat { pulse, member: self.registry.join(Kind::Observer) });
    }
}

struct Beat {
    pulse: Arc<Pulse>,
    member: Member,
}

impl Future for Beat {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.pulse.answer(cx);
        match self.member.phase(cx) {
            Phase::Aborting => Poll::Ready(()),
            Phase::Running | Phase::Closing | Phase::Draining => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_question_is_answered_when_the_task_runs() {
        let pulse = Pulse::default();
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(pulse.ask(), "nothing was asked before");
        assert!(!pulse.ask());
        pulse.answer(cx);
        assert!(pulse.ask());
        assert!(!pulse.ask());
        let text = pulse.to_string();
        assert!(text.starts_with("watch::pulse::tests::a_question_is_answered"), "{text}");
        assert!(text.ends_with("(running)"), "{text}");
    }
}
