//! The connection driver: one task that carries bytes, time and decisions between a socket, a protocol machine and the
//! application.
//!
//! | file | what it holds |
//! |---|---|
//! | `link.rs` | the socket, its timer, and the loop that every protocol has in common |
//! | `exchange.rs` | HTTP/1.1, from the events of the machine to a request, from the response to what it is told |
//! | `websocket.rs`, `socket.rs` | a WebSocket and its application, and what its handles share |
//! | `tunnel.rs` | a connection that has left HTTP for bytes |
//! | `file.rs` | how a file is sent |
//! | `pool.rs` | the buffers of idle connections |

mod exchange;
mod file;
mod link;
mod pool;
mod socket;
mod tunnel;
mod websocket;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use stelo_core::app::Tunnel;
use stelo_core::{h1, ws};
use stelo_runtime::Runtime;

use crate::thread::Thread;
use exchange::{Exchange, Next};
use link::{End, Link};
use tunnel::Upgraded;
use websocket::Session;

/// One connection and its task.
pub(crate) struct Driver<R: Runtime> {
    link: Link<R>,
    protocol: Protocol<R>,
}

/// What a connection speaks. Every connection begins with the larger of them.
#[expect(clippy::large_enum_variant)]
enum Protocol<R: Runtime> {
    Http(Exchange),
    WebSocket(Session<R>),
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn new(thread: Arc<Thread<R>>, io: R::Stream) -> Self {
        let machine = h1::Connection::new(thread.shared.machine.clone(), thread.runtime.now());
        let link = Link::new(thread, io);
        let surplus = link.thread.shared.is_overloaded();
        Self { protocol: Protocol::Http(Exchange::new(machine, surplus)), link }
    }

    /// Hands the connection over to what is to follow HTTP. Says whether that is for us to drive.
    fn switch(&mut self) -> bool {
        let Protocol::Http(exchange) = &mut self.protocol else { return false };
        let thread = self.link.thread.clone();
        match exchange.take_next() {
            Some((Next::Tunnel(run), ahead)) => {
                if let Some(io) = self.link.take_io() {
                    thread.executor.spawn(run(Tunnel::new(Upgraded { io, ahead })));
                }
                false
            }
            Some((Next::WebSocket { run, agreed, target }, ahead)) => {
                let Some(config) = thread.shared.websocket.clone() else { return false };
                let machine = ws::Connection::server(config, agreed, thread.runtime.now());
                let mut session = Session::new(thread, machine, run, target, ahead);
                self.link.follow(&mut session);
                self.protocol = Protocol::WebSocket(session);
                true
            }
            None => false,
        }
    }
}

impl<R: Runtime> Future for Driver<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            let end = match &mut this.protocol {
                Protocol::Http(exchange) => this.link.drive(exchange, cx),
                Protocol::WebSocket(session) => this.link.drive(session, cx),
            };
            match ready!(end) {
                End::Switched if this.switch() => {}
                End::Closed => {
                    if let Protocol::WebSocket(session) = &mut this.protocol {
                        this.link.close();
                        session.end(cx);
                    }
                    return Poll::Ready(());
                }
                End::Switched | End::Aborted => return Poll::Ready(()),
            }
        }
    }
}

impl<R: Runtime> Drop for Driver<R> {
    fn drop(&mut self) {
        if let Protocol::Http(exchange) = &mut self.protocol {
            exchange.run_background(&*self.link.thread.executor);
        }
    }
}
