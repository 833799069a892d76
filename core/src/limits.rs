//! Every limit and every timer of the protocol machines: a name, a unit, a default, the attack it answers.

use core::time::Duration;

/// What a machine holds and tolerates at most. Sizes are in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Request line with its line end. Default 8 KiB; beyond it 414. Answers endless targets.
    pub request_line: usize,
    /// The method. Default 32; beyond it 501. Answers endless methods.
    pub method: usize,
    /// One header field line. Default 8 KiB; beyond it 431. Answers huge cookies.
    pub field_line: usize,
    /// All header fields together, line ends included. Default 32 KiB; beyond it 431. Answers endless headers.
    pub head: usize,
    /// The number of header fields. Default 100; beyond it 431. Answers many tiny headers.
    pub fields: usize,
    /// One chunk-size line, extensions and line end included. Default 256; beyond it 400. Answers endless chunk
    /// extensions.
    pub chunk_line: usize,
    /// The chunk extensions of one body together. Default 16 KiB; beyond it 400. Answers one-byte chunks with
    /// large extensions.
    pub chunk_extensions: usize,
    /// All trailer fields together, line ends included. Default 16 KiB; beyond it 431. Answers endless trailers.
    pub trailers: usize,
    /// The number of trailer fields. Default 32; beyond it 431. Answers many tiny trailers.
    pub trailer_fields: usize,
    /// A request body. Default none: a streamed body needs no memory, and what collects one has a limit of its
    /// own ([`Body::collect`](crate::body::Body::collect)); beyond it 413. Answers endless uploads.
    pub body: Option<u64>,
    /// Body bytes that the application left unread and that are read and dropped to keep the connection; beyond it
    /// the connection is closed. Apart from that, the bytes read and dropped in a lingering close; beyond it nothing
    /// more is read. Default 64 KiB. Answers uploads to a handler that does not want them.
    pub drain: usize,
    /// Requests on one connection. Default none; the last one is answered with `connection: close`. Answers
    /// clients that never let go of a worker.
    pub requests: Option<u64>,
    /// Response bytes waiting to be written, beyond which the machine asks the application for no more.
    /// Default 64 KiB. Answers clients that read slowly.
    pub write_buffer: usize,
}

impl Limits {
    /// The defaults, as a constant.
    pub const DEFAULT: Self = Self {
        request_line: 8 << 10,
        method: 32,
        field_line: 8 << 10,
        head: 32 << 10,
        fields: 100,
        chunk_line: 256,
        chunk_extensions: 16 << 10,
        trailers: 16 << 10,
        trailer_fields: 32,
        body: None,
        drain: 64 << 10,
        requests: None,
        write_buffer: 64 << 10,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long a machine waits. Zero means: not at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// From the opening of the connection, or the first byte of a later request, to the end of the request head.
    /// Default 10 s; then 408, or a silent close if nothing came. Answers slow heads ("slowloris").
    pub head: Duration,
    /// From the end of a response to the first byte of the next request. Default 5 s, as Uvicorn's
    /// `--timeout-keep-alive`; then a silent close. Answers idle connections.
    pub keep_alive: Duration,
    /// While the application waits for the body: the longest time without a byte. Default 30 s; then 408.
    /// Answers slow uploads.
    pub body: Duration,
    /// While there is something to write: the longest time without progress. Default 30 s; then the connection
    /// is given up. Answers clients that never read.
    pub write: Duration,
    /// In a lingering close: how long to wait for the peer to read the answer and close. Default 1 s.
    pub linger: Duration,
}

impl Timeouts {
    /// The defaults, as a constant.
    pub const DEFAULT: Self = Self {
        head: Duration::from_secs(10),
        keep_alive: Duration::from_secs(5),
        body: Duration::from_secs(30),
        write: Duration::from_secs(30),
        linger: Duration::from_secs(1),
    };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Why a machine wants to be called at a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// [`Timeouts::head`]
    Head,
    /// [`Timeouts::keep_alive`]
    KeepAlive,
    /// [`Timeouts::body`]
    Body,
    /// [`Timeouts::write`]
    Write,
    /// [`Timeouts::linger`]
    Linger,
    /// [`ping_interval`](crate::ws::Timeouts::ping_interval) of a WebSocket
    Ping,
    /// [`ping_timeout`](crate::ws::Timeouts::ping_timeout) of a WebSocket
    Pong,
    /// [`close`](crate::ws::Timeouts::close) of a WebSocket
    Close,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    /// As a person would write it.
    fn size(bytes: usize) -> String {
        if bytes.is_multiple_of(1024) { format!("{} KiB", bytes / 1024) } else { bytes.to_string() }
    }

    #[test]
    fn the_page_shows_every_default() {
        let page = include_str!("../../docs/core/http1.md");
        // Taken apart, so that what is new is missed here.
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
            drain,
            requests,
            write_buffer,
        } = Limits::DEFAULT;
        let Timeouts { head: head_time, keep_alive, body: body_time, write, linger } = Timeouts::DEFAULT;
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
            ("limits.drain", size(drain)),
            ("limits.requests", none(requests)),
            ("limits.write_buffer", size(write_buffer)),
            ("timeouts.head", format!("{head_time:?}")),
            ("timeouts.keep_alive", format!("{keep_alive:?}")),
            ("timeouts.body", format!("{body_time:?}")),
            ("timeouts.write", format!("{write:?}")),
            ("timeouts.linger", format!("{linger:?}")),
        ] {
            let row = format!("\n| `{name}` | {default} |");
            assert!(page.contains(&row), "docs/core/http1.md has no row that begins with{row}");
        }
    }
}
