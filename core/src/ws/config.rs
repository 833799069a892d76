//! The limits and timeouts of WebSockets, each with its default and the attack that it prevents.

use core::time::Duration;

use super::Deflate;
use crate::proto::values;

values! {
    /// The configuration of a WebSocket. Connections share it in an [`Arc`](alloc::sync::Arc).
    ///
    /// ```
    /// use stelo_core::ws::{Config, Limits};
    ///
    /// let config = Config::DEFAULT.limits(Limits::DEFAULT.message(1 << 20)).deflate(None);
    /// assert_eq!(config.limits.message, 1 << 20);
    /// ```
    pub struct Config {
        /// The sizes and counts that a connection accepts.
        pub limits: Limits = Limits::DEFAULT,
        /// The times that it waits.
        pub timeouts: Timeouts = Timeouts::DEFAULT,
        /// The compression that a server agrees to and a client asks for; `None` disables it. Default: that of
        /// [`Deflate`], as Uvicorn's `--ws-per-message-deflate`. Ignored without the feature `deflate`.
        pub deflate: Option<Deflate> = Some(Deflate::DEFAULT),
    }
}

impl Config {
    /// Returns the compression, if the feature `deflate` is enabled.
    pub(super) fn compression(&self) -> Option<Deflate> {
        self.deflate.filter(|_| cfg!(feature = "deflate"))
    }
}

values! {
    /// The sizes and counts that a connection accepts. Sizes are in bytes.
    pub struct Limits {
        /// One message, uncompressed and whole. Default 16 MiB, as Uvicorn's `--ws-max-size`. A larger one is closed
        /// with 1009 as soon as its declared or received length shows it. Against endless messages and compression
        /// bombs.
        pub message: usize = 16 << 20,
        /// The payload of one frame. Default: no limit beside that of the message. A larger one is closed with 1009.
        /// Against peers that do not fragment although that was agreed.
        pub frame: Option<usize> = None,
        /// The fragments without a payload in one message. Default 1024; more are closed with 1008. Against messages
        /// that never end and never grow.
        pub empty_fragments: u32 = 1024,
        /// The bytes that wait to be written. Beyond the limit the machine takes no more from the application, and
        /// answers only the last of several pings. Default 64 KiB. Against peers that read slowly, and floods of pings.
        pub write_buffer: usize = 64 << 10,
    }
}

values! {
    /// The times that a connection waits.
    pub struct Timeouts {
        /// From one ping to the next, or to a late pong. Default 20 s, as Uvicorn's `--ws-ping-interval`; `None` sends
        /// no pings. Against peers that vanish silently.
        pub ping_interval: Option<Duration> = Some(Duration::from_secs(20)),
        /// From a ping to its pong. Default 20 s, as Uvicorn's `--ws-ping-timeout`; then 1011. `None` waits without
        /// end. Starts when the ping is written, and again while a frame of the peer is incomplete and grows, or a
        /// blocked write makes progress.
        pub ping_timeout: Option<Duration> = Some(Duration::from_secs(20)),
        /// From the close frame sent to the end of the connection. Also from the close frame or the broken rule of the
        /// peer to the close frame sent, if the application does not answer. Default 10 s; then the connection is
        /// aborted. Against peers that do not complete the closing handshake.
        pub close: Duration = Duration::from_secs(10),
        /// The longest time without progress while there is something to write. Default 30 s; then the connection is
        /// aborted. Against peers that never read.
        pub write: Duration = Duration::from_secs(30),
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
            bytes if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
            bytes if bytes.is_multiple_of(1 << 10) && bytes > 1 << 10 => format!("{} KiB", bytes >> 10),
            bytes => bytes.to_string(),
        }
    }

    #[test]
    fn the_page_shows_every_default() {
        let page = include_str!("../../../docs/core/websocket.md");
        // Destructured, so that a new field is a compile error here.
        let Limits { message, frame, empty_fragments, write_buffer } = Limits::DEFAULT;
        let Timeouts { ping_interval, ping_timeout, close, write } = Timeouts::DEFAULT;
        let none = |wait: Option<Duration>| wait.map_or("none".into(), |wait| format!("{wait:?}"));
        for (name, default) in [
            ("limits.message", size(message)),
            ("limits.frame", frame.map_or("none".into(), size)),
            ("limits.empty_fragments", empty_fragments.to_string()),
            ("limits.write_buffer", size(write_buffer)),
            ("timeouts.ping_interval", none(ping_interval)),
            ("timeouts.ping_timeout", none(ping_timeout)),
            ("timeouts.close", format!("{close:?}")),
            ("timeouts.write", format!("{write:?}")),
        ] {
            let row = format!("\n| `{name}` | {default} |");
            assert!(page.contains(&row), "docs/core/websocket.md has no row that begins with{row}");
        }
        assert_eq!(Config::default(), Config::DEFAULT);
    }
}
