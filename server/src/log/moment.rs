//! Times of the log, in UTC.

use std::fmt;

use stelo_core::http::date;

/// A second, taken apart. The parts are slices of its HTTP date: `Sun, 06 Nov 1994 08:49:37 GMT`.
#[derive(Clone, Copy)]
pub(super) struct Moment([u8; date::LEN]);

/// Displays by a function.
struct Show<F>(F);

impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Show<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";

impl Moment {
    /// Returns the time this number of seconds after the start of 1970.
    pub(super) fn of(seconds: u64) -> Self {
        Self(date::format(seconds))
    }

    fn part(&self, start: usize, end: usize) -> &str {
        self.0.get(start..end).and_then(|part| str::from_utf8(part).ok()).unwrap_or_default()
    }

    /// Displays the time as in `1994-11-06T08:49:37`.
    pub(super) fn iso(&self) -> impl fmt::Display {
        Show(|f: &mut fmt::Formatter<'_>| write!(f, "{}T{}", self.date(), self.part(17, 25)))
    }

    /// Displays the time as Python's `logging` does, without the milliseconds: `1994-11-06 08:49:37`.
    pub(super) fn plain(&self) -> impl fmt::Display {
        Show(|f: &mut fmt::Formatter<'_>| write!(f, "{} {}", self.date(), self.part(17, 25)))
    }

    /// Displays the time as the Common Log Format has it: `06/Nov/1994:08:49:37 +0000`.
    pub(super) fn common(&self) -> impl fmt::Display {
        Show(|f: &mut fmt::Formatter<'_>| {
            let (day, month, year) = (self.part(5, 7), self.part(8, 11), self.part(12, 16));
            write!(f, "{day}/{month}/{year}:{} +0000", self.part(17, 25))
        })
    }

    fn date(&self) -> impl fmt::Display {
        Show(|f: &mut fmt::Formatter<'_>| {
            let month = MONTHS.find(self.part(8, 11)).map_or(1, |at| at / 3 + 1);
            write!(f, "{}-{month:02}-{}", self.part(12, 16), self.part(5, 7))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_forms_of_logs() {
        let moment = Moment::of(784_111_777);
        assert_eq!(moment.iso().to_string(), "1994-11-06T08:49:37");
        assert_eq!(moment.plain().to_string(), "1994-11-06 08:49:37");
        assert_eq!(moment.common().to_string(), "06/Nov/1994:08:49:37 +0000");
        assert_eq!(Moment::of(0).iso().to_string(), "1970-01-01T00:00:00");
    }
}
