//! Request methods (RFC 9110 section 9).

use alloc::boxed::Box;
use core::fmt;

/// A request method. Case matters: `get` is not GET, but a method of its own.
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
    /// Ask for a representation of the target.
    Get,
    /// GET, but without the body.
    Head,
    /// Let the target process the body.
    Post,
    /// Replace the target by the body.
    Put,
    /// Remove the target.
    Delete,
    /// Open a tunnel to the target.
    Connect,
    /// Ask what can be done with the target.
    Options,
    /// Echo the request.
    Trace,
    /// Change the target by the body (RFC 5789).
    Patch,
    /// Any other token.
    Other(OtherMethod),
}

/// A method that has no variant of its own: a token that has been checked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtherMethod(Box<str>);

impl Method {
    /// The method of these bytes, or `None` if they are not a token.
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
            other if super::is_token(other) => {
                Self::Other(OtherMethod(core::str::from_utf8(other).ok()?.into()))
            }
            _ => return None,
        })
    }

    /// The method as it stands in a request line.
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
