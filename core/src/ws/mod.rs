//! WebSocket (RFC 6455).

mod close;
pub mod deflate;
mod message;

pub use close::{CloseCode, Closed};
pub use deflate::Deflate;
pub use message::{Message, Text};
