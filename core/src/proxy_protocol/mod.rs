//! The PROXY protocol, versions 1 and 2: the addresses of a client, which a load balancer sends before the first byte of
//! the connection.
//!
//! [`parse`] is a function of the bytes so far. It returns the header once it is complete, and otherwise the number of bytes
//! that can be read without reading past its end. So the socket passes to TLS or HTTP with nothing buffered. Whether the
//! peer is trusted, and a timeout, are left to the caller. The rules are those of the
//! [specification](https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt) by HAProxy.
//!
//! ```
//! use stelo_core::proxy_protocol::{Progress, Versions, parse};
//!
//! let line = b"PROXY TCP4 192.0.2.1 203.0.113.7 51234 443\r\n";
//! let Progress::Done(header) = parse(line, Versions::Any)? else { panic!("the line is complete") };
//! let route = header.route.expect("the addresses are known");
//! assert_eq!(route.source.expect("it has a name").to_string(), "192.0.2.1:51234");
//!
//! assert_eq!(parse(b"PROXY TCP4 192.", Versions::V1)?, Progress::Need(8));
//! assert!(parse(b"GET / HTTP/1.1\r\n", Versions::Any).is_err());
//! # Ok::<(), stelo_core::proxy_protocol::Error>(())
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `line.rs` | version 1, a line of text |
//! | `binary.rs` | version 2, with its addresses and extensions |
//! | `crc32c.rs` | the checksum of version 2 |
//! | `error.rs` | the reasons to reject a connection |

mod binary;
mod crc32c;
mod error;
mod line;
#[cfg(test)]
mod tests;

pub use error::Error;

use crate::app::Address;

/// The maximum length of a header, in bytes. The format of version 2 allows 65,551, but addresses and the usual
/// extensions take less than 1 KiB. A client that is not a proxy cannot make the receiver buffer more.
pub const MAX_LENGTH: usize = 4096;

/// The length of the shortest header: `PROXY UNKNOWN` and its line end.
const SHORTEST: usize = 15;

/// The versions that a receiver accepts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Versions {
    /// Version 1, a line of text.
    V1,
    /// Version 2, a binary header.
    V2,
    /// Both.
    Any,
}

/// The state of a header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// The header is incomplete. It has at least this number of bytes more, which is never zero.
    Need(usize),
    /// The header is complete.
    Done(Header),
}

/// A complete header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The number of bytes of the header. The bytes of the client follow.
    pub length: usize,
    /// The ends of the connection between the client and the proxy. `None` if the proxy has connected for itself
    /// (`LOCAL`, such as a health check), or does not know them (`UNKNOWN`): the addresses of the socket apply.
    pub route: Option<Route>,
}

/// The ends of the connection between a client and a proxy. `None` is a Unix socket without a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// The address of the client.
    pub source: Option<Address>,
    /// The address that the client connected to.
    pub destination: Option<Address>,
}

/// Parses the header at the beginning of `input`.
///
/// The cost of a call grows with the length of `input`, up to [`MAX_LENGTH`].
///
/// # Errors
/// The input does not begin with a header of `versions`, or the header is malformed. The connection cannot be used then.
pub fn parse(input: &[u8], versions: Versions) -> Result<Progress, Error> {
    let is = |prefix: &[u8]| input.iter().zip(prefix).all(|(a, b)| a == b);
    let text = versions != Versions::V2 && is(line::PREFIX);
    let binary = versions != Versions::V1 && is(binary::SIGNATURE);
    match (text, binary) {
        // Only an empty input is the beginning of both.
        (true, true) => Ok(Progress::Need(SHORTEST)),
        (true, false) => line::parse(input),
        (false, true) => binary::parse(input),
        (false, false) => Err(Error::Missing),
    }
}
