//! Sessions of TLS: see the function of this name in `stelo-model`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| stelo_model::tls_pump(input));
