//! HTTP dates: reading never panics, and what was read is written as the same moment.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stelo_core::http::date::{format, parse};

/// The end of the year 9999: a leap second after it is written as this one.
const LAST: u64 = 253_402_300_799;

fuzz_target!(|text: &[u8]| {
    if let Some(seconds) = parse(text) {
        assert_eq!(parse(&format(seconds)), Some(seconds.min(LAST)));
    }
});
