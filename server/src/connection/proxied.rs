//! The PROXY protocol: the header that a load balancer sends before TLS or HTTP.
//!
//! Only the bytes of the header are read, so that the transport passes on as it was. A peer that is not trusted, and a
//! connection without a header, are closed without a response, as the specification requires.

use std::task::{Context, Poll};

use stelo_core::proxy_protocol::{Progress, parse};
use stelo_runtime::{Instant, Runtime, Stream};
use tracing::debug;

use super::link::{GRAIN, Link};
use crate::log::{FromClient, SERVER};
use crate::proxy::ProxyProtocol;

/// A connection whose header is incomplete.
#[derive(Default)]
pub(super) struct Proxied {
    header: Vec<u8>,
    /// The time at which the connection is closed. `None` before the first poll.
    deadline: Option<Instant>,
    /// The server is stopping, and the socket was empty.
    looked: bool,
    /// TLS follows.
    secure: bool,
}

impl Proxied {
    /// Creates the beginning of a connection. With `secure`, TLS follows.
    pub(super) fn before(secure: bool) -> Box<Self> {
        Box::new(Self { secure, ..Self::default() })
    }

    /// Whether TLS follows.
    pub(super) fn is_before_tls(&self) -> bool {
        self.secure
    }

    /// Reads the header. Ready with whether the connection can be used.
    pub(super) fn poll<R: Runtime>(&mut self, link: &mut Link<R>, cx: &mut Context<'_>) -> Poll<bool> {
        let thread = link.thread.clone();
        let Some(ProxyProtocol { versions, trusted, timeout }) = &thread.shared.proxy_protocol else {
            return Poll::Ready(true);
        };
        let now = thread.runtime.now();
        let Some(io) = link.transport_mut() else { return Poll::Ready(false) };
        if self.deadline.is_none() && !trusted.contain(io.peer_address().as_ref()) {
            let peer = io.peer_address();
            let line = format_args!(
                "Connection{} refused: the peer is not in --proxy-allow-from",
                FromClient(peer.as_ref())
            );
            thread.shared.invalid.warn(now, line);
            return Poll::Ready(false);
        }
        let deadline = *self.deadline.get_or_insert(now + *timeout);
        loop {
            let need = match parse(&self.header, *versions) {
                Ok(Progress::Done(header)) => {
                    link.set_route(header.route);
                    return Poll::Ready(true);
                }
                Ok(Progress::Need(need)) => need,
                Err(error) => {
                    let peer = io.peer_address();
                    let line = format_args!("Connection{} refused: {error}", FromClient(peer.as_ref()));
                    thread.shared.invalid.warn(now, line);
                    return Poll::Ready(false);
                }
            };
            let start = self.header.len();
            self.header.resize(start + need, 0);
            let read = io.poll_read(cx, self.header.get_mut(start..).unwrap_or_default());
            self.header.truncate(match read {
                Poll::Ready(Ok(n)) => start + n,
                _ => start,
            });
            match read {
                Poll::Ready(Ok(1..)) => {}
                // Health checks connect and leave.
                Poll::Ready(_) => return Poll::Ready(false),
                Poll::Pending => break,
            }
        }
        if now + GRAIN >= deadline {
            debug!(target: SERVER, "Connection closed: its PROXY header did not arrive in time");
            return Poll::Ready(false);
        }
        if link.is_stopping(cx) {
            // The executor may not know of bytes in the socket before it has asked the system again.
            if std::mem::replace(&mut self.looked, true) {
                return Poll::Ready(false);
            }
            thread.runtime.yield_now(cx);
        }
        link.wait_until(deadline, cx);
        Poll::Pending
    }
}
