//! What WebSockets are limited by, with the attack that each limit answers.

use core::time::Duration;

use super::Deflate;

/// What all connections of one kind share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// What a connection holds and tolerates at most.
    pub limits: Limits,
    /// How long it waits.
    pub timeouts: Timeouts,
    /// Which compression to agree to, or to ask for. Default: the default of [`Deflate`], as Uvicorn's
    /// `--ws-per-message-deflate`; none: none. Without the feature `deflate` there is none in any case.
    pub deflate: Option<Deflate>,
}

impl Config {
    /// The defaults, as a constant.
    pub const DEFAULT: Self =
        Self { limits: Limits::DEFAULT, timeouts: Timeouts::DEFAULT, deflate: Some(Deflate::DEFAULT) };

    /// Which compression is to be had.
    pub(super) fn compression(&self) -> Option<Deflate> {
        self.deflate.filter(|_| cfg!(feature = "deflate"))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a connection holds and tolerates at most. Sizes are in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// One message, uncompressed and whole. Default 16 MiB, as Uvicorn's `--ws-max-size`; beyond it 1009, as soon as
    /// the length that was declared or has come says so. Answers endless messages and compression bombs.
    pub message: usize,
    /// The payload of one frame. Default none: it counts as part of its message; beyond it 1009. Answers peers that
    /// do not fragment where that was agreed on.
    pub frame: Option<usize>,
    /// Fragments without a payload in one message. Default 1024; beyond it 1008. Answers messages that never end and
    /// never grow.
    pub empty_fragments: u32,
    /// Bytes waiting to be written, beyond which the machine asks the application for no more, and answers only the
    /// latest of several pings. Default 64 KiB. Answers peers that read slowly, and floods of pings.
    pub write_buffer: usize,
}

impl Limits {
    /// The defaults, as a constant.
    pub const DEFAULT: Self =
        Self { message: 16 << 20, frame: None, empty_fragments: 1024, write_buffer: 64 << 10 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long a connection waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// From one ping of ours to the next, or to the late pong that it has to wait for. Default 20 s, as Uvicorn's
    /// `--ws-ping-interval`; none: no pings. Answers peers that vanish without a word.
    pub ping_interval: Option<Duration>,
    /// From a ping of ours to its pong. Default 20 s, as Uvicorn's `--ws-ping-timeout`; then 1011. None: a pong is
    /// waited for without end.
    pub ping_timeout: Option<Duration>,
    /// From our close frame to the end of the connection, and before it from the peer's close frame, or its broken rule,
    /// to our own, where the application does not get on. Default 10 s; then the connection is given up. Answers peers
    /// that do not complete the closing handshake.
    pub close: Duration,
    /// While there is something to write: the longest time without progress. Default 30 s; then the connection
    /// is given up. Answers peers that never read.
    pub write: Duration,
}

impl Timeouts {
    /// The defaults, as a constant.
    pub const DEFAULT: Self = Self {
        ping_interval: Some(Duration::from_secs(20)),
        ping_timeout: Some(Duration::from_secs(20)),
        close: Duration::from_secs(10),
        write: Duration::from_secs(30),
    };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    /// As a person would write it.
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
        // Taken apart, so that what is new is missed here.
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
