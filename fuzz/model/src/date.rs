//! HTTP dates (RFC 9110 section 5.6.7).

use stelo_core::http::date::{format, parse};

/// The last second of the year 9999. A leap second after it is formatted as this second.
const LAST: u64 = 253_402_300_799;

/// Checks that parsing and formatting a date keeps the instant and the time of day.
///
/// The input: the date.
pub fn date(input: &[u8]) {
    if let Some(seconds) = parse(input) {
        let written = format(seconds);
        assert_eq!(parse(&written), Some(seconds.min(LAST)));
        let has = |text: &[u8]| input.windows(text.len()).any(|part| part == text);
        assert!(has(b":60") || has(&written[17..25]), "{} in {}", seconds, input.escape_ascii());
    }
}
