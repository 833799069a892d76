//! The accept loop of a thread.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use stelo_runtime::{Listener, Runtime};

use crate::connection::Connection;
use crate::messages;
use crate::thread::Thread;
use crate::thread::registry::{Kind, Phase};

/// The most connections accepted in one poll, so that other tasks of the thread get their share.
const ACCEPTS: usize = 64;

/// The most connections accepted after the shutdown has begun, so that new clients cannot delay it.
const LAST: usize = 4096;

/// The number of times that the queue is found empty before the listener closes. Between two looks the executor asks the system what
/// is ready: until then it may not know of a connection that has come.
const LOOKS: usize = 3;

impl<R: Runtime> Thread<R> {
    /// Accepts connections until the server drains, each driven by a task of its own. With `secure`, they begin with TLS.
    pub(crate) async fn accept(self: Arc<Self>, mut listener: R::Listener, secure: bool) {
        let mut member = self.registry.join(Kind::Listener);
        let mut pause: Option<R::Sleep> = None;
        let mut failures = 0;
        let (mut last, mut looks) = (LAST, LOOKS);
        poll_fn(|cx| {
            for _ in 0..ACCEPTS {
                let closes = match member.phase(cx) {
                    Phase::Running => false,
                    // Clients in the queue may have sent a request.
                    Phase::Closing | Phase::Draining if last > 0 && pause.is_none() => {
                        last -= 1;
                        true
                    }
                    Phase::Closing | Phase::Draining | Phase::Aborting => return Poll::Ready(()),
                };
                if let Some(sleep) = &mut pause {
                    ready!(Pin::new(sleep).poll(cx));
                    pause = None;
                }
                let accepted = match listener.poll_accept(cx) {
                    Poll::Pending if closes => {
                        looks -= 1;
                        if looks == 0 {
                            return Poll::Ready(());
                        }
                        break;
                    }
                    accepted => ready!(accepted),
                };
                match accepted {
                    Ok(stream) => {
                        failures = 0;
                        self.runtime.spawn(Connection::new(self.clone(), stream, secure));
                    }
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        // Most likely the process is out of descriptors, until connections close.
                        let wait = Duration::from_millis(100 << failures.min(4));
                        failures += 1;
                        messages::accept_failed(&error, wait);
                        pause = Some(self.runtime.sleep(self.runtime.now() + wait));
                    }
                }
            }
            self.runtime.yield_now(cx);
            Poll::Pending
        })
        .await;
    }
}

/// Whether accepting failed because of that one connection.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
