//! The opening of a connection: everything before its first request.
//!
//! A transport can have a handshake of its own, and its ALPN decides the protocol. Without ALPN the protocol is HTTP/1.1.

use std::io;
use std::task::{Context, Poll, ready};

use stelo_runtime::Stream;

use super::transport::Transport;

/// The protocol that a connection begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opened {
    /// HTTP/1.1, or HTTP/1.0, which the same machine understands.
    Http1,
}

/// Completes when the protocol of the connection is known.
///
/// # Errors
/// The handshake has failed, or the peer insists on a protocol that is not spoken here.
pub(super) fn poll_open<S: Stream>(
    transport: &mut Transport<S>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Opened>> {
    ready!(transport.poll_handshake(cx))?;
    Poll::Ready(choose(transport.alpn()))
}

/// Chooses the protocol by ALPN (RFC 7301, RFC 9112 section 12.4).
fn choose(alpn: Option<&[u8]>) -> io::Result<Opened> {
    match alpn {
        None | Some(b"http/1.1" | b"http/1.0") => Ok(Opened::Http1),
        Some(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpn_decides_the_protocol() {
        for alpn in [None, Some(&b"http/1.1"[..]), Some(b"http/1.0")] {
            assert_eq!(choose(alpn).expect("spoken here"), Opened::Http1);
        }
        assert!(choose(Some(b"imap")).is_err());
    }
}
