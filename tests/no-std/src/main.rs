//! The core in a program that has no std, no C library and no executor: whatever in it needed one would be an error
//! of the linker here.
//!
//! `cargo xtask no-std` builds and runs it. It ends with exit code 0 if all went as it should.
#![no_std]
#![no_main]

extern crate alloc;

mod system;

use alloc::format;

use stelo_core::Bytes;
use stelo_core::http::{Method, RequestHead, date};

extern "C" fn main() -> ! {
    let head = RequestHead::new(Method::Get, "/users/7?full=1");
    let text = format!("{head:?} {}\n", date::format(0).escape_ascii());
    let bytes = Bytes::from(text);
    system::write(&bytes);
    system::exit(0)
}
