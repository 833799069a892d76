//! Whether WebSockets are accepted, and their limits and timeouts.

use std::num::NonZeroUsize;
use std::time::Duration;

use stelo_core::ws;

use super::Config;
use super::codec::Codec;
use super::codec::{Boolean, BytesOrOff, Count, Number, Seconds, SecondsOrOff, Size, SizeOrUnlimited, Word};
use super::table::{Group, Setting, setting, single};
use super::words::words;

/// Whether WebSockets are accepted, and their limits and timeouts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebSocket {
    /// Whether WebSockets are accepted. Default [`Ws::Auto`].
    pub accept: Ws,
    /// The number of messages of one WebSocket that may wait for the application; while they do, the server does not
    /// read. Default 32.
    pub max_queue: NonZeroUsize,
    /// The limits, the timeouts and the compression of the protocol.
    pub protocol: ws::Config,
}

impl Default for WebSocket {
    fn default() -> Self {
        Self {
            accept: Ws::Auto,
            max_queue: const { NonZeroUsize::new(32).expect("not zero") },
            protocol: ws::Config::default(),
        }
    }
}

words! {
    /// Whether WebSockets are accepted.
    pub enum Ws {
        /// The application decides.
        #[default]
        Auto = "auto" | "websockets" | "websockets-sansio" | "wsproto",
        /// Never: a request for a WebSocket is an ordinary request.
        None = "none",
    }
}

impl Config {
    /// Sets [`WebSocket::accept`].
    #[must_use]
    pub fn ws(mut self, accept: Ws) -> Self {
        self.websocket.accept = accept;
        self
    }

    /// Sets [`ws::Limits::message`], in bytes; 0 means no limit.
    #[must_use]
    pub fn ws_max_size(mut self, bytes: usize) -> Self {
        self.websocket.protocol.limits.message = if bytes == 0 { usize::MAX } else { bytes };
        self
    }

    /// Sets [`WebSocket::max_queue`]; 0 means the default.
    #[must_use]
    pub fn ws_max_queue(mut self, messages: usize) -> Self {
        let max_queue = NonZeroUsize::new(messages);
        self.websocket.max_queue = max_queue.unwrap_or_else(|| WebSocket::default().max_queue);
        self
    }

    /// Sets [`ws::Timeouts::ping_interval`].
    #[must_use]
    pub fn ws_ping_interval(mut self, interval: Option<Duration>) -> Self {
        self.websocket.protocol.timeouts.ping_interval = interval;
        self
    }

    /// Sets [`ws::Timeouts::ping_timeout`].
    #[must_use]
    pub fn ws_ping_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.websocket.protocol.timeouts.ping_timeout = timeout;
        self
    }

    /// Sets whether messages are compressed where the client supports it: [`ws::Config::deflate`].
    #[must_use]
    pub fn ws_per_message_deflate(mut self, compress: bool) -> Self {
        self.set_deflate(compress);
        self
    }

    /// Sets [`WebSocket::protocol`].
    #[must_use]
    pub fn ws_protocol(mut self, protocol: ws::Config) -> Self {
        self.websocket.protocol = protocol;
        self
    }

    /// Keeps the parameters of a compression that is already set.
    fn set_deflate(&mut self, compress: bool) {
        let deflate = &mut self.websocket.protocol.deflate;
        *deflate = compress.then(|| deflate.take().unwrap_or_default());
    }
}

pub(super) const GROUP: Group = Group {
    title: "WebSocket",
    settings: &[
        setting!("ws", Word<Ws>, websocket.accept, "Accept WebSockets"),
        setting!(
            "ws-max-size",
            SizeOrUnlimited,
            websocket.protocol.limits.message,
            "Maximum size of a message, uncompressed (else 1009); 0 for no limit"
        ),
        setting!(
            "ws-max-queue",
            Count,
            websocket.max_queue,
            "Stop reading while this many messages wait for the application"
        ),
        setting!(
            "ws-ping-interval",
            SecondsOrOff,
            websocket.protocol.timeouts.ping_interval,
            "Time between pings, or off"
        ),
        setting!(
            "ws-ping-timeout",
            SecondsOrOff,
            websocket.protocol.timeouts.ping_timeout,
            "Maximum time for the answer to a ping (else 1011), or off"
        ),
        Setting {
            name: "ws-per-message-deflate",
            help: "Compress messages if the client supports it",
            kind: Boolean::KIND,
            excludes: &[],
            get: |config| Boolean::show(&config.websocket.protocol.deflate.is_some()),
            set: |config, values| single(values, Boolean::read).map(|on| config.set_deflate(on)),
        },
        setting!(
            "ws-limit-frame",
            BytesOrOff,
            websocket.protocol.limits.frame,
            "Maximum payload of a frame (else 1009), or off"
        ),
        setting!(
            "ws-limit-empty-fragments",
            Number,
            websocket.protocol.limits.empty_fragments,
            "Maximum number of empty fragments in a message (else 1008)"
        ),
        setting!(
            "ws-limit-write-buffer",
            Size,
            websocket.protocol.limits.write_buffer,
            "Pause the application while more bytes wait to be sent"
        ),
        setting!(
            "ws-timeout-close",
            Seconds,
            websocket.protocol.timeouts.close,
            "Maximum time for the closing handshake"
        ),
        setting!(
            "ws-timeout-write",
            Seconds,
            websocket.protocol.timeouts.write,
            "Close the connection if the client reads nothing for this time"
        ),
    ],
};
