//! Lines that clients can cause in any number: a few a second, then their number.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use stelo_runtime::Instant;
use tracing::warn;

use super::SERVER;

/// The number of lines of one kind in a [`WINDOW`].
const LINES: u32 = 10;

/// The time that lines are counted over.
const WINDOW: Duration = Duration::from_secs(1);

/// Lines of one kind, over all threads of a server.
pub(crate) struct Limit {
    /// The subject of the lines, in the plural.
    about: &'static str,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    ends: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl Limit {
    pub(crate) fn new(about: &'static str) -> Self {
        Self { about, window: Mutex::default() }
    }

    /// Logs a warning, unless there were too many. The first line of a later window has the number of those left out
    /// before it.
    #[cold]
    pub(crate) fn warn(&self, now: Instant, line: impl Display) {
        let Some(left_out) = self.change(|window| window.admit(now)) else { return };
        self.report(left_out);
        warn!(target: SERVER, "{line}");
    }

    /// Logs the number of lines left out since the last report.
    pub(crate) fn finish(&self) {
        self.report(self.change(|window| std::mem::take(&mut window.left_out)));
    }

    fn report(&self, left_out: u64) {
        if left_out > 0 {
            warn!(target: SERVER, "{left_out} more line(s) about {} were left out", self.about);
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Window) -> T) -> T {
        // Nothing can panic under the lock, so the window is consistent even if poisoned.
        change(&mut self.window.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Window {
    /// Counts a line. Returns the number of lines to report before it; `None` leaves it out.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.ends.is_none_or(|ends| now >= ends) {
            self.ends = Some(now + WINDOW);
            self.lines = 0;
        }
        if self.lines == LINES {
            self.left_out += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_are_logged_and_the_rest_is_counted() {
        let mut window = Window::default();
        let start = Instant::from_micros(5);
        for i in 0..30 {
            assert_eq!(window.admit(start + Duration::from_millis(i)), (i < 10).then_some(0), "{i}");
        }
        assert_eq!(window.admit(start + WINDOW), Some(20));
        for _ in 0..9 {
            assert_eq!(window.admit(start + WINDOW), Some(0));
        }
        assert_eq!(window.admit(start + WINDOW), None);
        assert_eq!(window.admit(start + 3 * WINDOW), Some(1));
    }
}
