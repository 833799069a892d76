//! The reasons for which a machine sets a deadline.

/// The timeout behind the deadline that a machine gives with `poll_timeout`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// [`Timeouts::head`](crate::h1::Timeouts::head)
    Head,
    /// [`Timeouts::keep_alive`](crate::h1::Timeouts::keep_alive)
    KeepAlive,
    /// [`Timeouts::body`](crate::h1::Timeouts::body)
    Body,
    /// [`Timeouts::write`](crate::h1::Timeouts::write), and that of a [WebSocket](crate::ws::Timeouts::write)
    Write,
    /// [`Timeouts::linger`](crate::h1::Timeouts::linger)
    Linger,
    /// [`Timeouts::ping_interval`](crate::ws::Timeouts::ping_interval) of a WebSocket
    Ping,
    /// [`Timeouts::ping_timeout`](crate::ws::Timeouts::ping_timeout) of a WebSocket
    Pong,
    /// [`Timeouts::settings`](crate::h2::Timeouts::settings) of HTTP/2
    Settings,
    /// [`Timeouts::drain`](crate::h2::Timeouts::drain) of HTTP/2
    Drain,
    /// [`Timeouts::close`](crate::ws::Timeouts::close) of a WebSocket
    Close,
}
