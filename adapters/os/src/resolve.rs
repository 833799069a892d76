//! Name resolution: `getaddrinfo`, which blocks, on a thread for blocking work.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use stelo_runtime::Runtime;

/// Does what [`Runtime::resolve`] does, for any executor. A literal IP address needs no thread.
///
/// # Errors
/// Returns an error if the name does not exist, the lookup fails, or the executor ends before the lookup.
pub fn resolve<R: Runtime>(
    runtime: &R,
    host: &str,
    port: u16,
) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static + use<R> {
    let lookup = Arc::new(Lookup::default());
    match host.parse::<IpAddr>() {
        Ok(address) => lookup.finish(Ok(vec![(address, port).into()])),
        Err(_) => {
            let (host, work) = (host.to_owned(), Work(lookup.clone()));
            runtime.blocking(Box::new(move || {
                work.0.finish((host.as_str(), port).to_socket_addrs().map(Iterator::collect));
            }));
        }
    }
    poll_fn(move |cx| lookup.poll(cx))
}

/// A lookup that a task waits for.
#[derive(Default)]
struct Lookup(Mutex<State>);

#[derive(Default)]
struct State {
    finished: bool,
    result: Option<io::Result<Vec<SocketAddr>>>,
    waker: Option<Waker>,
}

impl Lookup {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the result, unless there is one already.
    fn finish(&self, result: io::Result<Vec<SocketAddr>>) {
        let mut state = self.state();
        if std::mem::replace(&mut state.finished, true) {
            return;
        }
        state.result = Some(result);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<SocketAddr>>> {
        let mut state = self.state();
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// The blocking half. An executor that ends drops it without running it.
struct Work(Arc<Lookup>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.finish(Err(io::Error::other("the executor has ended before the lookup")));
    }
}
