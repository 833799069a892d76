//! Listening sockets.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use stelo_os::socket::{self, Ends, SocketFile};
use tokio::net::{TcpListener, UnixListener};

use crate::Stream;

/// A listening socket: TCP or Unix.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener, Option<Arc<SocketAddr>>),
    // The file is dropped first: see `socket::Listener`.
    Unix { _file: Option<Arc<SocketFile>>, listener: UnixListener },
}

impl Listener {
    /// Registers a listening socket with the current runtime.
    pub(crate) fn new(listener: socket::Listener) -> io::Result<Self> {
        Ok(Self(match listener {
            socket::Listener::Tcp(listener, address) => Kind::Tcp(TcpListener::from_std(listener)?, address),
            socket::Listener::Unix(_file, listener) => {
                Kind::Unix { _file, listener: UnixListener::from_std(listener)? }
            }
        }))
    }
}

impl stelo_runtime::Listener for Listener {
    type Stream = Stream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        Poll::Ready(match &self.0 {
            Kind::Tcp(listener, local) => {
                let (stream, peer) = ready!(listener.poll_accept(cx))?;
                Stream::from_tcp(stream, Ends { peer, local: local.clone() })
            }
            Kind::Unix { listener, .. } => {
                let (stream, _) = ready!(listener.poll_accept(cx))?;
                Ok(stream.into())
            }
        })
    }
}
