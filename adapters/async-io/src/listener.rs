//! Listening sockets.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_io::Async;
use stelo_runtime::socket::{self, SocketFile};

use crate::{Stream, poll_io};

/// A socket that listens: TCP or Unix.
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
    /// Nobody was there when last asked. The task that accepts is often polled for other reasons, and then need not
    /// ask the system again.
    waiting: bool,
}

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
        let kind = match listener {
            socket::Listener::Tcp(listener) => Kind::Tcp(Async::new_nonblocking(listener)?),
            socket::Listener::Unix(_file, listener) => {
                Kind::Unix { _file, listener: Async::new_nonblocking(listener)? }
            }
        };
        Ok(Self { kind, waiting: false })
    }
}

impl stelo_runtime::Listener for Listener {
    type Stream = Stream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        let Self { kind, waiting } = self;
        match kind {
            Kind::Tcp(listener) => poll_accept(listener, waiting, cx, |listener| {
                let (stream, peer) = listener.accept()?;
                Stream::from_tcp(stream, peer)
            }),
            Kind::Unix { listener, .. } => poll_accept(listener, waiting, cx, |listener| {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Stream::from_unix(stream)
            }),
        }
    }
}

fn poll_accept<T>(
    listener: &Async<T>,
    waiting: &mut bool,
    cx: &mut Context<'_>,
    accept: impl Fn(&T) -> io::Result<Stream>,
) -> Poll<io::Result<Stream>> {
    if *waiting {
        ready!(listener.poll_readable(cx))?;
    }
    let result = poll_io(listener, cx, Async::poll_readable, accept);
    *waiting = result.is_pending();
    result
}
