//! The connection driver: one task that carries bytes, time and decisions between a transport, a protocol machine and
//! the application.
//!
//! | file | contents |
//! |---|---|
//! | `proxied.rs` | the PROXY header, which comes before everything else |
//! | `opening.rs` | what comes before the first request: which protocol the connection speaks |
//! | `transport.rs` | the socket of a connection, or a stream of a multiplexed one |
//! | `link.rs` | a transport, its timer, and the loop that all protocols share |
//! | `http/` | HTTP of any version: a connection and its exchanges |
//! | `websocket/` | a WebSocket and its handles |
//! | `tunnel.rs` | a connection that has left HTTP for bytes |
//! | `file.rs` | sending ranges of files |
//! | `pool.rs` | the buffers of idle connections |

mod file;
mod http;
mod link;
mod opening;
mod pool;
mod proxied;
mod transport;
mod tunnel;
mod websocket;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use stelo_core::proto::Machine;
use stelo_core::proto::StreamId;
use stelo_core::{h1, h2, ws};
use stelo_runtime::{Instant, Runtime};
use tracing::{debug, error};

use crate::admin::Count;
use crate::contain::catch;
use crate::log::{FromClient, SERVER};
use crate::thread::Thread;
use http::{HttpProtocol, Next, One, Table};
use link::{End, GRAIN, Link, Protocol};
use opening::{Opened, poll_open};
use proxied::Proxied;
use transport::Transport;
use websocket::Session;

/// HTTP/1.1: one exchange at a time.
type Http1 = HttpProtocol<h1::Connection, One>;

/// HTTP/2: many exchanges at a time.
type Http2 = HttpProtocol<h2::Connection, Table>;

/// The task of one connection.
pub(crate) struct Connection<R: Runtime> {
    link: Link<R>,
    state: State<R>,
}

/// The protocol of a connection.
///
/// | from | to | when |
/// |---|---|---|
/// | `Proxied` | `Opening` | the PROXY header is complete |
/// | `Opening` | `Http`, `Http2` | the protocol is known |
/// | `Opening` | `Rejected` | the handshake has failed |
/// | `Http` | `Http2` | a connection in clear text begins with the preface of HTTP/2 |
/// | `Http` | `WebSocket` | a handshake was accepted |
/// | `Http` | `Tunnel` | another upgrade or a CONNECT was accepted |
///
/// Most connections begin with HTTP/1.1, the largest variant.
#[expect(clippy::large_enum_variant)]
enum State<R: Runtime> {
    /// The PROXY header comes first.
    Proxied(Box<Proxied>),
    /// The protocol is not known yet, but must be by this time.
    Opening(Instant),
    /// The handshake has failed. The peer has until this time to close.
    Rejected(Instant),
    /// HTTP/1.1.
    Http(Http1),
    /// HTTP/2.
    Http2(Box<Http2>),
    /// A WebSocket.
    WebSocket(Session<R>),
    /// Bytes both ways.
    Tunnel(tunnel::Session<R>),
}

impl<R: Runtime> Connection<R> {
    pub(crate) fn new(thread: Arc<Thread<R>>, io: R::Stream, secure: bool) -> Self {
        thread.shared.count_connection(true);
        let mut connection = Self {
            state: State::Opening(Instant::ZERO),
            link: Link::new(thread, Some(Transport::Plain(io))),
        };
        match connection.link.thread.shared.proxy_protocol {
            None => connection.begin(secure),
            Some(_) => connection.state = State::Proxied(Proxied::before(secure)),
        }
        connection
    }

    /// Begins the handshake of the transport, after the PROXY header.
    fn begin(&mut self, secure: bool) {
        if secure {
            self.link.secure();
        }
        let thread = &self.link.thread;
        self.state = State::Opening(thread.runtime.now() + thread.shared.ssl_handshake);
    }

    /// Completes when the first protocol has begun. Returns whether there is one.
    // Out of line, as `switch`: the states are large, and would enlarge the stack frame of every poll.
    #[cold]
    #[inline(never)]
    fn poll_open(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<bool> {
        let versions = self.link.thread.shared.versions;
        let Some(transport) = self.link.transport_mut() else { return Poll::Ready(false) };
        let opened = match poll_open(transport, versions, cx) {
            Poll::Pending => return self.wait(until, cx).map(|()| false),
            Poll::Ready(Ok(opened)) => opened,
            Poll::Ready(Err(error)) => {
                if transport.is_plain_http() {
                    let context = self.link.context().clone();
                    let client = FromClient(context.client());
                    let line = format_args!("Invalid HTTP request received{client}: {error}");
                    let thread = &self.link.thread;
                    thread.shared.invalid.warn(thread.runtime.now(), line);
                } else {
                    debug!(target: SERVER, "Connection refused: {error}");
                }
                self.link.thread.shared.count(Count::FailedHandshake);
                self.state = State::Rejected(until);
                return Poll::Ready(true);
            }
        };
        if self.link.is_encrypted() {
            self.link.thread.shared.count(Count::Handshake);
        }
        let thread = &self.link.thread;
        self.state = match opened {
            Opened::Http1 => {
                let machine = h1::Connection::new(thread.shared.machine.clone(), thread.runtime.now());
                State::Http(HttpProtocol::new(machine, thread.shared.is_overloaded()))
            }
            Opened::Http2 => State::Http2(self.http2()),
        };
        Poll::Ready(true)
    }

    /// Begins HTTP/2.
    fn http2(&self) -> Box<Http2> {
        let thread = &self.link.thread;
        let machine = h2::Connection::new(thread.shared.http2.clone(), thread.runtime.now());
        Box::new(HttpProtocol::new(machine, thread.shared.is_overloaded()))
    }

    /// Completes when the peer knows that the handshake has failed.
    #[cold]
    #[inline(never)]
    fn poll_reject(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        match self.link.transport_mut().map(|transport| transport.poll_reject(cx)) {
            Some(Poll::Pending) => self.wait(until, cx),
            Some(Poll::Ready(())) | None => Poll::Ready(()),
        }
    }

    /// Waits until a deadline, or until the server ends at once.
    fn wait(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if self.link.is_aborted(cx) || self.link.thread.runtime.now() + GRAIN >= until {
            return Poll::Ready(());
        }
        self.link.wait_until(until, cx);
        Poll::Pending
    }

    /// Begins what follows HTTP. Returns whether anything does.
    #[cold]
    #[inline(never)]
    fn switch(&mut self) -> bool {
        let State::Http(http) = &mut self.state else { return false };
        let thread = self.link.thread.clone();
        if let Some(ahead) = http.take_preface() {
            let mut http = self.http2();
            Protocol::<R>::machine(&mut *http, |machine| machine.receive(thread.runtime.now(), &ahead));
            self.link.follow(&mut *http);
            self.state = State::Http2(http);
            return true;
        }
        match http.take_next(StreamId::ONLY) {
            Some((Next::Tunnel(run), ahead)) => {
                self.state = State::Tunnel(tunnel::Session::new(&mut self.link, ahead, run));
                true
            }
            Some((Next::WebSocket(accepted), ahead)) => {
                let machine = ws::Connection::server(accepted.config, accepted.agreed, thread.runtime.now());
                let mut session = Session::new(thread, machine, accepted.run, accepted.target, ahead);
                self.link.follow(&mut session);
                self.state = State::WebSocket(session);
                true
            }
            None => false,
        }
    }
}

impl<R: Runtime> Future for Connection<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Proxied(proxied) => match ready!(proxied.poll(&mut this.link, cx)) {
                    true => {
                        let secure = proxied.is_before_tls();
                        this.begin(secure);
                    }
                    false => return Poll::Ready(()),
                },
                State::Opening(until) => {
                    let until = *until;
                    if !ready!(this.poll_open(until, cx)) {
                        return Poll::Ready(());
                    }
                }
                State::Rejected(until) => {
                    let until = *until;
                    return this.poll_reject(until, cx);
                }
                State::Http(http) => match ready!(this.link.drive(http, cx)) {
                    End::Switched if this.switch() => {}
                    _ => return Poll::Ready(()),
                },
                State::Http2(http) => return this.link.drive(&mut **http, cx).map(drop),
                State::WebSocket(session) => return session.drive(&mut this.link, cx),
                State::Tunnel(session) => return session.drive(&mut this.link, cx),
            }
        }
    }
}

impl<R: Runtime> Drop for Connection<R> {
    fn drop(&mut self) {
        match &mut self.state {
            State::Http(http) => http.run_background(&self.link.thread),
            State::Http2(http) => http.run_background(&self.link.thread),
            _ => {}
        }
        // The machine holds bytes and files of the application.
        if let Err(message) = catch(|| self.state = State::Rejected(Instant::ZERO)) {
            error!(target: SERVER, "Panic in a destructor of the application: {message}");
        }
        self.link.thread.shared.count_connection(false);
    }
}
