//! Requests beyond the quota of a client, a route or a key.

use std::collections::HashMap;
use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stelo_toolkit::middleware::{MemoryRateLimits, Quota, RateLimit, RateLimitStore, Verdict};
use stelo_toolkit::response::BoxError;
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{App, HttpError, Request, Status, TestClient, get};

/// A clock that the test sets, in milliseconds.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn pass(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }

    fn memory(&self) -> MemoryRateLimits {
        let now = self.0.clone();
        MemoryRateLimits::new().clock(move || Duration::from_millis(now.load(Ordering::Relaxed)))
    }
}

fn app(limit: RateLimit) -> App {
    App::new().middleware(limit).route("/a", get("a")).route("/b/{id}", get("b"))
}

fn statuses(client: &TestClient, targets: &[&str]) -> Vec<u16> {
    targets.iter().map(|target| client.get(target).send().status().code()).collect()
}

fn fields(response: &TestResponse) -> [Option<&str>; 3] {
    ["ratelimit-policy", "ratelimit", "retry-after"].map(|name| response.header(name))
}

#[test]
fn a_client_beyond_its_quota_waits() {
    let clock = Clock::default();
    let client = TestClient::new(app(RateLimit::new(Quota::per_minute(3)).memory(clock.memory())));
    let policy = Some(r#""default";q=3;w=60"#);
    for left in [r#""default";r=2;t=20"#, r#""default";r=1;t=40"#, r#""default";r=0;t=60"#] {
        assert_eq!(fields(&client.get("/a").send()), [policy, Some(left), None]);
    }
    clock.pass(500);
    let response = client.get("/a").send();
    assert_eq!(response.status(), Status::TOO_MANY_REQUESTS);
    assert_eq!(fields(&response), [policy, Some(r#""default";r=0;t=60"#), Some("20")]);
    assert_eq!(response.text(), "too many requests: try again in 20 s");
    clock.pass(19_499);
    assert_eq!(fields(&client.get("/a").send())[2], Some("1"), "a millisecond too early");
    clock.pass(1);
    assert_eq!(statuses(&client, &["/a", "/nowhere"]), [200, 429]);
}

#[test]
fn a_route_or_a_key_has_a_quota_of_its_own() {
    let quota = || RateLimit::new(Quota::per_hour(1));
    let targets = ["/a", "/a", "/b/1", "/b/2", "/nowhere", "/elsewhere"];
    assert_eq!(statuses(&TestClient::new(app(quota())), &targets), [200, 429, 429, 429, 429, 429]);
    for limit in [quota().by_route(), quota().by_client_and_route()] {
        assert_eq!(statuses(&TestClient::new(app(limit)), &targets), [200, 429, 200, 429, 404, 429]);
    }
    let by_key = quota().by_key(|request| request.headers().get_str("x-key").map(str::to_owned));
    let client = TestClient::new(app(by_key));
    let with_key = |key| client.get("/a").header("x-key", key).send().status().code();
    assert_eq!([with_key("x"), with_key("x"), with_key("y")], [200, 429, 200]);
    let response = client.get("/a").send();
    assert_eq!((response.status(), fields(&response)), (Status::OK, [None; 3]), "no key, no limit");
}

#[test]
fn a_client_is_an_address_or_a_network_of_64_bits() {
    let client = TestClient::new(crate::Behind(app(RateLimit::new(Quota::per_hour(1)))));
    for (address, status) in [
        ("2001:db8:0:7::1", 200),
        ("2001:db8:0:7:ffff:ffff:ffff:ffff", 429),
        ("2001:db8:0:8::1", 200),
        ("192.0.2.1", 200),
        ("::ffff:192.0.2.1", 429),
        ("192.0.2.2", 200),
        ("127.0.0.1", 200),
    ] {
        let response = client.get("/a").header("x-client", address).send();
        assert_eq!(response.status().code(), status, "{address}");
    }
    assert_eq!(client.get("/a").send().status().code(), 429, "the peer itself");
}

#[test]
fn two_policies_are_listed_one_after_the_other() {
    async fn page(_: Request, error: HttpError) -> (Status, &'static str) {
        (error.status, "slow down")
    }
    let app = app(RateLimit::new(Quota::per_hour(5)).name("hour"))
        .middleware(RateLimit::new(Quota::per_second(1).burst(1)).name("second"))
        .error_handler(Status::TOO_MANY_REQUESTS, page);
    let client = TestClient::new(app);
    let response = client.get("/a").send();
    let policies: Vec<_> = response.headers().get_all("ratelimit-policy").collect();
    assert_eq!(policies, [&br#""second";q=1;w=1"#[..], br#""hour";q=5;w=3600"#]);
    assert_eq!(client.get("/a").send().text(), "slow down");
}

/// A store of another kind: it answers later, and can fail.
#[derive(Clone, Default)]
struct Remote(Arc<Mutex<HashMap<String, Duration>>>);

impl RateLimitStore for Remote {
    fn take(
        &self,
        key: &str,
        quota: Quota,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Verdict, BoxError>> + Send>> {
        if key == "broken" {
            return Box::pin(ready(Err("the connection is closed".into())));
        }
        let mut states = self.0.lock().expect("no test panics here");
        let verdict = quota.take(states.entry(key.to_owned()).or_default(), Duration::from_secs(1));
        Box::pin(async move {
            futures_lite::future::yield_now().await;
            Ok(verdict)
        })
    }
}

#[test]
fn servers_can_share_a_store() {
    let store = Remote::default();
    let server = || {
        let limit = RateLimit::new(Quota::per_hour(2)).store(store.clone());
        TestClient::new(app(limit.by_client_and_route()))
    };
    let (first, second) = (server(), server());
    assert_eq!(statuses(&first, &["/a", "/b/1"]), [200, 200]);
    assert_eq!(statuses(&second, &["/a", "/a", "/b/2"]), [200, 429, 200]);
    let mut keys: Vec<_> = store.0.lock().expect("no test panics here").keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, ["127.0.0.1 /a", "127.0.0.1 /b/{id}"]);
}

#[test]
fn the_store_in_memory_can_be_given_as_any_other() {
    let clock = Clock::default();
    let limit = RateLimit::new(Quota::per_minute(1)).name("api").store(clock.memory());
    let shown = format!("{limit:?}");
    assert!(shown.starts_with("RateLimit { name: \"api\", quota: "), "{shown}");
    let client = TestClient::new(app(limit));
    assert_eq!(statuses(&client, &["/a", "/a"]), [200, 429]);
    clock.pass(60_000);
    assert_eq!(statuses(&client, &["/a"]), [200]);
}

#[test]
fn a_store_that_fails_lets_requests_pass_or_not() {
    for (fails_closed, status) in [(false, 200), (true, 503)] {
        let limit = RateLimit::new(Quota::per_hour(1))
            .by_key(|_| Some("broken".into()))
            .store(Remote::default())
            .fail_closed(fails_closed);
        assert_eq!(statuses(&TestClient::new(app(limit)), &["/a", "/a"]), [status, status]);
    }
}
