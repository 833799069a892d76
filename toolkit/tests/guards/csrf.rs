//! Requests of pages of other origins.

use stelo_toolkit::middleware::Csrf;
use stelo_toolkit::{App, Method, Status, TestClient, WebSocket, any};

fn client(csrf: Csrf) -> TestClient {
    async fn accept(websocket: WebSocket) -> stelo_toolkit::Result<()> {
        websocket.accept().await?;
        Ok(())
    }
    TestClient::new(App::new().middleware(csrf).route("/", any("done")).websocket("/ws", accept))
}

/// The status of a POST with these fields.
fn post(client: &TestClient, fields: &[(&str, &str)]) -> u16 {
    let request = fields.iter().fold(client.post("/"), |request, (name, value)| request.header(name, value));
    request.send().status().code()
}

#[test]
fn fetch_metadata_decides_first() {
    let client = client(Csrf::new());
    for (site, status) in [
        ("same-origin", 200),
        ("none", 200),
        ("same-site", 403),
        ("cross-site", 403),
        ("", 403),
        ("Same-Origin", 403),
    ] {
        assert_eq!(post(&client, &[("sec-fetch-site", site)]), status, "{site}");
    }
    let same = [("sec-fetch-site", "same-origin"), ("origin", "https://elsewhere.org")];
    assert_eq!(post(&client, &same), 200, "the browser knows better than a host that a proxy has changed");
    assert_eq!(post(&client, &[("sec-fetch-site", "cross-site"), ("origin", "http://testserver")]), 403);
}

#[test]
fn the_origin_decides_if_there_is_no_fetch_metadata() {
    let client = client(Csrf::new());
    for (host, origin, status) in [
        ("testserver", "http://testserver", 200),
        ("testserver", "https://testserver", 200),
        ("TestServer:443", "https://testserver", 200),
        ("testserver:80", "http://testserver", 200),
        ("testserver:8000", "http://testserver:8000", 200),
        ("testserver:8000", "http://testserver", 403),
        ("testserver", "http://testserver:8000", 403),
        ("testserver", "http://testserver.evil.org", 403),
        ("testserver", "http://evil.org", 403),
        ("testserver", "null", 403),
        ("testserver", "", 403),
        ("testserver", "testserver", 403),
        ("", "http://", 403),
    ] {
        assert_eq!(post(&client, &[("host", host), ("origin", origin)]), status, "{host} {origin}");
    }
    assert_eq!(post(&client, &[]), 200, "not a browser");
    assert_eq!(client.post("/").header("origin", b"\xff").send().status(), Status::FORBIDDEN);
}

#[test]
fn a_page_without_tls_is_another_origin_than_one_with_it() {
    let client = client(Csrf::new()).with_https();
    assert_eq!(post(&client, &[("origin", "http://testserver")]), 403);
    assert_eq!(post(&client, &[("origin", "https://testserver")]), 200);
}

#[test]
fn methods_that_change_nothing_pass() {
    let client = client(Csrf::new());
    for (method, status) in [
        ("GET", 200),
        ("HEAD", 200),
        ("OPTIONS", 200),
        ("POST", 403),
        ("PUT", 403),
        ("PATCH", 403),
        ("DELETE", 403),
        ("QUERY", 403),
        ("get", 403),
    ] {
        let method = Method::from_bytes(method.as_bytes()).expect("a token");
        let request = client.request(method.clone(), "/").header("sec-fetch-site", "cross-site");
        assert_eq!(request.send().status().code(), status, "{method}");
    }
}

#[test]
fn websocket_handshakes_are_checked() {
    let client = client(Csrf::new());
    let connect = |name: &str, value: &str| client.websocket_connect("/ws").header(name, value).connect();
    assert!(connect("origin", "http://testserver").is_ok());
    assert!(connect("user-agent", "not a browser").is_ok());
    for (name, value) in [("origin", "http://evil.org"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(connect(name, value).unwrap_err().status(), Status::FORBIDDEN);
    }
}

#[test]
fn trusted_origins_and_exempt_requests_pass() {
    let csrf = Csrf::new()
        .trust_origins(["https://login.example.org"])
        .exempt(|request| request.headers().contains("x-signature"));
    let client = client(csrf);
    let cross = ("sec-fetch-site", "cross-site");
    assert_eq!(post(&client, &[cross, ("origin", "https://login.example.org")]), 200);
    assert_eq!(post(&client, &[("origin", "https://login.example.org")]), 200);
    assert_eq!(post(&client, &[cross, ("origin", "http://login.example.org")]), 403);
    assert_eq!(post(&client, &[cross, ("x-signature", "valid")]), 200);
}

#[test]
#[should_panic(expected = "`https://a.org/` is not an origin: write `https://example.org`, without a path")]
fn a_trusted_origin_with_a_path_is_a_mistake() {
    let _ = Csrf::new().trust_origins(["https://a.org/"]);
}
