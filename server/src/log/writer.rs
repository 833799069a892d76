//! Writes the lines of the log to one stream, from a thread of its own.
//!
//! A pipe without a reader, a stopped terminal or a slow disk blocks that thread only. The threads that serve append lines
//! to a buffer. A line that does not fit, or that cannot be written, is dropped and counted.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The number of bytes that may wait to be written. Further lines are dropped.
const CAPACITY: usize = 1024 * 1024;

/// The most bytes of one write, unless a line is longer. Writes of this size to a pipe are atomic (`PIPE_BUF`), so lines of
/// several programs do not mix.
const CHUNK: usize = 4096;

/// The capacity that an idle buffer keeps.
const IDLE: usize = 64 * 1024;

/// The stack of the thread: the bytes that formatting a report needs, and many more.
const STACK: usize = 256 * 1024;

/// The time between reports of dropped lines, and the most time that the end of the process waits for the stream.
const PATIENCE: Duration = Duration::from_secs(1);

/// Returns the number of bytes that were written.
type Write = Box<dyn FnMut(&[u8]) -> io::Result<usize> + Send>;

/// Reports a number of dropped lines.
type Report = Box<dyn Fn(u64) + Send + Sync>;

/// The lines that wait for one stream.
pub(super) struct Writer {
    state: Mutex<State>,
    /// There are lines to write.
    filled: Condvar,
    /// All lines are written.
    emptied: Condvar,
    report: Report,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    /// Lines that were dropped and not yet reported.
    dropped: u64,
    /// The state of the thread.
    thread: Thread,
    /// [`Writer::flush`] has given up. Any later progress clears it.
    stuck: bool,
}

/// The state of the thread of a writer.
#[derive(Default)]
enum Thread {
    /// It has not started, and will use this.
    Ready(Write),
    /// It cannot start.
    #[default]
    None,
    /// It waits for lines.
    Waiting,
    /// It writes, and this number of lines is left.
    Writing(u64),
}

impl Writer {
    /// Creates a writer, whose thread starts with the first line. `report` may write lines too.
    pub(super) fn new(
        write: impl FnMut(&[u8]) -> io::Result<usize> + Send + 'static,
        report: impl Fn(u64) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let state = State { thread: Thread::Ready(Box::new(write)), ..State::default() };
        Arc::new(Self {
            state: Mutex::new(state),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            report: Box::new(report),
        })
    }

    /// Appends a line. Never blocks for longer than it takes to copy it.
    pub(super) fn line(self: &Arc<Self>, line: &str) {
        let mut state = self.state();
        if state.buffer.len() + line.len() > CAPACITY {
            state.dropped += 1;
            return;
        }
        state.buffer.extend_from_slice(line.as_bytes());
        match state.thread {
            Thread::Waiting => {
                // One wake-up for all lines until it writes.
                state.thread = Thread::Writing(0);
                drop(state);
                self.filled.notify_one();
            }
            Thread::Ready(_) => self.start(&mut state),
            Thread::Writing(_) => {}
            // No memory for a thread: there is hardly any for lines.
            Thread::None => state.lose(),
        }
    }

    /// Whether nothing waits to be written.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state();
        state.buffer.is_empty() && !matches!(state.thread, Thread::Writing(_))
    }

    /// Waits until all lines are written, for at most [`PATIENCE`]. Then reports the lines that were dropped, among them
    /// those that still wait.
    pub(super) fn flush(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        while !state.is_empty() && !state.stuck {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.stuck = true;
                state.lose();
                if let Thread::Writing(lines) = &mut state.thread {
                    let lines = std::mem::take(lines);
                    state.dropped += lines;
                }
                break;
            }
            state = self.emptied.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.report(state);
    }

    #[cold]
    fn start(self: &Arc<Self>, state: &mut State) {
        let Thread::Ready(write) = std::mem::take(&mut state.thread) else { return };
        let this = self.clone();
        let main = move || this.run(write);
        let spawned = thread::Builder::new().name("stelo-log".into()).stack_size(STACK).spawn(main);
        match spawned {
            Ok(_) => state.thread = Thread::Writing(0),
            Err(_) => state.lose(),
        }
    }

    /// Writes lines for the rest of the life of the process.
    fn run(&self, mut write: Write) {
        let mut lines = Vec::new();
        let mut torn = false;
        let mut reported = Instant::now();
        let mut written = true;
        loop {
            let mut state = self.state();
            while state.buffer.is_empty() {
                state.thread = Thread::Waiting;
                self.emptied.notify_all();
                // Lines that cannot be written are reported once the stream has recovered, or at the end.
                if state.dropped == 0 || !written {
                    state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
                let left = PATIENCE.saturating_sub(reported.elapsed());
                if left.is_zero() {
                    reported = Instant::now();
                    self.report(state);
                    state = self.state();
                    continue;
                }
                state = self.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            std::mem::swap(&mut state.buffer, &mut lines);
            state.thread = Thread::Writing(count(&lines));
            drop(state);
            let lost = write_lines(&mut write, &lines, &mut torn, |lines| self.wrote(lines));
            written = lost == 0;
            let mut state = self.state();
            state.stuck = false;
            state.dropped += lost;
            let due = written && state.dropped > 0 && reported.elapsed() >= PATIENCE;
            drop(state);
            lines.clear();
            lines.shrink_to(IDLE);
            if due {
                reported = Instant::now();
                self.report(self.state());
            }
        }
    }

    /// Notes that the thread has written this number of lines.
    fn wrote(&self, lines: u64) {
        if let Thread::Writing(left) = &mut self.state().thread {
            *left = left.saturating_sub(lines);
        }
    }

    /// Reports the dropped lines, without the lock.
    fn report(&self, mut state: MutexGuard<'_, State>) {
        let dropped = std::mem::take(&mut state.dropped);
        drop(state);
        if dropped > 0 {
            (self.report)(dropped);
        }
    }

    /// Locks the state. Nothing can panic under the lock, so it is consistent even if poisoned.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_empty(&self) -> bool {
        self.buffer.is_empty() && !matches!(self.thread, Thread::Writing(_))
    }

    /// Drops the lines of the buffer.
    #[cold]
    fn lose(&mut self) {
        self.dropped += count(&self.buffer);
        self.buffer.clear();
    }
}

/// Writes lines, as many in one write as fit into a [`CHUNK`]. Returns the number of those that could not be written.
/// `torn` tells whether the last write has ended within a line. `wrote` is told the number of lines after each write.
fn write_lines(write: &mut Write, mut lines: &[u8], torn: &mut bool, wrote: impl Fn(u64)) -> u64 {
    if *torn {
        match write(b"\n") {
            Ok(_) => *torn = false,
            Err(_) => return count(lines),
        }
    }
    while !lines.is_empty() {
        let (chunk, rest) = lines.split_at(chunk(lines));
        lines = rest;
        let mut left = chunk;
        while !left.is_empty() {
            match write(left) {
                Ok(n) if n > 0 => left = left.get(n..).unwrap_or_default(),
                _ => {
                    let last = (chunk.len() - left.len()).checked_sub(1).and_then(|at| chunk.get(at));
                    *torn = last.is_some_and(|last| *last != b'\n');
                    // The next attempt is with the next lines.
                    return count(left) + count(lines);
                }
            }
        }
        wrote(count(chunk));
    }
    0
}

/// Returns the length of the lines to write at once.
fn chunk(lines: &[u8]) -> usize {
    let end = |lines: &[u8]| lines.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
    let first = || lines.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
    let most = lines.get(..CHUNK).unwrap_or(lines);
    end(most).or_else(first).unwrap_or(lines.len())
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
#[path = "writer/tests.rs"]
mod tests;
