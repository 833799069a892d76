//! What the connections of one thread share, and the loop that accepts them.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Poll, ready};
use std::time::Duration;

use stelo_core::app::{App, Executor};
use stelo_core::event::Defaults;
use stelo_core::http::{Headers, InvalidHeader, date};
use stelo_core::{h1, ws};
use stelo_runtime::{Instant, Listener, Runtime};

use crate::driver::Driver;
use crate::executor::Handle;
use crate::registry::{Kind, Phase, Registry};
use crate::stop::Stop;
use crate::{Config, Ws, log, messages};

/// How many connections are accepted in one go.
const ACCEPTS: usize = 64;

/// What all threads of a server share. Nothing of it changes on the path of a request, save for the limits that
/// count over all threads, where they are set.
pub(crate) struct Shared {
    pub(crate) app: Arc<dyn App>,
    pub(crate) machine: Arc<h1::Config>,
    /// `None`: there are no WebSockets to be had.
    pub(crate) websocket: Option<Arc<ws::Config>>,
    pub(crate) ws_max_queue: usize,
    pub(crate) root_path: Arc<str>,
    pub(crate) access_log: bool,
    pub(crate) stop: Arc<Stop>,
    /// Tells the servers of a process apart.
    id: u64,
    date: bool,
    server: bool,
    headers: Headers,
    concurrency: Option<Concurrency>,
    max_requests: Option<MaxRequests>,
}

/// `limit_concurrency`: connections over all threads.
struct Concurrency {
    limit: usize,
    open: AtomicUsize,
}

/// `limit_max_requests`: responses over all threads.
struct MaxRequests {
    limit: u64,
    answered: AtomicU64,
}

impl Shared {
    pub(crate) fn new(config: &Config, app: Arc<dyn App>, stop: Arc<Stop>) -> Self {
        static SERVERS: AtomicU64 = AtomicU64::new(1);
        Self {
            app,
            machine: Arc::new(h1::Config { limits: config.limits, timeouts: config.timeouts }),
            websocket: (config.ws != Ws::None).then(|| Arc::new(config.websocket)),
            ws_max_queue: config.ws_max_queue.get(),
            root_path: config.root_path.as_str().into(),
            access_log: config.access_log && log::access_enabled(),
            stop,
            id: SERVERS.fetch_add(1, Ordering::Relaxed),
            date: config.date_header,
            server: config.server_header,
            headers: config.headers.clone(),
            concurrency: config
                .limit_concurrency
                .map(|limit| Concurrency { limit: limit.get(), open: 0.into() }),
            max_requests: config
                .limit_max_requests
                .map(|limit| MaxRequests { limit: limit.get(), answered: 0.into() }),
        }
    }

    /// A connection has been opened (or, with `false`, closed).
    pub(crate) fn count_connection(&self, opened: bool) {
        if let Some(Concurrency { open, .. }) = &self.concurrency {
            match opened {
                true => open.fetch_add(1, Ordering::Relaxed),
                false => open.fetch_sub(1, Ordering::Relaxed),
            };
        }
    }

    /// Whether there are more connections than are to be served.
    pub(crate) fn is_overloaded(&self) -> bool {
        self.concurrency.as_ref().is_some_and(|c| c.open.load(Ordering::Relaxed) > c.limit)
    }

    /// A request has been answered; the last one that the limit allows stops the server.
    pub(crate) fn count_response(&self) {
        if let Some(max) = &self.max_requests
            && max.answered.fetch_add(1, Ordering::Relaxed) + 1 == max.limit
        {
            messages::request_limit(max.limit);
            self.stop.request();
        }
    }

    fn defaults(&self, unix_time: Duration) -> Result<Defaults, InvalidHeader> {
        let date = self.date.then(|| date::format(unix_time.as_secs()));
        Defaults::new(date.as_ref(), self.server.then_some("stelo"), &self.headers)
    }
}

/// What the connections of one thread share.
pub(crate) struct Worker<R: Runtime> {
    pub(crate) runtime: R,
    pub(crate) shared: Arc<Shared>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) executor: Arc<dyn Executor>,
}

impl<R: Runtime> Worker<R> {
    pub(crate) fn new(runtime: R, shared: Arc<Shared>) -> Arc<Self> {
        let registry = Registry::new();
        let executor = Arc::new(Handle { runtime: runtime.clone(), registry: registry.clone() });
        Arc::new(Self { runtime, shared, registry, executor })
    }

    /// Accepts connections until the server drains, each driven by a task of its own.
    pub(crate) async fn accept(self: Arc<Self>, mut listener: R::Listener) {
        let mut member = self.registry.join(Kind::Task);
        let mut pause: Option<R::Sleep> = None;
        let mut failures = 0;
        poll_fn(|cx| {
            for _ in 0..ACCEPTS {
                if member.phase(cx) != Phase::Running {
                    return Poll::Ready(());
                }
                if let Some(sleep) = &mut pause {
                    ready!(Pin::new(sleep).poll(cx));
                    pause = None;
                }
                match ready!(listener.poll_accept(cx)) {
                    Ok(stream) => {
                        failures = 0;
                        self.runtime.spawn(Driver::new(self.clone(), stream));
                    }
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        // Out of descriptors, most likely: what is open has to end first.
                        let wait = Duration::from_millis(100 << failures.min(4));
                        failures += 1;
                        messages::accept_failed(&error, wait);
                        pause = Some(self.runtime.sleep(self.runtime.now() + wait));
                    }
                }
            }
            // Others have a right to the thread too.
            self.runtime.yield_now(cx);
            Poll::Pending
        })
        .await;
    }

    /// The fields that every response gets, with the date of this second. Formatted once a second per thread.
    pub(crate) fn with_defaults<T>(&self, now: Instant, f: impl FnOnce(&Defaults) -> T) -> T {
        thread_local! {
            static CACHE: RefCell<Option<Cached>> = const { RefCell::new(None) };
        }
        CACHE.with_borrow_mut(|cache| {
            let cached = match cache {
                Some(cached) if cached.server == self.shared.id => cached,
                other => {
                    let defaults = self.shared.defaults(Duration::ZERO).unwrap_or_default();
                    other.insert(Cached { server: self.shared.id, until: Instant::ZERO, defaults })
                }
            };
            if now >= cached.until {
                let unix_time = self.runtime.unix_time();
                cached.defaults.set_date(&date::format(unix_time.as_secs()));
                let rest = Duration::from_secs(1)
                    .saturating_sub(Duration::from_nanos(unix_time.subsec_nanos().into()));
                cached.until = now + rest;
            }
            f(&cached.defaults)
        })
    }
}

struct Cached {
    server: u64,
    /// When the second of the date ends.
    until: Instant,
    defaults: Defaults,
}

/// Whether the error of an accept is about the connection that was to be accepted, and not about us.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
