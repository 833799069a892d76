//! The reasons to reject a connection for its PROXY header.

use core::fmt;

/// The reason to reject a connection. The specification requires to close it without a response.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The connection does not begin with a header of an accepted version.
    Missing,
    /// A line of version 1 does not have the required form.
    Line,
    /// The version or the command of a binary header is unknown.
    Command,
    /// The address family or the transport of a binary header is unknown, or not a stream.
    Family,
    /// An address or a port is invalid, or the header ends within an address.
    Address,
    /// An extension of a binary header is longer than the header, or the checksum is repeated or not of four bytes.
    Extension,
    /// The checksum of a binary header does not match.
    Checksum,
    /// The header is longer than [`MAX_LENGTH`](super::MAX_LENGTH), or a line longer than 107 bytes.
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "it does not begin with a PROXY protocol header of an accepted version",
            Self::Line => "its PROXY line is malformed",
            Self::Command => "its PROXY header has an unknown version or command",
            Self::Family => "its PROXY header has an address family or a transport that is not supported",
            Self::Address => "its PROXY header has an invalid address or port",
            Self::Extension => "its PROXY header has an invalid extension",
            Self::Checksum => "the checksum of its PROXY header does not match",
            Self::TooLong => "its PROXY header is too long",
        })
    }
}

impl core::error::Error for Error {}
