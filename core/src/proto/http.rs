//! The vocabulary of HTTP machines: what they report, and what a driver tells them.
//!
//! HTTP/1.1 and HTTP/2 share it, so that a driver is written once. HTTP/1.1 has one stream, [`StreamId::ONLY`].

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Defaults, Machine};
use crate::body::{Length, Region};
use crate::http::{Headers, RequestHead, Status};
use crate::{Bytes, Fault, Instant};

/// The identifier of one exchange of request and response on a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct StreamId(pub u32);

impl StreamId {
    /// The only stream of an HTTP/1.1 connection.
    pub const ONLY: Self = Self(0);
}

/// The server's side of HTTP, whatever its version: a [`Machine`] that reports requests and accepts responses.
///
/// The driver takes [`next_event`](Self::next_event) until it returns [`NeedData`](Event::NeedData),
/// [`Paused`](Event::Paused) or [`Closed`](Event::Closed), and answers with [`send`](Self::send). A stream is known
/// from its [`Request`](Event::Request) to the end of both messages; calls that name another stream do nothing, and
/// `send` fails.
pub trait HttpMachine: Machine {
    /// Whether a connection carries several streams. A switch of protocols then concerns its stream, and the connection
    /// goes on; otherwise the connection leaves HTTP.
    const MULTIPLEXED: bool;

    /// Returns what has happened next.
    fn next_event(&mut self) -> Event<'_>;

    /// Sends a part of a response.
    ///
    /// # Errors
    /// The command breaks a rule, and nothing was written. If a response has begun, only [`Command::Reset`] is left.
    fn send(&mut self, now: Instant, stream: StreamId, command: Command<'_>) -> Result<(), Fault>;

    /// Sets whether the body of a request is reported. At first it is not, which holds the peer back.
    ///
    /// Wanting the body invites a client that waits for `100 Continue` (RFC 9110 section 10.1.1).
    fn want_body(&mut self, now: Instant, stream: StreamId, wanted: bool);

    /// Gives up the rest of a request body. If it is known to exceed the limit for bytes that are read and dropped,
    /// the response announces the end of the connection.
    fn discard_body(&mut self, now: Instant, stream: StreamId);

    /// Answers a fault of the peer with its status and one line of text.
    ///
    /// # Errors
    /// The fault has no status, or a response has begun.
    fn refuse(
        &mut self,
        now: Instant,
        stream: StreamId,
        fault: Fault,
        defaults: &Defaults,
    ) -> Result<(), Fault>;

    /// Returns how many more bytes of the response body to send: 0 while the peer is slow to read, and if no body is
    /// due. [`Event::Writable`] follows once it is no longer 0.
    fn capacity(&self, stream: StreamId) -> usize;

    /// Whether body bytes are sent after the head of this response: not after HEAD, nor with 204 or 304.
    fn wants_data(&self, stream: StreamId) -> bool;

    /// Whether the head of the response was sent.
    fn has_responded(&self, stream: StreamId) -> bool;

    /// Returns the status that accepts the switch of protocols that the request asks for; `None` if it asks for none.
    fn acceptance(&self, stream: StreamId) -> Option<Status>;

    /// Takes the request body if all of it has been received and none was reported. It needs no invitation then, and no
    /// [`End`](Event::End) follows.
    fn take_body(&mut self, stream: StreamId) -> Option<Bytes>;

    /// Returns the bytes of the [`Data`](Event::Data) event that was reported last, of this length, before any other call.
    /// Saves the copy of a large piece.
    fn take_data(&mut self, len: usize) -> Bytes;

    /// Whether the connection ends inside a response. Over TLS, it then ends without `close_notify`, which would make a
    /// response that extends to the end of the connection look complete.
    fn is_cut_off(&self) -> bool {
        false
    }

    /// Whether input waits for the peer to read what was sent. [`transmitted`](Machine::transmitted) ends that.
    fn is_held_up(&self) -> bool;

    /// Takes the received bytes that belong to the next protocol after a switch.
    fn take_input(&mut self, stream: StreamId) -> Vec<u8>;

    /// Returns the head of an answered request, so that the next request can use its memory. This is optional.
    fn reuse(&mut self, head: Arc<RequestHead>);

    /// Returns the head that was last given back to [`reuse`](Self::reuse), until the next one is read.
    fn answered(&self) -> Option<&RequestHead> {
        None
    }
}

/// An event of a connection, from [`HttpMachine::next_event`].
#[derive(Debug)]
pub enum Event<'a> {
    /// A request has begun. With [`Length::None`] no `Data`, `Trailers` or `End` follows.
    Request {
        /// The stream of the request, on which the response goes out.
        stream: StreamId,
        /// Method, target and header fields.
        head: Arc<RequestHead>,
        /// The length of its body.
        length: Length,
    },
    /// A piece of a request body that is [wanted](HttpMachine::want_body).
    Data {
        /// The stream of the request.
        stream: StreamId,
        /// The bytes, never empty.
        data: &'a [u8],
    },
    /// The trailer fields of a request; `End` follows.
    Trailers {
        /// The stream of the request.
        stream: StreamId,
        /// The fields, without those that would change framing or routing.
        trailers: Headers,
    },
    /// The request body is complete.
    End {
        /// The stream of the request.
        stream: StreamId,
    },
    /// A response that had no [capacity](HttpMachine::capacity) has some again.
    Writable {
        /// The stream of the response.
        stream: StreamId,
    },
    /// The stream was reset: no part of its response can be sent. The other streams go on.
    Reset {
        /// The stream that has ended.
        stream: StreamId,
        /// The cause.
        fault: Fault,
    },
    /// The rest of the request will not come, or its head is invalid; the connection, if it carries one stream, ends after
    /// the response. If the fault has a status and no response has begun, [`refuse`](HttpMachine::refuse) answers it.
    Fault {
        /// The stream of the request.
        stream: StreamId,
        /// The cause.
        fault: Fault,
    },
    /// More bytes are needed.
    NeedData,
    /// Nothing happens before a response is complete, a body is wanted, or the peer has read earlier responses.
    Paused,
    /// Nothing will ever happen again. Write what is left, then close.
    Closed,
}

/// A part of a response, for [`HttpMachine::send`].
#[derive(Debug)]
pub enum Command<'a> {
    /// An informational response: any 1xx except 100 and 101. HTTP/1.0 clients get none.
    Informational {
        /// The status.
        status: Status,
        /// The header fields.
        headers: &'a Headers,
    },
    /// The head of the response.
    Response {
        /// The status: 200 to 599, or the [acceptance](HttpMachine::acceptance) of a switch of protocols.
        status: Status,
        /// The header fields. The machine adds those that frame the message.
        headers: &'a Headers,
        /// The length of the body.
        length: Length,
        /// Fields that are added unless `headers` has them.
        defaults: &'a Defaults,
    },
    /// A complete response: equivalent to `Response`, `Data` and `End`. If the response may not have a body (HEAD, 204,
    /// 304), only its length is used.
    Whole {
        /// The status: 200 to 599, or the [acceptance](HttpMachine::acceptance) of a switch of protocols.
        status: Status,
        /// The header fields. The machine adds those that frame the message.
        headers: &'a Headers,
        /// Fields that are added unless `headers` has them.
        defaults: &'a Defaults,
        /// The body; `None` for [`Length::None`]. The machine takes it if it is too large to copy.
        body: Option<&'a mut Bytes>,
    },
    /// A piece of the body.
    Data(Bytes),
    /// A piece of the body: a range of a file.
    Region(Region),
    /// The trailer fields, which end the response. Omitted if the framing has no place for them.
    Trailers(&'a Headers),
    /// The end of the response.
    End,
    /// The response cannot be completed; the peer learns that it is cut off. (With HTTP/1.0 and an unknown length it
    /// cannot, as the end of the connection is the end of the body.)
    Reset(ResetCause),
}

/// Why a response is cut off. HTTP/1.1 has no way to tell the peer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ResetCause {
    /// The application failed.
    Internal,
    /// The response is no longer needed.
    Cancel,
    /// No error: the response is complete and the rest of the request is not needed.
    NoError,
}
