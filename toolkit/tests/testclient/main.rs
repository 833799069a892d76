//! The test client: cookies, redirects, addresses, bodies, streams and time.

mod cookies;
mod headers;
mod redirects;
mod streams;
mod time;
mod websockets;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Returns the message of the panic of `work`.
fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(work)).err().expect("a panic");
    match panic.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => (*panic.downcast_ref::<&str>().expect("a text")).to_owned(),
    }
}
