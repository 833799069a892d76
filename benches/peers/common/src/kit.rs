//! Shared by the servers of `kit/`, which have the parts of a toolkit: middleware, sessions, forms, files.

use std::fmt::Write;

/// The secret of sessions, as long as the longest key that a framework wants.
pub const SECRET: &[u8; 64] = b"a secret of 64 bytes that signs the cookies of all these servers";

/// The origin that CORS allows.
pub const ORIGIN: &str = "https://app.example.org";

/// The hosts that the check of `host` allows.
pub const HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];

/// The levels of compression that all frameworks have, as those of actix-web are fixed: gzip, Brotli, Zstandard.
pub const FAST: (u8, u8, u8) = (1, 3, 3);

/// The default levels of Stelo.
pub const MIDDLE: (u8, u8, u8) = (6, 4, 3);

/// Seconds that a handler may take.
pub const TIMEOUT: u64 = 10;

/// Bytes that a request may have.
pub const BODY_LIMIT: usize = 1 << 20;

/// Requests that may be handled at once.
pub const CONCURRENCY: usize = 1024;

/// 100 KiB of JSON: a list of records.
pub fn records() -> String {
    let mut json = String::from("[");
    for n in 0u64.. {
        let (user, hash) = (n * 7919 % 1000, n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24);
        write!(
            json,
            r#"{{"id":{n},"user":"user-{user}","text":"message {hash:010x}","read":{}}},"#,
            hash % 3 == 0
        )
        .expect("a string takes all");
        if json.len() > (100 << 10) - 100 {
            break;
        }
    }
    json.pop();
    let pad = (100 << 10) - json.len() - 1;
    json.extend(std::iter::repeat_n(' ', pad));
    json.push(']');
    json
}
