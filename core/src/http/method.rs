//! Request methods (RFC 9110 section 9).

use alloc::boxed::Box;
use core::fmt;

/// A request method. Case matters: `get` is another method than `GET`.
///
/// ```
/// use stelo_core::http::Method;
///
/// assert_eq!(Method::from_bytes(b"GET"), Some(Method::Get));
/// assert_eq!(Method::from_bytes(b"PURGE").unwrap().as_str(), "PURGE");
/// assert_eq!(Method::from_bytes(b"NOT OK"), None);
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Requests a representation of the target.
    Get,
    /// As GET, without the body.
    Head,
    /// Requests that the target processes the body.
    Post,
    /// Replaces the target with the body.
    Put,
    /// Removes the target.
    Delete,
    /// Opens a tunnel to the target.
    Connect,
    /// Requests the options of the target.
    Options,
    /// Echoes the request.
    Trace,
    /// Modifies the target as the body says (RFC 5789).
    Patch,
    /// As GET, with a body that says what to look for. Safe and idempotent.
    Query,
    /// Any other token.
    Other(OtherMethod),
}

/// A method without a variant. It is a valid token.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtherMethod(Box<str>);

impl Method {
    /// Parses a method. Returns `None` if the bytes are not a token.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"CONNECT" => Self::Connect,
            b"OPTIONS" => Self::Options,
            b"TRACE" => Self::Trace,
            b"PATCH" => Self::Patch,
            b"QUERY" => Self::Query,
            other if super::is_token(other) => {
                Self::Other(OtherMethod(core::str::from_utf8(other).ok()?.into()))
            }
            _ => return None,
        })
    }

    /// Returns whether the method only reads (RFC 9110 section 9.2.1): GET, HEAD, OPTIONS, QUERY and TRACE.
    pub const fn is_safe(&self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options | Self::Query | Self::Trace)
    }

    /// Returns whether a request can be repeated without another effect (RFC 9110 section 9.2.2): the safe methods, PUT
    /// and DELETE.
    ///
    /// ```
    /// use stelo_core::http::Method;
    ///
    /// assert!(Method::Query.is_safe() && Method::Query.is_idempotent());
    /// assert!(Method::Put.is_idempotent() && !Method::Put.is_safe());
    /// assert!(!Method::Post.is_idempotent());
    /// ```
    pub const fn is_idempotent(&self) -> bool {
        self.is_safe() || matches!(self, Self::Put | Self::Delete)
    }

    /// Returns the method as a request line has it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
            Self::Query => "QUERY",
            Self::Other(other) => &other.0,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
