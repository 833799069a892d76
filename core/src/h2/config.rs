//! The limits and timeouts of HTTP/2, each with its default and the attack that it answers.

use core::time::Duration;

use crate::proto::values;

values! {
    /// The configuration of a connection. Connections share it in an [`Arc`](alloc::sync::Arc).
    ///
    /// ```
    /// use stelo_core::h2::{Config, Limits};
    ///
    /// let config = Config::DEFAULT.limits(Limits::DEFAULT.streams(250));
    /// assert_eq!(config.limits.streams, 250);
    /// ```
    pub struct Config {
        /// The sizes and counts that a connection accepts.
        pub limits: Limits = Limits::DEFAULT,
        /// The times that it waits.
        pub timeouts: Timeouts = Timeouts::DEFAULT,
        /// Whether extended CONNECT is accepted (RFC 8441): WebSockets over HTTP/2.
        pub extended_connect: bool = true,
    }
}

values! {
    /// The sizes and counts that a connection accepts. Sizes are in bytes.
    pub struct Limits {
        /// The streams that a client may have open: SETTINGS_MAX_CONCURRENT_STREAMS. Default 100; a further request is
        /// refused, and the client may repeat it. Against floods of requests.
        pub streams: u32 = 100,
        /// The target. Default 8 KiB; a longer one is answered with 414. Against endless targets.
        pub target: usize = 8 << 10,
        /// The method. Default 32; a longer one is answered with 501. Against endless methods.
        pub method: usize = 32,
        /// One header field. Default 8 KiB; a longer one is answered with 431. Against huge cookies.
        pub field_line: usize = 8 << 10,
        /// All header fields together, decoded, with 32 more for each: SETTINGS_MAX_HEADER_LIST_SIZE. Default 32 KiB; more
        /// is answered with 431, and four times as much ends the connection. Against header fields that are small on the
        /// wire and large in memory (HPACK bombs).
        pub head: usize = 32 << 10,
        /// The number of header fields, each part of a cookie counted. Default 100; more are answered with 431. Against
        /// floods of tiny fields.
        pub fields: usize = 100,
        /// All trailer fields together, with 32 more for each. Default 16 KiB; more is answered with 431. Against endless
        /// trailers.
        pub trailers: usize = 16 << 10,
        /// The number of trailer fields. Default 32; more are answered with 431. Against floods of tiny fields.
        pub trailer_fields: usize = 32,
        /// The heads of all open requests together. Default 256 KiB; a further request is refused, and the client may
        /// repeat it. Against large heads on many streams.
        pub heads: usize = 256 << 10,
        /// The CONTINUATION frames of one header block. Default 8; more end the connection. Against blocks without an end.
        pub continuations: u32 = 8,
        /// The entries of one SETTINGS frame. Default 32; more end the connection. Against frames that take long to apply.
        pub settings: usize = 32,
        /// The table that the peer's encoder may use: SETTINGS_HEADER_TABLE_SIZE, below 64 KiB. Default 4 KiB. Against
        /// memory for each connection.
        pub table: u16 = 4 << 10,
        /// The largest frame that is accepted: SETTINGS_MAX_FRAME_SIZE, at least 16 KiB. Default 16 KiB. Against memory
        /// for each connection.
        pub frame: u32 = 16 << 10,
        /// A request body. Default: no limit, because a streamed body needs no memory. A larger body is answered with
        /// 413. Against endless uploads.
        pub body: Option<u64> = None,
        /// The bytes of a request body that must come each second, on average over the time that the application waits for
        /// them, and after the first 10 s of it; 408 otherwise. Once a response has begun, the rate does not count, so that
        /// both sides may stream. Default 500; `None` means no rate. Against bodies that trickle in.
        pub body_rate: Option<u64> = Some(500),
        /// The bytes of a request body that a client may send before the application reads:
        /// SETTINGS_INITIAL_WINDOW_SIZE. Default 64 KiB. Against uploads that the application does not
        /// read.
        pub window: u32 = 64 << 10,
        /// As `window`, once the application reads. Default 256 KiB.
        pub read_window: u32 = 256 << 10,
        /// The bytes of all request bodies that a client may send before the application reads. Default 1 MiB. Against
        /// uploads on many streams.
        pub connection_window: u32 = 1 << 20,
        /// The response bytes that wait to be written. Beyond the limit the machine takes no more of bodies, and begins no
        /// request. Default 64 KiB. Against clients that read slowly.
        pub write_buffer: usize = 64 << 10,
        /// The streams that end by a fault: reset by the peer, or by the server for a fault of the peer. Default 200; more
        /// end the connection. Against rapid reset.
        pub resets: u32 = 200,
        /// The number of them that is forgotten each second. Default 20.
        pub resets_per_second: u32 = 20,
        /// The frames that do nothing useful: empty or ignored ones, PING, PRIORITY, SETTINGS (counted as 4), and
        /// WINDOW_UPDATE of less than 256 bytes. A request and 4 KiB of a body give one back. Default 1,000; more end the
        /// connection. Against floods of cheap frames.
        pub glitches: u32 = 1_000,
        /// The number of them that is forgotten each second. Default 100.
        pub glitches_per_second: u32 = 100,
        /// The priorities that are remembered for streams that are not open yet. Default 100; the oldest is forgotten.
        /// Against floods of PRIORITY_UPDATE.
        pub priorities: usize = 100,
        /// The number of requests on one connection. Default: no limit. After the last one the server says GOAWAY.
        /// Against clients that never leave a thread.
        pub requests: Option<u64> = None,
        /// The bytes that are read and dropped in a lingering close. Beyond the limit the client is held back until
        /// [`Timeouts::linger_total`] has passed. Default 256 MiB. Against fast uploads without end.
        pub linger: usize = 256 << 20,
    }
}

values! {
    /// The times that a connection waits.
    pub struct Timeouts {
        /// From the start of the connection to the first SETTINGS, and from the beginning of a header block to its end.
        /// Default 10 s; then GOAWAY. Against slow heads ("slowloris").
        pub head: Duration = Duration::from_secs(10),
        /// For the acknowledgement of the server's settings. Default 10 s; then GOAWAY. Against clients that ignore them.
        pub settings: Duration = Duration::from_secs(10),
        /// While no stream is open. Default 5 s, as Uvicorn's `--timeout-keep-alive`; then GOAWAY. Against idle connections.
        pub keep_alive: Duration = Duration::from_secs(5),
        /// The longest time without a byte of the body, while the application waits for it. Default 30 s; then 408. It does
        /// not apply to tunnels and WebSockets. Against slow uploads.
        pub body: Duration = Duration::from_secs(30),
        /// The longest time in which the connection, or a stream with a response to send, makes less than 1 KiB of
        /// progress. Default 30 s; then the connection is aborted, or the stream is reset. Against clients that do not
        /// read, and windows that stay closed.
        pub write: Duration = Duration::from_secs(30),
        /// While streams are open, the time without input after which the server sends PING. Default 20 s. Against
        /// connections that are lost.
        pub ping: Duration = Duration::from_secs(20),
        /// The time in which input has to follow the PING. Default 20 s; then the connection is aborted.
        pub pong: Duration = Duration::from_secs(20),
        /// In a shutdown, the time between the first GOAWAY and the second one, if the answer to a PING does not come
        /// before. Default 1 s. Against requests that are lost.
        pub drain: Duration = Duration::from_secs(1),
        /// In a lingering close, the longest time without a byte. Default 1 s.
        pub linger: Duration = Duration::from_secs(1),
        /// The longest lingering close. Default 30 s. Against endless requests.
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
        match bytes {
            _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
            _ if bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
            _ => bytes.to_string(),
        }
    }

    #[test]
    fn the_page_shows_every_default() {
        let page = include_str!("../../../docs/core/http2.md");
        // Destructured, so that a new field is missing here.
        let Limits {
            streams,
            target,
            method,
            field_line,
            head,
            fields,
            trailers,
            trailer_fields,
            heads,
            continuations,
            settings,
            table,
            frame,
            body,
            body_rate,
            window,
            read_window,
            connection_window,
            write_buffer,
            resets,
            resets_per_second,
            glitches,
            glitches_per_second,
            priorities,
            requests,
            linger,
        } = Limits::DEFAULT;
        let none = |limit: Option<u64>| limit.map_or("none".into(), |limit| limit.to_string());
        let mut rows = alloc::vec::Vec::from([
            ("limits.streams", streams.to_string()),
            ("limits.target", size(target)),
            ("limits.method", method.to_string()),
            ("limits.field_line", size(field_line)),
            ("limits.head", size(head)),
            ("limits.fields", fields.to_string()),
            ("limits.trailers", size(trailers)),
            ("limits.trailer_fields", trailer_fields.to_string()),
            ("limits.heads", size(heads)),
            ("limits.continuations", continuations.to_string()),
            ("limits.settings", settings.to_string()),
            ("limits.table", size(table.into())),
            ("limits.frame", size(frame as usize)),
            ("limits.body", none(body)),
            ("limits.body_rate", none(body_rate)),
            ("limits.window", size(window as usize)),
            ("limits.read_window", size(read_window as usize)),
            ("limits.connection_window", size(connection_window as usize)),
            ("limits.write_buffer", size(write_buffer)),
            ("limits.resets", resets.to_string()),
            ("limits.resets_per_second", resets_per_second.to_string()),
            ("limits.glitches", glitches.to_string()),
            ("limits.glitches_per_second", glitches_per_second.to_string()),
            ("limits.priorities", priorities.to_string()),
            ("limits.requests", none(requests)),
            ("limits.linger", size(linger)),
        ]);
        let Timeouts { head, settings, keep_alive, body, write, ping, pong, drain, linger, linger_total } =
            Timeouts::DEFAULT;
        rows.extend(
            [
                ("timeouts.head", head),
                ("timeouts.settings", settings),
                ("timeouts.keep_alive", keep_alive),
                ("timeouts.body", body),
                ("timeouts.write", write),
                ("timeouts.ping", ping),
                ("timeouts.pong", pong),
                ("timeouts.drain", drain),
                ("timeouts.linger", linger),
                ("timeouts.linger_total", linger_total),
            ]
            .map(|(name, time)| (name, format!("{time:?}"))),
        );
        for (name, default) in rows {
            let row = format!("\n| `{name}` | {default} |");
            assert!(page.contains(&row), "docs/core/http2.md has no row that begins with{row}");
        }
    }
}
