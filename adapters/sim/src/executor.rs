//! The loop that runs a simulation, one step at a time. The seed chooses among the possible steps.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::world::{Event, State, TaskWaker, World};

/// The longest virtual time of a poll.
const STEP: Duration = Duration::from_micros(20);

/// Why a simulation has ended before its main future.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Halt {
    Stuck,
    Overtime,
    Panic(String),
}

/// The limits of a simulation, and whether the panic of a task ends it.
pub(crate) struct Bounds {
    pub(crate) time: Duration,
    pub(crate) steps: u64,
    pub(crate) contain_panics: bool,
}

/// The next step.
enum Step {
    Poll(u64, Arc<TaskWaker>),
    Fire(Event),
    Nothing,
}

/// Runs `main` and the tasks that it spawns until `main` completes. Returns the number of steps too.
pub(crate) fn drive<F: Future>(world: &World, main: F, bounds: &Bounds) -> (Result<F::Output, Halt>, u64) {
    let mut main = pin!(main);
    let main_id = world.spawn(None);
    let mut steps = 0;
    loop {
        if steps == bounds.steps || world.state().now.as_micros() as u128 > bounds.time.as_micros() {
            return (Err(Halt::Overtime), steps);
        }
        steps += 1;
        let step = next(&mut world.state(), &mut world.ready().list());
        let polled = match step {
            Step::Poll(id, waker) => {
                waker.taken();
                let waker = Waker::from(waker);
                let mut cx = Context::from_waker(&waker);
                if id == main_id {
                    match catch(|| main.as_mut().poll(&mut cx)) {
                        Ok(Poll::Ready(output)) => return (Ok(output), steps),
                        Ok(Poll::Pending) => continue,
                        Err(message) => return (Err(Halt::Panic(message)), steps),
                    }
                }
                poll(world, id, &mut cx)
            }
            Step::Fire(event) => fire(world, event),
            Step::Nothing => return (Err(Halt::Stuck), steps),
        };
        if let Err(message) = polled
            && !bounds.contain_panics
        {
            return (Err(Halt::Panic(message)), steps);
        }
    }
}

/// Chooses an event that is due, else a task that can run, else the next event, and advances the clock to it.
fn next(state: &mut State, ready: &mut Vec<u64>) -> Step {
    ready.retain(|id| state.wakers.contains_key(id));
    let due = state.events.first_key_value().is_some_and(|(when, _)| when.0 <= state.now);
    if !ready.is_empty() && !due {
        let id = ready.swap_remove(state.random.index(ready.len()));
        let took = state.random.duration(Duration::ZERO..STEP);
        state.now = state.now + took;
        state.note("poll task", id);
        return match state.wakers.get(&id) {
            Some(waker) => Step::Poll(id, waker.clone()),
            None => Step::Nothing,
        };
    }
    match state.events.pop_first() {
        Some((when, event)) => {
            state.now = state.now.max(when.0);
            Step::Fire(event)
        }
        None => Step::Nothing,
    }
}

fn poll(world: &World, id: u64, cx: &mut Context<'_>) -> Result<(), String> {
    let task = world.state().tasks.get_mut(&id).and_then(Option::take);
    let Some(mut task) = task else { return Ok(()) };
    let polled = catch(|| task.as_mut().poll(cx));
    if polled == Ok(Poll::Pending) {
        if let Some(slot) = world.state().tasks.get_mut(&id) {
            *slot = Some(task);
        }
        return Ok(());
    }
    // The future is dropped before the task counts as ended, and outside of the lock.
    let dropped = catch(|| drop(task));
    let mut state = world.state();
    state.tasks.remove(&id);
    state.wakers.remove(&id);
    state.note("end task", id);
    drop(state);
    polled.map(drop).and(dropped)
}

fn fire(world: &World, event: Event) -> Result<(), String> {
    match event {
        Event::Wake(waker) => waker.wake(),
        Event::Arrive { connection, end } => world.state().arrived(connection, end),
        Event::Open { connection } => world.state().opened(connection),
        Event::Work(work) => {
            world.state().note("work", 0);
            return catch(work);
        }
    }
    Ok(())
}

/// Drops the remaining tasks and events, outside of the lock, because their destructors may take it.
pub(crate) fn clear(world: &World) {
    loop {
        let mut state = world.state();
        let tasks = std::mem::take(&mut state.tasks);
        let events = std::mem::take(&mut state.events);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        if tasks.is_empty() && events.is_empty() && wakers.is_empty() {
            return;
        }
        // A panic in a destructor ends the drop of that task only.
        let _ = catch(|| drop(tasks));
        let _ = catch(|| drop(events));
    }
}

/// Runs foreign code; a panic becomes its message.
fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // The caller drops the values that a panic has left inconsistent.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(&*payload))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no message)").to_owned()
}
