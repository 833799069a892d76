//! The demonstration, path by path, and the folder.

use std::fs;

use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{Body, Status, TestClient};

fn demo() -> TestClient {
    TestClient::new(stelo_demo::app()).raise_server_errors(false)
}

fn get(target: &str) -> TestResponse {
    demo().get(target).send()
}

/// Status, content type and text.
fn answer(response: &TestResponse) -> (u16, Option<&str>, String) {
    (response.status().code(), response.header("content-type"), response.text())
}

const TEXT: Option<&str> = Some("text/plain; charset=utf-8");

#[test]
fn options_of_the_server_have_no_content() {
    let folder = TestClient::new(stelo_demo::folder(env!("CARGO_MANIFEST_DIR").into()));
    for client in [demo(), folder] {
        assert_eq!(client.options("*").send().status(), Status::NO_CONTENT);
    }
}

#[test]
fn small_answers() {
    assert_eq!(answer(&get("/plaintext")), (200, TEXT, "Hello, World!".into()));
    let json = r#"{"message":"Hello, World!"}"#;
    assert_eq!(answer(&get("/json")), (200, Some("application/json"), json.into()));
    assert_eq!(answer(&get("/users/7/posts/abc")), (200, TEXT, "user 7, post abc".into()));
    assert_eq!(get("/users/x/posts/abc").status(), Status::NOT_FOUND);
    assert_eq!(get("/users/99999999999999999999/posts/abc").status(), Status::NOT_FOUND);
}

#[test]
fn the_page_links_to_what_there_is() {
    let page = get("/");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let page = page.text();
    let links: Vec<_> = page.split("<a href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(links.len(), 11);
    for link in links {
        let target = format!("/{}", link.replace("&amp;", "&")).replace("delay_ms=200", "delay_ms=0");
        let expected = match &*target {
            "/panic" => 500,
            "/status/418" => 418,
            _ => 200,
        };
        assert_eq!(get(&target.replace("/sleep/1000", "/sleep/0")).status().code(), expected, "{target}");
    }
}

#[test]
fn the_request_is_shown_as_it_came() {
    let client = TestClient::new(stelo_demo::app()).with_root_path("/api");
    let response = client
        .get("/api/request?b=2&a=1&b=%20")
        .without_header("user-agent")
        .add_header("X-Twice", "1")
        .add_header("x-twice", b"\xff")
        .send();
    let seen = concat!(
        r#"{"method":"GET","target":"/api/request?b=2&a=1&b=%20","path":"/api/request","#,
        r#""query":[["b","2"],["a","1"],["b"," "]],"#,
        r#""headers":[["host","testserver"],["accept","*/*"],["X-Twice","1"],["x-twice","�"]],"#,
        r#""client":"127.0.0.1:50000","server":"127.0.0.1:80","scheme":"http","http_version":"1.1","#,
        r#""root_path":"/api"}"#,
    );
    assert_eq!(response.text(), seen);
}

#[test]
fn any_final_status_can_be_had() {
    assert_eq!(answer(&get("/status/404")), (404, TEXT, "Not Found".into()));
    assert_eq!(answer(&get("/status/200")), (200, TEXT, "OK".into()));
    for empty in [204, 304] {
        assert_eq!(answer(&get(&format!("/status/{empty}"))), (empty, None, String::new()));
    }
    assert_eq!(answer(&get("/status/599")), (599, TEXT, String::new()));
    for wrong in ["/status/0", "/status/101", "/status/199", "/status/600", "/status/70000"] {
        assert_eq!(get(wrong).status(), Status::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(get("/status/600").text(), "no status 600: ask for one from 200 to 599");
}

#[test]
fn a_panic_is_answered() {
    assert_eq!(answer(&get("/panic")), (500, TEXT, "Internal Server Error".into()));
}

#[test]
fn an_echo_has_the_body_and_its_type() {
    let sent = demo().post("/echo").header("content-type", "image/png").body("\0\u{1}").send();
    assert_eq!(answer(&sent), (200, Some("image/png"), "\0\u{1}".into()));
    assert_eq!(answer(&demo().post("/echo").send()), (200, None, String::new()));
    assert_eq!(get("/echo").status(), Status::METHOD_NOT_ALLOWED);
}

#[test]
fn an_upload_is_counted_and_hashed() {
    let pieces = ["a", "", "bc"].map(Ok::<_, std::io::Error>);
    let body = Body::from_stream(futures_lite::stream::iter(pieces));
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(
        demo().post("/upload").stream(body).send().text(),
        format!(r#"{{"bytes":3,"sha256":"{abc}"}}"#)
    );
    let broken = [Ok("a"), Err(std::io::Error::other("gone"))];
    let body = Body::from_stream(futures_lite::stream::iter(broken));
    assert_eq!(demo().post("/upload").stream(body).send().status(), Status::BAD_REQUEST);
}

#[test]
fn a_stream_has_the_requested_pieces() {
    assert_eq!(answer(&get("/stream")), (200, TEXT, "x".repeat(10_000)));
    assert_eq!(get("/stream?chunks=3&size=2&delay_ms=1").text(), "xxxxxx");
    assert_eq!(get("/stream?chunks=0").text(), "");
    for (wrong, why) in [
        ("/stream?chunks=x", "invalid query: `chunks`"),
        ("/stream?chunks=-1", "invalid query: `chunks`"),
        ("/stream?chunk=1", "invalid query: "),
        ("/stream?chunks=1000001", "`chunks` is 1000001: ask for 1000000 at most"),
        ("/stream?size=1048577", "`size` is 1048577: ask for 1048576 at most"),
        ("/stream?delay_ms=60001", "`delay_ms` is 60001: ask for 60000 at most"),
    ] {
        let (status, _, text) = answer(&get(wrong));
        assert_eq!(status, 400, "{wrong}");
        assert!(text.starts_with(why), "{wrong}: {text}");
    }
}

#[test]
fn bytes_come_with_their_number() {
    for n in [0, 1, 65_535, 65_536, 65_537, 200_000] {
        let response = get(&format!("/bytes/{n}"));
        assert_eq!((response.bytes().len(), response.body_error().is_some()), (n, false));
        assert_eq!(response.header("content-type"), Some("application/octet-stream"));
    }
    // Pieces are made only when they are sent.
    assert_eq!(demo().head("/bytes/18446744073709551615").send().status(), Status::OK);
    assert_eq!(get("/bytes/18446744073709551616").status(), Status::NOT_FOUND);
}

#[test]
fn what_waits_and_what_comes_after() {
    assert_eq!(get("/sleep/1").text(), "slept 1 ms");
    assert_eq!(
        answer(&get("/sleep/60001")),
        (400, TEXT, "60001 ms is too long: ask for 60000 at most".into())
    );
    assert_eq!(get("/background").status(), Status::OK);
}

#[test]
fn a_folder_is_served_at_the_root() {
    let folder = std::env::temp_dir().join(format!("stelo-demo-{}", std::process::id()));
    fs::create_dir_all(folder.join("sub")).unwrap();
    fs::write(folder.join("index.html"), "<h1>home</h1>").unwrap();
    fs::write(folder.join("sub/a.txt"), "text").unwrap();

    let client = TestClient::new(stelo_demo::folder(folder.clone()));
    assert_eq!(client.get("/").send().text(), "<h1>home</h1>");
    assert_eq!(answer(&client.get("/sub/a.txt").send()), (200, TEXT, "text".into()));
    assert_eq!(client.get("/sub/").send().status(), Status::NOT_FOUND);
    assert_eq!(client.post("/").send().status(), Status::METHOD_NOT_ALLOWED);

    let error = TestClient::try_new(stelo_demo::folder(folder.join("none"))).unwrap_err().to_string();
    assert!(error.ends_with("none` does not exist: create it, or name another"), "{error}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_websocket_echoes_text_and_bytes() {
    let client = demo();
    let mut socket = client.websocket_connect("/ws").connect().expect("it is accepted");
    socket.send_text("saluton");
    assert_eq!(socket.receive_text().expect("a text"), "saluton");
    socket.send_bytes(&[0, 255][..]);
    assert_eq!(*socket.receive_bytes().expect("bytes"), [0, 255]);
    assert_eq!(get("/ws").status(), Status::NOT_FOUND, "as with Starlette");
}

#[test]
fn events_count_down() {
    let response = get("/events/3");
    assert_eq!(response.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(response.text(), "data: 3\n\ndata: 2\n\ndata: 1\n\n");
}
