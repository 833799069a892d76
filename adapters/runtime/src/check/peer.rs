//! The helpers of the cases: a connected pair of peers, futures over the poll functions, and flags to wait for.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{Address, Bind, Listener, Runtime, Stream};

/// The time after which a case fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A TCP address with a port that the system chooses.
pub(super) const ANY_PORT: &str = "127.0.0.1:0";

/// Returns the TCP address to bind.
pub(super) fn tcp(address: &str) -> Bind {
    Bind::Tcp(address.parse().expect("a constant that is an address"))
}

/// A client: a blocking socket.
pub(super) enum Client {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Client {
    pub(super) fn connect(address: &Address) -> Self {
        let client = match address {
            Address::Ip(address) => Self::Tcp(TcpStream::connect(address).expect("the server listens")),
            Address::Unix(path) => Self::Unix(UnixStream::connect(&**path).expect("the server listens")),
            Address::Name(name) => panic!("a socket has the name {name} for an address"),
        };
        match &client {
            Self::Tcp(stream) => stream.set_read_timeout(Some(PATIENCE)),
            Self::Unix(stream) => stream.set_read_timeout(Some(PATIENCE)),
        }
        .expect("a timeout that is not zero");
        client
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Unix(stream) => stream.write_all(bytes),
        }
        .expect("the server reads");
    }

    /// Closes the sending side.
    pub(super) fn finish(&self) {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
        .expect("the connection is alive");
    }

    pub(super) fn receive(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        match self {
            Self::Tcp(stream) => stream.read_exact(&mut bytes),
            Self::Unix(stream) => stream.read_exact(&mut bytes),
        }
        .expect("the server sends");
        bytes
    }

    pub(super) fn receive_all(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Tcp(stream) => stream.read_to_end(&mut bytes),
            Self::Unix(stream) => stream.read_to_end(&mut bytes),
        }
        .expect("the server ends");
        bytes
    }
}

/// Runs `server` on a connection that `client` opens, and returns the results of both.
pub(super) fn connected<R: Runtime, F: Future, T: Send + 'static>(
    bind: &Bind,
    client: impl FnOnce(Client) -> T + Send + 'static,
    server: impl FnOnce(R, R::Stream) -> F,
) -> (T, F::Output) {
    R::block_on(|runtime: R| async move {
        let socket = runtime.bind(bind).expect("the address is free");
        let address = runtime.local_address(&socket).expect("it is bound");
        let mut listener = runtime.listen(socket, 16).expect("it is bound");
        let client = thread::spawn(move || client(Client::connect(&address)));
        let stream = accept(&mut listener).await.expect("the client connects");
        let output = server(runtime, stream).await;
        (join(client), output)
    })
    .expect("the executor starts")
}

/// Returns the result of a thread, or resumes its panic.
pub(super) fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

pub(super) async fn accept<L: Listener>(listener: &mut L) -> io::Result<L::Stream> {
    poll_fn(|cx| listener.poll_accept(cx)).await
}

pub(super) async fn read(stream: &mut impl Stream, buf: &mut [u8]) -> io::Result<usize> {
    poll_fn(|cx| stream.poll_read(cx, buf)).await
}

pub(super) async fn write_all(stream: &mut impl Stream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let n = poll_fn(|cx| stream.poll_write(cx, bytes)).await.expect("the client reads");
        bytes = bytes.get(n..).expect("no more is written than was given");
    }
}

pub(super) async fn write_vectored(stream: &mut impl Stream, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    poll_fn(|cx| stream.poll_write_vectored(cx, bufs)).await
}

pub(super) async fn close(stream: &mut impl Stream) {
    poll_fn(|cx| stream.poll_close(cx)).await.expect("the connection is alive");
}

/// Sends all bytes back, in pieces of at most `size`, and closes.
pub(super) async fn echo(stream: &mut impl Stream, size: usize) {
    let mut buf = vec![0; size];
    loop {
        let n = read(stream, &mut buf).await.expect("the client sends");
        if n == 0 {
            break;
        }
        write_all(stream, buf.get(..n).expect("no more is read than asked for")).await;
    }
    close(stream).await;
}

/// An event that happens once, on any thread, and that one task waits for.
#[derive(Clone, Default)]
pub(super) struct Flag(Arc<Mutex<(bool, Option<Waker>)>>);

impl Flag {
    pub(super) fn raise(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = true;
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }

    pub(super) async fn raised(&self) {
        poll_fn(|cx| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.0 {
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
