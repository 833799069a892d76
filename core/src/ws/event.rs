//! What a WebSocket machine reports, and what it is told to send.

use alloc::borrow::Cow;
use core::error::Error;
use core::fmt;

use super::{CloseCode, Closed, Message};
use crate::Bytes;

/// What a message carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text, in UTF-8.
    Text,
    /// Bytes.
    Binary,
}

/// What happened on a WebSocket. Taken from a machine by `next_event` until it gives `NeedData` or `Ended`.
///
/// Messages are lent where they lie whole in the read buffer, and else moved out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// A text message.
    Text(Cow<'a, str>),
    /// A binary message.
    Binary(Cow<'a, [u8]>),
    /// A piece of a message, from `next_part`.
    Part {
        /// What the message carries.
        kind: Kind,
        /// The piece, empty at most where it is the last one. Text is checked, but cut anywhere, inside a character too.
        data: &'a [u8],
        /// Whether the message is complete.
        last: bool,
    },
    /// A ping, which the machine answers.
    Ping(&'a [u8]),
    /// A pong, asked for or not.
    Pong(&'a [u8]),
    /// The peer has closed, or has broken a rule: it will be listened to no more. Our close frame is said when the next
    /// event is asked for. What the application still has to say to earlier messages goes before it.
    Closing,
    /// How the WebSocket ended: once, then come `NeedData` and `Ended`.
    Closed(Closed),
    /// Nothing can be said before more bytes come.
    NeedData,
    /// Nothing will ever be said again. Write what is left, then do as `close_state` says.
    Ended,
}

/// What the application has decided, told to a machine by `send`.
#[derive(Debug)]
pub enum Command<'a> {
    /// A message, in one frame.
    Message(Message),
    /// A piece of a message, in a frame of its own.
    Part {
        /// What the message carries: the same for all its pieces.
        kind: Kind,
        /// The piece.
        data: Bytes,
        /// Whether the message is complete.
        last: bool,
    },
    /// A ping, of at most 125 bytes.
    Ping(&'a [u8]),
    /// A pong that nobody has asked for, of at most 125 bytes.
    Pong(&'a [u8]),
    /// Begins the closing handshake.
    Close {
        /// A code that must not be sent becomes 1000, but for 1005: none is sent.
        code: CloseCode,
        /// Cut to 123 bytes.
        reason: &'a str,
    },
}

impl<T: Into<Message>> From<T> for Command<'_> {
    fn from(message: T) -> Self {
        Self::Message(message.into())
    }
}

/// What was to be sent breaks a rule: nothing has been written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The WebSocket is closed, or about to be.
    Closed,
    /// A message that was begun in parts is not complete.
    Incomplete,
    /// Parts of different kinds in one message.
    Kind,
    /// Text in parts that is not UTF-8.
    Utf8,
    /// The payload of a ping or pong has more than 125 bytes.
    TooLong,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the WebSocket is closed: nothing can be sent any more",
            Self::Incomplete => "a message that was begun in parts has to be completed first",
            Self::Kind => "all parts of a message have to be of the kind of the first",
            Self::Utf8 => "text has to be UTF-8: send bytes as a binary message",
            Self::TooLong => "the payload of a ping or pong may have 125 bytes at most",
        })
    }
}

impl Error for SendError {}
