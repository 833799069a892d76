//! Listening sockets.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use stelo_os::socket::{self, Ends, SocketFile};

use crate::Stream;
use crate::io::{Home, Io};
use crate::source::Direction;

/// A listening socket: TCP or Unix. Its connections have the same reactor.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(Io<TcpListener>, Option<Arc<SocketAddr>>),
    // The file is dropped first: see `socket::Listener`.
    Unix { _file: Option<Arc<SocketFile>>, listener: Io<UnixListener> },
}

impl Listener {
    pub(crate) fn new(listener: socket::Listener, home: &Home) -> io::Result<Self> {
        Ok(Self(match listener {
            socket::Listener::Tcp(listener, address) => Kind::Tcp(Io::new(listener, home)?, address),
            socket::Listener::Unix(_file, listener) => {
                Kind::Unix { _file, listener: Io::new(listener, home)? }
            }
        }))
    }
}

impl stelo_runtime::Listener for Listener {
    type Stream = Stream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        // More connections may be queued, so the listener is not noted as drained.
        Poll::Ready(match &mut self.0 {
            Kind::Tcp(listener, local) => {
                let (stream, peer) =
                    ready!(listener.poll(Direction::Read, cx, TcpListener::accept, |_| false))?;
                Stream::from_tcp(stream, Ends { peer, local: local.clone() }, &listener.home())
            }
            Kind::Unix { listener, .. } => {
                let (stream, _) =
                    ready!(listener.poll(Direction::Read, cx, UnixListener::accept, |_| false))?;
                stream.set_nonblocking(true)?;
                Stream::from_unix(stream, &listener.home())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::TcpStream;

    use stelo_runtime::{Address, Listener as _, Stream as _};

    use super::*;
    use crate::io::in_both;

    #[test]
    fn clients_are_accepted_whether_or_not_the_listener_waits() {
        in_both(async |home| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            listener.set_nonblocking(true).unwrap();
            let mut listener = Listener::new(socket::Listener::Tcp(listener, None), home).unwrap();
            for clients in [1, 3, 2] {
                poll_fn(|cx| {
                    assert!(listener.poll_accept(cx).is_pending());
                    Poll::Ready(())
                })
                .await;
                let clients: Vec<_> = (0..clients).map(|_| TcpStream::connect(address).unwrap()).collect();
                for client in clients {
                    let accepted = poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
                    assert_eq!(accepted.peer_address(), Some(Address::Ip(client.local_addr().unwrap())));
                }
            }
        });
    }
}
