//! Redirects to `https`, and hosts that are not of the site.

use stelo_toolkit::middleware::{HttpsRedirect, TrustedHost};
use stelo_toolkit::{App, HttpError, Request, Status, TestClient, WebSocket, any};

async fn echo(websocket: WebSocket) -> stelo_toolkit::Result<()> {
    websocket.accept().await?;
    Ok(())
}

fn secure() -> App {
    App::new().middleware(HttpsRedirect).route("/", any("home")).websocket("/ws", echo)
}

#[test]
fn http_is_redirected_to_https() {
    let client = TestClient::new(secure()).follow_redirects(false);
    for (host, location) in [
        ("testserver", "https://testserver/"),
        ("testserver:80", "https://testserver/"),
        ("testserver:443", "https://testserver/"),
        ("testserver:123", "https://testserver:123/"),
        ("[::1]:80", "https://[::1]/"),
        ("[::1]", "https://[::1]/"),
    ] {
        let response = client.get("/").header("host", host).send();
        assert_eq!(response.status(), Status::TEMPORARY_REDIRECT);
        assert_eq!(response.header("location"), Some(location));
    }
    let response = client.post("/x%20y?a=1").header("host", "a.com:80").body("lost").send();
    assert_eq!(response.header("location"), Some("https://a.com/x%20y?a=1"));
    assert_eq!(TestClient::new(secure()).with_https().get("/").send().text(), "home");
}

#[test]
fn a_websocket_is_redirected_before_it_is_accepted() {
    let client = TestClient::new(secure()).follow_redirects(false);
    let denied = client.websocket_connect("/ws").connect().unwrap_err();
    assert_eq!(denied.header("location"), Some("wss://testserver/ws"));
    assert!(TestClient::new(secure()).with_https().websocket_connect("/ws").connect().is_ok());
}

fn guarded(hosts: TrustedHost) -> TestClient {
    TestClient::new(App::new().middleware(hosts).route("/a", any("home")).websocket("/ws", echo))
}

fn text(client: &TestClient, host: &str) -> String {
    client.get("/a").header("host", host).send().text()
}

#[test]
fn only_trusted_hosts_are_answered() {
    let client = guarded(TrustedHost::new(["testserver", "*.TestServer", "[::1]"]));
    for host in [
        "testserver",
        "testserver:8000",
        "TESTSERVER",
        "a.testserver",
        "x.y.testServer:1",
        "[::1]",
        "[::1]:80",
    ] {
        assert_eq!(text(&client, host), "home", "{host}");
    }
    for host in ["", "invalidhost", "xtestserver", ".", "testserver.evil", "[::2]", "::1"] {
        let response = client.get("/a").header("host", host).send();
        assert_eq!(
            (response.status(), &*response.text()),
            (Status::BAD_REQUEST, "Invalid host header"),
            "{host}"
        );
    }
    assert_eq!(client.get("/a").without_header("host").send().status(), Status::BAD_REQUEST);
    assert_eq!(text(&guarded(TrustedHost::new(["*"])), "anything"), "home");
    assert!(client.websocket_connect("/ws").connect().is_ok());
    let denied = client.websocket_connect("/ws").header("host", "evil").connect().unwrap_err();
    assert_eq!(denied.status(), Status::BAD_REQUEST);
}

#[test]
fn a_host_without_www_is_redirected() {
    let client = guarded(TrustedHost::new(["www.example.org"])).with_https().follow_redirects(false);
    let response = client.get("/a?b=c").header("host", "Example.org:8000").send();
    assert_eq!(response.status(), Status::TEMPORARY_REDIRECT);
    assert_eq!(response.header("location"), Some("https://www.Example.org:8000/a?b=c"));
    let client = guarded(TrustedHost::new(["www.example.org"]).www_redirect(false));
    assert_eq!(client.get("/a").header("host", "example.org").send().status(), Status::BAD_REQUEST);
}

#[test]
fn an_error_handler_answers_for_an_invalid_host() {
    async fn page(_: Request, error: HttpError) -> (Status, String) {
        (error.status, format!("page: {}", error.detail))
    }
    let app = App::new()
        .middleware(TrustedHost::new(["testserver"]))
        .error_handler(Status::BAD_REQUEST, page)
        .route("/a", any("home"));
    assert_eq!(text(&TestClient::new(app), "evil"), "page: Invalid host header");
}

#[test]
#[should_panic(expected = "`a.*.org`: write `*`, `*.example.org`, or a host without `*`")]
fn a_star_in_another_place_is_a_mistake() {
    let _ = TrustedHost::new(["a.*.org"]);
}
