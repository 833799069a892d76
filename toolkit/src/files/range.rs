//! The `Range` header field: which part of a file the client wants (RFC 9110 section 14).
//!
//! A single range is answered with that range, several ranges with the whole file, which the RFC allows.

use std::ops::Range;

use stelo_core::http::{Headers, Status};

use super::conditional::Validators;
use super::refusal;
use crate::response::HttpError;

/// The part of the file to send.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Selection {
    /// The whole file.
    Whole,
    /// The bytes of this range, at least one.
    Part(Range<u64>),
}

/// Returns what a GET request selects of a file of `size` bytes.
///
/// # Errors
/// 400 if the field is malformed, 416 if the range is outside the file.
pub(super) fn select(headers: &Headers, file: &Validators, size: u64) -> Result<Selection, HttpError> {
    let mut values = headers.get_all("range");
    match (values.next(), values.next()) {
        (Some(value), None) if file.allow_range(headers) => parse(&String::from_utf8_lossy(value), size),
        _ => Ok(Selection::Whole),
    }
}

fn parse(value: &str, size: u64) -> Result<Selection, HttpError> {
    let Some((unit, set)) = value.split_once('=') else {
        return Err(malformed());
    };
    // An unknown unit must be ignored (section 14.2).
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Ok(Selection::Whole);
    }
    let mut members = set.split(',').map(str::trim).filter(|member| !member.is_empty());
    let member = match (members.next(), members.next()) {
        (Some(member), None) => member,
        (Some(_), Some(_)) => return Ok(Selection::Whole),
        (None, _) => return Err(malformed()),
    };
    let (first, last) = member.split_once('-').ok_or_else(malformed)?;
    let range = match (first, last) {
        ("", suffix) => size.saturating_sub(number(suffix)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(malformed());
            }
            first..last.saturating_add(1).min(size)
        }
    };
    if range.is_empty() {
        let error = refusal(Status::RANGE_NOT_SATISFIABLE, "content-range", format!("bytes */{size}"));
        return Err(error.with_detail(""));
    }
    Ok(Selection::Part(range))
}

/// Reads a number. A number that overflows is larger than any file.
fn number(digits: &str) -> Result<u64, HttpError> {
    match !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(digits.parse().unwrap_or(u64::MAX)),
        false => Err(malformed()),
    }
}

fn malformed() -> HttpError {
    HttpError::new(Status::BAD_REQUEST).with_detail("malformed range: ask for `bytes=first-last`")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The selection of a field from ten bytes.
    fn of_ten(value: &str) -> Result<Selection, u16> {
        parse(value, 10).map_err(|error| error.status.code())
    }

    #[test]
    fn single_ranges_are_clipped_to_the_file() {
        for (value, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-10", 0..10),
            ("bytes=5-", 5..10),
            ("bytes=9-", 9..10),
            ("bytes=-3", 7..10),
            ("bytes=-20", 0..10),
            ("BYTES = 0-1", 0..2),
            ("bytes=,0-1,", 0..2),
            ("bytes=1-99999999999999999999999", 1..10),
        ] {
            assert_eq!(of_ten(value), Ok(Selection::Part(range)), "{value}");
        }
    }

    #[test]
    fn a_field_that_is_not_a_single_range_of_bytes_is_ignored() {
        for value in ["items=0-1", "bytes=0-1,3-4", "=0-1"] {
            assert_eq!(of_ten(value), Ok(Selection::Whole), "{value}");
        }
    }

    #[test]
    fn ranges_outside_the_file_are_not_satisfiable() {
        for value in ["bytes=10-", "bytes=-0", "bytes=10-12", "bytes=99999999999999999999999-"] {
            assert_eq!(of_ten(value), Err(416), "{value}");
        }
        for value in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            let error = parse(value, 0).unwrap_err();
            assert_eq!(error.status, Status::RANGE_NOT_SATISFIABLE, "{value}");
            assert_eq!(error.headers.get_str("content-range"), Some("bytes */0"), "{value}");
        }
    }

    #[test]
    fn invalid_ranges_are_malformed() {
        for value in
            ["", "0-1", "bytes=", "bytes=,", "bytes=5", "bytes=5-4", "bytes=a-b", "bytes=0-1-2", "bytes=-"]
        {
            assert_eq!(of_ten(value), Err(400), "{value}");
        }
    }
}
