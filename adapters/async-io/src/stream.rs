//! Connections.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll, ready};

use async_io::Async;
use stelo_runtime::{Address, socket};

use crate::poll_io;

/// A connection: TCP or Unix.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(Connection<TcpStream>, SocketAddr),
    Unix(Connection<UnixStream>),
}

/// Runs `$body` on the connection, whatever its kind.
macro_rules! either {
    ($stream:expr, $connection:ident => $body:expr) => {
        match $stream {
            Kind::Tcp($connection, _) => $body,
            Kind::Unix($connection) => $body,
        }
    };
}

impl Stream {
    /// A TCP connection that was accepted from `peer`.
    pub(crate) fn from_tcp(stream: TcpStream, peer: SocketAddr) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self(Kind::Tcp(Connection::new(stream)?, peer)))
    }

    /// A Unix connection in non-blocking mode.
    pub(crate) fn from_unix(stream: UnixStream) -> io::Result<Self> {
        Ok(Self(Kind::Unix(Connection::new(stream)?)))
    }
}

impl stelo_runtime::Stream for Stream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        either!(&mut self.0, connection => connection.poll_read(cx, buf))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(&self.0, connection => {
            poll_io(&connection.io, cx, Async::poll_writable, |mut io| io.write(buf))
        })
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        either!(&self.0, connection => {
            poll_io(&connection.io, cx, Async::poll_writable, |mut io| io.write_vectored(bufs))
        })
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(either!(&self.0, connection => connection.io.get_ref().shutdown(Shutdown::Write)))
    }

    fn peer_address(&self) -> Option<Address> {
        match &self.0 {
            Kind::Tcp(_, peer) => Some(Address::Ip(*peer)),
            Kind::Unix(connection) => socket::peer_address(&connection.io).ok()?,
        }
    }

    fn local_address(&self) -> Option<Address> {
        either!(&self.0, connection => socket::local_address(&connection.io).ok()?)
    }
}

/// A socket, and what is known of its receive buffer.
#[derive(Debug)]
struct Connection<T> {
    io: Async<T>,
    /// The last read took less than it could have: nothing was left then.
    drained: bool,
}

impl<T: async_io::IoSafe + std::os::fd::AsFd> Connection<T> {
    fn new(socket: T) -> io::Result<Self> {
        Ok(Self { io: Async::new_nonblocking(socket)?, drained: false })
    }
}

impl<T> Connection<T>
where
    for<'a> &'a T: Read,
{
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if std::mem::take(&mut self.drained) {
            // Waiting at once saves the system call that would only say so. What has come since then is not missed:
            // the reactor is told the state, not the change. Asked twice, since its first answer may be of the past.
            ready!(self.io.poll_readable(cx))?;
            ready!(self.io.poll_readable(cx))?;
        }
        let n = ready!(poll_io(&self.io, cx, Async::poll_readable, |mut io| io.read(buf)))?;
        self.drained = 0 < n && n < buf.len();
        Poll::Ready(Ok(n))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::TcpListener;

    use stelo_runtime::Stream as _;

    use super::*;

    fn pair() -> (TcpStream, Stream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, peer) = listener.accept().unwrap();
        (client, Stream::from_tcp(server, peer).unwrap())
    }

    #[test]
    fn small_writes_are_not_held_back() {
        let (_client, stream) = pair();
        let Kind::Tcp(connection, _) = &stream.0 else { panic!() };
        assert!(connection.io.get_ref().nodelay().unwrap());
    }

    #[test]
    fn what_comes_between_a_short_read_and_the_next_is_read() {
        let (mut client, mut stream) = pair();
        async_io::block_on(async {
            let mut buf = [0; 8];
            for message in [b"one".as_slice(), b"two", b"eightful", b"x"] {
                client.write_all(message).unwrap();
                let n = poll_fn(|cx| stream.poll_read(cx, &mut buf)).await.unwrap();
                assert_eq!(&buf[..n], message);
            }
            drop(client);
            assert_eq!(poll_fn(|cx| stream.poll_read(cx, &mut buf)).await.unwrap(), 0);
        });
    }

    #[test]
    fn a_read_that_is_polled_for_other_reasons_goes_on_waiting() {
        let (mut client, mut stream) = pair();
        async_io::block_on(async {
            let mut buf = [0; 8];
            for _ in 0..3 {
                client.write_all(b"ping").unwrap();
                assert_eq!(poll_fn(|cx| stream.poll_read(cx, &mut buf)).await.unwrap(), 4);
                poll_fn(|cx| {
                    for _ in 0..3 {
                        assert!(stream.poll_read(cx, &mut buf).is_pending());
                    }
                    Poll::Ready(())
                })
                .await;
            }
        });
    }
}
