//! The events of a WebSocket machine, and the commands that it takes.

use alloc::borrow::Cow;
use core::error::Error;
use core::fmt;

use super::{CloseCode, Closed, Message};
use crate::Bytes;

/// The kind of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text, in UTF-8.
    Text,
    /// Bytes.
    Binary,
}

/// An event of a WebSocket. The caller takes events with `next_event` until it returns `NeedData` or `Ended`.
///
/// A message is borrowed if all of it is in the input buffer, and owned otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// A text message.
    Text(Cow<'a, str>),
    /// A binary message.
    Binary(Cow<'a, [u8]>),
    /// A piece of a message, from `next_part`.
    Part {
        /// The kind of the message.
        kind: Kind,
        /// The bytes of the piece. Only the last one may be empty. Text is validated, but may be split inside a
        /// character.
        data: &'a [u8],
        /// Whether this piece completes the message.
        last: bool,
    },
    /// A ping, which the machine answers.
    Ping(&'a [u8]),
    /// A pong, solicited or not.
    Pong(&'a [u8]),
    /// The peer has closed, or has broken a rule: its further input is ignored. The next call of `next_event` sends
    /// the close frame, so the application can still answer earlier messages before that.
    Closing,
    /// The end of the WebSocket, reported once. `NeedData` and `Ended` follow.
    Closed(Closed),
    /// There are no events until more bytes are received.
    NeedData,
    /// There are no more events. Write the remaining output, then follow `close_state`.
    Ended,
}

/// A decision of the application, passed to a machine with `send`.
#[derive(Debug)]
pub enum Command<'a> {
    /// A message, in one frame.
    Message(Message),
    /// A piece of a message, in a separate frame.
    Part {
        /// The kind of the message, the same for all its pieces.
        kind: Kind,
        /// The piece.
        data: Bytes,
        /// Whether this piece completes the message.
        last: bool,
    },
    /// A ping, of at most 125 bytes.
    Ping(&'a [u8]),
    /// An unsolicited pong, of at most 125 bytes.
    Pong(&'a [u8]),
    /// Begins the closing handshake.
    Close {
        /// A code that must not be sent becomes 1000, except 1005, which sends no code.
        code: CloseCode,
        /// Truncated to 123 bytes.
        reason: &'a str,
    },
}

impl<T: Into<Message>> From<T> for Command<'_> {
    fn from(message: T) -> Self {
        Self::Message(message.into())
    }
}

/// The command breaks a rule. Nothing has been written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The WebSocket is closed, or closing.
    Closed,
    /// An earlier message in parts is incomplete.
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
