//! The thread that watches: it asks each pulse, compares age and memory with their limits, and sends signs of life.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use stelo_os::health::resident_memory;

use super::Pulse;
use crate::config::Health;
use crate::process::{Beat, Message, Teller};
use crate::stop::Stop;
use crate::{log, messages};

/// The stack of the thread. It formats lines of the log.
const STACK: usize = 128 * 1024;

/// The longest time between two checks.
const INTERVAL: Duration = Duration::from_secs(1);

/// The shortest time between two checks.
const SHORTEST: Duration = Duration::from_millis(10);

/// The time after which the log mentions a thread that is blocked, or half of its limit if that is less.
const NOTICE: Duration = Duration::from_secs(5);

/// The threads and the limits to watch.
pub(crate) struct Watched {
    pub(crate) health: Health,
    /// The pulses of the threads that the server has made.
    pub(crate) pulses: Vec<Arc<Pulse>>,
    pub(crate) stop: Arc<Stop>,
    /// The supervisor, if there is one.
    pub(crate) supervisor: Option<Teller>,
    /// Signs of life for the service manager.
    pub(crate) beat: Beat,
}

/// A thread that watches until this is dropped.
pub(crate) struct Watcher(Sender<Draining>);

/// The server stops. Threads may end and are watched no longer; signs of life go on.
struct Draining;

impl Watcher {
    /// Starts to watch, if there is anything to watch or to tell.
    pub(crate) fn start(mut watched: Watched) -> Option<Self> {
        if watched.is_idle() {
            return None;
        }
        let (commands, inbox) = channel();
        let main = move || {
            let mut state = State::new(Instant::now(), &watched);
            let interval = watched.interval();
            loop {
                match inbox.recv_timeout(interval) {
                    Ok(Draining) => state.draining = true,
                    Err(RecvTimeoutError::Timeout) => state.check(Instant::now(), &mut watched),
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        // Without the thread there are no signs of life, and the supervisor replaces the worker.
        thread::Builder::new().name("stelo-watcher".into()).stack_size(STACK).spawn(main).ok()?;
        Some(Self(commands))
    }

    /// Tells that the server stops.
    pub(crate) fn draining(&self) {
        // The thread runs as long as this exists.
        let _ = self.0.send(Draining);
    }
}

impl Watched {
    fn is_idle(&self) -> bool {
        let Health { max_lifetime, max_memory, .. } = self.health;
        self.pulses.is_empty()
            && self.supervisor.is_none()
            && max_lifetime.is_none()
            && max_memory.is_none()
            && self.beat.deadline().is_none()
    }

    /// Returns the time between two checks: a quarter of the shortest limit, at most a second.
    fn interval(&self) -> Duration {
        let limits =
            [self.health.blocked, self.health.healthcheck, self.health.max_lifetime, self.beat.watchdog()];
        let shortest = limits.into_iter().flatten().min().map_or(INTERVAL, |limit| limit / 4);
        shortest.clamp(SHORTEST, INTERVAL)
    }
}

struct State {
    draining: bool,
    /// The time of the last check.
    checked: Instant,
    silences: Vec<Silence>,
    /// The time at which the process is too old.
    old: Option<Instant>,
    /// The process has reached a limit.
    retired: bool,
}

impl State {
    fn new(now: Instant, watched: &Watched) -> Self {
        Self {
            draining: false,
            checked: now,
            silences: watched.pulses.iter().map(|_| Silence::new(now)).collect(),
            old: watched.health.lifetime().and_then(|lifetime| now.checked_add(lifetime)),
            retired: false,
        }
    }

    fn check(&mut self, now: Instant, watched: &mut Watched) {
        // The process was stopped, or got no processor: the threads could not answer either.
        if now - self.checked > INTERVAL + 2 * watched.interval() {
            self.silences.iter_mut().for_each(|silence| *silence = Silence::new(now));
        }
        self.checked = now;
        let mut blocked = false;
        if let Some(limit) = watched.health.blocked.filter(|_| !self.draining) {
            for (pulse, silence) in watched.pulses.iter().zip(&mut self.silences) {
                match silence.check(now, pulse.ask(), limit) {
                    Some(Verdict::Notice(time)) => messages::thread_blocked(pulse, time),
                    Some(Verdict::Over(time)) => {
                        messages::thread_over(pulse, time, limit, watched.supervisor.is_some());
                        blocked = true;
                    }
                    None => {}
                }
            }
        }
        if let Some(supervisor) = &watched.supervisor {
            if blocked {
                // The supervisor ends this process at once.
                log::flush();
            }
            // Lost only if the supervisor does not run.
            supervisor.tell(if blocked { Message::Blocked } else { Message::Alive });
        }
        if !self.silences.iter().any(|silence| silence.over) {
            watched.beat.check(now);
        }
        self.retire(now, watched);
    }

    /// Asks for a replacement at a limit, once.
    fn retire(&mut self, now: Instant, watched: &Watched) {
        if self.retired || self.draining {
            return;
        }
        if let (Some(old), Some(lifetime)) = (self.old, watched.health.max_lifetime)
            && old <= now
        {
            self.retired = true;
            messages::lifetime_limit(lifetime);
        } else if let Some(limit) = watched.health.max_memory
            && let Ok(memory) = resident_memory()
            && memory > limit.get()
        {
            self.retired = true;
            messages::memory_limit(memory, limit.get());
        }
        if self.retired {
            watched.stop.retire();
        }
    }
}

/// The time for which a thread has not answered.
struct Silence {
    since: Instant,
    /// The log has mentioned it.
    said: bool,
    /// It has lasted longer than the limit.
    over: bool,
}

#[derive(PartialEq, Eq, Debug)]
enum Verdict {
    /// The log mentions that the thread has been blocked for this time.
    Notice(Duration),
    /// The thread has been blocked for this time, which is longer than the limit.
    Over(Duration),
}

impl Silence {
    fn new(now: Instant) -> Self {
        Self { since: now, said: false, over: false }
    }

    fn check(&mut self, now: Instant, answered: bool, limit: Duration) -> Option<Verdict> {
        if answered {
            *self = Self::new(now);
            return None;
        }
        let time = now - self.since;
        if time >= limit && !self.over {
            (self.said, self.over) = (true, true);
            return Some(Verdict::Over(time));
        }
        let notice = time >= NOTICE.min(limit / 2) && !self.said;
        self.said |= notice;
        notice.then_some(Verdict::Notice(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn watched(health: Health) -> Watched {
        Watched {
            health,
            pulses: Vec::new(),
            stop: Arc::new(Stop::default()),
            supervisor: None,
            beat: Beat::new(None),
        }
    }

    #[test]
    fn a_thread_is_mentioned_once_before_it_is_over_the_limit() {
        let start = Instant::now();
        let mut silence = Silence::new(start);
        let mut check =
            |seconds: u32, answered| silence.check(start + seconds * SECOND, answered, 30 * SECOND);
        assert_eq!(check(4, false), None);
        assert_eq!(check(5, false), Some(Verdict::Notice(5 * SECOND)));
        assert_eq!(check(29, false), None);
        assert_eq!(check(30, false), Some(Verdict::Over(30 * SECOND)));
        assert_eq!(check(40, false), None);
        assert_eq!(check(41, true), None);
        assert_eq!(check(46, false), Some(Verdict::Notice(5 * SECOND)));
    }

    #[test]
    fn a_process_that_was_stopped_does_not_blame_its_threads() {
        let mut watched = watched(Health::default());
        watched.pulses.push(Arc::default());
        let start = Instant::now();
        let mut state = State::new(start, &watched);
        // The first question.
        state.check(start + SECOND, &mut watched);
        state.check(start + 100 * SECOND, &mut watched);
        assert!(!state.silences[0].over);
        for seconds in 101..130 {
            state.check(start + seconds * SECOND, &mut watched);
        }
        assert!(!state.silences[0].over);
        state.check(start + 130 * SECOND, &mut watched);
        assert!(state.silences[0].over);
    }

    #[test]
    fn a_process_retires_at_its_age_and_with_too_much_memory() {
        let start = Instant::now();
        let retired = |health: Health, seconds: u32| {
            let mut watched = watched(health);
            let mut state = State::new(start, &watched);
            state.check(start + seconds * SECOND, &mut watched);
            state.retired
        };
        let old = || Health { max_lifetime: Some(60 * SECOND), ..Health::default() };
        assert!(!retired(old(), 59));
        assert!(retired(old(), 60));
        assert!(!retired(Health { max_lifetime: Some(Duration::MAX), ..old() }, 60));
        assert!(retired(Health { max_memory: 1.try_into().ok(), ..Health::default() }, 1));
        assert!(!retired(Health { max_memory: (1 << 50).try_into().ok(), ..Health::default() }, 1));
    }

    #[test]
    fn checks_are_more_frequent_than_the_limits() {
        let interval = |seconds: f64| {
            let blocked = Some(Duration::from_secs_f64(seconds));
            watched(Health { blocked, ..Health::default() }).interval()
        };
        assert_eq!(interval(30.0), INTERVAL);
        assert_eq!(interval(2.0), SECOND / 2);
        assert_eq!(interval(0.001), SHORTEST);
    }
}
