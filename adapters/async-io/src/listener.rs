//! Listening sockets.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use stelo_runtime::socket::{self, SocketFile};

use crate::Stream;
use crate::io::{Io, Place};
use crate::source::Direction;

/// A socket that listens: TCP or Unix. What it accepts is looked after where it is itself.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(Io<TcpListener>),
    // The file goes first: see `socket::Listener`.
    Unix { _file: Option<Arc<SocketFile>>, listener: Io<UnixListener> },
}

impl Listener {
    pub(crate) fn new(listener: socket::Listener, place: &Place) -> io::Result<Self> {
        Ok(Self(match listener {
            socket::Listener::Tcp(listener) => Kind::Tcp(Io::new(listener, place)?),
            socket::Listener::Unix(_file, listener) => {
                Kind::Unix { _file, listener: Io::new(listener, place)? }
            }
        }))
    }
}

impl stelo_runtime::Listener for Listener {
    type Stream = Stream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        // There may be more: asked until nobody is there.
        Poll::Ready(match &mut self.0 {
            Kind::Tcp(listener) => {
                let (stream, peer) =
                    ready!(listener.poll(Direction::Read, cx, TcpListener::accept, |_| false))?;
                Stream::from_tcp(stream, peer, &listener.place())
            }
            Kind::Unix { listener, .. } => {
                let (stream, _) =
                    ready!(listener.poll(Direction::Read, cx, UnixListener::accept, |_| false))?;
                stream.set_nonblocking(true)?;
                Stream::from_unix(stream, &listener.place())
            }
        })
    }
}
