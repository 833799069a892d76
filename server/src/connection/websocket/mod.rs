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

use std::future::poll_fn;
use std::sync::Arc;

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
    let mut session = Session::new(thread.clone(), machine, accepted.run, accepted.target, Vec::new());
    let mut link = Link::new(thread.clone(), Some(Transport::Stream(Box::new(io))));
    thread.runtime.spawn(poll_fn(move |cx| session.drive(&mut link, cx)));
}
