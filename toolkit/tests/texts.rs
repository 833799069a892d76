//! The texts of values: the sentences of errors, debug output, and the defaults of middleware.

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use stelo_toolkit::config::{CommaSeparated, Environment, EnvironmentError, Secret};
use stelo_toolkit::middleware::*;
use stelo_toolkit::request::{Extensions, InvalidUrl, MultiDict, QueryParams};
use stelo_toolkit::websocket::{Broadcast, CloseCode, Closed, WebSocketError};
use stelo_toolkit::{App, Request, TestClient, get};

fn debug(value: impl Debug) -> String {
    format!("{value:?}")
}

#[test]
fn a_default_is_what_new_makes() {
    let pairs = [
        (debug(App::default()), debug(App::new())),
        (debug(Cache::default()), debug(Cache::new())),
        (debug(Conditional::default()), debug(Conditional::new())),
        (debug(Cors::default()), debug(Cors::new())),
        #[cfg(feature = "gzip")]
        (debug(Decompression::default()), debug(Decompression::new())),
        (debug(RequestId::default()), debug(RequestId::new())),
        (debug(SecurityHeaders::default()), debug(SecurityHeaders::new())),
        (debug(TraceContext::default()), debug(TraceContext::new())),
        (debug(MultiDict::<String>::default()), debug(MultiDict::<String>::new())),
    ];
    for (default, new) in pairs {
        assert_eq!(default, new);
    }
    #[cfg(feature = "gzip")]
    assert_eq!(debug(Compression::default()), debug(Compression::new()));
    assert!(!Environment::default().contains("STELO_A_NAME_WITHOUT_A_VALUE"));
}

#[test]
fn the_debug_output_is_short_and_shows_no_secret() {
    let mut csrf = debug(Csrf::new());
    csrf.truncate(6);
    assert_eq!(csrf, "Csrf {");
    for (text, expected) in [
        (debug(Secret::from("key")), "Secret(**********)"),
        (debug(App::new()), "App { routes: [], .. }"),
        (debug(TestClient::new(App::new())), "TestClient"),
        (debug(RequestId::new()), r#"RequestId { header: "x-request-id", .. }"#),
        (debug(MemoryCache::new(64)), "MemoryCache(0 of 64 bytes)"),
        (debug(MemoryRateLimits::new()), "MemoryRateLimits { len: 0, .. }"),
        (debug(Extensions::default()), "Extensions(0)"),
        (debug(Broadcast::<u8>::new(4)), "Broadcast(0 subscribers)"),
        (debug(Broadcast::<u8>::new(4).subscribe()), "Subscription"),
    ] {
        assert_eq!(text, expected);
    }
    let shed = debug(LoadShed::new(3).max_waiting(5).max_wait(Duration::from_secs(2)));
    assert!(shed.starts_with("LoadShed { max_waiting: 5, max_wait: 2s, "), "{shed}");
    let cache = debug(Cache::new());
    assert!(cache.starts_with("Cache { default_max_age: "), "{cache}");
    assert!(MemoryRateLimits::new().is_empty());
}

#[test]
fn each_error_is_one_sentence() {
    let json = || serde_json::from_str::<u8>("x").expect_err("no number");
    let missing = std::fs::read("/nowhere/.env").expect_err("there is no such file");
    let quote = "\"a".parse::<CommaSeparated>().expect_err("the quote does not end");
    let syntax = stelo_toolkit::http::InvalidHeader::Value;
    let errors: Vec<(Box<dyn Error>, &str, bool)> = vec![
        (
            Box::new(EnvironmentError::File { path: "a".into(), source: missing }),
            "cannot read a (No such file or directory (os error 2))",
            true,
        ),
        (Box::new(quote), "a quote in the list does not end", false),
        (
            Box::new(EnvironmentError::Missing { name: "A".into() }),
            "the variable A is missing, and has no default: set it",
            false,
        ),
        (
            Box::new(InvalidUrl::Character),
            "white space and control characters must be percent-encoded in a URL",
            false,
        ),
        (Box::new(InvalidUrl::Port), "the port of a URL is a number below 65536", false),
        (Box::new(InvalidUrl::Bracket), "the brackets around the IPv6 address of a URL do not match", false),
        (
            Box::new(WebSocketError::Disconnected(Closed {
                code: CloseCode::GOING_AWAY,
                reason: String::new(),
            })),
            "the WebSocket is closed (1001)",
            true,
        ),
        (Box::new(WebSocketError::Header(syntax)), &syntax.to_string().leak()[..], true),
        (Box::new(WebSocketError::ExpectedText), "expected a text message, but got bytes", false),
        (Box::new(WebSocketError::ExpectedBytes), "expected a message of bytes, but got text", false),
        (
            Box::new(WebSocketError::MalformedJson(json())),
            "malformed JSON message: expected value at line 1 column 1",
            true,
        ),
        (
            Box::new(WebSocketError::Serialize(json())),
            "the message cannot be written as JSON: expected value at line 1 column 1",
            true,
        ),
    ];
    for (error, text, has_source) in errors {
        assert_eq!((error.to_string(), error.source().is_some()), (text.to_owned(), has_source));
    }
}

#[cfg(feature = "sessions")]
#[test]
fn errors_of_sessions_are_sentences() {
    use stelo_toolkit::sessions::{MemoryStore, SessionError, SignatureError, Signer};
    let value = SessionError::Value(serde_json::from_str::<u8>("x").expect_err("no number"));
    assert_eq!(value.to_string(), "a value of a session cannot be written as JSON");
    assert!(value.source().is_some() && SessionError::TooLate.source().is_none());
    assert!(SessionError::TooLate.to_string().starts_with("the response is already on its way: "));
    for (error, text) in [
        (SignatureError::Malformed, "not a signed text"),
        (SignatureError::Signature, "the signature does not match"),
        (SignatureError::Expired, "the signature is too old, or from the future"),
    ] {
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(debug(MemoryStore::new()), "MemoryStore(0 sessions)");
    assert_eq!(debug(Signer::new("a secret that nothing prints").previous("b")), "Signer(Sha1, 2 keys)");
}

#[test]
fn a_broken_line_of_a_file_is_the_source_of_its_error() {
    let path = std::env::temp_dir().join(format!("stelo-texts-{}", std::process::id()));
    std::fs::write(&path, "A=\"1\n").expect("a file for the test");
    let error = Environment::of([("", ""); 0]).file(&path).expect_err("a quote does not end");
    std::fs::remove_file(&path).expect("the file is there");
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("a quoted value does not end"));
}

#[test]
fn a_request_shows_its_head() {
    async fn show(mut request: Request) -> String {
        request.extensions_mut().insert(1_u8);
        *request.extensions_mut().get_mut::<u8>().expect("it was inserted") += 1;
        let number = request.extensions().get::<u8>().copied();
        let (parts, body) = request.into_parts();
        let parts_text = debug(&parts);
        format!("{parts_text} {:?} {number:?}", Request::from_parts(parts, body))
    }
    let text = TestClient::new(App::new().route("/a", get(show))).get("/a").send().text();
    assert!(text.starts_with("Parts(GET /a HTTP/1.1 "), "{text}");
    assert!(text.contains(" Request(GET /a HTTP/1.1 ") && text.ends_with(" Some(2)"), "{text}");
}

#[test]
fn pairs_are_collected_from_each_other() {
    let query = QueryParams::parse("a=1&b=2");
    assert!(!query.is_empty() && QueryParams::parse("").is_empty());
    let mut pairs = MultiDict::from(query);
    pairs.extend([("a", "3")]);
    assert!(!pairs.is_empty());
    assert_eq!(QueryParams::from(pairs).get_all("a").collect::<Vec<_>>(), ["1", "3"]);
}

#[test]
fn a_problem_is_made_from_an_error_and_the_reverse() {
    use stelo_toolkit::response::Problem;
    use stelo_toolkit::{HttpError, IntoResponse, Status};
    let problem = Problem::new(Status::CONFLICT).with_title("Taken").with_detail("the name is taken");
    let again = Problem::from(HttpError::from(problem.clone()));
    assert_eq!(
        (again.title(), again.detail(), again.status()),
        ("Taken", problem.detail(), Status::CONFLICT)
    );
    let plain = Problem::from(HttpError::new(Status::CONFLICT).with_detail("why"));
    assert_eq!((plain.title(), plain.detail()), ("Conflict", Some("why")));
    // A map whose keys are no texts cannot be JSON.
    let left_out = plain.with_member("x", &std::collections::BTreeMap::from([((1, 2), 3)]));
    let response = left_out.into_response();
    assert_eq!(response.headers.get_str("content-type"), Some("application/problem+json"));
    let body = r#"Body(b"{\"title\":\"Conflict\",\"status\":409,\"detail\":\"why\"}")"#;
    assert_eq!(debug(response.body), body);
    let empty = Problem::new(Status::NOT_MODIFIED).into_response();
    assert!(empty.headers.is_empty());
}

#[test]
fn each_response_of_an_error_has_its_status() {
    use stelo_toolkit::request::Busy;
    use stelo_toolkit::response::{Background, Error, ResponseExt};
    use stelo_toolkit::{IntoResponse, Status};
    let busy = Busy.into_response();
    assert_eq!((busy.status, busy.headers.get_str("retry-after")), (Status::SERVICE_UNAVAILABLE, Some("1")));
    assert!(Busy.to_string().starts_with("all threads for blocking work are busy"));
    let error = Error::from(std::io::Error::other("secret"));
    assert_eq!(error.into_response().status, Status::INTERNAL_SERVER_ERROR);
    let response = Background::new("done", async {}).into_response();
    assert!(response.background.is_some());
    let (_sender, body) = stelo_toolkit::Body::channel(stelo_toolkit::body::Length::Unknown);
    let response = stelo_toolkit::Response::new(body);
    assert!(!response.body.allows_half_closed() && response.allow_half_closed().body.allows_half_closed());
}

#[test]
fn errors_of_cookies_say_what_to_do() {
    use stelo_toolkit::response::{InvalidCookie, SetCookie};
    let reserved = SetCookie::new("Path", "").to_field().unwrap_err();
    assert_eq!(
        (reserved, reserved.to_string().as_str()),
        (
            InvalidCookie::ReservedName,
            "a cookie must not have the name of an attribute, such as `path` or `expires`"
        )
    );
}

#[test]
fn what_a_handler_gets_shows_what_it_is() {
    use stelo_toolkit::events::{Event, EventStream, Replay};
    use stelo_toolkit::json_lines::{JsonLines, JsonLinesReader};
    use stelo_toolkit::request::{Executor, Workers};
    async fn show(executor: Executor, workers: Workers, request: Request) -> String {
        let links = request.links();
        let lines = JsonLinesReader::<u8>::new(request.into_parts().1);
        let events = EventStream::new(executor.clone(), futures_lite::stream::empty::<Event>());
        format!("{executor:?} {links:?} {workers:?} {lines:?} {events:?}")
    }
    let text = TestClient::new(App::new().route("/", get(show))).get("/").send().text();
    assert_eq!(
        text,
        "Executor Links(Url(http://testserver/)) Workers(0 running, 0 waiting) JsonLinesReader(line 0) \
         EventStream { keep_alive: Some(15s), .. }"
    );
    let files = debug(stelo_toolkit::StaticFiles::new("static"));
    assert!(files.starts_with("StaticFiles {") && files.contains("\"static\""), "{files}");
    let feed = Replay::new(4);
    feed.send(Event::data("one"));
    assert_eq!(debug(feed.subscribe(None)), "Replays");
    assert_eq!(debug(&feed), "Replay(1 events, 0 subscribers)");
    assert_eq!(debug(JsonLines::new(futures_lite::stream::empty::<u8>())), "JsonLines");
}

#[test]
fn an_answer_that_is_missing_is_a_failure_of_status_404() {
    use stelo_toolkit::{IntoResponse, Status};
    let failure = Option::<&str>::None.into_outcome().err();
    assert_eq!(debug(failure), "Some(Failure)");
    assert_eq!(Option::<&str>::None.into_response().status, Status::NOT_FOUND);
}

#[test]
fn values_that_were_missed_are_counted() {
    use futures_lite::future;
    use stelo_toolkit::websocket::MemoryRelay;
    let news = Broadcast::<u8>::new(1);
    let mut slow = news.subscribe();
    for number in 0..3 {
        news.send(number);
    }
    let lagged = future::block_on(slow.next()).expect("the channel is open").expect_err("two were missed");
    assert_eq!(lagged.to_string(), "missed 2 values: read faster, or give the `Broadcast` a larger capacity");
    assert_eq!(future::block_on(slow.next()), Some(Ok(2)));
    drop(news);
    assert_eq!(future::block_on(slow.next()), None);
    assert_eq!(debug(MemoryRelay::new()), "MemoryRelay");
}
