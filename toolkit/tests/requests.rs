//! The methods of requests: URL, headers, query, cookies, body, ends of the connection.

use futures_lite::{StreamExt, stream};
use stelo_core::app::Peer;
use stelo_toolkit::extract::ClientAddress;
use stelo_toolkit::request::{Address, Cookies, QueryParams, Url};
use stelo_toolkit::{App, Body, HttpError, Method, Request, Response, Status, TestClient, any, get, post};

/// A client of an application that answers everything by one function of the request.
fn asking(ask: fn(&Request) -> String) -> TestClient {
    TestClient::new(
        App::new().route("/{rest:path}", any(move |request: Request| async move { ask(&request) })),
    )
}

#[test]
fn method_version_and_headers() {
    let client = asking(|request| {
        let accept: Vec<_> = request.headers().get_all("X-A").map(String::from_utf8_lossy).collect();
        format!("{} {} {}", request.method(), request.version().number(), accept.join("|"))
    });
    let response = client.post("/").add_header("x-a", "1").add_header("X-A", "2").send();
    assert_eq!(response.text(), "POST 1.1 1|2");
}

#[test]
fn the_path_is_decoded_and_the_url_is_not() {
    let client = asking(|request| format!("{} | {}", request.path(), request.url()));
    for (target, seen) in [
        ("/a%20b", "/a b | http://testserver/a%20b"),
        ("/a%3Fb?c", "/a?b | http://testserver/a%3Fb?c"),
        ("/%C3%A9", "/é | http://testserver/%C3%A9"),
        ("/%FF", "/\u{fffd} | http://testserver/%FF"),
        ("//evil.org", "//evil.org | http://testserver//evil.org"),
        ("http://other.org/x?y", "/x | http://other.org/x?y"),
    ] {
        assert_eq!(client.get(target).send().text(), seen, "{target}");
    }
}

#[test]
fn the_url_has_the_scheme_and_the_root_path_of_outside() {
    let client = asking(|request| format!("{} {}", request.url(), request.base_url()));
    let client = client.with_https().with_root_path("/r");
    assert_eq!(client.get("/x").send().text(), "https://testserver/r/x https://testserver/r/");
    assert_eq!(client.get("/r/x").send().text(), "https://testserver/r/x https://testserver/r/");
    let other = client.get("/").header("host", "h:81").send();
    assert_eq!(other.text(), "https://h:81/r/ https://h:81/r/");
    let bad = client.get("/").header("host", "user@evil").send();
    assert_eq!(bad.text(), "https://127.0.0.1/r/ https://127.0.0.1/r/");
}

#[test]
fn query_parameters() {
    let client = asking(|request| {
        let query = request.query_params();
        format!("{:?} {query}", query.iter().collect::<Vec<_>>())
    });
    for (query, pairs, encoded) in [
        (
            "a=1&b=+x%20&c=%zz&&d",
            r#"[("a", "1"), ("b", " x "), ("c", "%zz"), ("d", "")]"#,
            "a=1&b=+x+&c=%25zz&d=",
        ),
        ("a=1;b=2", r#"[("a", "1;b=2")]"#, "a=1%3Bb%3D2"),
        ("a=%C3%A9&a=2", r#"[("a", "é"), ("a", "2")]"#, "a=%C3%A9&a=2"),
        ("a=%FF", "[(\"a\", \"\u{fffd}\")]", "a=%EF%BF%BD"),
        ("", "[]", ""),
    ] {
        let expected = format!("{pairs} {encoded}");
        assert_eq!(client.get(&format!("/?{query}")).send().text(), expected, "{query}");
    }
    assert_eq!(client.get("/").send().text(), "[] ");
    let query = QueryParams::parse("a=1&a=2");
    assert_eq!((query.get("a"), query.get("b"), query.len()), (Some("2"), None, 2));
}

#[test]
fn cookies_of_all_fields_are_merged() {
    async fn all(cookies: Cookies) -> String {
        cookies.iter().map(|(name, value)| format!("{name}={value};")).collect()
    }
    let client = TestClient::new(App::new().route("/", get(all)));
    let request =
        client.get("/").add_header("cookie", "a=1; b=\"x\\073\"").add_header("cookie", "a=2; c=André");
    assert_eq!(request.send().text(), "a=2;b=x;;c=André;");
    assert_eq!(client.get("/").send().text(), "");
}

#[test]
fn the_ends_of_the_connection() {
    let client = asking(|request| {
        let text = |address: Option<&Address>| address.map_or("-".into(), ToString::to_string);
        format!("{} {} {}", text(request.client()), text(request.server()), request.scheme())
    });
    assert_eq!(client.get("/").send().text(), "127.0.0.1:50000 127.0.0.1:80 http");
}

#[test]
fn some_of_it_as_arguments() {
    async fn parts(method: Method, url: Url, query: QueryParams, client: ClientAddress) -> String {
        format!("{method} {url} {} {:?}", query.len(), client.socket_addr().map(|address| address.port()))
    }
    let client = TestClient::new(App::new().route("/x", get(parts)));
    assert_eq!(client.get("/x?a&b").send().text(), "GET http://testserver/x?a&b 2 Some(50000)");
}

#[test]
fn the_body_can_be_read_again() {
    async fn twice(mut request: Request) -> Result<String, HttpError> {
        let first = request.body().await?;
        let again = request.text().await?;
        let rest = request.stream().collect(usize::MAX).await?;
        Ok(format!("{} {again} {}", first.len(), rest.len()))
    }
    let client = TestClient::new(App::new().route("/", post(twice)));
    assert_eq!(client.post("/").body("hello").send().text(), "5 hello 5");
    assert_eq!(client.post("/").send().text(), "0  0");
    let pieces = stream::iter(["he", "l", "lo"]).map(Ok::<_, std::io::Error>);
    assert_eq!(client.post("/").stream(Body::from_stream(pieces)).send().text(), "5 hello 5");
}

#[test]
fn the_body_streams_through() {
    async fn echo(mut request: Request) -> Response {
        Response::new(request.stream())
    }
    let client = TestClient::new(App::new().route("/", post(echo)));
    let pieces = stream::iter(0..1000).map(|n| Ok::<_, std::io::Error>(format!("{n},")));
    let response = client.post("/").stream(Body::from_stream(pieces)).send();
    assert_eq!(response.text().split(',').count(), 1001);
}

#[test]
fn what_is_wrong_with_a_body_is_said() {
    async fn text(mut request: Request) -> Result<String, HttpError> {
        request.text().await
    }
    async fn json(mut request: Request) -> Result<String, HttpError> {
        Ok(request.json::<Vec<u8>>().await?.len().to_string())
    }
    let app = App::new().body_limit(8).route("/text", post(text)).route("/json", post(json).body_limit(20));
    let client = TestClient::new(app);
    let broken = || Body::from_stream(stream::iter([Ok("ab"), Err(std::io::Error::other("cut"))]));
    for (request, status, says) in [
        (client.post("/text").body("12345678"), Status::OK, "12345678"),
        (
            client.post("/text").body("123456789"),
            Status::CONTENT_TOO_LARGE,
            "the body is larger than the limit of 8 bytes",
        ),
        (
            client
                .post("/text")
                .stream(Body::from_stream(stream::repeat("abc").map(Ok::<_, std::io::Error>))),
            Status::CONTENT_TOO_LARGE,
            "the body is larger than the limit of 8 bytes",
        ),
        (client.post("/text").stream(broken()), Status::BAD_REQUEST, "cut"),
        (
            client.post("/text").body(vec![b'a', 0xff]),
            Status::BAD_REQUEST,
            "the body is not UTF-8 (at byte 1)",
        ),
        (client.post("/json").body("[1,2,3,4,5,6]"), Status::OK, "6"),
        (
            client.post("/json").body("[1,"),
            Status::BAD_REQUEST,
            "malformed JSON: EOF while parsing a value at line 1 column 3",
        ),
        (
            client.post("/json").body(""),
            Status::BAD_REQUEST,
            "malformed JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            client.post("/json").body("[1] 2"),
            Status::BAD_REQUEST,
            "malformed JSON: trailing characters at line 1 column 5",
        ),
    ] {
        let response = request.send();
        assert_eq!((response.status(), &*response.text()), (status, says));
    }
}

#[test]
fn the_departure_of_a_client_is_noticed() {
    async fn look(request: Request) -> String {
        request.is_disconnected().to_string()
    }
    async fn wait(request: Request) -> &'static str {
        // Any number of tasks can wait.
        futures_lite::future::zip(request.disconnected(), request.disconnected()).await;
        "gone"
    }
    let client = TestClient::new(App::new().route("/look", get(look)).route("/wait", get(wait)));
    assert_eq!(client.get("/look").send().text(), "false");
    assert_eq!(client.get("/look").peer(Peer::HalfClosed).send().text(), "true");
    assert_eq!(client.get("/wait").peer(Peer::Gone).send().text(), "gone");
}

#[test]
fn blocking_work_and_sleep_do_not_hold_up_the_rest() {
    async fn work(request: Request) -> String {
        request.sleep(std::time::Duration::from_millis(1)).await;
        let here = std::thread::current().id();
        let there = request.run_blocking(|| std::thread::current().id()).await;
        (here != there).to_string()
    }
    assert_eq!(TestClient::new(App::new().route("/", get(work))).get("/").send().text(), "true");
}

#[test]
fn path_parameters_one_by_one() {
    async fn one(request: Request) -> Result<String, HttpError> {
        let n: u8 = request.path_param("n")?;
        Ok(format!("{n}"))
    }
    async fn wrong(request: Request) -> Result<String, HttpError> {
        request.path_param("other")
    }
    let client = TestClient::new(App::new().route("/{n:int}", get(one)).route("/{n}/x", get(wrong)))
        .raise_server_errors(false);
    assert_eq!(client.get("/7").send().text(), "7");
    let response = client.get("/700").send();
    assert_eq!(response.status(), Status::BAD_REQUEST);
    assert_eq!(response.text(), "invalid path parameter `n`: number too large to fit in target type");
    assert_eq!(client.get("/7/x").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_request_can_be_taken_apart_and_put_together() {
    async fn handler(request: Request) -> Result<String, HttpError> {
        let (parts, body) = request.into_parts();
        let method = parts.method().clone();
        let mut request = Request::from_parts(parts, body);
        let fields = request.headers().len();
        let text = request.text().await?;
        Ok(format!("{method} {} {fields} {:?} {text}", request.path(), request.path_param::<u8>("id")?))
    }
    let client = TestClient::new(App::new().route("/abc/{id}", post(handler)));
    let request = client.post("/abc/7").without_header("accept").without_header("user-agent");
    assert_eq!(request.header("x-a", "1").body("body").send().text(), "POST /abc/7 3 7 body");
}

#[test]
fn a_resource_has_validators_of_its_own() {
    use std::time::{Duration, UNIX_EPOCH};
    use stelo_toolkit::request::{Parts, Validators};
    async fn show(request: Request) -> Result<&'static str, HttpError> {
        check(&request)?;
        Ok("the version")
    }
    fn check(request: &Parts) -> Result<(), HttpError> {
        Validators::new()
            .etag("\"7\"")
            .last_modified(UNIX_EPOCH + Duration::from_secs(784_111_777))
            .check(request)
    }
    let client = TestClient::new(App::new().route("/", get(show).put(show)));
    let status = |method: Method, name: &str, value: &str| {
        let response = client.request(method, "/").header(name, value).send();
        (response.status().code(), response.header("etag").map(str::to_owned))
    };
    let known = Some("\"7\"".to_owned());
    assert_eq!(status(Method::Get, "if-none-match", "\"7\""), (304, known.clone()));
    assert_eq!(status(Method::Get, "if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"), (304, known));
    assert_eq!(status(Method::Get, "if-none-match", "\"6\""), (200, None));
    assert_eq!(status(Method::Put, "if-match", "\"6\""), (412, None));
    assert_eq!(status(Method::Put, "if-match", "\"7\""), (200, None));

    async fn dated(request: Request) -> Result<&'static str, HttpError> {
        Validators::new().last_modified(UNIX_EPOCH).check(&request)?;
        Ok("the version")
    }
    let client = TestClient::new(App::new().route("/", get(dated)));
    let response = client.get("/").header("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT").send();
    assert_eq!((response.status().code(), response.header("etag")), (304, None));
}
