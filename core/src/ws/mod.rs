//! WebSocket (RFC 6455).

mod close;
mod message;

pub use close::{CloseCode, Closed};
pub use message::{Message, Text};
