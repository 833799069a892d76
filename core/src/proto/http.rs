//! The vocabulary of the protocol machines: what they report, and what they are told to send.
//!
//! HTTP/1.1 and HTTP/2 share it, so that a driver is written once; HTTP/1.1 is always stream 0.

use alloc::sync::Arc;

pub use crate::body::Length;
use crate::body::Region;
use crate::http::{Headers, RequestHead, Status};
use crate::proto::Defaults;
use crate::{Bytes, Fault};

/// One exchange of request and response on a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct StreamId(pub u32);

impl StreamId {
    /// The only stream of an HTTP/1.1 connection.
    pub const ONLY: Self = Self(0);
}

/// What happened on a connection. Taken from a machine by `next_event` until it gives one of the last three.
#[derive(Debug)]
pub enum Event<'a> {
    /// A request has begun. After one of length [`Length::None`] no `Data`, `Trailers` or `End` follows.
    Request {
        /// The stream on which the answer goes out.
        stream: StreamId,
        /// Method, target, header fields.
        head: Arc<RequestHead>,
        /// The length of its body.
        length: Length,
    },
    /// A piece of the request body.
    Data {
        /// The stream of the request.
        stream: StreamId,
        /// The piece, never empty.
        data: &'a [u8],
    },
    /// The trailer fields of the request; `End` follows.
    Trailers {
        /// The stream of the request.
        stream: StreamId,
        /// The fields; those that would change the framing or the routing have been dropped.
        trailers: Headers,
    },
    /// The request body is complete.
    End {
        /// The stream of the request.
        stream: StreamId,
    },
    /// The rest of the request will not come, or its head could not be understood; the connection ends after the
    /// response. If the fault has a status and no response has begun, the peer is owed one: see `refuse`.
    Fault {
        /// The stream of the request.
        stream: StreamId,
        /// Why.
        fault: Fault,
    },
    /// Nothing can be said before more bytes come.
    NeedData,
    /// Nothing will be said before the response to the current request is complete, or before the peer has read more
    /// of the earlier ones: read no more than the machine has room for.
    Paused,
    /// Nothing will ever be said again. Write what is left, then close.
    Closed,
}

/// What the application has decided, told to a machine by `send`.
#[derive(Debug)]
pub enum Command<'a> {
    /// The application wants the body: a client that waits for `100 Continue` gets it.
    Continue,
    /// An informational response (1xx, but for 100 and 101).
    Informational {
        /// The status.
        status: Status,
        /// The header fields.
        headers: &'a Headers,
    },
    /// The head of the response.
    Response {
        /// The status, 200 to 599, or 101 to switch protocols.
        status: Status,
        /// The header fields; what frames the message is added by the machine.
        headers: &'a Headers,
        /// The length of the body.
        length: Length,
        /// Fields that the server adds where the application has not set them.
        defaults: &'a Defaults,
    },
    /// A response whose body is at hand: what `Response`, `Data` and `End` say one after the other. Of a body that has
    /// no place in it (of a response to HEAD, for one) only the length counts.
    Whole {
        /// The status, 200 to 599, or 101 to switch protocols.
        status: Status,
        /// The header fields; what frames the message is added by the machine.
        headers: &'a Headers,
        /// Fields that the server adds where the application has not set them.
        defaults: &'a Defaults,
        /// The body; `None` for [`Length::None`]. Taken out where it is too large for a copy.
        body: Option<&'a mut Bytes>,
    },
    /// A piece of the body.
    Data(Bytes),
    /// A piece of the body that stands in a file.
    Region(Region),
    /// The trailer fields; ends the response. Left out where the framing has no place for them.
    Trailers(&'a Headers),
    /// The response is complete.
    End,
    /// The response cannot be completed: the peer sees that it is cut off. (Not where the end of the connection is the
    /// end of the body: with HTTP/1.0 and an unknown length.)
    Reset,
}
