//! The `Range` header field: which parts of a representation a client wants (RFC 9110 section 14).
//!
//! Preconditions and `If-Range` come first, and are the caller's.

use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::ops::Range;

/// The most ranges of one field. A field with more selects the whole representation.
pub const MAX_RANGES: usize = 100;

/// The parts of a representation that a `Range` field selects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selection {
    /// The whole representation: the unit is not `bytes`, or there are more than [`MAX_RANGES`] ranges.
    Whole,
    /// These ranges, at least one, none of them empty. They are sorted, and do not overlap or touch.
    Ranges(Vec<Range<u64>>),
}

/// Returns the parts of a representation of `size` bytes that the value of a `Range` field selects.
///
/// Ignores members that are not a range, such as `a-b`. Ranges are cut off at the end of the representation, sorted, and
/// merged if they overlap or touch. Takes O(n log n) for n ranges.
///
/// ```
/// use stelo_core::http::range::{InvalidRange, Selection, select};
///
/// assert_eq!(select(b"bytes=5-6, 0-1, 2-3", 10), Ok(Selection::Ranges(vec![0..4, 5..7])));
/// assert_eq!(select(b"bytes=-3", 10), Ok(Selection::Ranges(vec![7..10])));
/// assert_eq!(select(b"bytes=10-", 10), Err(InvalidRange::Unsatisfiable));
/// assert_eq!(select(b"items=1-2", 10), Ok(Selection::Whole));
/// ```
///
/// # Errors
/// The field is malformed, or a range is outside the representation.
pub fn select(value: &[u8], size: u64) -> Result<Selection, InvalidRange> {
    let equals = value.iter().position(|&byte| byte == b'=').ok_or(InvalidRange::Malformed)?;
    let (unit, set) = (&value[..equals], &value[equals + 1..]);
    // An unknown unit must be ignored (section 14.2).
    if !unit.trim_ascii().eq_ignore_ascii_case(b"bytes") {
        return Ok(Selection::Whole);
    }
    let members = set.split(|&byte| byte == b',').filter_map(|member| Member::parse(member.trim_ascii()));
    let mut ranges = Vec::new();
    let (mut outside, mut inverted) = (false, false);
    for (number, member) in members.enumerate() {
        if number == MAX_RANGES {
            return Ok(Selection::Whole);
        }
        let (start, end) = member.resolve(size);
        outside |= start >= size;
        inverted |= start >= end;
        ranges.push(start..end);
    }
    match (ranges.len(), outside, inverted) {
        (0, ..) => Err(InvalidRange::Empty),
        (_, true, _) => Err(InvalidRange::Unsatisfiable),
        (_, _, true) => Err(InvalidRange::Inverted),
        (1, ..) => Ok(Selection::Ranges(ranges)),
        _ => Ok(Selection::Ranges(merge(ranges))),
    }
}

/// Sorts ranges, and merges those that overlap or touch.
fn merge(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
    ranges
}

/// A member of the set of ranges (section 14.1.1).
enum Member {
    /// `first-last`, both inclusive.
    Closed(u64, u64),
    /// `first-`
    From(u64),
    /// `-length`
    Suffix(u64),
}

impl Member {
    /// Reads a member. `None` if it is not a range.
    fn parse(member: &[u8]) -> Option<Self> {
        let dash = member.iter().position(|&byte| byte == b'-')?;
        let (first, last) = (member[..dash].trim_ascii(), member[dash + 1..].trim_ascii());
        match (first.is_empty(), last.is_empty()) {
            (true, true) => None,
            (true, false) => Some(Self::Suffix(number(last)?)),
            (false, true) => Some(Self::From(number(first)?)),
            (false, false) => Some(Self::Closed(number(first)?, number(last)?)),
        }
    }

    /// Returns the start and the end of the range, which is cut off at `size`.
    fn resolve(self, size: u64) -> (u64, u64) {
        match self {
            Self::Closed(first, last) => (first, last.saturating_add(1).min(size)),
            Self::From(first) => (first, size),
            Self::Suffix(length) => (size.saturating_sub(length), size),
        }
    }
}

/// Reads a number. A number that overflows is larger than any representation.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

/// Why a `Range` field selects nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum InvalidRange {
    /// There is no `=` between unit and ranges: status 400.
    Malformed,
    /// No member is a range: status 400.
    Empty,
    /// A range ends before it starts: status 400.
    Inverted,
    /// A range starts after the end of the representation: status 416.
    Unsatisfiable,
}

impl fmt::Display for InvalidRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed range: send `bytes=first-last`",
            Self::Empty => "the range field has no range: send `bytes=first-last`",
            Self::Inverted => "a range ends before it starts: send `bytes=first-last`",
            Self::Unsatisfiable => "a range starts after the end of the content",
        })
    }
}

impl Error for InvalidRange {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    /// Selects from ten bytes.
    fn of_ten(value: &str) -> Result<Selection, InvalidRange> {
        select(value.as_bytes(), 10)
    }

    #[test]
    fn ranges_are_cut_off_at_the_end_and_merged() {
        for (value, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-10", 0..10),
            ("bytes=5-", 5..10),
            ("bytes=9-", 9..10),
            ("bytes=-3", 7..10),
            ("bytes=-20", 0..10),
            ("BYTES = 0-1", 0..2),
            ("bytes=,0-1,", 0..2),
            ("bytes= 0 - 1 ", 0..2),
            ("bytes=-,0-1,x-y", 0..2),
            ("bytes=1-99999999999999999999999", 1..10),
            ("bytes=0-1,2-3", 0..4),
            ("bytes=0-5,2-3", 0..6),
            ("bytes=0-,1-,2-", 0..10),
        ] {
            assert_eq!(of_ten(value), Ok(Selection::Ranges(vec![range])), "{value}");
        }
    }

    #[test]
    fn several_ranges_are_sorted_and_merged() {
        for (value, ranges) in [
            ("bytes=0-1,3-4", vec![0..2, 3..5]),
            ("bytes=3-4,0-1", vec![0..2, 3..5]),
            ("bytes=0-0,0-0,-1", vec![0..1, 9..10]),
        ] {
            assert_eq!(of_ten(value), Ok(Selection::Ranges(ranges)), "{value}");
        }
    }

    #[test]
    fn a_field_with_another_unit_or_too_many_ranges_selects_the_whole() {
        assert_eq!(of_ten("items=0-1"), Ok(Selection::Whole));
        assert_eq!(of_ten("=0-1"), Ok(Selection::Whole));
        let many = |count: usize| alloc::format!("bytes={}", vec!["0-0"; count].join(","));
        assert_eq!(of_ten(&many(MAX_RANGES)), of_ten("bytes=0-0"));
        assert_eq!(of_ten(&many(MAX_RANGES + 1)), Ok(Selection::Whole));
    }

    #[test]
    fn ranges_outside_the_representation_are_unsatisfiable() {
        for value in [
            "bytes=10-",
            "bytes=-0",
            "bytes=10-12",
            "bytes=12-11",
            "bytes=0-1,20-30",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(of_ten(value), Err(InvalidRange::Unsatisfiable), "{value}");
        }
        for value in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(select(value.as_bytes(), 0), Err(InvalidRange::Unsatisfiable), "{value}");
        }
    }

    #[test]
    fn invalid_fields_say_what_is_wrong() {
        for (value, error) in [
            ("", InvalidRange::Malformed),
            ("0-1", InvalidRange::Malformed),
            ("bytes=", InvalidRange::Empty),
            ("bytes=,", InvalidRange::Empty),
            ("bytes=5", InvalidRange::Empty),
            ("bytes=-", InvalidRange::Empty),
            ("bytes=a-b", InvalidRange::Empty),
            ("bytes=+1-2", InvalidRange::Empty),
            ("bytes=1_0-", InvalidRange::Empty),
            ("bytes=0-1-2", InvalidRange::Empty),
            ("bytes=5-4", InvalidRange::Inverted),
            ("bytes=5-2", InvalidRange::Inverted),
            ("bytes=0-1,5-4", InvalidRange::Inverted),
        ] {
            assert_eq!(of_ten(value), Err(error), "{value}");
        }
    }

    proptest! {
        /// The bytes that are selected are those that at least one member names.
        #[test]
        fn ranges_select_the_bytes_that_they_name(
            members in proptest::collection::vec((0u64..60, 0u64..60), 1..20),
            size in 1u64..50,
        ) {
            let text: Vec<_> = members.iter().map(|(first, last)| alloc::format!("{first}-{last}")).collect();
            let selection = select(alloc::format!("bytes={}", text.join(",")).as_bytes(), size);
            let outside = members.iter().any(|&(first, _)| first >= size);
            let inverted = members.iter().any(|&(first, last)| first > last);
            match selection {
                Err(InvalidRange::Unsatisfiable) => prop_assert!(outside),
                Err(InvalidRange::Inverted) => prop_assert!(inverted && !outside),
                Ok(Selection::Ranges(ranges)) => {
                    prop_assert!(!outside && !inverted);
                    for byte in 0..size {
                        let named = members.iter().any(|(first, last)| (first..=last).contains(&&byte));
                        prop_assert_eq!(named, ranges.iter().any(|range| range.contains(&byte)));
                    }
                    prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
