//! Listening sockets.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_io::Async;
use stelo_runtime::socket::{self, SocketFile};

use crate::{Stream, poll_io};

/// A socket that listens: TCP or Unix.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(Async<TcpListener>),
    // The file goes first: see `socket::Listener`.
    Unix { _file: Option<Arc<SocketFile>>, listener: Async<UnixListener> },
}

impl Listener {
    /// Registers a listening socket with the reactor.
    ///
    /// # Errors
    /// The system refuses.
    pub fn new(listener: socket::Listener) -> io::Result<Self> {
        Ok(Self(match listener {
            socket::Listener::Tcp(listener) => Kind::Tcp(Async::new_nonblocking(listener)?),
            socket::Listener::Unix(_file, listener) => {
                Kind::Unix { _file, listener: Async::new_nonblocking(listener)? }
            }
        }))
    }
}

impl stelo_runtime::Listener for Listener {
    type Stream = Stream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        match &self.0 {
            Kind::Tcp(listener) => poll_io(listener, cx, Async::poll_readable, |listener| {
                let (stream, peer) = listener.accept()?;
                Stream::from_tcp(stream, peer)
            }),
            Kind::Unix { listener, .. } => poll_io(listener, cx, Async::poll_readable, |listener| {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Stream::from_unix(stream)
            }),
        }
    }
}
