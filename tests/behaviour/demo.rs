//! The demonstration application, on whose paths clients, benchmarks and conformance suites rely; and a folder.

use std::fs;
use std::path::{Path, PathBuf};

use stelo_tests::{On, Running, cases, config};

cases!(
    home_links_to_the_rest,
    plaintext,
    json,
    path_parameters,
    the_request_as_the_server_saw_it,
    echo,
    upload,
    stream,
    bytes,
    status,
    sleep,
    panic,
    background,
    a_folder,
    paths_cannot_leave_the_folder,
    a_folder_that_is_missing_is_named,
);

fn demo(on: On) -> Running {
    on.serve(stelo_demo::app())
}

const TEXT: Option<&str> = Some("text/plain; charset=utf-8");

fn home_links_to_the_rest(on: On) {
    let server = demo(on);
    let mut client = server.connect();
    let answer = client.get("/");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let page = answer.text();
    let links: Vec<_> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let inside: Vec<_> =
        links.iter().filter(|link| !link.contains(':') && !link.ends_with("panic")).collect();
    assert!(inside.len() >= 8, "{links:?}");
    for link in inside {
        // The links of the page have delays for people.
        let link =
            link.replace("&amp;", "&").replace("delay_ms=200", "delay_ms=1").replace("sleep/1000", "sleep/1");
        let answer = client.get(&format!("/{}", link.trim_start_matches('/')));
        assert!(answer.status < 500, "{link}: {}", answer.line);
    }
}

fn plaintext(on: On) {
    let answer = demo(on).connect().get("/plaintext");
    assert_eq!((answer.header("content-type"), answer.text().as_str()), (TEXT, "Hello, World!"));
    assert_eq!(answer.header("content-length"), Some("13"));
}

fn json(on: On) {
    let answer = demo(on).connect().get("/json");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.text(), r#"{"message":"Hello, World!"}"#);
}

fn path_parameters(on: On) {
    let server = demo(on);
    let mut client = server.connect();
    assert_eq!(client.get("/users/7/posts/abc").text(), "user 7, post abc");
    assert_eq!(client.get("/users/7/posts/a%20b").text(), "user 7, post a b");
    assert_eq!(client.get("/users/seven/posts/abc").status, 404);
}

fn the_request_as_the_server_saw_it(on: On) {
    let server = on.serve_with(config().root_path("/api"), stelo_demo::app());
    let mut client = server.connect();
    client.send("GET /request?a=1&b=x%20y&a=2 HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\n\r\n");
    let answer = client.answer().text();
    for part in [
        r#""method":"GET""#,
        r#""target":"/request?a=1&b=x%20y&a=2""#,
        r#""query":[["a","1"],["b","x y"],["a","2"]]"#,
        r#""headers":[["Host","a"],["X-One","1"],["x-one","2"]]"#,
        &format!(r#""client":"{}""#, client.address()),
        &format!(r#""server":"{}""#, server.address()),
        r#""scheme":"http""#,
        r#""http_version":"1.1""#,
        r#""root_path":"/api""#,
    ] {
        assert!(answer.contains(part), "{part} is not in {answer}");
    }
}

fn echo(on: On) {
    let server = demo(on);
    let mut client = server.connect();
    client.send("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: x/y\r\ncontent-length: 5\r\n\r\nhello");
    let answer = client.answer();
    assert_eq!((answer.header("content-type"), answer.text().as_str()), (Some("x/y"), "hello"));
    assert_eq!(client.get("/echo").status, 405);
}

fn upload(on: On) {
    let answer = demo(on).connect().post("/upload", "hello");
    let sum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(answer.text(), format!(r#"{{"bytes":5,"sha256":"{sum}"}}"#));
}

fn stream(on: On) {
    let server = demo(on);
    let mut client = server.connect();
    let answer = client.get("/stream?chunks=3&size=7&delay_ms=1");
    assert_eq!((answer.chunks, answer.body.len()), (Some(vec![7; 3]), 21));
    assert_eq!(client.get("/stream").body.len(), 10_000);
    assert_eq!(client.get("/stream?chunks=0").body.len(), 0);
    assert_eq!(client.get("/stream?chunks=many").status, 400);
}

fn bytes(on: On) {
    let server = demo(on);
    let mut client = server.connect();
    for n in [0, 1, 65_536, 1_000_000] {
        let answer = client.get(&format!("/bytes/{n}"));
        assert_eq!((answer.header("content-length"), answer.body.len()), (Some(n.to_string().as_str()), n));
    }
}

fn status(on: On) {
    let server = demo(on);
    let mut client = server.connect();
    for (code, text) in [(200, "OK"), (204, ""), (304, ""), (404, "Not Found"), (503, "Service Unavailable")]
    {
        let answer = client.get(&format!("/status/{code}"));
        assert_eq!((answer.status, answer.text().as_str()), (code, text));
    }
    assert_eq!(client.get("/status/100").status, 400);
    assert_eq!(client.get("/status/600").status, 400);
}

fn sleep(on: On) {
    let begun = std::time::Instant::now();
    assert_eq!(demo(on).connect().get("/sleep/50").text(), "slept 50 ms");
    assert!(begun.elapsed().as_millis() >= 50);
}

fn panic(on: On) {
    let server = demo(on);
    let mut client = server.connect();
    assert_eq!(client.get("/panic").status, 500);
    assert_eq!(client.get("/plaintext").status, 200);
}

fn background(on: On) {
    let answer = demo(on).connect().get("/background");
    assert_eq!((answer.status, answer.header("content-type")), (200, TEXT));
}

/// A folder with a page and a sub-folder. Removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(on: On, name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stelo-{}-{on:?}-{name}", std::process::id()));
        let folder = Self(path.join("public"));
        for (file, text) in
            [("index.html", "<h1>home</h1>"), ("a.txt", "0123456789"), ("sub/index.html", "sub")]
        {
            let file = folder.0.join(file);
            fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("a folder can be made");
            fs::write(file, text).expect("a file can be made");
        }
        fs::write(path.join("secret"), "secret").expect("a file can be made");
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind does not make a test fail.
        let _ = fs::remove_dir_all(self.0.parent().unwrap_or(Path::new("/nowhere")));
    }
}

fn a_folder(on: On) {
    let folder = Folder::new(on, "folder");
    let server = on.serve(stelo_demo::folder(folder.0.clone()));
    let mut client = server.connect();
    let answer = client.get("/");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.text(), "<h1>home</h1>");
    assert_eq!(client.get("/sub/").text(), "sub");
    assert_eq!(client.get("/none").status, 404);

    let answer = client.get("/a.txt");
    assert_eq!((answer.header("content-type"), answer.text().as_str()), (TEXT, "0123456789"));
    let etag = answer.header("etag").expect("a tag").to_owned();
    let modified = answer.header("last-modified").expect("a date").to_owned();
    let mut get = |field: &str| {
        client.send(format!("GET /a.txt HTTP/1.1\r\nhost: a\r\n{field}\r\n\r\n"));
        client.answer()
    };
    assert_eq!(get(&format!("if-none-match: \"x\", {etag}")).status, 304);
    assert_eq!(get("if-none-match: \"x\"").status, 200);
    assert_eq!(get(&format!("if-modified-since: {modified}")).status, 304);
    let answer = get("range: bytes=2-4");
    assert_eq!((answer.status, answer.text().as_str()), (206, "234"));
    assert_eq!(answer.header("content-range"), Some("bytes 2-4/10"));
    let answer = get("range: bytes=10-");
    assert_eq!((answer.status, answer.header("content-range")), (416, Some("bytes */10")));
}

fn paths_cannot_leave_the_folder(on: On) {
    let folder = Folder::new(on, "traversal");
    let server = on.serve(stelo_demo::folder(folder.0.clone()));
    let mut client = server.connect();
    for path in [
        "/../secret",
        "/sub/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/..%5csecret",
        "//secret",
        "/sub/%2e%2e%2f%2e%2e%2fsecret",
        "/%00",
    ] {
        let answer = client.get(path);
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.line);
        assert!(!answer.text().contains("secret"), "{path}");
    }
}

fn a_folder_that_is_missing_is_named(on: On) {
    let error =
        on.try_serve(config(), stelo_demo::folder("no/such/folder".into())).expect_err("a failed start");
    assert!(error.to_string().contains("no/such/folder"), "{error}");
}
