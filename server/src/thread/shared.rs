//! State that all threads of a server share: the application, the settings of its connections, and the limits that count
//! over all threads.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::http::{Headers, InvalidHeader, Status, date};
use stelo_core::proto::Defaults;
use stelo_core::{Instant, h1, h2, ws};

use crate::admin::{Count, Metrics};
use crate::contain::discard;
use crate::log::{Access, Limit, Observer, Watching};
use crate::proxy::{Proxies, ProxyProtocol};
use crate::redirect::redirecting;
use crate::stop::Stop;
use crate::{Config, HttpVersions, Lifespan, ServeError, Ws, messages};

/// Shared by all threads. Constant on the path of a request, except for the counters of limits that are set.
pub(crate) struct Shared {
    pub(crate) app: Arc<dyn App>,
    pub(crate) machine: Arc<h1::Config>,
    /// The configuration of HTTP/2 connections.
    pub(crate) http2: Arc<h2::Config>,
    /// The versions of HTTP that are spoken.
    pub(crate) versions: HttpVersions,
    /// `None` rejects WebSocket upgrades.
    pub(crate) websocket: Option<Arc<ws::Config>>,
    pub(crate) ws_max_queue: usize,
    /// `None` expects no PROXY header.
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    /// `None` believes no proxy.
    pub(crate) proxies: Option<Proxies>,
    /// `None` is the empty path.
    pub(crate) root_path: Option<Arc<String>>,
    /// `None` serves plain HTTP.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Arc<crate::tls::Acceptor>>,
    pub(crate) ssl_handshake: Duration,
    pub(crate) access: Access,
    pub(crate) watching: Arc<Watching>,
    /// `None` counts nothing.
    pub(crate) metrics: Option<Arc<Metrics>>,
    /// Something follows each response: a limit counts it, or a watch ends.
    pub(crate) counts_responses: bool,
    pub(crate) half_closed: Duration,
    /// `None` keeps idle tunnels open.
    pub(crate) tunnel_idle: Option<Duration>,
    /// The microseconds that the application may hold its thread without a warning: compared for every request, and a
    /// `Duration` would be computed for it.
    pub(crate) blocking: u64,
    /// The number of threads that the application has for work that blocks.
    pub(crate) blocking_threads: NonZeroUsize,
    /// Whether the application runs its hooks.
    pub(crate) lifespan: bool,
    /// Lines about invalid requests.
    pub(crate) invalid: Limit,
    /// Lines about threads that were held.
    pub(crate) blocked: Limit,
    pub(crate) stop: Arc<Stop>,
    /// Distinguishes the servers of a process.
    pub(super) id: u64,
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

/// `limit_max_requests`, with the jitter of this process: responses over all threads.
struct MaxRequests {
    limit: u64,
    answered: AtomicU64,
}

/// The application of a server that has ended.
struct Ended;

impl App for Ended {
    fn call(&self, _: Request) -> Reply {
        Response::empty(Status::SERVICE_UNAVAILABLE).into()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        discard(std::mem::replace(&mut self.app, Arc::new(Ended)));
    }
}

impl Shared {
    #[cfg_attr(not(feature = "tls"), expect(unused_variables))]
    pub(crate) fn new(
        config: &Config,
        app: Arc<dyn App>,
        stop: Arc<Stop>,
        secret: Option<&[u8]>,
        metrics: Option<Arc<Metrics>>,
    ) -> Result<Self, ServeError> {
        static SERVERS: AtomicU64 = AtomicU64::new(1);
        let observer = metrics.clone().map(|metrics| -> Arc<dyn Observer> { metrics });
        let watching = Watching::new(&config.log, observer);
        Ok(Self {
            app: redirecting(&config.ssl, app),
            #[cfg(feature = "tls")]
            tls: {
                let secret = secret.and_then(crate::tls::Secret::decode);
                let acceptor = crate::tls::Acceptor::new(&config.ssl, config.http.versions, secret);
                acceptor.map_err(|error| ServeError::Ssl(error.into()))?
            },
            ssl_handshake: config.timeouts.ssl_handshake,
            machine: Arc::new(
                h1::Config::DEFAULT
                    .limits(config.limits.http)
                    .timeouts(config.timeouts.http)
                    .http2(config.http.versions != HttpVersions::Http1),
            ),
            http2: Arc::new(config.http2_machine()),
            versions: config.http.versions,
            websocket: (config.websocket.accept != Ws::None).then(|| Arc::new(config.websocket.protocol)),
            ws_max_queue: config.websocket.max_queue.get(),
            proxy_protocol: ProxyProtocol::of(config),
            proxies: Proxies::of(config),
            root_path: (!config.http.root_path.is_empty()).then(|| Arc::new(config.http.root_path.clone())),
            half_closed: config.timeouts.half_closed,
            tunnel_idle: config.timeouts.tunnel_idle,
            blocking: match config.log.blocking {
                Duration::ZERO => u64::MAX,
                time => (Instant::ZERO + time).as_micros(),
            },
            blocking_threads: config.process.blocking_threads,
            lifespan: config.process.lifespan != Lifespan::Off,
            invalid: Limit::new("invalid requests"),
            blocked: Limit::new("threads that were held"),
            access: watching.access,
            counts_responses: config.limits.max_requests.is_some() || watching.access == Access::Watched,
            watching,
            metrics,
            stop,
            id: SERVERS.fetch_add(1, Ordering::Relaxed),
            date: config.http.date_header,
            server: config.http.server_header,
            headers: config.http.headers.clone(),
            concurrency: config
                .limits
                .concurrency
                .map(|limit| Concurrency { limit: limit.get(), open: 0.into() }),
            max_requests: config
                .limits
                .max_requests
                .map(|limit| config.health.max_requests(limit.get()))
                .map(|limit| MaxRequests { limit, answered: 0.into() }),
        })
    }

    /// Counts an event, if there are metrics.
    pub(crate) fn count(&self, count: Count) {
        if let Some(metrics) = &self.metrics {
            metrics.count(count);
        }
    }

    /// Counts a connection that has opened, or, with `false`, closed.
    pub(crate) fn count_connection(&self, opened: bool) {
        self.count(if opened { Count::Opened } else { Count::Closed });
        if let Some(Concurrency { open, .. }) = &self.concurrency {
            match opened {
                true => open.fetch_add(1, Ordering::Relaxed),
                false => open.fetch_sub(1, Ordering::Relaxed),
            };
        }
    }

    /// Whether there are more connections than the limit.
    pub(crate) fn is_overloaded(&self) -> bool {
        self.concurrency.as_ref().is_some_and(|c| c.open.load(Ordering::Relaxed) > c.limit)
    }

    /// Counts a response. The last one that the limit allows stops the server, or asks for a replacement.
    pub(crate) fn count_response(&self) {
        if let Some(max) = &self.max_requests
            && max.answered.fetch_add(1, Ordering::Relaxed) + 1 == max.limit
        {
            messages::request_limit(max.limit);
            self.stop.retire();
        }
    }

    pub(super) fn defaults(&self, unix_time: Duration) -> Result<Defaults, InvalidHeader> {
        let date = self.date.then(|| date::format(unix_time.as_secs()));
        Defaults::new(date.as_ref(), self.server.then_some("stelo"), &self.headers)
    }
}
