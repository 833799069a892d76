//! The socket of `--admin`, and a thread that answers its clients.
//!
//! Each connection has a thread and one request, within a few seconds. The machine of the core reads it and frames the
//! answer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant as Clock};

use stelo_core::h1::{Config, Connection};
use stelo_core::http::{Headers, Method, RequestHead, Status, header};
use stelo_core::proto::{CloseState, Command, Defaults, Event, HttpMachine, Machine, ResetCause, StreamId};
use stelo_core::{Fault, Instant};
use stelo_os::socket::{Listener, Socket};
use stelo_runtime::Bind;

use super::page::Page;
use crate::messages;

/// The time that a client has from its connection to the end of the response.
const PATIENCE: Duration = Duration::from_secs(5);

/// The connections that are served at once. Further ones wait to be accepted.
const CONNECTIONS: usize = 16;

/// The connections that may wait to be accepted.
const BACKLOG: u32 = 128;

/// The time before another attempt to accept, if too many are served or the system refuses.
const PAUSE: Duration = Duration::from_millis(50);

/// The stack of the threads. They format a page.
const STACK: usize = 256 * 1024;

/// The content type of a page of metrics.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The answers to the requests of clients.
pub(super) struct Answer {
    ready: Arc<AtomicBool>,
    page: Box<dyn Fn() -> Page + Send + Sync>,
}

impl Answer {
    pub(super) fn new(ready: Arc<AtomicBool>, page: impl Fn() -> Page + Send + Sync + 'static) -> Self {
        Self { ready, page: Box::new(page) }
    }

    /// Returns status, content type and text.
    fn to(&self, head: &RequestHead) -> (Status, &'static str, String) {
        let text = |status: Status, text: &str| (status, "text/plain; charset=utf-8", format!("{text}\n"));
        if !matches!(head.method(), Method::Get | Method::Head) {
            return text(Status::METHOD_NOT_ALLOWED, "use GET");
        }
        match head.path() {
            "/metrics" => (Status::OK, METRICS, (self.page)().to_string()),
            "/health" => text(Status::OK, "ok"),
            "/ready" if self.ready.load(Ordering::Relaxed) => text(Status::OK, "ready"),
            "/ready" => text(Status::SERVICE_UNAVAILABLE, "not ready"),
            _ => text(Status::NOT_FOUND, "use /health, /ready or /metrics"),
        }
    }
}

/// A thread that answers the clients of a socket. It ends when this is dropped.
pub(super) struct Door {
    /// Its end is the sign for the thread to end.
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// Listens on a socket, which several processes may have, and answers the clients.
    ///
    /// # Errors
    /// The system refuses to listen, or a thread.
    pub(super) fn open(bind: &Bind, socket: &Socket, answer: Arc<Answer>) -> io::Result<Self> {
        let (wake, sign) = UnixStream::pair()?;
        let listener = Socket::adopt(bind, socket.as_fd().try_clone_to_owned()?)?.listen(BACKLOG)?;
        match (bind, socket.local_address()?) {
            (Bind::Unix(path), _) => messages::admin(&format_args!("unix:{}", path.display())),
            // The system may have chosen the port.
            (_, address) => messages::admin(&address),
        }
        let accept = move || accept(&listener, &sign, &answer);
        let thread = thread::Builder::new().name("stelo-admin".into()).stack_size(STACK).spawn(accept)?;
        Ok(Self { wake: Some(wake), thread: Some(thread) })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.wake = None;
        // It waits for nothing but its sign.
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Accepts connections until `sign` ends.
fn accept(listener: &Listener, sign: &UnixStream, answer: &Arc<Answer>) {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let is_full = open.load(Ordering::Relaxed) >= CONNECTIONS;
        let (all, timeout) = match is_full {
            true => (vec![sign.as_fd()], Some(PAUSE)),
            false => (vec![sign.as_fd(), as_fd(listener)], None),
        };
        match stelo_os::readable(&all, timeout).as_deref() {
            Ok([true, ..]) => return,
            Ok([_, true]) => {}
            Ok(_) => continue,
            Err(_) => {
                thread::sleep(PAUSE);
                continue;
            }
        }
        let Ok(stream) = accept_one(listener) else {
            // The client has left, another process has it, or this one is out of descriptors.
            thread::sleep(PAUSE);
            continue;
        };
        let (guard, answer) = (Open::new(&open), answer.clone());
        let serve = move || {
            let _guard = guard;
            // Only the client can be told, and it has left.
            let _ = Session::new(stream).run(&answer);
        };
        // Without a thread, the connection closes.
        let _ = thread::Builder::new().name("stelo-admin".into()).stack_size(STACK).spawn(serve);
    }
}

/// Counts an open connection.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket of a client.
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

fn as_fd(listener: &Listener) -> BorrowedFd<'_> {
    match listener {
        Listener::Tcp(listener, _) => listener.as_fd(),
        Listener::Unix(_, listener) => listener.as_fd(),
    }
}

fn accept_one(listener: &Listener) -> io::Result<Stream> {
    match listener {
        Listener::Tcp(listener, _) => {
            let (stream, _) = listener.accept()?;
            stream.set_nonblocking(false)?;
            Ok(Stream::Tcp(stream))
        }
        Listener::Unix(_, listener) => {
            let (stream, _) = listener.accept()?;
            stream.set_nonblocking(false)?;
            Ok(Stream::Unix(stream))
        }
    }
}

impl Stream {
    /// Limits the next read and the next write.
    fn limit(&self, time: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                stream.set_read_timeout(Some(time))?;
                stream.set_write_timeout(Some(time))
            }
            Self::Unix(stream) => {
                stream.set_read_timeout(Some(time))?;
                stream.set_write_timeout(Some(time))
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn half_close(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

/// A connection of a client.
struct Session {
    stream: Stream,
    machine: Connection,
    begun: Clock,
}

impl Session {
    fn new(stream: Stream) -> Self {
        let machine = Connection::new(Arc::new(Config::default()), Instant::ZERO);
        Self { stream, machine, begun: Clock::now() }
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.begun.elapsed()
    }

    /// Limits the next system call to the time that is left.
    fn limit(&self) -> io::Result<()> {
        let left = PATIENCE.saturating_sub(self.begun.elapsed());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.limit(left)
    }

    fn run(mut self, answer: &Answer) -> io::Result<()> {
        loop {
            while self.take_event(answer).map_err(|_| ErrorKind::InvalidData)? {}
            self.write()?;
            match self.machine.close_state() {
                CloseState::Open | CloseState::Linger => self.read()?,
                CloseState::HalfClose => {
                    self.stream.half_close()?;
                    self.machine.half_closed(self.now());
                }
                CloseState::Close | CloseState::Switched => return Ok(()),
            }
        }
    }

    /// Handles an event. Returns whether there was one.
    fn take_event(&mut self, answer: &Answer) -> Result<bool, Fault> {
        let now = self.now();
        match self.machine.next_event() {
            Event::Request { stream, head, .. } => {
                let (status, kind, text) = answer.to(&head);
                self.machine.discard_body(now, stream);
                // One request on each connection.
                self.machine.shutdown(now);
                let mut headers = Headers::new();
                headers.append(header::CONTENT_TYPE, kind);
                headers.append(header::CACHE_CONTROL, "no-store");
                let (headers, defaults, body) = (&headers, &Defaults::default(), &mut text.into());
                let respond = Command::Whole { status, headers, defaults, body: Some(body) };
                self.machine.send(now, stream, respond)?;
            }
            Event::Fault { fault, .. } => {
                let answered = self.machine.has_responded(StreamId::ONLY);
                match fault.status() {
                    Some(_) if !answered => {
                        self.machine.refuse(now, StreamId::ONLY, fault, &Defaults::default())?;
                    }
                    _ => self.machine.send(now, StreamId::ONLY, Command::Reset(ResetCause::Internal))?,
                }
            }
            Event::NeedData | Event::Paused | Event::Closed => return Ok(false),
            _ => {}
        }
        Ok(true)
    }

    fn write(&mut self) -> io::Result<()> {
        loop {
            let mut slices = [&[][..]; 1];
            if self.machine.poll_transmit(&mut slices).slices == 0 {
                return Ok(());
            }
            let bytes = slices[0].to_vec();
            self.limit()?;
            let n = self.stream.write(&bytes)?;
            self.machine.transmitted(self.now(), n);
        }
    }

    fn read(&mut self) -> io::Result<()> {
        self.limit()?;
        let now = self.now();
        match self.machine.spare() {
            // Nothing more is read.
            [] => Err(ErrorKind::InvalidData.into()),
            spare => {
                match self.stream.read(spare)? {
                    0 => self.machine.receive_eof(now),
                    n => self.machine.received(now, n),
                }
                Ok(())
            }
        }
    }
}
