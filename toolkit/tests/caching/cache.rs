//! The cache of responses: which are stored, for which requests, for which time; coalescing; the store.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::future::{block_on, poll_once, yield_now};
use futures_lite::stream;
use stelo_toolkit::body::{Body, Frame, Length};
use stelo_toolkit::middleware::{Cache, CacheEntry, CacheFuture, CacheStore, CachedResponse, MemoryCache};
use stelo_toolkit::response::ResponseExt;
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{App, IntoResponse, Method, Request, Response, Status, TestClient, any};

/// A store in memory that makes entries older, and counts what is put into it.
#[derive(Clone)]
struct Shelf(Arc<Inner>);

struct Inner {
    store: MemoryCache,
    older: Mutex<Duration>,
    fails: Mutex<bool>,
}

impl Shelf {
    fn new() -> Self {
        let inner =
            Inner { store: MemoryCache::new(1 << 20), older: Mutex::default(), fails: Mutex::default() };
        Self(Arc::new(inner))
    }

    /// Lets time pass for all entries.
    fn pass(&self, seconds: u64) {
        *self.0.older.lock().expect("no thread panics") += Duration::from_secs(seconds);
    }
}

impl CacheStore for Shelf {
    fn get<'a>(&'a self, key: &'a str) -> CacheFuture<'a, Option<CacheEntry>> {
        Box::pin(async move {
            if *self.0.fails.lock().expect("no thread panics") {
                return Err("the store is gone".into());
            }
            let older = *self.0.older.lock().expect("no thread panics");
            Ok(self.0.store.get(key).await?.map(|entry| match entry {
                CacheEntry::Response(response) => {
                    let mut response = CachedResponse::clone(&response);
                    response.made_at -= older;
                    CacheEntry::Response(Arc::new(response))
                }
                other => other,
            }))
        })
    }

    fn put<'a>(&'a self, key: &'a str, mut entry: CacheEntry) -> CacheFuture<'a, ()> {
        if let CacheEntry::Response(response) = &mut entry {
            Arc::make_mut(response).made_at += *self.0.older.lock().expect("no thread panics");
        }
        self.0.store.put(key, entry)
    }

    fn remove<'a>(&'a self, key: &'a str) -> CacheFuture<'a, ()> {
        self.0.store.remove(key)
    }
}

/// A client of a handler whose responses have numbers.
fn counting(
    cache: Cache,
    respond: impl Fn(&Request, String) -> Response + Clone + Send + Sync + 'static,
) -> TestClient {
    let count = Arc::new(AtomicUsize::new(0));
    let handler = move |request: Request| {
        let number = 1 + count.fetch_add(1, Ordering::Relaxed);
        let response = respond(&request, number.to_string());
        async move { response }
    };
    TestClient::new(App::new().middleware(cache).route("/{rest}", any(handler))).raise_server_errors(false)
}

fn with_control(
    control: &'static str,
) -> impl Fn(&Request, String) -> Response + Clone + Send + Sync + 'static {
    move |_, number| number.into_response().with_header("cache-control", control)
}

fn got(client: &TestClient, target: &str, fields: &[(&str, &str)]) -> String {
    let request =
        fields.iter().fold(client.get(target), |request, (name, value)| request.header(name, value));
    request.send().text()
}

#[test]
fn a_fresh_response_is_sent_again_with_its_age() {
    let shelf = Shelf::new();
    let client = counting(Cache::with_store(shelf.clone()), with_control("max-age=60"));
    let first = client.get("/a").send();
    assert_eq!((first.text(), first.header("age")), ("1".into(), None));
    shelf.pass(59);
    let second = client.get("/a").send();
    assert_eq!((second.text(), second.header("content-type")), ("1".into(), first.header("content-type")));
    assert_eq!(second.header("age"), Some("59"));
    shelf.pass(1);
    assert_eq!(got(&client, "/a", &[]), "2");
}

#[test]
fn only_responses_that_allow_it_are_stored() {
    for (control, stored) in [
        ("max-age=60", true),
        ("public", false),
        ("private, max-age=60", false),
        ("no-store", false),
        ("max-age=0", false),
    ] {
        let client = counting(Cache::new(), with_control(control));
        let second = (got(&client, "/a", &[]), got(&client, "/a", &[])).1;
        assert_eq!(second == "1", stored, "{control}");
    }
    let client = counting(Cache::new(), |_, number| number.into_response().with_header("set-cookie", "a=b"));
    assert_eq!((got(&client, "/a", &[]), got(&client, "/a", &[])), ("1".into(), "2".into()));
    let client =
        counting(Cache::new().default_max_age(Duration::from_secs(9)), |_, number| number.into_response());
    assert_eq!((got(&client, "/a", &[]), got(&client, "/a", &[])), ("1".into(), "1".into()));
    let cookie = [("cookie", "a=b")];
    assert_eq!((got(&client, "/b", &cookie), got(&client, "/b", &cookie)), ("2".into(), "3".into()));
}

#[test]
fn scheme_authority_path_and_query_tell_responses_apart() {
    let client = counting(Cache::new(), with_control("max-age=60"));
    assert_eq!(got(&client, "/a", &[]), "1");
    assert_eq!(got(&client, "/a?x=1", &[]), "2");
    assert_eq!(got(&client, "/a?x=2", &[]), "3");
    assert_eq!(got(&client, "/A", &[]), "4");
    assert_eq!(got(&client, "/a", &[("host", "Other.example")]), "5");
    assert_eq!(got(&client, "/a", &[("host", "other.EXAMPLE")]), "5");
    assert_eq!(got(&client, "/a", &[]), "1");
}

#[test]
fn fields_in_vary_tell_responses_apart() {
    let respond = |_: &Request, number: String| {
        let response = number.into_response().with_header("cache-control", "max-age=60");
        response.with_header("vary", "Accept-Language, x-other")
    };
    let client = counting(Cache::new(), respond);
    let language = |value| got(&client, "/a", &[("accept-language", value)]);
    assert_eq!(
        (language("en"), language("de"), language("en"), language("de")),
        ("1".into(), "2".into(), "1".into(), "2".into())
    );
    assert_eq!(got(&client, "/a", &[]), "3");
    assert_eq!(got(&client, "/a", &[("accept-language", "en"), ("x-other", "1")]), "4");
    // Values cannot be mistaken for other fields.
    assert_eq!(got(&client, "/a", &[("accept-language", "en\" x-other=\"1")]), "5");
    assert_eq!(got(&client, "/a", &[("x-unrelated", "1")]), "3");
    client.post("/a").send();
    assert_eq!(language("en"), "7", "all variants are gone");
}

#[test]
fn responses_to_credentials_are_stored_only_for_all() {
    let login = [("authorization", "Basic x")];
    let client = counting(Cache::new(), with_control("max-age=60"));
    assert_eq!((got(&client, "/a", &login), got(&client, "/a", &[])), ("1".into(), "2".into()));
    assert_eq!((got(&client, "/a", &login), got(&client, "/a", &[])), ("3".into(), "2".into()));
    let client = counting(Cache::new(), with_control("public, max-age=60"));
    assert_eq!((got(&client, "/a", &login), got(&client, "/a", &[])), ("1".into(), "1".into()));
    assert_eq!(got(&client, "/a", &login), "1");
}

#[test]
fn changes_remove_the_response() {
    for (method, status, second) in [
        (Method::Post, 200, "3"),
        (Method::Delete, 204, "3"),
        (Method::Put, 302, "3"),
        (Method::Post, 400, "1"),
        (Method::Options, 200, "1"),
    ] {
        let is_write = method.clone();
        let client = counting(Cache::new(), move |request, number| {
            let status = if *request.method() == is_write { status } else { 200 };
            let response = number.into_response().with_header("cache-control", "max-age=60");
            Response { status: Status::new(status).unwrap(), ..response }
        });
        assert_eq!(got(&client, "/a", &[]), "1");
        client.request(method.clone(), "/a").send();
        assert_eq!(got(&client, "/a", &[]), second, "{method} {status}");
    }
}

#[test]
fn head_is_answered_from_the_response_of_get() {
    let client = counting(Cache::new(), with_control("max-age=60"));
    client.request(Method::Head, "/a").send();
    assert_eq!(got(&client, "/a", &[]), "2", "a response to HEAD has no body to store");
    let head = client.request(Method::Head, "/a").send();
    assert_eq!((head.status(), head.header("age"), head.text()), (Status::OK, Some("0"), String::new()));
}

#[test]
fn conditions_are_answered_from_the_cache_and_hidden_from_the_handler() {
    let client = counting(Cache::new(), |request, number| {
        assert!(!request.headers().contains("if-none-match"));
        number.into_response().with_header("cache-control", "max-age=60").with_header("etag", "\"7\"")
    });
    let ask = |known| client.get("/a").header("if-none-match", known).send();
    assert_eq!(ask("\"7\"").status(), Status::NOT_MODIFIED);
    assert_eq!((ask("\"7\"").status(), ask("\"7\"").header("age").is_some()), (Status::NOT_MODIFIED, true));
    assert_eq!(ask("\"6\"").text(), "1");
}

#[test]
fn some_requests_go_to_the_handler() {
    let client = counting(Cache::new(), with_control("max-age=60"));
    assert_eq!(got(&client, "/a", &[]), "1");
    for (index, field) in
        [("range", "bytes=0-1"), ("if-match", "*"), ("cache-control", "no-store")].iter().enumerate()
    {
        assert_eq!(got(&client, "/a", &[*field]), (index + 2).to_string());
    }
    for field in [("cache-control", "no-cache"), ("pragma", "no-cache"), ("cache-control", "max-age=0")] {
        assert_eq!(got(&client, "/a", &[field]), "1", "clients cannot empty the cache");
    }
    let only = |target| client.get(target).header("cache-control", "only-if-cached").send().status();
    assert_eq!((only("/a"), only("/b")), (Status::OK, Status::GATEWAY_TIMEOUT));
}

#[test]
fn a_stale_response_is_sent_while_a_new_one_is_made() {
    let shelf = Shelf::new();
    let client =
        counting(Cache::with_store(shelf.clone()), with_control("max-age=10, stale-while-revalidate=30"));
    assert_eq!(got(&client, "/a", &[]), "1");
    shelf.pass(20);
    let stale = client.get("/a").send();
    assert_eq!((stale.text(), stale.header("age")), ("1".into(), Some("20")));
    assert_eq!(got(&client, "/a", &[]), "2", "made in the background");
    shelf.pass(50);
    assert_eq!(got(&client, "/a", &[]), "3", "too old");
}

#[test]
fn no_stale_response_is_sent_where_a_shared_cache_must_ask() {
    for control in [
        "s-maxage=10, stale-while-revalidate=30, stale-if-error=30",
        "max-age=10, must-revalidate, stale-while-revalidate=30",
        "max-age=10, proxy-revalidate, stale-if-error=30",
    ] {
        let shelf = Shelf::new();
        let client = counting(Cache::with_store(shelf.clone()), with_control(control));
        assert_eq!(got(&client, "/a", &[]), "1");
        shelf.pass(20);
        assert_eq!(got(&client, "/a", &[]), "2", "{control}");
    }
}

#[test]
fn the_background_task_of_a_new_response_runs() {
    let (shelf, ran) = (Shelf::new(), Arc::new(AtomicUsize::new(0)));
    let count = ran.clone();
    let client = counting(Cache::with_store(shelf.clone()), move |_, number| {
        let count = count.clone();
        number
            .into_response()
            .with_header("cache-control", "max-age=10, stale-while-revalidate=30")
            .background(async move {
                count.fetch_add(1, Ordering::Relaxed);
            })
    });
    assert_eq!(got(&client, "/a", &[]), "1");
    shelf.pass(20);
    assert_eq!(got(&client, "/a", &[]), "1");
    assert_eq!((got(&client, "/a", &[]), ran.load(Ordering::Relaxed)), ("2".into(), 2));
}

#[test]
fn responses_without_a_body_are_stored() {
    let empty = || Body::from_frames(stream::empty(), Length::Known(0));
    for body in [Body::empty as fn() -> Body, empty] {
        let client = counting(Cache::new(), move |_, number| {
            let number = number.parse::<u64>().expect("a number");
            Response::new(body()).with_header("cache-control", "max-age=60").with_header("x-number", number)
        });
        let number = || client.get("/a").send().header("x-number").map(str::to_owned);
        assert_eq!((number(), number()), (Some("1".into()), Some("1".into())));
    }
}

#[test]
fn a_stale_response_replaces_an_error() {
    let shelf = Shelf::new();
    let client = counting(Cache::with_store(shelf.clone()), |_, number| match &*number {
        "1" => number.into_response().with_header("cache-control", "max-age=10, stale-if-error=30"),
        _ => Status::SERVICE_UNAVAILABLE.into_response(),
    });
    assert_eq!(got(&client, "/a", &[]), "1");
    shelf.pass(20);
    assert_eq!(got(&client, "/a", &[]), "1");
    shelf.pass(30);
    assert_eq!(client.get("/a").send().status(), Status::SERVICE_UNAVAILABLE);
}

#[test]
fn a_stream_is_stored_when_it_has_been_read() {
    for length in [Length::Unknown, Length::Known(4)] {
        let client = counting(Cache::new(), move |_, number| {
            let frames = [Ok(Frame::Data(number.into())), Ok(Frame::Data("abc".into()))];
            Response::new(Body::from_frames(stream::iter(frames), length))
                .with_header("cache-control", "max-age=60")
        });
        assert_eq!(
            (got(&client, "/a", &[]), got(&client, "/a", &[])),
            ("1abc".into(), "1abc".into()),
            "{length:?}"
        );
    }
}

#[test]
fn large_and_failed_streams_are_not_stored() {
    let stream = |frames: Vec<Result<Frame, stelo_toolkit::body::BodyError>>| {
        Response::new(Body::from_frames(stream::iter(frames), Length::Unknown))
            .with_header("cache-control", "max-age=60")
    };
    let client = counting(Cache::new().max_body(3), move |_, number| {
        stream(vec![Ok(Frame::Data(number.into())), Ok(Frame::Data("abc".into()))])
    });
    assert_eq!((got(&client, "/a", &[]), got(&client, "/a", &[])), ("1abc".into(), "2abc".into()));
    let client = counting(Cache::new(), move |_, number| {
        stream(vec![Ok(Frame::Data(number.into())), Err(stelo_toolkit::body::BodyError::Truncated)])
    });
    assert_eq!((got(&client, "/a", &[]), got(&client, "/a", &[])), ("1".into(), "2".into()));
    let client = counting(Cache::new().max_body(3), with_control("max-age=60"));
    assert_eq!((got(&client, "/a", &[]), got(&client, "/a", &[])), ("1".into(), "1".into()));
    let client = counting(Cache::new().max_body(3), |_, number| {
        format!("{number}abc").into_response().with_header("cache-control", "max-age=60")
    });
    assert_eq!((got(&client, "/a", &[]), got(&client, "/a", &[])), ("1abc".into(), "2abc".into()));
    let client = counting(Cache::new(), |_, number| {
        let short = stream::iter([Ok(Frame::Data(number.into()))]);
        Response::new(Body::from_frames(short, Length::Known(4))).with_header("cache-control", "max-age=60")
    });
    assert_eq!((got(&client, "/a", &[]), got(&client, "/a", &[])), ("1".into(), "2".into()));
}

#[test]
fn a_store_that_fails_leaves_the_handler() {
    let shelf = Shelf::new();
    let client = counting(Cache::with_store(shelf.clone()), with_control("max-age=60"));
    *shelf.0.fails.lock().expect("no thread panics") = true;
    assert_eq!((got(&client, "/a", &[]), got(&client, "/a", &[])), ("1".into(), "2".into()));
}

/// Sends the same request several times at once, to a handler that waits. Returns the texts, and how often it ran.
fn at_once(control: &'static str, cancel: bool) -> (Vec<String>, usize) {
    let (ran, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, gate) = (ran.clone(), open.clone());
    let handler = move || {
        let (count, gate) = (count.clone(), gate.clone());
        async move {
            let number = 1 + count.fetch_add(1, Ordering::Relaxed);
            while gate.load(Ordering::Relaxed) == 0 {
                yield_now().await;
            }
            number.to_string().into_response().with_header("cache-control", control)
        }
    };
    let client = TestClient::new(App::new().middleware(Cache::new()).route("/a", any(handler)));
    let texts = block_on(async {
        let mut requests: Vec<_> = (0..4).map(|_| Box::pin(async { client.get("/a").await })).collect();
        for request in &mut requests {
            assert!(poll_once(request).await.is_none());
        }
        assert_eq!(ran.load(Ordering::Relaxed), 1, "the others wait");
        if cancel {
            drop(requests.remove(0));
        }
        open.store(1, Ordering::Relaxed);
        let mut texts = Vec::new();
        for request in requests {
            texts.push(TestResponse::text(&request.await));
        }
        texts
    });
    (texts, ran.load(Ordering::Relaxed))
}

#[test]
fn requests_for_the_same_response_wait_for_the_first() {
    assert_eq!(at_once("max-age=60", false), (vec!["1".to_owned(); 4], 1));
    assert_eq!(at_once("max-age=60", true), (vec!["2".to_owned(); 3], 2), "the first was cancelled");
    let (texts, ran) = at_once("no-store", false);
    assert_eq!((texts.len(), ran), (4, 4), "each gets its own");
}
