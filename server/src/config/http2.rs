//! The limits and timeouts of HTTP/2 connections that HTTP/1.1 has no counterpart for.

use std::time::Duration;

use stelo_core::h2;

use super::codec::{Codec, Count, Seconds, SizeOrHead, Within};
use super::table::{Group, Setting, setting};
use super::{Config, Ws};

/// The largest window of flow control (RFC 9113 section 6.9.1).
const WINDOW: u64 = (1 << 31) - 1;

/// The limits and timeouts of HTTP/2 connections. [`Limits`](super::Limits) and [`Timeouts`](super::Timeouts) hold for each
/// of their streams.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Http2 {
    /// The streams that a client may have open. Default 100; a further request is refused, and the client may repeat it.
    pub max_concurrent_streams: u32,
    /// The bytes of a request body that a client may send before the application reads: 65,535 at least in most clients.
    /// Default 64 KiB.
    pub initial_window_size: u32,
    /// The same for all bodies of a connection together. Default 1 MiB.
    pub initial_connection_window_size: u32,
    /// The largest frame that is accepted, 16 KiB to 16 MiB. Default 16 KiB.
    pub max_frame_size: u32,
    /// The size of all header fields together, with 32 bytes more for each. Default `None`: that of `--limit-head`.
    pub max_header_list_size: Option<usize>,
    /// The streams that may end by a reset of the client, or by its fault; 20 of them are forgotten each second. Default
    /// 200; more end the connection.
    pub resets: u32,
    /// The time without input after which the server sends PING, while streams are open. Default 20 s.
    pub ping: Duration,
    /// The time in which input has to follow the PING. Default 20 s; then the connection is aborted.
    pub pong: Duration,
}

impl Default for Http2 {
    fn default() -> Self {
        let (limits, timeouts) = (h2::Limits::DEFAULT, h2::Timeouts::DEFAULT);
        Self {
            max_concurrent_streams: limits.streams,
            initial_window_size: limits.window,
            initial_connection_window_size: limits.connection_window,
            max_frame_size: limits.frame,
            max_header_list_size: None,
            resets: limits.resets,
            ping: timeouts.ping,
            pong: timeouts.pong,
        }
    }
}

impl Config {
    /// Returns the configuration of an HTTP/2 connection.
    pub(crate) fn http2_machine(&self) -> h2::Config {
        let (limits, timeouts, http2) = (&self.limits.http, &self.timeouts.http, &self.http2);
        h2::Config::DEFAULT
            .extended_connect(self.websocket.accept != Ws::None)
            .limits(
                h2::Limits::DEFAULT
                    .streams(http2.max_concurrent_streams)
                    .window(http2.initial_window_size)
                    .connection_window(http2.initial_connection_window_size)
                    .frame(http2.max_frame_size)
                    .resets(http2.resets)
                    .target(limits.request_line)
                    .method(limits.method)
                    .field_line(limits.field_line)
                    .head(http2.max_header_list_size.unwrap_or(limits.head))
                    .fields(limits.fields)
                    .trailers(limits.trailers)
                    .trailer_fields(limits.trailer_fields)
                    .body(limits.body)
                    .body_rate(limits.body_rate)
                    .requests(limits.requests)
                    .write_buffer(limits.write_buffer)
                    .linger(limits.linger),
            )
            .timeouts(
                h2::Timeouts::DEFAULT
                    .head(timeouts.head)
                    .keep_alive(timeouts.keep_alive)
                    .body(timeouts.body)
                    .write(timeouts.write)
                    .linger(timeouts.linger)
                    .linger_total(timeouts.linger_total)
                    .ping(http2.ping)
                    .pong(http2.pong),
            )
    }

    /// Sets [`Config::http2`].
    #[must_use]
    pub fn http2(mut self, http2: Http2) -> Self {
        self.http2 = http2;
        self
    }
}

pub(super) const GROUP: Group = Group {
    title: "HTTP/2",
    settings: &[
        setting!(
            "http2-max-concurrent-streams",
            Count,
            http2.max_concurrent_streams,
            "Maximum number of open streams of a connection; further requests are refused"
        ),
        setting!(
            "http2-initial-window-size",
            Within<0, WINDOW>,
            http2.initial_window_size,
            "Bytes of a request body that a client may send before the application reads"
        ),
        setting!(
            "http2-initial-connection-window-size",
            Within<65_535, WINDOW>,
            http2.initial_connection_window_size,
            "The same for all bodies of a connection together"
        ),
        setting!(
            "http2-max-frame-size",
            Within<16_384, 16_777_215>,
            http2.max_frame_size,
            "Maximum size of a frame of a client"
        ),
        setting!(
            "http2-max-header-list-size",
            SizeOrHead,
            http2.max_header_list_size,
            "Maximum size of all header fields, each counted with 32 bytes more (else 431); default: --limit-head"
        ),
        setting!(
            "limit-http2-resets",
            Count,
            http2.resets,
            "Maximum number of streams that a client resets, or that end by its fault; 20 are forgotten each second"
        ),
        setting!(
            "timeout-http2-ping",
            Seconds,
            http2.ping,
            "Time without input, while streams are open, after which a client has to answer PING"
        ),
        setting!("timeout-http2-pong", Seconds, http2.pong, "Maximum wait for an answer to PING"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_reach_the_machine() {
        let mut config = Config::new().ws(Ws::None);
        config.limits.http.head = 20_000;
        let machine = config.http2_machine();
        assert_eq!((machine.limits.head, machine.extended_connect), (20_000, false));
        config = config.http2(Http2 {
            max_concurrent_streams: 1,
            initial_window_size: 2,
            initial_connection_window_size: 70_000,
            max_frame_size: 20_000,
            max_header_list_size: Some(3),
            resets: 4,
            ping: Duration::from_secs(5),
            pong: Duration::from_secs(6),
        });
        let h2::Config { limits, timeouts, .. } = config.ws(Ws::Auto).http2_machine();
        assert_eq!((limits.streams, limits.window, limits.connection_window), (1, 2, 70_000));
        assert_eq!((limits.frame, limits.head, limits.resets), (20_000, 3, 4));
        assert_eq!((timeouts.ping.as_secs(), timeouts.pong.as_secs()), (5, 6));
    }
}
