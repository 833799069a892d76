//! The opening of a connection: everything before its first request.
//!
//! A transport can have a handshake of its own, and its ALPN decides the protocol. Without ALPN the protocol is HTTP/1.1.

use std::io;
use std::task::{Context, Poll, ready};

use stelo_runtime::Stream;

use super::transport::Transport;
use crate::config::HttpVersions;

/// The protocol that a connection begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opened {
    /// HTTP/1.1, or HTTP/1.0, which the same machine understands. In clear text, it can become HTTP/2.
    Http1,
    /// HTTP/2.
    Http2,
}

/// Completes when the protocol of the connection is known.
///
/// # Errors
/// The handshake has failed, or the peer insists on a protocol that is not spoken here.
pub(super) fn poll_open<S: Stream>(
    transport: &mut Transport<S>,
    versions: HttpVersions,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Opened>> {
    ready!(transport.poll_handshake(cx))?;
    Poll::Ready(choose(transport.alpn(), versions))
}

/// Chooses the protocol by ALPN (RFC 7301, RFC 9112 section 12.4).
fn choose(alpn: Option<&[u8]>, versions: HttpVersions) -> io::Result<Opened> {
    match (alpn, versions) {
        (Some(b"h2"), HttpVersions::Auto | HttpVersions::Http2) => Ok(Opened::Http2),
        // Without ALPN, the client is expected to know.
        (None, HttpVersions::Http2) => Ok(Opened::Http2),
        (None | Some(b"http/1.1" | b"http/1.0"), HttpVersions::Auto | HttpVersions::Http1) => {
            Ok(Opened::Http1)
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpn_decides_the_protocol() {
        use HttpVersions::{Auto, Http1, Http2};
        for (alpn, versions, opened) in [
            (None, Auto, Some(Opened::Http1)),
            (Some(&b"http/1.1"[..]), Auto, Some(Opened::Http1)),
            (Some(b"http/1.0"), Http1, Some(Opened::Http1)),
            (Some(b"h2"), Auto, Some(Opened::Http2)),
            (Some(b"h2"), Http1, None),
            (None, Http2, Some(Opened::Http2)),
            (Some(b"http/1.1"), Http2, None),
            (Some(b"imap"), Auto, None),
        ] {
            assert_eq!(choose(alpn, versions).ok(), opened, "{alpn:?} {versions}");
        }
    }
}
