//! The limits and timeouts of HTTP/1.1, each with its default and the attack that it answers.

use core::time::Duration;

use crate::proto::values;

values! {
    /// The configuration of a connection. Connections share it in an [`Arc`](alloc::sync::Arc).
    ///
    /// ```
    /// use std::time::Duration;
    /// use stelo_core::h1::{Config, Limits, Timeouts};
    ///
    /// let config = Config::DEFAULT
    ///     .limits(Limits::DEFAULT.head(64 << 10).fields(200))
    ///     .timeouts(Timeouts::DEFAULT.keep_alive(Duration::from_secs(75)));
    /// assert_eq!(config.limits.fields, 200);
    /// ```
    pub struct Config {
        /// The sizes and counts that a connection accepts.
        pub limits: Limits = Limits::DEFAULT,
        /// The times that it waits.
        pub timeouts: Timeouts = Timeouts::DEFAULT,
        /// Whether a client may begin with the preface of HTTP/2 (RFC 9113 section 3.3). The machine then ends with
        /// [`CloseState::Switched`](crate::proto::CloseState::Switched), and
        /// [`take_input`](crate::proto::HttpMachine::take_input) returns the bytes from the preface on. Default `false`:
        /// such a client gets 505.
        pub http2: bool = false,
    }
}

values! {
    /// The sizes and counts that a connection accepts. Sizes are in bytes.
    pub struct Limits {
        /// The request line with its line end. Default 8 KiB; a longer one is answered with 414. Against endless
        /// targets.
        pub request_line: usize = 8 << 10,
        /// The method. Default 32; a longer one is answered with 501. Against endless methods.
        pub method: usize = 32,
        /// One header field line. Default 8 KiB; a longer one is answered with 431. Against huge cookies.
        pub field_line: usize = 8 << 10,
        /// All header fields together, with their line ends. Default 32 KiB; more is answered with 431. Against
        /// endless headers.
        pub head: usize = 32 << 10,
        /// The number of header fields. Default 100; more are answered with 431. Against floods of tiny fields.
        pub fields: usize = 100,
        /// One chunk-size line with its extensions and line end. Default 256; a longer one is answered with 400.
        /// Against endless chunk extensions.
        pub chunk_line: usize = 256,
        /// All chunk extensions of one body together. Default 16 KiB; more is answered with 400. Against one-byte
        /// chunks with large extensions.
        pub chunk_extensions: usize = 16 << 10,
        /// All trailer fields together, with their line ends. Default 16 KiB; more is answered with 431. Against
        /// endless trailers.
        pub trailers: usize = 16 << 10,
        /// The number of trailer fields. Default 32; more are answered with 431. Against floods of tiny fields.
        pub trailer_fields: usize = 32,
        /// A request body. Default: no limit, because a streamed body needs no memory, and
        /// [`Body::collect`](crate::body::Body::collect) has a limit of its own. A larger body is answered with 413.
        /// Against endless uploads.
        pub body: Option<u64> = None,
        /// The bytes of a request body that must come each second, on average over the time that the application waits for
        /// them, and after the first 10 s of it; 408 otherwise. Once a response has begun, the rate does not count, so that
        /// both sides may stream. Default 500; `None` means no rate. Against bodies that trickle in.
        pub body_rate: Option<u64> = Some(500),
        /// The rest of a request body that is read and dropped after a response, so that the connection can be used
        /// again. If more is missing, or the rest has no known length, the response says `connection: close`. Default
        /// 64 KiB. Against uploads to a handler that does not read them.
        pub drain: usize = 64 << 10,
        /// The bytes that are read and dropped in a lingering close. Beyond the limit the client is held back until
        /// [`Timeouts::linger_total`] has passed. Default 256 MiB. Against fast uploads without end.
        pub linger: usize = 256 << 20,
        /// The number of requests on one connection. Default: no limit. The last one is answered with
        /// `connection: close`. Against clients that never leave a thread.
        pub requests: Option<u64> = None,
        /// The response bytes that wait to be written. Beyond the limit the machine takes no more of the body. Default
        /// 64 KiB. Against clients that read slowly.
        pub write_buffer: usize = 64 << 10,
    }
}

values! {
    /// The times that a connection waits. Zero means that it does not wait.
    pub struct Timeouts {
        /// From the start of the connection, or from the first byte of a later request, to the end of the request
        /// head. Default 10 s; then 408, or a silent close if nothing was received. Against slow heads ("slowloris").
        pub head: Duration = Duration::from_secs(10),
        /// From the end of a response to the first byte of the next request, or to the next byte of a request body
        /// that is read and dropped. Default 5 s, as Uvicorn's `--timeout-keep-alive`; then a silent close. Against
        /// idle connections.
        pub keep_alive: Duration = Duration::from_secs(5),
        /// In a shutdown, the time from the end of a response, or from the start of the connection, in which a request is
        /// still answered: that response says `connection: close`, which the last one did not. Default 1 s, or
        /// `keep_alive` if that is less; then a silent close. nginx has it as `keepalive_min_timeout`. Against requests
        /// that cross the close of their connection.
        pub keep_alive_min: Duration = Duration::from_secs(1),
        /// The longest time without a byte of the body, while the application waits for it. Default 30 s; then 408.
        /// Against slow uploads.
        pub body: Duration = Duration::from_secs(30),
        /// The longest time without progress while there is something to write. Default 30 s; then the connection is
        /// aborted. Against clients that never read.
        pub write: Duration = Duration::from_secs(30),
        /// In a lingering close after a complete request, or one that was too slow, the time in which the peer can read
        /// the response and close. Default 1 s.
        pub linger: Duration = Duration::from_secs(1),
        /// In a lingering close inside a request, the longest time without a byte of its rest. Default 5 s, as nginx's
        /// `lingering_timeout`. Many clients read the response only after they have sent their whole body.
        pub linger_read: Duration = Duration::from_secs(5),
        /// The longest lingering close. Default 30 s, as nginx's `lingering_time`. Against endless requests.
        pub linger_total: Duration = Duration::from_secs(30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    /// A size in the unit that the page uses.
    fn size(bytes: usize) -> String {
        if bytes.is_multiple_of(1024) { format!("{} KiB", bytes / 1024) } else { bytes.to_string() }
    }

    #[test]
    fn the_page_shows_every_default() {
        let page = include_str!("../../../docs/core/http1.md");
        // Destructured, so that a new field is missing here.
        let Limits {
            request_line,
            method,
            field_line,
            head,
            fields,
            chunk_line,
            chunk_extensions,
            trailers,
            trailer_fields,
            body,
            body_rate,
            drain,
            linger: linger_bytes,
            requests,
            write_buffer,
        } = Limits::DEFAULT;
        let Timeouts {
            head: head_time,
            keep_alive,
            keep_alive_min,
            body: body_time,
            write,
            linger,
            linger_read,
            linger_total,
        } = Timeouts::DEFAULT;
        let none = |limit: Option<u64>| limit.map_or("none".into(), |limit| limit.to_string());
        for (name, default) in [
            ("limits.request_line", size(request_line)),
            ("limits.method", method.to_string()),
            ("limits.field_line", size(field_line)),
            ("limits.head", size(head)),
            ("limits.fields", fields.to_string()),
            ("limits.chunk_line", chunk_line.to_string()),
            ("limits.chunk_extensions", size(chunk_extensions)),
            ("limits.trailers", size(trailers)),
            ("limits.trailer_fields", trailer_fields.to_string()),
            ("limits.body", none(body)),
            ("limits.body_rate", none(body_rate)),
            ("limits.drain", size(drain)),
            ("limits.linger", format!("{} MiB", linger_bytes >> 20)),
            ("limits.requests", none(requests)),
            ("limits.write_buffer", size(write_buffer)),
            ("timeouts.head", format!("{head_time:?}")),
            ("timeouts.keep_alive", format!("{keep_alive:?}")),
            ("timeouts.keep_alive_min", format!("{keep_alive_min:?}")),
            ("timeouts.body", format!("{body_time:?}")),
            ("timeouts.write", format!("{write:?}")),
            ("timeouts.linger", format!("{linger:?}")),
            ("timeouts.linger_read", format!("{linger_read:?}")),
            ("timeouts.linger_total", format!("{linger_total:?}")),
        ] {
            let row = format!("\n| `{name}` | {default} |");
            assert!(page.contains(&row), "docs/core/http1.md has no row that begins with{row}");
        }
    }
}
