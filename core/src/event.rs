//! The vocabulary of the protocol machines: what they report, and what they are told to send.
//!
//! HTTP/1.1 and HTTP/2 share it, so that a driver is written once; HTTP/1.1 is always stream 0.

use alloc::sync::Arc;

use crate::http::{Headers, RequestHead, Status};
use crate::{Bytes, Fault};

/// One exchange of request and response on a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct StreamId(pub u32);

impl StreamId {
    /// The only stream of an HTTP/1.1 connection.
    pub const ONLY: Self = Self(0);
}

/// How long a body is, as far as it is known before it has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Length {
    /// There is no body.
    #[default]
    None,
    /// So many bytes.
    Known(u64),
    /// The end will be seen when it comes.
    Unknown,
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
pub enum Send<'a> {
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
    /// A piece of the body.
    Data(Bytes),
    /// The trailer fields; ends the response. Left out where the framing has no place for them.
    Trailers(&'a Headers),
    /// The response is complete.
    End,
    /// The response cannot be completed: the peer sees that it is cut off. (Not where the end of the connection is the
    /// end of the body: with HTTP/1.0 and an unknown length.)
    Reset,
}

/// The fields that a server adds to each response, written once and copied: `date`, `server`, and further ones.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    pub(crate) block: alloc::vec::Vec<u8>,
    pub(crate) date: usize,
    pub(crate) server: usize,
}

impl Defaults {
    /// `date` is an IMF-fixdate that can be changed later by [`set_date`](Self::set_date), `server` the value of
    /// that field; `None` leaves a field out. A `server` field among `others` takes the place of `server`.
    ///
    /// # Errors
    /// `server` is not a field value.
    pub fn new(
        date: Option<&[u8; crate::http::date::LEN]>,
        server: Option<&str>,
        others: &Headers,
    ) -> Result<Self, crate::http::InvalidHeader> {
        let mut all = Headers::new();
        if let Some(date) = date {
            all.append("date", date)?;
        }
        let dates = all.len();
        if let (Some(server), false) = (server, others.contains("server")) {
            all.append("server", server)?;
        }
        let servers = all.len();
        for (name, value) in others.iter() {
            all.append(name, value)?;
        }
        let mut defaults = Self::default();
        for (i, (name, value)) in all.iter().enumerate() {
            for part in [name, b": ", value, b"\r\n"] {
                defaults.block.extend_from_slice(part);
            }
            let written = defaults.block.len();
            if i < dates {
                defaults.date = written;
            }
            if i < servers {
                defaults.server = written;
            }
        }
        defaults.server = defaults.server.max(defaults.date);
        Ok(defaults)
    }

    /// Changes the date, if there is one.
    pub fn set_date(&mut self, date: &[u8; crate::http::date::LEN]) {
        if let (true, Some(slot)) = (self.date > 0, self.block.get_mut(6..6 + date.len())) {
            slot.copy_from_slice(date);
        }
    }

    /// Writes the fields that `own`, the application's, do not have. Of date and server that is known already.
    pub(crate) fn write(
        &self,
        out: &mut alloc::vec::Vec<u8>,
        own: &Headers,
        own_date: bool,
        own_server: bool,
    ) {
        let part = |range| self.block.get(range).unwrap_or_default();
        let first = if own_date { self.date } else { 0 };
        let last = if own_server { self.date } else { self.server };
        out.extend_from_slice(part(first..last));
        for line in part(self.server..self.block.len()).split_inclusive(|&b| b == b'\n') {
            let name = line.split(|&b| b == b':').next().unwrap_or_default();
            if !core::str::from_utf8(name).is_ok_and(|name| own.contains(name)) {
                out.extend_from_slice(line);
            }
        }
    }
}
