//! A WebSocket, from the handshake to its end, over a connection of its own or over a stream.
//!
//! | file | contents |
//! |---|---|
//! | `session.rs` | the protocol as the link drives it, and the application, which is polled in the same task |
//! | `state.rs` | the state that this task and the handles share, and its wake-ups |
//! | `handle.rs` | the handles that the application has |

mod handle;
mod session;
mod state;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use stelo_core::ws;
use stelo_runtime::Runtime;

use super::http::{Accepted, StreamIo};
use super::link::Link;
use super::transport::Transport;
use crate::thread::Thread;

pub(super) use session::Session;

/// Runs a WebSocket over a stream of a multiplexed connection, in a task of its own.
pub(super) fn spawn<R: Runtime>(thread: &Arc<Thread<R>>, io: StreamIo, accepted: Accepted) {
    let machine = ws::Connection::server(accepted.config, accepted.agreed, thread.runtime.now());
    let session = Session::new(thread.clone(), machine, accepted.run, accepted.target, Vec::new());
    let link = Link::new(thread.clone(), Transport::Stream(Box::new(io)));
    thread.runtime.spawn(OverStream { link, session });
}

/// The task of a WebSocket over a stream.
struct OverStream<R: Runtime> {
    link: Link<R>,
    session: Session<R>,
}

impl<R: Runtime> Future for OverStream<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { link, session } = &mut *self;
        session.drive(link, cx)
    }
}
