//! The connection driver: one task that carries bytes, time and decisions between a socket, a protocol machine and the
//! application.
//!
//! | file | what it holds |
//! |---|---|
//! | `link.rs` | the socket, its timer, and the loop that every protocol has in common |
//! | `exchange.rs` | HTTP/1.1, from the events of the machine to a request, from the response to what it is told |
//! | `tunnel.rs` | a connection that has left HTTP for bytes |
//! | `pool.rs` | the buffers of idle connections |

mod exchange;
mod link;
mod pool;
mod tunnel;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use stelo_core::app::{Tunnel, Upgrade};
use stelo_core::h1;
use stelo_runtime::Runtime;

use crate::worker::Worker;
use exchange::Exchange;
use link::{End, Link};
use tunnel::Upgraded;

/// One connection and its task.
pub(crate) struct Driver<R: Runtime> {
    link: Link<R>,
    exchange: Exchange,
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn new(worker: Arc<Worker<R>>, io: R::Stream) -> Self {
        let machine = h1::Connection::new(worker.shared.machine.clone(), worker.runtime.now());
        let link = Link::new(worker, io);
        let surplus = link.worker.shared.is_overloaded();
        Self { exchange: Exchange::new(machine, surplus), link }
    }

    /// Hands the connection over to what the application has set to follow HTTP.
    fn switch(&mut self) {
        if let (Some(io), Some((Upgrade::Tunnel(run), ahead))) =
            (self.link.io.take(), self.exchange.take_upgrade())
        {
            self.link.worker.executor.spawn(run(Tunnel::new(Upgraded { io, ahead })));
        }
    }
}

impl<R: Runtime> Future for Driver<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if ready!(this.link.drive(&mut this.exchange, cx)) == End::Switched {
            this.switch();
        }
        Poll::Ready(())
    }
}

impl<R: Runtime> Drop for Driver<R> {
    fn drop(&mut self) {
        self.exchange.run_background(&*self.link.worker.executor);
    }
}
