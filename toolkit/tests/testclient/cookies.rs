//! The cookies that a client keeps: where and how long it sends them.

use std::time::{Duration, SystemTime};

use stelo_toolkit::request::Executor;
use stelo_toolkit::{App, Request, TestClient, WebSocket, get};

/// Answers with the cookies of the request, and sets those of its `x-set` fields.
async fn exchange(request: Request) -> stelo_toolkit::Response {
    let headers = request.headers();
    let cookies = headers.get_str("cookie").unwrap_or("-").to_owned();
    let mut response = stelo_toolkit::Response::new(cookies);
    for field in headers.get_all("x-set") {
        response.headers.try_append("set-cookie", field).expect("a valid field");
    }
    response
}

fn client() -> TestClient {
    TestClient::new(App::new().route("/{path:path}", get(exchange)))
}

fn set(client: &TestClient, target: &str, cookie: &str) {
    client.get(target).header("x-set", cookie).send();
}

fn sent(client: &TestClient, target: &str) -> String {
    client.get(target).send().text()
}

#[test]
fn cookies_are_kept_between_requests() {
    let client = client();
    assert_eq!(sent(&client, "/"), "-");
    set(&client, "/", "a=1");
    set(&client, "/", "b=2; HttpOnly; SameSite=lax");
    assert_eq!(sent(&client, "/x/y"), "a=1; b=2");
    set(&client, "/", "a=3");
    assert_eq!(sent(&client, "/"), "b=2; a=3");
    client.cookies().remove("b");
    assert_eq!((client.cookies().get("a").as_deref(), client.cookies().get("b")), (Some("3"), None));
    client.cookies().clear();
    assert_eq!(sent(&client, "/"), "-");
}

#[test]
fn cookies_stay_within_their_domain() {
    let client = client();
    // The host of the response is not below this domain.
    set(&client, "/", "stolen=1; Domain=.example.org");
    set(&client, "http://www.example.org/", "host=1");
    set(&client, "http://www.example.org/", "domain=1; Domain=Example.org");
    for (target, expected) in [
        ("/", "-"),
        ("http://www.example.org/", "host=1; domain=1"),
        ("http://WWW.example.org:81/", "host=1; domain=1"),
        ("http://example.org/", "domain=1"),
        ("http://a.b.example.org/", "domain=1"),
        ("http://notexample.org/", "-"),
        ("http://www.example.org.evil.net/", "-"),
    ] {
        assert_eq!(sent(&client, target), expected, "{target}");
    }
    set(&client, "http://127.0.0.1/", "address=1; Domain=0.0.1");
    assert_eq!(sent(&client, "http://127.0.0.1/"), "-");
}

#[test]
fn cookies_stay_below_their_path() {
    let client = client();
    set(&client, "/", "root=1; Path=/");
    set(&client, "/", "shop=1; Path=/shop");
    set(&client, "/shop/tea/green", "default=1");
    set(&client, "/", "invalid=1; Path=shop");
    for (target, expected) in [
        ("/", "root=1; invalid=1"),
        ("/shop", "shop=1; root=1; invalid=1"),
        ("/shop/", "shop=1; root=1; invalid=1"),
        ("/shopping", "root=1; invalid=1"),
        ("/shop/tea?a=/b", "default=1; shop=1; root=1; invalid=1"),
    ] {
        assert_eq!(sent(&client, target), expected, "{target}");
    }
}

#[test]
fn secure_cookies_are_sent_over_https_alone() {
    let client = client();
    set(&client, "https://testserver/", "a=1; Secure");
    assert_eq!(sent(&client, "/"), "-");
    assert_eq!(sent(&client, "https://testserver/"), "a=1");
}

#[test]
fn cookies_expire() {
    let client = client();
    for gone in ["a=1; Max-Age=0", "a=1; Max-Age=-1", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"] {
        set(&client, "/", "a=0");
        set(&client, "/", gone);
        assert_eq!(sent(&client, "/"), "-", "{gone}");
    }
    for kept in [
        "a=1; Max-Age=60",
        "a=1; Expires=Fri, 31 Dec 9999 00:00:00 GMT",
        "a=1; Expires=never",
        "a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ] {
        client.cookies().clear();
        set(&client, "/", kept);
        assert_eq!(sent(&client, "/"), "a=1", "{kept}");
    }
}

#[test]
fn cookies_expire_while_the_application_sleeps() {
    async fn sleeps(executor: Executor) -> &'static str {
        executor.sleep(Duration::from_secs(3600)).await;
        "awake"
    }
    let client = TestClient::new(App::new().route("/sleep", get(sleeps)).route("/", get(exchange)));
    set(&client, "/", "a=1; Max-Age=1800");
    set(&client, "/", "b=1; Max-Age=5400");
    let before = SystemTime::now();
    client.get("/sleep").send();
    assert!(before.elapsed().unwrap_or_default() < Duration::from_secs(1800));
    assert_eq!(sent(&client, "/"), "b=1");
}

#[test]
fn a_request_has_cookies_of_its_own() {
    let client = client().with_cookie("a", "1").with_cookie("b", "2");
    assert_eq!(client.get("/").cookie("b", "3").send().text(), "a=1; b=3");
    assert_eq!(client.get("/").header("cookie", "c=4").send().text(), "c=4");
    assert_eq!(client.get("/").without_header("cookie").send().text(), "-");
    assert_eq!(sent(&client, "http://anywhere.org/"), "a=1; b=2");
}

#[test]
fn websockets_send_and_keep_cookies() {
    async fn socket(
        request: stelo_toolkit::request::Cookies,
        websocket: WebSocket,
    ) -> stelo_toolkit::Result<()> {
        let seen = request.get("a").unwrap_or("-").to_owned();
        websocket.accept().header("set-cookie", "b=2").await?;
        Ok(websocket.send_text(seen).await?)
    }
    let client = TestClient::new(App::new().websocket("/ws", socket)).with_cookie("a", "1");
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    assert_eq!(socket.receive_text().unwrap(), "1");
    assert_eq!(client.cookies().get("b").as_deref(), Some("2"));
}

#[test]
fn the_debug_output_lists_the_cookies() {
    let client = client();
    client.cookies().set("a", "1");
    client.cookies().set("b", "2");
    assert_eq!(format!("{:?}", client.cookies()), r#"["a=1", "b=2"]"#);
}
