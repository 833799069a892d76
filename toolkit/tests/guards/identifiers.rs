//! Identifiers of requests, and traces.

use std::collections::HashSet;

use stelo_toolkit::middleware::{RequestId, RequestIdentifier, Trace, TraceContext};
use stelo_toolkit::{App, Extension, TestClient, get};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

async fn show(Extension(id): Extension<RequestIdentifier>) -> String {
    assert_eq!(id.len(), id.to_string().len());
    id.to_string()
}

fn client(middleware: RequestId) -> TestClient {
    TestClient::new(App::new().middleware(middleware).route("/", get(show)))
}

#[test]
fn each_request_has_an_identifier_of_its_own() {
    let client = client(RequestId::new());
    let ids: HashSet<_> = (0..100)
        .map(|_| {
            let response = client.get("/").send();
            assert_eq!(response.header("x-request-id"), Some(&*response.text()));
            response.text()
        })
        .collect();
    assert_eq!(ids.len(), 100);
    assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())));
    assert!(client.get("/nowhere").send().header("x-request-id").is_some());
}

#[test]
fn only_a_valid_identifier_of_a_trusted_peer_is_kept() {
    let sent = |client: &TestClient, id: &str| client.get("/").header("x-request-id", id).send().text() == id;
    let none = client(RequestId::new());
    assert!(!sent(&none, "abc"), "no proxy has named the client");
    let app = App::new().middleware(RequestId::new()).route("/", get(show));
    let behind = TestClient::new(crate::Behind(app));
    let response = behind.get("/").header("x-client", "192.0.2.1").header("x-request-id", "abc").send();
    assert_eq!(response.text(), "abc", "a proxy that the server trusts");
    let all = client(RequestId::new().trust(|_| true));
    let longest = "x".repeat(128);
    for id in ["a", "7f3a-~._+/=:@Z", &longest] {
        assert!(sent(&all, id), "{id}");
    }
    for id in ["", "a b", "a\"b", "a,b", "é", "a;b", &format!("{longest}x")] {
        assert!(!sent(&all, id), "{id}");
    }
}

#[test]
fn the_name_of_the_field_can_be_set() {
    let client = client(RequestId::new().header("x-correlation-id").trust(|_| true));
    let response = client.get("/").header("x-correlation-id", "abc").send();
    assert_eq!((&*response.text(), response.header("x-correlation-id")), ("abc", Some("abc")));
    assert_eq!(response.header("x-request-id"), None);
}

async fn trace(Extension(trace): Extension<Trace>) -> String {
    assert_ne!((trace.trace_id(), trace.span_id()), (0, 0));
    let state = trace.state().unwrap_or("-");
    let parent = trace.parent_id().map_or("-".into(), |id| format!("{id:016x}"));
    format!("{trace} {parent} {} {state}", trace.is_sampled())
}

/// The trace that a handler sees: the `traceparent` that it sends, the parent, whether it is sampled, the state.
fn traced(middleware: TraceContext, fields: &[(&str, &str)]) -> [String; 4] {
    let client = TestClient::new(App::new().middleware(middleware).route("/", get(trace)));
    let request =
        fields.iter().fold(client.get("/"), |request, (name, value)| request.add_header(name, value));
    let text = request.send().text();
    let parts: Vec<_> = text.splitn(4, ' ').map(str::to_owned).collect();
    parts.try_into().expect("four parts")
}

#[test]
fn a_trace_is_continued() {
    let parent = |flags: &str| format!("00-{TRACE}-b7ad6b7169203331-{flags}");
    for (flags, sampled) in [("01", "true"), ("00", "false"), ("03", "true"), ("fe", "false")] {
        let fields = [("traceparent", &*parent(flags)), ("tracestate", "a=1"), ("tracestate", "b=2")];
        let [sent, from, is_sampled, state] = traced(TraceContext::new(), &fields);
        let end = if sampled == "true" { "-01" } else { "-00" };
        assert!(sent.starts_with(&format!("00-{TRACE}-")) && sent.ends_with(end), "{sent}");
        assert!(!sent.contains("b7ad6b7169203331") && sent.len() == 55);
        assert_eq!([&*from, &*is_sampled, &*state], ["b7ad6b7169203331", sampled, "a=1,b=2"]);
    }
    let later = format!("cc-{TRACE}-b7ad6b7169203331-01-what-the-future-brings");
    assert!(traced(TraceContext::new(), &[("traceparent", &later)])[0].contains(TRACE));
    let long = "x".repeat(513);
    let fields = [("traceparent", &*parent("01")), ("tracestate", &long)];
    assert_eq!(traced(TraceContext::new(), &fields)[3], "-", "a state that is too long");
}

#[test]
fn anything_else_begins_a_trace() {
    let valid = format!("00-{TRACE}-b7ad6b7169203331-01");
    for parent in [
        "",
        "00",
        &valid[..54],
        &format!("{valid}-"),
        &format!("{valid}0"),
        &format!("ff{}", &valid[2..]),
        &format!("cc{}0", &valid[2..]),
        &valid.to_uppercase(),
        &valid.replace('-', "_"),
        &valid.replace(TRACE, &"0".repeat(32)),
        &valid.replace("b7ad6b7169203331", &"0".repeat(16)),
        &valid.replace("b7ad", "+7ad"),
    ] {
        let [sent, from, sampled, state] =
            traced(TraceContext::new(), &[("traceparent", parent), ("tracestate", "a=1")]);
        assert!(!sent.contains(TRACE), "{parent}");
        assert_eq!([&*from, &*sampled, &*state], ["-", "true", "-"], "{parent}");
    }
    let twice = [("traceparent", &*valid), ("traceparent", &*valid)];
    assert_eq!(traced(TraceContext::new(), &twice)[1], "-");
    assert_eq!(traced(TraceContext::new().restart(true), &twice[..1])[1], "-");
    assert_eq!(traced(TraceContext::new().sampled(false), &[])[2], "false");
}
