//! The faults that a protocol machine can find, with the status that answers each.

use core::fmt;

use crate::http::Status;

/// A fault of the peer or of the caller, as a small value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The kind of fault.
    pub kind: FaultKind,
    /// The offset of the fault in the bytes that the peer has sent on this connection. Zero for a fault of the
    /// caller.
    pub at: u64,
}

/// The side that caused a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The peer broke a rule, exceeded a limit, was too slow, or disconnected.
    Peer,
    /// The caller asked for something that the protocol forbids.
    Caller,
}

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $whose:ident $status:expr, $text:literal;)*) => {
        /// The kind of fault.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum FaultKind {
            $( #[doc = $text] $(#[$doc])* $name, )*
        }

        impl FaultKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The side that caused a fault.
            pub const fn whose(self) -> Whose {
                match self { $(Self::$name => Whose::$whose,)* }
            }

            /// Returns the status of the answer, or `None` if the fault is not answered.
            pub const fn status(self) -> Option<Status> {
                match self { $(Self::$name => $status,)* }
            }

            const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

const BAD: Option<Status> = Some(Status::BAD_REQUEST);

faults! {
    RequestLine Peer BAD, "malformed request line";
    MethodTooLong Peer Some(Status::NOT_IMPLEMENTED), "the method is longer than the limit";
    Target Peer BAD, "invalid request target";
    TargetTooLong Peer Some(Status::URI_TOO_LONG), "the request line is longer than the limit";
    Version Peer Some(Status::HTTP_VERSION_NOT_SUPPORTED), "unsupported version of HTTP";
    LineEnding Peer BAD, "a line does not end with CR LF";
    FieldName Peer BAD, "invalid header field name";
    FieldValue Peer BAD, "invalid header field value";
    Folding Peer BAD, "a header field is folded over several lines";
    FieldTooLong Peer Some(Status::REQUEST_HEADER_FIELDS_TOO_LARGE), "a header field is longer than the limit";
    HeadTooLarge Peer Some(Status::REQUEST_HEADER_FIELDS_TOO_LARGE), "the header fields are larger than the limit";
    TooManyFields Peer Some(Status::REQUEST_HEADER_FIELDS_TOO_LARGE), "more header fields than the limit";
    HostMissing Peer BAD, "no Host header field";
    HostRepeated Peer BAD, "more than one Host header field";
    HostInvalid Peer BAD, "invalid Host header field";
    HostMismatch Peer BAD, "the Host header field contradicts the request target";
    ConnectionOption Peer BAD, "a Connection option that names a field of framing or routing";
    ContentTypeRepeated Peer BAD, "more than one Content-Type";
    ContentLength Peer BAD, "invalid Content-Length";
    ContentLengthRepeated Peer BAD, "more than one Content-Length";
    LengthAndEncoding Peer BAD, "both Content-Length and Transfer-Encoding";
    TransferEncoding Peer BAD, "invalid Transfer-Encoding";
    TransferEncodingUnknown Peer Some(Status::NOT_IMPLEMENTED), "a transfer encoding that is not implemented";
    TransferEncodingInHttp10 Peer BAD, "Transfer-Encoding in HTTP/1.0";
    BodyForbidden Peer BAD, "a body with a method that has none";
    Expectation Peer Some(Status::EXPECTATION_FAILED), "an expectation other than 100-continue";
    ChunkSize Peer BAD, "invalid chunk size";
    ChunkExtension Peer BAD, "invalid chunk extension";
    ChunkLineTooLong Peer BAD, "a chunk-size line is longer than the limit";
    ChunkExtensionsTooLarge Peer BAD, "the chunk extensions of the body are larger than the limit";
    ChunkEnd Peer BAD, "a chunk does not end with CR LF";
    TrailersTooLarge Peer Some(Status::REQUEST_HEADER_FIELDS_TOO_LARGE), "the trailers are larger than the limit";
    BodyTooLarge Peer Some(Status::CONTENT_TOO_LARGE), "the body is larger than the limit";
    HeadTimeout Peer Some(Status::REQUEST_TIMEOUT), "the request head did not arrive in time";
    BodyTimeout Peer Some(Status::REQUEST_TIMEOUT), "the request body stopped arriving";
    PseudoField Peer BAD, "an invalid, repeated or missing pseudo-header field";
    FieldNotAllowed Peer BAD, "a header field that HTTP/2 does not allow";
    StreamReset Peer None, "the peer reset the stream";
    StreamRule Peer None, "the peer broke a rule of the stream";
    ConnectionRule Peer None, "the peer broke a rule of the connection";
    WriteTimeout Peer None, "the peer stopped reading";
    Incomplete Peer None, "the peer ended the connection inside a request";
    Gone Peer None, "the peer reset the connection";
    State Caller None, "this cannot be sent in this state";
    Status Caller None, "a final response needs a status from 200 to 599";
    Framing Caller None, "the header fields contradict the length of the body";
    BodyTooLong Caller None, "more body than its Content-Length says";
    FileTooShort Caller None, "a file that cannot be read, or is shorter than its range";
    BodyTooShort Caller None, "less body than its Content-Length says";
}

impl Fault {
    /// Creates a fault of the caller.
    pub(crate) const fn caller(kind: FaultKind) -> Self {
        Self { kind, at: 0 }
    }

    /// The side that caused a fault.
    pub const fn whose(self) -> Whose {
        self.kind.whose()
    }

    /// Returns the status of the answer, or `None` if the fault is not answered.
    pub const fn status(self) -> Option<Status> {
        self.kind.status()
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whose() {
            Whose::Peer => write!(f, "{} (at byte {})", self.kind, self.at),
            Whose::Caller => self.kind.fmt(f),
        }
    }
}

impl core::error::Error for Fault {}
