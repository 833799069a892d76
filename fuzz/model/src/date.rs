//! HTTP dates (RFC 9110 section 5.6.7).

use stelo_core::http::date::{format, parse};

/// The end of the year 9999: a leap second after it is written as this one.
const LAST: u64 = 253_402_300_799;

/// A date that was read is written as the same instant, with the time of day of the input.
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
