//! The vocabulary of the protocol machines: what they report, and what they are told to send.
//!
//! HTTP/1.1 and HTTP/2 share it, so that a driver is written once; HTTP/1.1 is always stream 0.

use alloc::sync::Arc;
use alloc::vec::Vec;

pub use crate::body::Length;
use crate::body::Region;
use crate::http::{Headers, InvalidHeader, RequestHead, Status, date};
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

/// The fields that a server adds to each response, written once and copied: `date`, `server`, and further ones.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The status line of a response of 200, then the fields: what most responses begin with, in one stretch.
    block: Vec<u8>,
    /// Where the date ends, and where the server ends.
    date: usize,
    server: usize,
}

impl Defaults {
    /// Where the fields begin.
    const START: usize = OK_LINE.len();

    /// `date` is an IMF-fixdate that can be changed later by [`set_date`](Self::set_date), `server` the value of
    /// that field; `None` leaves a field out. A `server` field among `others` takes the place of `server`.
    ///
    /// # Errors
    /// `server` is not a field value.
    pub fn new(
        date: Option<&[u8; date::LEN]>,
        server: Option<&str>,
        others: &Headers,
    ) -> Result<Self, InvalidHeader> {
        let one = |name, value: &[u8]| {
            let mut headers = Headers::new();
            headers.try_append(name, value).map(|()| headers)
        };
        let mut defaults = Self::default();
        if let Some(date) = date {
            defaults.push(&one("date", date)?);
            defaults.date = defaults.block.len();
        }
        if let (Some(server), false) = (server, others.contains("server")) {
            defaults.push(&one("server", server.as_bytes())?);
        }
        defaults.server = defaults.block.len();
        defaults.push(others);
        Ok(defaults)
    }

    fn push(&mut self, headers: &Headers) {
        for (name, value) in headers.iter() {
            for part in [name, b": ", value, b"\r\n"] {
                self.block.extend_from_slice(part);
            }
        }
    }

    /// Changes the date, if there is one.
    pub fn set_date(&mut self, date: &[u8; date::LEN]) {
        let start = Self::START + "date: ".len();
        if let (true, Some(slot)) = (self.date > Self::START, self.block.get_mut(start..start + date.len())) {
            slot.copy_from_slice(date);
        }
    }

    /// The status line of a response of 200 and all fields; `None` if there are some that the application's could replace,
    /// even if it has set neither date nor server.
    pub(crate) fn whole(&self) -> Option<&[u8]> {
        (self.server == self.block.len()).then_some(&self.block)
    }

    /// Writes the status line and the fields that `own`, the application's, do not have. Of date and server that is
    /// known already.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        status: Status,
        own: &Headers,
        own_date: bool,
        own_server: bool,
    ) {
        let part = |range| self.block.get(range).unwrap_or_default();
        if status == Status::OK && !own_date && !own_server {
            out.extend_from_slice(part(0..self.server));
        } else {
            status.write_line(out);
            let first = if own_date { self.date } else { Self::START };
            let last = if own_server { self.date } else { self.server };
            out.extend_from_slice(part(first..last));
        }
        for line in part(self.server..self.block.len()).split_inclusive(|&b| b == b'\n') {
            let name = line.split(|&b| b == b':').next().unwrap_or_default();
            if !core::str::from_utf8(name).is_ok_and(|name| own.contains(name)) {
                out.extend_from_slice(line);
            }
        }
    }
}

impl Default for Defaults {
    /// No fields.
    fn default() -> Self {
        Self { block: OK_LINE.into(), date: Self::START, server: Self::START }
    }
}

const OK_LINE: &[u8] = b"HTTP/1.1 200 OK\r\n";
