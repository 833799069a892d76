//! 304 and 412 for the responses of handlers.

use stelo_toolkit::body::{Body, Length};
use stelo_toolkit::middleware::Conditional;
use stelo_toolkit::response::{CacheControl, ResponseExt};
use stelo_toolkit::{App, IntoResponse, Method, Response, Status, TestClient, any, get};

fn client(respond: fn() -> Response) -> TestClient {
    let route = any(move || async move { respond() });
    TestClient::new(App::new().middleware(Conditional::new()).route("/", route))
}

#[test]
fn a_known_body_is_304_without_its_fields() {
    let client = client(|| "hello".into_response().with_header("x-own", "1").with_header("vary", "cookie"));
    let first = client.get("/").send();
    let etag = first.header("etag").unwrap();
    for known in [etag, &format!("W/{etag}"), &format!("\"x\", {etag}"), "*"] {
        for method in [Method::Get, Method::Head] {
            let response = client.request(method, "/").header("if-none-match", known).send();
            assert_eq!(response.status(), Status::NOT_MODIFIED, "{known}");
            assert_eq!(response.text(), "");
            assert_eq!((response.header("etag"), response.header("content-type")), (Some(etag), None));
            assert_eq!((response.header("x-own"), response.header("vary")), (Some("1"), Some("cookie")));
        }
    }
    for known in ["\"x\"", "hello", ""] {
        assert_eq!(client.get("/").header("if-none-match", known).send().text(), "hello", "{known}");
    }
}

#[test]
fn the_tag_depends_on_the_body_alone() {
    let tag = |respond| client(respond).get("/").send().header("etag").map(str::to_owned);
    let hello = tag(|| "hello".into_response());
    assert!(hello.is_some());
    assert_eq!(hello, tag(|| "hello".into_response().with_header("x", "1")));
    assert_ne!(hello, tag(|| "hellp".into_response()));
}

#[test]
fn tags_and_times_of_the_handler_count() {
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    let client =
        client(|| "hello".into_response().with_header("etag", "\"7\"").with_header("last-modified", DATE));
    for (name, value, status) in [
        ("if-none-match", "\"7\"", 304),
        ("if-none-match", "\"8\"", 200),
        ("if-modified-since", DATE, 304),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT", 200),
        ("if-match", "\"7\"", 200),
        ("if-match", "\"8\"", 412),
        ("if-unmodified-since", DATE, 200),
        ("if-unmodified-since", "Sun, 06 Nov 1994 08:49:36 GMT", 412),
    ] {
        assert_eq!(client.get("/").header(name, value).send().status().code(), status, "{name}: {value}");
    }
}

#[test]
fn no_tag_is_made_for_streams_errors_and_private_responses() {
    let tag = |respond: fn() -> Response| client(respond).get("/").send().header("etag").map(str::to_owned);
    let stream = || {
        let (sender, body) = Body::channel(Length::Unknown);
        sender.finish();
        Response::new(body)
    };
    assert_eq!(tag(stream), None);
    assert_eq!(tag(|| Status::NOT_FOUND.into_response()), None);
    assert_eq!(tag(|| (Status::CREATED, "text").into_response()), None);
    assert_eq!(tag(|| (CacheControl::new().no_store(), "text").into_response()), None);
    assert_eq!(tag(|| vec![0; (1 << 20) + 1].into_response()), None);
    assert!(tag(|| vec![0; 1 << 20].into_response()).is_some());
    let smaller = Conditional::new().max_etag_size(3);
    let app = App::new().middleware(smaller).route("/3", get("abc")).route("/4", get("abcd"));
    let client = TestClient::new(app);
    let tags = ["/3", "/4"].map(|target| client.get(target).send().header("etag").is_some());
    assert_eq!(tags, [true, false]);
}

#[test]
fn conditions_have_no_effect_on_errors_and_on_other_methods() {
    let failing = client(|| (Status::NOT_FOUND, "nothing").into_response());
    assert_eq!(failing.get("/").header("if-none-match", "*").send().status(), Status::NOT_FOUND);
    assert_eq!(failing.get("/").header("if-match", "\"x\"").send().status(), Status::NOT_FOUND);
    let client = client(|| "done".into_response());
    assert_eq!(client.post("/").header("if-none-match", "*").send().text(), "done");
}

#[test]
fn the_background_task_of_a_response_that_is_not_sent_still_runs() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let route = get(move || {
        let count = counted.clone();
        async move {
            "hello".into_response().background(async move {
                count.fetch_add(1, Ordering::Relaxed);
            })
        }
    });
    let client = TestClient::new(App::new().middleware(Conditional::new()).route("/", route));
    assert_eq!(client.get("/").header("if-none-match", "*").send().status(), Status::NOT_MODIFIED);
    assert_eq!(client.get("/").header("if-match", "\"x\"").send().status(), Status::PRECONDITION_FAILED);
    assert_eq!(count.load(Ordering::Relaxed), 2);
}
