//! Ranges and preconditions of files from every source: a directory, a path, the binary, bytes.

use std::time::Duration;

use stelo_toolkit::files::{EmbeddedFile, EmbeddedFiles, FileResponse};
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{App, Headers, Status, TestClient, any};

use super::{Folder, set_modified};

const CONTENT: &str = "ABCDEFGHIJ";

/// Clients of each source, with the path of the file.
fn sources(folder: &Folder) -> [(&'static str, TestClient); 4] {
    let path = folder.path("root/f.txt");
    set_modified(&path, Duration::from_secs(1_700_000_000));
    let route = |app: App| TestClient::new(app);
    [
        ("/st/f.txt", folder.client()),
        (
            "/st/f.txt",
            route(
                App::new().mount("/st", EmbeddedFiles::new([EmbeddedFile::new("f.txt", CONTENT.as_bytes())])),
            ),
        ),
        ("/path", route(App::new().route("/path", any(FileResponse::new(path))))),
        ("/bytes", route(App::new().route("/bytes", any(FileResponse::bytes(CONTENT).filename("f.txt"))))),
    ]
}

fn site() -> Folder {
    Folder::new().with("root/f.txt", CONTENT)
}

/// The status, the field `content-range` and the text of a response.
fn part(response: &TestResponse) -> (u16, Option<String>, String) {
    (response.status().code(), response.header("content-range").map(str::to_owned), response.text())
}

/// The parts of a `multipart/byteranges` body, each its content range and its text.
fn parts(response: &TestResponse) -> Vec<(String, String)> {
    let content_type = response.header("content-type").expect("it has a type");
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").expect("several parts");
    let text = response.text();
    let body = text.strip_suffix(&format!("--{boundary}--")).expect("the body has an end");
    let opening = format!("--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: ");
    let parts = body.split(opening.as_str()).skip(1).map(|part| {
        let (range, rest) = part.split_once("\r\n\r\n").expect("fields, and then the bytes");
        (range.to_owned(), rest.strip_suffix("\r\n").expect("a line ends each part").to_owned())
    });
    parts.collect()
}

#[test]
fn single_ranges_of_every_source_are_answered() {
    let folder = site();
    for (target, client) in sources(&folder) {
        for (range, content_range, text) in [
            ("bytes=0-0", "bytes 0-0/10", "A"),
            ("bytes=0-10", "bytes 0-9/10", CONTENT),
            ("bytes=5-", "bytes 5-9/10", "FGHIJ"),
            ("bytes=-3", "bytes 7-9/10", "HIJ"),
            ("bytes=-20", "bytes 0-9/10", CONTENT),
            ("bytes=9-", "bytes 9-9/10", "J"),
            ("BYTES = 0-1", "bytes 0-1/10", "AB"),
            ("bytes=100, 0-5", "bytes 0-5/10", "ABCDEF"),
            ("bytes= - , 0-5", "bytes 0-5/10", "ABCDEF"),
            ("bytes=abc-def, 0-5", "bytes 0-5/10", "ABCDEF"),
            ("bytes=0-1,2-3", "bytes 0-3/10", "ABCD"),
            ("bytes=0-5, 3-7", "bytes 0-7/10", "ABCDEFGH"),
        ] {
            let response = client.get(target).header("range", range).send();
            assert_eq!(part(&response), (206, Some(content_range.into()), text.into()), "{target} {range}");
            assert_eq!(
                response.header("content-type"),
                Some("text/plain; charset=utf-8"),
                "{target} {range}"
            );
        }
        assert_eq!(part(&client.get(target).send()), (200, None, CONTENT.into()), "{target}");
    }
}

#[test]
fn several_ranges_are_parts_in_the_order_of_the_file() {
    let folder = site();
    for (target, client) in sources(&folder) {
        for (range, length, expected) in [
            ("bytes=0-1,3-4", 242, [("bytes 0-1/10", "AB"), ("bytes 3-4/10", "DE")]),
            ("bytes=3-4,0-1", 242, [("bytes 0-1/10", "AB"), ("bytes 3-4/10", "DE")]),
            ("bytes=0-0,0-0,-1", 240, [("bytes 0-0/10", "A"), ("bytes 9-9/10", "J")]),
        ] {
            let response = client.get(target).header("range", range).send();
            assert_eq!(
                (response.status(), response.bytes().len()),
                (Status::PARTIAL_CONTENT, length),
                "{range}"
            );
            assert_eq!(response.header("content-range"), None, "{target} {range}");
            assert_eq!(response.header("accept-ranges"), Some("bytes"), "{target} {range}");
            assert!(response.header("etag").is_some(), "{target} {range}");
            let expected = expected.map(|(range, text)| (range.to_owned(), text.to_owned()));
            assert_eq!(parts(&response), expected, "{target} {range}");

            let head = client.head(target).header("range", range).send();
            assert_eq!((head.status(), head.bytes()), (Status::PARTIAL_CONTENT, &b""[..]), "{range}");
            let content_type = head.header("content-type").expect("it has a type");
            assert!(content_type.starts_with("multipart/byteranges; boundary="), "{content_type}");
        }
    }
}

#[test]
fn ranges_that_cannot_be_sent_are_refused() {
    let folder = site();
    for (target, client) in sources(&folder) {
        let send = |range: &str| client.get(target).header("range", range).send();
        for range in ["bytes=10-", "bytes=-0", "bytes=0-1,20-30", "bytes=11-"] {
            let response = send(range);
            assert_eq!(part(&response), (416, Some("bytes */10".into()), String::new()), "{target} {range}");
            assert_eq!(response.header("content-type"), None, "{target} {range}");
            assert_eq!(client.head(target).header("range", range).send().status(), response.status());
        }
        for range in
            ["bytes: 0-5", "bytes=", "bytes=a-b", "bytes=0-1-2", "bytes=5-2", "bytes=5-4", "bytes=+1-2"]
        {
            let response = send(range);
            assert_eq!(response.status(), Status::BAD_REQUEST, "{target} {range}");
            assert_eq!(response.header("accept-ranges"), Some("bytes"), "{target} {range}");
        }
        // An unknown unit, and more than 100 ranges.
        for range in ["items=0-1", &format!("bytes={}", vec!["0-0"; 101].join(","))] {
            assert_eq!(part(&send(range)), (200, None, CONTENT.into()), "{target} {range}");
        }
    }
}

#[test]
fn preconditions_come_before_ranges() {
    let folder = site();
    for (target, client) in sources(&folder) {
        let etag = client.get(target).send().header("etag").expect("files have one").to_owned();
        let send = |fields: &[(&'static str, &str)]| {
            let request = client.get(target).header("range", "bytes=8-");
            fields.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
        };
        for (fields, status) in [
            (&[("if-match", "\"x\""), ("if-none-match", &*etag)][..], 412),
            (&[("if-none-match", &*etag)], 304),
            (&[("if-none-match", "\"x\""), ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT")], 206),
            (&[("if-range", &*etag)], 206),
            (&[("if-range", &etag[..etag.len() - 1])], 200),
            (&[("if-range", &format!("W/{etag}"))], 200),
            (&[("if-match", &*etag), ("if-range", "\"x\"")], 200),
        ] {
            assert_eq!(send(fields).status().code(), status, "{target} {fields:?}");
        }
    }
}

#[test]
fn other_methods_get_the_whole_file() {
    let folder = site();
    for (target, client) in sources(&folder).into_iter().skip(2) {
        let response = client.post(target).header("range", "bytes=0-1").header("if-none-match", "*").send();
        assert_eq!(part(&response), (200, None, CONTENT.into()), "{target}");
    }
}

#[test]
fn ranges_of_a_large_file_come_whole() {
    let content: String = (0..300_000).map(|number| char::from(b'a' + (number % 23) as u8)).collect();
    let folder = Folder::new().with("root/large.txt", &content);
    let response = folder.client().get("/st/large.txt").header("range", "bytes=1-1,10-200000,-5").send();
    let length = content.len();
    let expected = [
        ("bytes 1-1/300000".to_owned(), content[1..2].to_owned()),
        ("bytes 10-200000/300000".to_owned(), content[10..200_001].to_owned()),
        (format!("bytes {}-{}/300000", length - 5, length - 1), content[length - 5..].to_owned()),
    ];
    assert!(parts(&response) == expected);
}

#[test]
fn a_refused_range_goes_to_the_error_handlers() {
    let folder = site();
    let seen = App::new()
        .error_handler(
            Status::RANGE_NOT_SATISFIABLE,
            async |_: stelo_toolkit::Request, error: stelo_toolkit::HttpError| {
                let range = error.headers.get_str("content-range").unwrap_or_default().to_owned();
                (Status::RANGE_NOT_SATISFIABLE, Headers::new(), range)
            },
        )
        .mount("/st", folder.files());
    let response = TestClient::new(seen).get("/st/f.txt").header("range", "bytes=10-").send();
    assert_eq!(response.text(), "bytes */10");
}
