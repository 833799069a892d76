//! The counters of a server.
//!
//! Each thread counts in a shard of its own, so that no two threads write to the same memory; a page adds the shards up. The
//! labels are bounded: methods that are registered, patterns of routes, statuses that were sent.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use stelo_core::app::{App, Context};
use stelo_core::http::{Method, RequestHead};

use super::lock;
use super::page::{Kind, Label, Page};
use crate::contain::catch;
use crate::log::Observer;

/// The number of shards. Threads beyond it share them.
const SHARDS: usize = 16;

/// The number of routes that a shard keeps apart. An application with more has a route `other`.
const ROUTES: usize = 1000;

/// The upper bounds of the buckets, in microseconds, and as labels.
const BUCKETS: [(u64, &str); 13] = [
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (5_000_000, "5"),
    (10_000_000, "10"),
];

/// The status of a request whose client left before the response, as in nginx. It is never sent.
const LEFT: u16 = 499;

/// The counters of a server.
pub(crate) struct Metrics {
    /// Knows the routes. Does not keep the application: the server decides when it is dropped.
    app: Weak<dyn App>,
    shards: [Shard; SHARDS],
}

/// The counters of a thread. Aligned so that no two are in one cache line, nor in a pair that is fetched together.
#[derive(Default)]
#[repr(align(128))]
struct Shard {
    opened: AtomicU64,
    closed: AtomicU64,
    begun: AtomicU64,
    ended: AtomicU64,
    invalid: AtomicU64,
    handshakes: AtomicU64,
    failed_handshakes: AtomicU64,
    /// By the pattern of the route.
    routes: Mutex<HashMap<String, Vec<Series>>>,
}

/// The requests of one route and method.
#[derive(Default)]
struct Series {
    method: &'static str,
    statuses: Vec<(u16, u64)>,
    bytes: u64,
    micros: u64,
    /// The last one has no bound.
    buckets: [u64; BUCKETS.len() + 1],
}

/// An event of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Count {
    Opened,
    Closed,
    /// A request that is not HTTP.
    Invalid,
    /// TLS has begun.
    Handshake,
    /// TLS has not begun.
    FailedHandshake,
}

impl Metrics {
    pub(super) fn new(app: &Arc<dyn App>) -> Self {
        Self { app: Arc::downgrade(app), shards: Default::default() }
    }

    /// Returns the shard of the thread.
    fn shard(&self) -> &Shard {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static OWN: Cell<Option<usize>> = const { Cell::new(None) };
        }
        let choose = |own: &Cell<Option<usize>>| {
            let shard = own.get().unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
            own.set(Some(shard));
            shard
        };
        // A thread that ends has dropped its cell.
        let shard = OWN.try_with(choose).unwrap_or(0);
        self.shards.get(shard).unwrap_or(&self.shards[0])
    }

    pub(crate) fn count(&self, count: Count) {
        let shard = self.shard();
        let counter = match count {
            Count::Opened => &shard.opened,
            Count::Closed => &shard.closed,
            Count::Invalid => &shard.invalid,
            Count::Handshake => &shard.handshakes,
            Count::FailedHandshake => &shard.failed_handshakes,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the sums.
    pub(super) fn page(&self) -> Page {
        let sum = |counter: fn(&Shard) -> &AtomicU64| {
            self.shards.iter().map(|shard| counter(shard).load(Ordering::Relaxed)).sum::<u64>()
        };
        let mut page = Page::default();
        // The end is read first, so that a difference is never negative.
        let (closed, ended) = (sum(|shard| &shard.closed), sum(|shard| &shard.ended));
        let (opened, begun) = (sum(|shard| &shard.opened), sum(|shard| &shard.begun));
        for (name, kind, help, value) in [
            ("stelo_connections_total", Kind::Counter, "Connections that were accepted.", opened),
            (
                "stelo_connections_open",
                Kind::Gauge,
                "Connections that are open.",
                opened.saturating_sub(closed),
            ),
            (
                "stelo_http_requests_in_flight",
                Kind::Gauge,
                "Requests whose responses are not complete.",
                begun.saturating_sub(ended),
            ),
            (
                "stelo_http_invalid_requests_total",
                Kind::Counter,
                "Requests that were refused because they are not valid HTTP.",
                sum(|shard| &shard.invalid),
            ),
            (
                "stelo_tls_handshakes_total",
                Kind::Counter,
                "TLS handshakes that succeeded.",
                sum(|shard| &shard.handshakes),
            ),
            (
                "stelo_tls_handshake_failures_total",
                Kind::Counter,
                "TLS handshakes that failed.",
                sum(|shard| &shard.failed_handshakes),
            ),
        ] {
            // Exact up to 2^53.
            page.single(name, kind, help, value as f64);
        }
        self.add_routes(&mut page);
        page
    }

    fn add_routes(&self, page: &mut Page) {
        let mut all: Vec<(String, Series)> = Vec::new();
        let mut index: HashMap<(String, &'static str), usize> = HashMap::new();
        for shard in &self.shards {
            for (route, series) in lock(&shard.routes).iter() {
                for series in series {
                    let at = *index.entry((route.clone(), series.method)).or_insert_with(|| {
                        all.push((route.clone(), Series { method: series.method, ..Series::default() }));
                        all.len() - 1
                    });
                    if let Some((_, sum)) = all.get_mut(at) {
                        sum.add(series);
                    }
                }
            }
        }
        all.sort_by(|(a, x), (b, y)| (a, x.method).cmp(&(b, y.method)));
        page.family("stelo_http_requests_total", Kind::Counter, "Requests that were answered, by status.");
        for (route, series) in &all {
            for (status, number) in &series.statuses {
                let labels = format_args!("{},status=\"{status}\"", series.labels(route));
                page.sample(format!("stelo_http_requests_total{{{labels}}}"), *number as f64);
            }
        }
        page.family(
            "stelo_http_response_bytes_total",
            Kind::Counter,
            "Bytes of response bodies that were sent.",
        );
        for (route, series) in &all {
            let name = format!("stelo_http_response_bytes_total{{{}}}", series.labels(route));
            page.sample(name, series.bytes as f64);
        }
        page.family(
            "stelo_http_request_duration_seconds",
            Kind::Histogram,
            "Time from the head of a request to the end of its response.",
        );
        for (route, series) in &all {
            let labels = series.labels(route);
            let mut sum = 0;
            let bounds = BUCKETS.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
            for (bound, number) in bounds.zip(series.buckets) {
                sum += number;
                let name = format!("stelo_http_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}}");
                page.sample(name, sum as f64);
            }
            let seconds = Duration::from_micros(series.micros).as_secs_f64();
            page.sample(format!("stelo_http_request_duration_seconds_sum{{{labels}}}"), seconds);
            page.sample(format!("stelo_http_request_duration_seconds_count{{{labels}}}"), sum as f64);
        }
    }
}

impl Observer for Metrics {
    fn begin(&self) {
        self.shard().begun.fetch_add(1, Ordering::Relaxed);
    }

    fn end(&self, head: &RequestHead, context: &Context, response: Option<(u16, u64)>, duration: Duration) {
        let app = self.app.upgrade();
        let route = app.as_ref().and_then(|app| catch(|| app.route(head, context)).ok().flatten());
        let (status, bytes) = response.unwrap_or((LEFT, 0));
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let shard = self.shard();
        shard.ended.fetch_add(1, Ordering::Relaxed);
        lock_series(&shard.routes, route.unwrap_or("none"), method(head.method()), |series| {
            series.count(status, bytes, micros);
        });
    }
}

/// Changes the series of a route and a method.
fn lock_series(
    routes: &Mutex<HashMap<String, Vec<Series>>>,
    route: &str,
    method: &'static str,
    change: impl FnOnce(&mut Series),
) {
    let mut routes = lock(routes);
    let route = if routes.len() < ROUTES || routes.contains_key(route) { route } else { "other" };
    if !routes.contains_key(route) {
        routes.insert(route.into(), Vec::new());
    }
    let Some(all) = routes.get_mut(route) else { return };
    let at = all.iter().position(|series| series.method == method).unwrap_or_else(|| {
        all.push(Series { method, ..Series::default() });
        all.len() - 1
    });
    if let Some(series) = all.get_mut(at) {
        change(series);
    }
}

impl Series {
    fn count(&mut self, status: u16, bytes: u64, micros: u64) {
        self.add_status(status, 1);
        self.bytes += bytes;
        self.micros = self.micros.saturating_add(micros);
        let bucket = BUCKETS.iter().position(|(bound, _)| micros <= *bound).unwrap_or(BUCKETS.len());
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket += 1;
        }
    }

    fn add_status(&mut self, status: u16, number: u64) {
        match self.statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, sum)) => *sum += number,
            None => self.statuses.push((status, number)),
        }
    }

    fn add(&mut self, other: &Self) {
        other.statuses.iter().for_each(|(status, number)| self.add_status(*status, *number));
        self.bytes += other.bytes;
        self.micros = self.micros.saturating_add(other.micros);
        for (sum, number) in self.buckets.iter_mut().zip(other.buckets) {
            *sum += number;
        }
    }

    fn labels(&self, route: &str) -> String {
        format!("method=\"{}\",route=\"{}\"", self.method, Label(route))
    }
}

/// Returns the name of a registered method. A client can send any other.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 10] =
        ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"];
    KNOWN.iter().find(|known| **known == method.as_str()).unwrap_or(&"other")
}

#[cfg(test)]
mod tests {
    use stelo_core::app::{Reply, Request, Response};

    use super::*;

    struct Routed;

    impl App for Routed {
        fn call(&self, _: Request) -> Reply {
            Response::default().into()
        }

        fn route(&self, head: &RequestHead, _: &Context) -> Option<&str> {
            head.path().starts_with("/users/").then_some("/users/{id}")
        }
    }

    fn metrics() -> (Arc<dyn App>, Metrics) {
        let app: Arc<dyn App> = Arc::new(Routed);
        let metrics = Metrics::new(&app);
        (app, metrics)
    }

    fn request(metrics: &Metrics, target: &str, response: Option<(u16, u64)>, millis: u64) {
        let head = RequestHead::new(Method::Get, target).expect("the target is valid");
        metrics.begin();
        let context = context();
        metrics.end(&head, &context, response, Duration::from_millis(millis));
    }

    fn context() -> Context {
        struct Nothing;
        impl stelo_core::app::Executor for Nothing {
            fn spawn(&self, _: stelo_core::app::BoxFuture<()>) {}
            fn sleep(&self, _: Duration) -> stelo_core::app::BoxFuture<()> {
                Box::pin(std::future::pending())
            }
            fn blocking(&self, _: Box<dyn FnOnce() + Send>) {}
        }
        Context::new(stelo_core::app::Connection::new(None, None, Arc::new(Nothing)))
    }

    #[test]
    fn requests_are_counted_by_route_over_all_threads() {
        let (_app, metrics) = metrics();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    request(&metrics, "/users/7", Some((200, 10)), 3);
                    request(&metrics, "/users/8", Some((404, 1)), 20_000);
                    request(&metrics, "/nowhere", None, 0);
                    metrics.count(Count::Opened);
                });
            }
        });
        metrics.begin();
        metrics.count(Count::Closed);
        let text = metrics.page().to_string();
        let labels = "method=\"GET\",route=\"/users/{id}\"";
        for line in [
            format!("stelo_http_requests_total{{{labels},status=\"200\"}} 4\n"),
            format!("stelo_http_requests_total{{{labels},status=\"404\"}} 4\n"),
            "stelo_http_requests_total{method=\"GET\",route=\"none\",status=\"499\"} 4\n".into(),
            format!("stelo_http_response_bytes_total{{{labels}}} 44\n"),
            format!("stelo_http_request_duration_seconds_bucket{{{labels},le=\"0.0025\"}} 0\n"),
            format!("stelo_http_request_duration_seconds_bucket{{{labels},le=\"0.005\"}} 4\n"),
            format!("stelo_http_request_duration_seconds_bucket{{{labels},le=\"10\"}} 4\n"),
            format!("stelo_http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} 8\n"),
            format!("stelo_http_request_duration_seconds_sum{{{labels}}} 80.012\n"),
            format!("stelo_http_request_duration_seconds_count{{{labels}}} 8\n"),
            "stelo_http_requests_in_flight 1\n".into(),
            "stelo_connections_open 3\n".into(),
            "stelo_connections_total 4\n".into(),
        ] {
            assert!(text.contains(&line), "{line}: {text}");
        }
    }

    #[test]
    fn methods_and_routes_are_bounded() {
        let (_app, metrics) = metrics();
        let routes = &metrics.shard().routes;
        for i in 0..ROUTES + 10 {
            lock_series(routes, &format!("/{i}"), method(&Method::Get), |series| series.count(200, 0, 0));
        }
        assert_eq!(lock(routes).len(), ROUTES + 1);
        assert_eq!(lock(routes)["other"][0].statuses, [(200, 10)]);
        let odd = Method::from_bytes(b"BREW").expect("a token");
        assert_eq!((method(&Method::Patch), method(&odd)), ("PATCH", "other"));
    }
}
