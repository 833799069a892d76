use super::Action::{Abort, End as Ends, Kill, KillSuccessor, Log, Spawn, Stop, Upgrade};
use super::*;

const LIMITS: Limits = Limits {
    start: Duration::from_secs(60),
    stop: Duration::from_secs(40),
    upgrade: Duration::from_secs(65),
    silence: None,
    is_patient: false,
};

/// A plan, with a clock that tests set.
struct Run {
    plan: Plan,
    start: Instant,
    now: Instant,
}

impl Run {
    fn new(workers: usize) -> Self {
        Self::with(workers, LIMITS)
    }

    fn with(workers: usize, limits: Limits) -> Self {
        let start = Instant::now();
        Self { plan: Plan::new(start, workers, limits), start, now: start }
    }

    /// Creates a plan whose workers are ready, and may be silent for 5 s.
    fn watched(workers: usize) -> Self {
        let mut run = Self::with(workers, Limits { silence: Some(Duration::from_secs(5)), ..LIMITS });
        (1..=workers as u64).for_each(|id| run.plan.handle(run.now, Event::Ready(Id(id))));
        run.actions();
        run
    }

    /// Creates a plan whose workers are all ready.
    fn ready(workers: usize) -> Self {
        let mut run = Self::new(workers);
        (1..=workers as u64).for_each(|id| run.plan.handle(run.now, Event::Ready(Id(id))));
        run.actions();
        run
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.plan.next_action()).collect()
    }

    fn after(&mut self, event: Event) -> Vec<Action> {
        self.plan.handle(self.now, event);
        self.actions()
    }

    fn died(&mut self, id: u64) -> Vec<Action> {
        self.after(Event::Ended(Id(id)))
    }

    fn signal(&mut self, signal: Signal) -> Vec<Action> {
        self.after(Event::Signal(signal))
    }

    /// Lets time pass until the deadline. Returns the actions, and the milliseconds since the start.
    fn wait(&mut self) -> (Vec<Action>, u128) {
        self.now = self.plan.deadline().expect("the plan waits for a time");
        (self.after(Event::Tick), (self.now - self.start).as_millis())
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }
}

fn spawns(ids: impl IntoIterator<Item = u64>) -> Vec<Action> {
    ids.into_iter().map(|id| Spawn(Id(id))).collect()
}

#[test]
fn the_first_ready_worker_is_reported() {
    let mut run = Run::new(2);
    assert_eq!(run.actions(), spawns([1, 2]));
    assert_eq!(run.after(Event::Ready(Id(2))), [Log(Line::Running)]);
    assert_eq!(run.after(Event::Ready(Id(1))), []);
    assert_eq!(run.plan.deadline(), None);
}

#[test]
fn a_worker_that_ran_for_a_while_is_replaced_at_once() {
    let mut run = Run::ready(2);
    run.pass(Duration::from_secs(1));
    assert_eq!(run.died(1), [Log(Line::Died(Id(1), Some(Duration::ZERO))), Spawn(Id(3))]);
    assert_eq!(run.after(Event::Ready(Id(3))), []);
}

#[test]
fn a_slot_starts_at_most_two_workers_a_second() {
    let mut run = Run::ready(1);
    run.pass(Duration::from_millis(100));
    assert_eq!(run.died(1), [Log(Line::Died(Id(1), Some(Duration::from_millis(400))))]);
    assert_eq!(run.wait(), (spawns([2]), 500));
}

#[test]
fn the_pause_doubles_while_starts_fail() {
    let mut run = Run::ready(2);
    run.pass(Duration::from_secs(1));
    let mut id = 3;
    run.died(1);
    for millis in [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000] {
        let pause = Duration::from_millis(millis);
        assert_eq!(run.died(id), [Log(Line::Died(Id(id), Some(pause)))]);
        let before = run.now;
        id += 1;
        assert_eq!(run.wait().0, spawns([id]));
        assert_eq!(run.now - before, pause);
    }
    // A worker that is ready ends the series.
    run.after(Event::Ready(Id(id)));
    run.pass(Duration::from_secs(1));
    assert_eq!(run.died(id).last(), Some(&Spawn(Id(id + 1))));
    assert_eq!(run.died(id + 1), [Log(Line::Died(Id(id + 1), Some(FIRST_PAUSE)))]);
}

#[test]
fn a_supervisor_without_a_worker_that_can_start_ends() {
    let mut run = Run::new(2);
    run.actions();
    assert_eq!(run.died(2), [Log(Line::Died(Id(2), Some(FIRST_PAUSE)))]);
    assert_eq!(run.wait().0, spawns([3]));
    let last = run.died(1);
    assert_eq!(last, [Log(Line::Died(Id(1), Some(FIRST_PAUSE))), Stop(Id(3))]);
    assert_eq!(run.died(3), [Ends(End::NoneStarted)]);
    assert_eq!(run.after(Event::Tick), []);
}

#[test]
fn a_failed_start_does_not_end_a_supervisor_with_a_ready_worker() {
    let mut run = Run::new(2);
    run.after(Event::Ready(Id(1)));
    assert_eq!(run.died(2), [Log(Line::Died(Id(2), Some(FIRST_PAUSE)))]);
    run.pass(Duration::from_secs(1));
    assert_eq!(run.died(1)[1..], spawns([3, 4]));
    assert_eq!(run.died(3).len() + run.died(4).len(), 2);
}

#[test]
fn a_worker_that_is_not_ready_in_time_is_killed() {
    let mut run = Run::ready(2);
    run.pass(Duration::from_secs(1));
    run.died(1);
    let (actions, millis) = run.wait();
    assert_eq!((actions, millis), (vec![Log(Line::NotReady(Id(3))), Kill(Id(3))], 61_000));
    // Its end is expected.
    assert_eq!(run.died(3), []);
    assert_eq!(run.wait(), (spawns([4]), 61_500));
}

#[test]
fn a_signal_stops_the_workers_and_then_the_supervisor() {
    for signal in [Signal::Terminate, Signal::Interrupt] {
        let mut run = Run::ready(2);
        assert_eq!(run.signal(signal), [Log(Line::Exiting(signal)), Stop(Id(1)), Stop(Id(2))]);
        assert_eq!(run.died(1), []);
        assert_eq!(run.died(2), [Ends(End::Signal(signal))]);
    }
}

#[test]
fn a_second_signal_kills_the_workers() {
    let mut run = Run::ready(2);
    run.signal(Signal::Terminate);
    assert_eq!(run.signal(Signal::Interrupt), [Kill(Id(1)), Kill(Id(2))]);
    run.died(1);
    assert_eq!(run.died(2), [Ends(End::Signal(Signal::Terminate))]);
}

#[test]
fn sigquit_kills_the_workers_at_once() {
    let mut run = Run::ready(1);
    let exiting = Log(Line::Exiting(Signal::Quit));
    assert_eq!(run.signal(Signal::Quit), [exiting, Stop(Id(1)), Kill(Id(1))]);
    assert_eq!(run.died(1), [Ends(End::Signal(Signal::Quit))]);
}

#[test]
fn a_worker_that_does_not_stop_in_time_is_killed() {
    let mut run = Run::ready(1);
    run.signal(Signal::Terminate);
    assert_eq!(run.wait(), (vec![Log(Line::NotStopped(Id(1))), Kill(Id(1))], 40_000));
    assert_eq!(run.plan.deadline(), None);
    assert_eq!(run.died(1), [Ends(End::Signal(Signal::Terminate))]);
}

#[test]
fn a_signal_while_a_worker_is_due_starts_nothing() {
    let mut run = Run::ready(1);
    run.died(1);
    let exiting = Log(Line::Exiting(Signal::Terminate));
    assert_eq!(run.signal(Signal::Terminate), [exiting, Ends(End::Signal(Signal::Terminate))]);
}

#[test]
fn sighup_stops_each_worker_once_its_replacement_is_ready() {
    let mut run = Run::ready(2);
    assert_eq!(run.signal(Signal::Hangup), [Log(Line::Restarting), Spawn(Id(3))]);
    assert_eq!(run.after(Event::Ready(Id(3))), [Stop(Id(1)), Spawn(Id(4))]);
    assert_eq!(run.died(1), []);
    assert_eq!(run.after(Event::Ready(Id(4))), [Stop(Id(2)), Log(Line::Restarted)]);
    assert_eq!(run.died(2), []);
    assert_eq!(run.signal(Signal::Hangup), [Log(Line::Restarting), Spawn(Id(5))]);
}

#[test]
fn a_restart_ends_with_the_first_replacement_that_fails() {
    let mut run = Run::ready(2);
    run.signal(Signal::Hangup);
    assert_eq!(run.died(3), [Log(Line::Died(Id(3), None)), Log(Line::Kept)]);
    assert_eq!(run.plan.deadline(), None);

    run.signal(Signal::Hangup);
    let (actions, _) = run.wait();
    assert_eq!(actions, [Log(Line::NotReady(Id(4))), Kill(Id(4)), Log(Line::Kept)]);
}

#[test]
fn a_replacement_takes_the_place_of_a_worker_that_dies() {
    let mut run = Run::ready(1);
    run.signal(Signal::Hangup);
    assert_eq!(run.died(1), [Log(Line::Died(Id(1), None)), Log(Line::Restarted)]);
    assert_eq!(run.after(Event::Ready(Id(2))), []);
    assert_eq!(run.plan.deadline(), None);
}

#[test]
fn a_second_sighup_also_replaces_what_the_first_has_started() {
    let mut run = Run::ready(1);
    run.signal(Signal::Hangup);
    assert_eq!(run.signal(Signal::Hangup), [Log(Line::Restarting)]);
    assert_eq!(run.after(Event::Ready(Id(2))), [Stop(Id(1)), Spawn(Id(3))]);
    assert_eq!(run.after(Event::Ready(Id(3))), [Stop(Id(2)), Log(Line::Restarted)]);
}

#[test]
fn sigttin_and_sigttou_change_the_number_of_workers() {
    let mut run = Run::ready(1);
    assert_eq!(run.signal(Signal::TerminalOutput), [Log(Line::Last)]);
    assert_eq!(run.signal(Signal::TerminalInput), [Log(Line::More), Spawn(Id(2))]);
    assert_eq!(run.after(Event::Ready(Id(2))), []);
    assert_eq!(run.signal(Signal::TerminalOutput), [Log(Line::Fewer), Stop(Id(2))]);
    assert_eq!(run.died(2), []);
    assert_eq!(run.plan.deadline(), None);
}

#[test]
fn a_stopping_supervisor_ignores_other_signals() {
    let mut run = Run::ready(1);
    run.signal(Signal::Terminate);
    for signal in
        [Signal::Hangup, Signal::TerminalInput, Signal::TerminalOutput, Signal::User2, Signal::WindowChange]
    {
        assert_eq!(run.signal(signal), []);
    }
}

#[test]
fn sigwinch_stops_the_workers_until_sighup() {
    let mut run = Run::ready(2);
    assert_eq!(run.signal(Signal::WindowChange), [Log(Line::Pausing), Stop(Id(1)), Stop(Id(2))]);
    run.died(1);
    assert_eq!(run.died(2), []);
    assert_eq!(run.plan.deadline(), None);
    assert_eq!(run.signal(Signal::TerminalInput), [Log(Line::More)]);
    let mut expected = [&[Log(Line::Restarting)], &spawns([3, 4, 5])[..]].concat();
    expected.push(Log(Line::Restarted));
    assert_eq!(run.signal(Signal::Hangup), expected);
}

#[test]
fn sigterm_ends_a_supervisor_without_workers() {
    let mut run = Run::ready(1);
    run.signal(Signal::WindowChange);
    run.died(1);
    let exiting = Log(Line::Exiting(Signal::Terminate));
    assert_eq!(run.signal(Signal::Terminate), [exiting, Ends(End::Signal(Signal::Terminate))]);
}

#[test]
fn a_new_supervisor_takes_over_once_it_has_a_ready_worker() {
    let mut run = Run::ready(2);
    assert_eq!(run.signal(Signal::User2), [Log(Line::Upgrading), Upgrade]);
    assert_eq!(run.signal(Signal::User2), [Log(Line::Busy)]);
    assert_eq!(run.after(Event::SuccessorReady), [Log(Line::Upgraded), Stop(Id(1)), Stop(Id(2))]);
    assert_eq!(run.after(Event::SuccessorEnded), []);
    run.died(1);
    assert_eq!(run.died(2), [Ends(End::Succeeded)]);
}

#[test]
fn a_new_supervisor_that_fails_changes_nothing() {
    let mut run = Run::ready(1);
    run.signal(Signal::User2);
    assert_eq!(run.after(Event::SuccessorEnded), [Log(Line::UpgradeFailed)]);
    assert_eq!(run.plan.deadline(), None);
    // The next one hangs.
    run.signal(Signal::User2);
    assert_eq!(run.wait(), (vec![Log(Line::UpgradeLate), KillSuccessor], 65_000));
    assert_eq!(run.after(Event::SuccessorReady), []);
    assert_eq!(run.after(Event::SuccessorEnded), []);
    assert_eq!(run.signal(Signal::Hangup), [Log(Line::Restarting), Spawn(Id(2))]);
}

#[test]
fn a_signal_during_an_upgrade_ends_both_supervisors() {
    let mut run = Run::ready(1);
    run.signal(Signal::User2);
    let exiting = Log(Line::Exiting(Signal::Terminate));
    assert_eq!(run.signal(Signal::Terminate), [KillSuccessor, exiting, Stop(Id(1))]);
}

#[test]
fn a_signal_after_an_upgrade_does_not_cut_the_drain_short() {
    let mut run = Run::ready(1);
    run.signal(Signal::User2);
    run.after(Event::SuccessorReady);
    // A service manager sends the signal to every process of the service.
    assert_eq!(run.signal(Signal::Terminate), [Log(Line::Exiting(Signal::Terminate))]);
    assert_eq!(run.signal(Signal::Terminate), [Kill(Id(1))]);
    assert_eq!(run.died(1), [Ends(End::Signal(Signal::Terminate))]);
}

#[test]
fn new_settings_change_the_number_of_workers() {
    let mut run = Run::ready(1);
    run.plan.configure(run.now, LIMITS, Some(3));
    assert_eq!(run.actions(), spawns([2, 3]));
    run.after(Event::Ready(Id(2)));
    run.plan.configure(run.now, LIMITS, None);
    run.plan.configure(run.now, LIMITS, Some(1));
    assert_eq!(run.actions(), [Stop(Id(2)), Stop(Id(3))]);
    run.died(2);
    run.died(3);
    assert_eq!(run.plan.deadline(), None);
}

#[test]
fn a_silent_worker_is_replaced_and_killed_if_it_does_not_abort() {
    let mut run = Run::watched(2);
    run.pass(Duration::from_secs(3));
    assert_eq!(run.after(Event::Alive(Id(1))), []);
    assert_eq!(run.wait(), (vec![Log(Line::Silent(Id(2))), Abort(Id(2)), Spawn(Id(3))], 5000));
    assert_eq!(run.wait(), (vec![Kill(Id(2))], 7000));
    // Its end is expected.
    assert_eq!(run.died(2), []);
    // The first has been silent since then.
    assert_eq!(run.wait(), (vec![Log(Line::Silent(Id(1))), Abort(Id(1)), Spawn(Id(4))], 8000));
    // A worker that starts gives no sign of life.
    run.died(1);
    assert_eq!(run.wait().1, 65_000);
}

#[test]
fn a_supervisor_that_was_stopped_does_not_blame_its_workers() {
    let mut run = Run::watched(1);
    run.pass(Duration::from_secs(3600));
    assert_eq!(run.after(Event::Tick), []);
    assert_eq!(run.wait(), (vec![Log(Line::Silent(Id(1))), Abort(Id(1)), Spawn(Id(2))], 3_605_000));
}

#[test]
fn a_worker_with_a_blocked_thread_is_replaced() {
    let mut run = Run::watched(1);
    run.pass(Duration::from_secs(1));
    assert_eq!(run.after(Event::Blocked(Id(1))), [Abort(Id(1)), Log(Line::Blocked(Id(1))), Spawn(Id(2))]);
    assert_eq!(run.after(Event::Blocked(Id(1))), []);
    assert_eq!(run.died(1), []);
}

#[test]
fn workers_at_a_limit_are_replaced_one_at_a_time() {
    let mut run = Run::ready(2);
    assert_eq!(run.after(Event::Retiring(Id(1))), spawns([3]));
    assert_eq!(run.after(Event::Retiring(Id(2))), []);
    assert_eq!(run.after(Event::Ready(Id(3))), [Stop(Id(1)), Spawn(Id(4))]);
    assert_eq!(run.died(1), []);
    assert_eq!(run.after(Event::Ready(Id(4))), [Stop(Id(2))]);
    assert_eq!(run.died(2), []);
    assert_eq!(run.plan.deadline(), None);
}

#[test]
fn a_worker_at_a_limit_goes_on_while_its_replacement_fails() {
    let mut run = Run::ready(1);
    run.after(Event::Retiring(Id(1)));
    for (id, millis) in [(2, 500), (3, 1000), (4, 2000)] {
        let pause = Duration::from_millis(millis);
        assert_eq!(run.died(id), [Log(Line::Died(Id(id), None)), Log(Line::Retry(pause))]);
        let before = run.now;
        assert_eq!(run.wait().0, spawns([id + 1]));
        assert_eq!(run.now - before, pause);
    }
    let (actions, _) = run.wait();
    assert_eq!(actions, [Log(Line::NotReady(Id(5))), Kill(Id(5)), Log(Line::Retry(Duration::from_secs(4)))]);
    assert_eq!(run.died(5), []);
    assert_eq!(run.wait().0, spawns([6]));
    assert_eq!(run.after(Event::Ready(Id(6))), [Stop(Id(1))]);
}

#[test]
fn a_restart_also_replaces_a_worker_at_a_limit() {
    let mut run = Run::ready(2);
    run.after(Event::Retiring(Id(2)));
    assert_eq!(run.signal(Signal::Hangup), [Log(Line::Restarting)]);
    assert_eq!(run.after(Event::Ready(Id(3))), [Stop(Id(2)), Spawn(Id(4))]);
    // It has started before the signal.
    assert_eq!(run.after(Event::Ready(Id(4))), [Stop(Id(1)), Spawn(Id(5))]);
    assert_eq!(run.after(Event::Ready(Id(5))), [Stop(Id(3)), Log(Line::Restarted)]);
}

#[test]
fn a_program_that_was_built_again_replaces_the_workers() {
    let mut run = Run::ready(1);
    assert_eq!(run.after(Event::Built), spawns([2]));
    assert_eq!(run.after(Event::Ready(Id(2))), [Stop(Id(1)), Log(Line::Restarted)]);
}

#[test]
fn a_program_that_cannot_start_is_tried_again_once_it_is_built() {
    let mut run = Run::with(1, Limits { is_patient: true, ..LIMITS });
    run.actions();
    for id in 1..4 {
        run.died(id);
        let (actions, _) = run.wait();
        assert_eq!(actions, spawns([id + 1]));
    }
    run.died(4);
    assert_eq!(run.after(Event::Built), spawns([5]));
    assert_eq!(run.after(Event::Ready(Id(5))), [Log(Line::Running)]);
}
