//! Decides when the supervisor starts, stops and kills workers.
//!
//! Events go in with the time; actions and a deadline come out. Makes no system call and reads no clock: `driver` does.
//! A worker belongs to a slot until it is told to stop, and leaves once it has ended.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use stelo_runtime::Signal;

/// The least time between two starts of a slot. Doubles while starts fail.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest time between two starts of a slot.
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// The time that a worker has to end after `SIGABRT`, such as to write a core dump. A stopped process does not see it.
const ABORT: Duration = Duration::from_secs(2);

/// A tick this much too late means that this process was stopped or got no processor. So the workers were, too.
const LATE: Duration = Duration::from_secs(1);

/// A worker. The plan never uses a number twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Id(u64);

/// The times that workers may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// From the start of a worker until it is ready.
    pub(super) start: Duration,
    /// From the request to stop until the end of the worker.
    pub(super) stop: Duration,
    /// From the start of a new supervisor until its first worker is ready.
    pub(super) upgrade: Duration,
    /// From one sign of life of a ready worker to the next; `None` if workers send none.
    pub(super) silence: Option<Duration>,
    /// Whether a program that cannot start is tried again without end: it may be changed meanwhile.
    pub(super) is_patient: bool,
}

/// An event that the driver reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    /// The worker accepts connections.
    Ready(Id),
    /// The worker gives a sign of life.
    Alive(Id),
    /// A thread of the worker is blocked.
    Blocked(Id),
    /// The worker has reached a limit, such as its age, and wants to be replaced.
    Retiring(Id),
    /// The worker has ended, or could not be started.
    Ended(Id),
    /// The supervisor has received a signal.
    Signal(Signal),
    /// The program was built again.
    Built,
    /// The new supervisor has a ready worker.
    SuccessorReady,
    /// The new supervisor has ended, or could not be started.
    SuccessorEnded,
    /// The deadline has passed.
    Tick,
}

/// An order for the driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// Start a worker.
    Spawn(Id),
    /// Ask the worker to stop gracefully.
    Stop(Id),
    /// End the worker by `SIGABRT`.
    Abort(Id),
    /// End the worker at once.
    Kill(Id),
    /// Start a new supervisor.
    Upgrade,
    /// End the new supervisor at once.
    KillSuccessor,
    /// Log a line.
    Log(Line),
    /// All workers have ended: end the supervisor.
    End(End),
}

/// A line of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// The first worker is ready.
    Running,
    /// A worker has ended without a request. If its place is empty, the next starts after this pause.
    Died(Id, Option<Duration>),
    /// A worker was not ready in time.
    NotReady(Id),
    /// A worker did not stop in time.
    NotStopped(Id),
    /// A worker has given no sign of life, and is ended.
    Silent(Id),
    /// A worker has a blocked thread, and is ended.
    Blocked(Id),
    /// The replacement of a worker that has reached a limit has failed. The next starts after this pause.
    Retry(Duration),
    /// A replacement failed, so the restart ends, and the other workers stay.
    Kept,
    /// This signal ends the supervisor.
    Exiting(Signal),
    /// `SIGHUP` has begun to replace the workers.
    Restarting,
    /// All workers have been replaced.
    Restarted,
    /// `SIGTTIN` has added a worker.
    More,
    /// `SIGTTOU` has removed a worker.
    Fewer,
    /// `SIGTTOU` has no effect on the last worker.
    Last,
    /// `SIGWINCH` stops the workers.
    Pausing,
    /// `SIGUSR2` starts a new supervisor.
    Upgrading,
    /// `SIGUSR2` has no effect while a new supervisor starts.
    Busy,
    /// The new supervisor has taken over.
    Upgraded,
    /// The new supervisor has ended before it had a ready worker.
    UpgradeFailed,
    /// The new supervisor had no ready worker in time.
    UpgradeLate,
}

/// Why the supervisor ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// By a signal.
    Signal(Signal),
    /// Each worker has failed before any was ready.
    NoneStarted,
    /// A new supervisor has taken over.
    Succeeded,
}

/// A worker of a slot.
#[derive(Debug)]
struct Worker {
    id: Id,
    /// The number of restarts that had been requested when it started.
    generation: u64,
    started: Instant,
    ready: bool,
    /// The time of the last sign of life, once it is ready.
    heard: Instant,
    /// It has reached a limit.
    retiring: bool,
}

/// A place for a worker, which is filled again when the worker ends.
#[derive(Debug)]
struct Slot {
    worker: Option<Worker>,
    /// Replaces the worker once it is ready.
    successor: Option<Worker>,
    /// The number of failed starts since a worker was ready.
    failures: u32,
    /// The time of the next start, if there is no worker, or if a worker waits for its replacement.
    next: Instant,
}

/// A worker that has been told to stop, or is killed.
#[derive(Debug)]
struct Leaving {
    id: Id,
    /// The time to kill it; `None` if that has been done.
    deadline: Option<Instant>,
    /// Logged when it is killed.
    line: Option<Line>,
}

/// The state of a supervisor.
#[derive(Debug)]
pub(super) struct Plan {
    limits: Limits,
    slots: Vec<Slot>,
    leaving: Vec<Leaving>,
    last: u64,
    generation: u64,
    restarting: bool,
    /// `SIGWINCH` has stopped the workers, until `SIGHUP`.
    paused: bool,
    /// The time by which the new supervisor has to be ready, if one starts.
    upgrade: Option<Instant>,
    any_ready: bool,
    end: Option<End>,
    ended: bool,
    actions: VecDeque<Action>,
}

impl Plan {
    /// Plans to start this number of workers.
    pub(super) fn new(now: Instant, workers: usize, limits: Limits) -> Self {
        let mut plan = Self {
            limits,
            slots: (0..workers).map(|_| Slot::new(now)).collect(),
            leaving: Vec::new(),
            last: 0,
            generation: 0,
            restarting: false,
            paused: false,
            upgrade: None,
            any_ready: false,
            end: None,
            ended: false,
            actions: VecDeque::new(),
        };
        plan.advance(now);
        plan
    }

    /// Takes an event. Perform all [actions](Self::next_action) afterwards.
    pub(super) fn handle(&mut self, now: Instant, event: Event) {
        match event {
            Event::Ready(id) => self.ready(now, id),
            Event::Alive(id) => self.worker(id).into_iter().for_each(|worker| worker.heard = now),
            Event::Blocked(id) => {
                if self.abort(now, id) {
                    self.log(Line::Blocked(id));
                }
            }
            Event::Retiring(id) => self.worker(id).into_iter().for_each(|worker| worker.retiring = true),
            Event::Ended(id) => self.ended(now, id),
            Event::Signal(signal) => self.signal(now, signal),
            Event::Built if self.end.is_some() => {}
            Event::Built => {
                if self.slots.iter().any(|slot| slot.worker.is_some()) {
                    self.replace();
                }
                // A program that could not start may now.
                for slot in self.slots.iter_mut().filter(|slot| slot.worker.is_none()) {
                    (slot.failures, slot.next) = (0, now);
                }
            }
            Event::SuccessorReady => {
                if self.upgrade.take().is_some() {
                    self.log(Line::Upgraded);
                    self.end(now, End::Succeeded);
                }
            }
            Event::SuccessorEnded => {
                if self.upgrade.take().is_some() {
                    self.log(Line::UpgradeFailed);
                }
            }
            Event::Tick => self.silence(now),
        }
        self.advance(now);
    }

    /// Takes new settings. The number of workers is `None` if it is not to change.
    pub(super) fn configure(&mut self, now: Instant, limits: Limits, workers: Option<usize>) {
        self.limits = limits;
        let Some(workers) = workers.filter(|_| self.end.is_none()) else { return };
        while self.slots.len() < workers {
            self.slots.push(Slot::new(now));
        }
        for slot in self.slots.split_off(workers) {
            self.empty(now, slot);
        }
        self.advance(now);
    }

    /// Returns the next thing to do.
    pub(super) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Returns the time of the next [`Event::Tick`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        let replacing = self.is_replacing();
        let slots = self.slots.iter().flat_map(|slot| {
            let next = match &slot.worker {
                None => !self.paused,
                Some(worker) => worker.retiring && !replacing,
            };
            let limit = |worker: &Worker| match worker.ready {
                false => Some(worker.started + self.limits.start),
                true => self.limits.silence.map(|limit| worker.heard + limit),
            };
            let limit = |worker: &Option<Worker>| worker.as_ref().and_then(limit);
            [next.then_some(slot.next), limit(&slot.worker), limit(&slot.successor)]
        });
        slots.chain(self.leaving.iter().map(|leaving| leaving.deadline)).chain([self.upgrade]).flatten().min()
    }

    fn ready(&mut self, now: Instant, id: Id) {
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.has(id)) else { return };
        let mut replaced = None;
        if let Some(successor) = slot.successor.take_if(|worker| worker.id == id) {
            replaced = slot.worker.replace(successor);
        }
        slot.failures = 0;
        slot.worker.iter_mut().for_each(|worker| (worker.ready, worker.heard) = (true, now));
        if !std::mem::replace(&mut self.any_ready, true) {
            self.log(Line::Running);
        }
        if let Some(worker) = replaced {
            self.stop(now, worker.id);
        }
    }

    fn ended(&mut self, now: Instant, id: Id) {
        self.leaving.retain(|leaving| leaving.id != id);
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.has(id)) else { return };
        if slot.successor.take_if(|worker| worker.id == id).is_some() {
            let retry = slot.retry(now);
            self.log(Line::Died(id, None));
            self.keep(retry);
            return;
        }
        let Some(worker) = slot.worker.take() else { return };
        if !worker.ready {
            slot.failures = slot.failures.saturating_add(1);
        }
        slot.next = now.max(worker.started + FIRST_PAUSE);
        if slot.failures > 0 {
            slot.next = now + pause(slot.failures);
        }
        // The new worker is ready sooner than another one.
        slot.worker = slot.successor.take();
        let pause = slot.worker.is_none().then(|| slot.next - now);
        self.log(Line::Died(id, pause));
    }

    /// Keeps a worker, because its replacement has failed, and ends a restart. A worker that has reached a limit is replaced
    /// after a pause.
    fn keep(&mut self, retry: Option<Duration>) {
        let restarting = std::mem::take(&mut self.restarting);
        self.log(match retry {
            Some(pause) if !restarting => Line::Retry(pause),
            _ => Line::Kept,
        });
    }

    /// Ends the worker of a slot by `SIGABRT`, and soon by force. Returns `false` if it does not belong to a slot any more.
    fn abort(&mut self, now: Instant, id: Id) -> bool {
        let own = |slot: &&mut Slot| slot.worker.as_ref().is_some_and(|worker| worker.id == id);
        let Some(slot) = self.slots.iter_mut().find(own) else { return false };
        let worker = std::mem::replace(&mut slot.worker, slot.successor.take());
        slot.next = worker.map_or(now, |worker| now.max(worker.started + FIRST_PAUSE));
        self.actions.push_back(Action::Abort(id));
        self.leaving.push(Leaving { id, deadline: Some(now + ABORT), line: None });
        true
    }

    /// Ends the workers that have given no sign of life for too long.
    fn silence(&mut self, now: Instant) {
        let Some(limit) = self.limits.silence else { return };
        let mut silent = Vec::new();
        let workers = self.slots.iter_mut().filter_map(|slot| slot.worker.as_mut());
        for worker in workers.filter(|worker| worker.ready && worker.heard + limit <= now) {
            if worker.heard + limit + LATE <= now {
                worker.heard = now;
            } else {
                silent.push(worker.id);
            }
        }
        for id in silent {
            self.log(Line::Silent(id));
            self.abort(now, id);
        }
    }

    fn signal(&mut self, now: Instant, signal: Signal) {
        match signal {
            Signal::Interrupt | Signal::Terminate | Signal::Quit => {
                // The drain after an upgrade is not a request to end.
                let again = !matches!(self.end, None | Some(End::Succeeded));
                if self.upgrade.take().is_some() {
                    self.actions.push_back(Action::KillSuccessor);
                }
                if !again {
                    self.log(Line::Exiting(signal));
                    self.end(now, End::Signal(signal));
                }
                if again || signal == Signal::Quit {
                    for leaving in &mut self.leaving {
                        leaving.deadline = None;
                        self.actions.push_back(Action::Kill(leaving.id));
                    }
                }
            }
            // The others concern the workers, which are about to end.
            _ if self.end.is_some() => {}
            Signal::Hangup => {
                self.replace();
                self.log(Line::Restarting);
            }
            Signal::User2 if self.upgrade.is_some() => self.log(Line::Busy),
            Signal::User2 => {
                self.upgrade = Some(now + self.limits.upgrade);
                self.log(Line::Upgrading);
                self.actions.push_back(Action::Upgrade);
            }
            Signal::WindowChange => {
                self.log(Line::Pausing);
                self.paused = true;
                self.restarting = false;
                for slot in std::mem::take(&mut self.slots) {
                    self.slots.push(Slot::new(now));
                    self.empty(now, slot);
                }
            }
            Signal::TerminalInput => {
                self.slots.push(Slot::new(now));
                self.log(Line::More);
            }
            Signal::TerminalOutput if self.slots.len() == 1 => self.log(Line::Last),
            Signal::TerminalOutput => {
                self.log(Line::Fewer);
                if let Some(slot) = self.slots.pop() {
                    self.empty(now, slot);
                }
            }
            _ => {}
        }
    }

    /// Begins to replace all workers.
    fn replace(&mut self) {
        self.generation += 1;
        self.paused = false;
        self.restarting = true;
    }

    /// Stops all workers, and ends once they have ended.
    fn end(&mut self, now: Instant, end: End) {
        self.end = Some(end);
        self.restarting = false;
        self.paused = false;
        for slot in std::mem::take(&mut self.slots) {
            self.empty(now, slot);
        }
    }

    fn empty(&mut self, now: Instant, slot: Slot) {
        for worker in slot.worker.into_iter().chain(slot.successor) {
            self.stop(now, worker.id);
        }
    }

    fn stop(&mut self, now: Instant, id: Id) {
        self.actions.push_back(Action::Stop(id));
        let deadline = Some(now + self.limits.stop);
        self.leaving.push(Leaving { id, deadline, line: Some(Line::NotStopped(id)) });
    }

    fn log(&mut self, line: Line) {
        self.actions.push_back(Action::Log(line));
    }

    /// Does what the time or the last event has made due.
    fn advance(&mut self, now: Instant) {
        self.expire(now);
        if !self.limits.is_patient
            && self.end.is_none()
            && !self.any_ready
            && self.slots.iter().all(|slot| slot.failures > 0)
        {
            self.end(now, End::NoneStarted);
        }
        self.kill(now);
        self.fill(now);
        self.restart(now);
        if let Some(end) = self.end
            && self.leaving.is_empty()
            && !std::mem::replace(&mut self.ended, true)
        {
            self.actions.push_back(Action::End(end));
        }
    }

    /// Kills the workers that are not ready in time. Their slots count that as a failed start.
    fn expire(&mut self, now: Instant) {
        if self.upgrade.take_if(|deadline| *deadline <= now).is_some() {
            self.log(Line::UpgradeLate);
            self.actions.push_back(Action::KillSuccessor);
        }
        let limit = self.limits.start;
        let late = |worker: &mut Worker| !worker.ready && worker.started + limit <= now;
        let mut late_workers = Vec::new();
        let mut failed = None;
        for slot in &mut self.slots {
            if let Some(worker) = slot.successor.take_if(late) {
                late_workers.push(worker.id);
                failed = Some(slot.retry(now));
            }
            if let Some(worker) = slot.worker.take_if(late) {
                late_workers.push(worker.id);
                slot.failures = slot.failures.saturating_add(1);
                slot.next = now + pause(slot.failures);
                slot.worker = slot.successor.take();
            }
        }
        for id in late_workers {
            self.log(Line::NotReady(id));
            self.actions.push_back(Action::Kill(id));
            self.leaving.push(Leaving { id, deadline: None, line: None });
        }
        if let Some(retry) = failed {
            self.keep(retry);
        }
    }

    /// Kills the workers that have not stopped in time.
    fn kill(&mut self, now: Instant) {
        for leaving in &mut self.leaving {
            if leaving.deadline.take_if(|deadline| *deadline <= now).is_some() {
                self.actions.extend(leaving.line.map(Action::Log));
                self.actions.push_back(Action::Kill(leaving.id));
            }
        }
    }

    /// Starts workers in empty slots.
    fn fill(&mut self, now: Instant) {
        if self.paused {
            return;
        }
        for slot in &mut self.slots {
            if slot.worker.is_none() && slot.next <= now {
                slot.worker = Some(Worker::spawn(now, &mut self.last, self.generation, &mut self.actions));
            }
        }
    }

    /// Goes on with a restart, and replaces workers that have reached a limit: one at a time.
    fn restart(&mut self, now: Instant) {
        if self.is_replacing() {
            return;
        }
        let generation = self.generation;
        let old = |slot: &Slot| slot.worker.as_ref().is_some_and(|worker| worker.generation < generation);
        let is_due =
            |slot: &Slot| slot.next <= now && slot.worker.as_ref().is_some_and(|worker| worker.retiring);
        if self.restarting && !self.slots.iter().any(old) {
            self.restarting = false;
            self.log(Line::Restarted);
        }
        let restarting = self.restarting;
        let slot = self.slots.iter_mut().find(|slot| if restarting { old(slot) } else { is_due(slot) });
        if let Some(slot) = slot {
            slot.successor = Some(Worker::spawn(now, &mut self.last, generation, &mut self.actions));
        }
    }

    /// Returns whether a replacement starts.
    fn is_replacing(&self) -> bool {
        self.slots.iter().any(|slot| slot.successor.is_some())
    }

    /// Returns a worker of a slot.
    fn worker(&mut self, id: Id) -> Option<&mut Worker> {
        self.slots.iter_mut().filter_map(|slot| slot.worker.as_mut()).find(|worker| worker.id == id)
    }
}

impl Worker {
    fn spawn(now: Instant, last: &mut u64, generation: u64, actions: &mut VecDeque<Action>) -> Self {
        *last += 1;
        let id = Id(*last);
        actions.push_back(Action::Spawn(id));
        Self { id, generation, started: now, ready: false, heard: now, retiring: false }
    }
}

impl Slot {
    fn new(now: Instant) -> Self {
        Self { worker: None, successor: None, failures: 0, next: now }
    }

    /// Takes note that the replacement of its worker has failed. Returns the pause before the next, if the worker has reached a
    /// limit.
    fn retry(&mut self, now: Instant) -> Option<Duration> {
        self.worker.as_ref().filter(|worker| worker.retiring)?;
        self.failures = self.failures.saturating_add(1);
        let pause = pause(self.failures);
        self.next = now + pause;
        Some(pause)
    }

    fn has(&self, id: Id) -> bool {
        self.worker.iter().chain(&self.successor).any(|worker| worker.id == id)
    }
}

/// Returns the time before the next start, after this number of failed starts.
fn pause(failures: u32) -> Duration {
    // The seventh is longer than the last pause.
    let doublings = failures.saturating_sub(1).min(6);
    (FIRST_PAUSE * (1 << doublings)).min(LAST_PAUSE)
}

#[cfg(test)]
mod tests;
