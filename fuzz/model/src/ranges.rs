//! The `Range` header field (RFC 9110 section 14).

use std::ops::Range;

use stelo_core::http::range::{InvalidRange, MAX_RANGES, Selection, select};

use crate::source::Source;

/// Checks that a field selects the bytes that its members name, as sorted ranges with a gap between them.
///
/// The input: the size of the representation as a text, at most 999, then the value of the field.
pub fn ranges(input: &[u8]) {
    let mut source = Source::new(input);
    let digits = source.bytes().iter().filter(|byte| byte.is_ascii_digit()).take(3);
    let size = digits.fold(0, |size, digit| size * 10 + u64::from(digit - b'0'));
    let value = source.rest();
    let selection = select(value, size);
    assert_eq!(selection, expected(value, size), "{} of {size}", value.escape_ascii());
    let Ok(Selection::Ranges(ranges)) = selection else { return };
    assert!(!ranges.is_empty() && ranges.iter().all(|range| range.start < range.end && range.end <= size));
    assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start), "{ranges:?}");
}

/// Reads the field as text, and merges ranges byte by byte.
fn expected(value: &[u8], size: u64) -> Result<Selection, InvalidRange> {
    let text: String = value.iter().map(|&byte| char::from(byte)).collect();
    let Some((unit, set)) = text.split_once('=') else { return Err(InvalidRange::Malformed) };
    if !trimmed(unit).eq_ignore_ascii_case("bytes") {
        return Ok(Selection::Whole);
    }
    let members: Vec<_> = set.split(',').filter_map(|member| member_of(trimmed(member), size)).collect();
    if members.len() > MAX_RANGES {
        return Ok(Selection::Whole);
    }
    if members.is_empty() {
        return Err(InvalidRange::Empty);
    }
    if members.iter().any(|member| member.start >= u128::from(size)) {
        return Err(InvalidRange::Unsatisfiable);
    }
    if members.iter().any(|member| member.is_empty()) {
        return Err(InvalidRange::Inverted);
    }
    let named = |byte: u64| members.iter().any(|member| member.contains(&u128::from(byte)));
    let starts = (0..size).filter(|&byte| named(byte) && !byte.checked_sub(1).is_some_and(named));
    let range = |start| start..(start..size).find(|&byte| !named(byte)).unwrap_or(size);
    Ok(Selection::Ranges(starts.map(range).collect()))
}

/// The bytes that a member names; `None` if it is not a range.
fn member_of(member: &str, size: u64) -> Option<Range<u128>> {
    let (first, last) = member.split_once('-')?;
    let (first, last, size) = (trimmed(first), trimmed(last), u128::from(size));
    match (first.is_empty(), last.is_empty()) {
        (true, true) => None,
        (true, false) => Some(size.saturating_sub(number(last)?)..size),
        (false, true) => Some(number(first)?..size),
        (false, false) => Some(number(first)?..size.min(number(last)?.saturating_add(1))),
    }
}

fn number(digits: &str) -> Option<u128> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u128::MAX))
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\x0c'])
}
