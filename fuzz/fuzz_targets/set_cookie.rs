//! The `set-cookie` field: see the function of this name in `stelo-model`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| stelo_model::set_cookie(input));
