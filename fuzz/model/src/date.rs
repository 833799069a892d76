//! HTTP dates (RFC 9110 section 5.6.7).

use stelo_core::http::date::{format, parse};

/// The end of the year 9999: a leap second after it is written as this one.
const LAST: u64 = 253_402_300_799;

/// Reading never panics, and what was read is written as the same moment.
///
/// The input: the date.
pub fn date(input: &[u8]) {
    if let Some(seconds) = parse(input) {
        assert_eq!(parse(&format(seconds)), Some(seconds.min(LAST)));
    }
}
