//! Static files over real sockets: whole, in order, for clients of any speed, and while the file changes.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

use stelo_tests::{Client, On, Running, cases, config};
use stelo_toolkit::files::{EmbeddedFile, EmbeddedFiles};
use stelo_toolkit::{App, FileResponse, HttpError, Request, Response, StaticFiles, get};

use crate::folder::Folder;

cases!(
    files_of_all_sizes_come_whole,
    a_part_of_a_file_comes_whole,
    several_parts_of_a_file_come_in_one_answer,
    a_single_file_is_sent_with_its_ranges,
    files_in_the_binary_are_sent,
    a_very_large_file_comes_whole,
    pipelined_requests_for_files_are_answered_in_order,
    a_file_goes_through_a_unix_socket,
    a_client_that_leaves_midway_affects_only_its_connection,
    a_file_that_becomes_shorter_is_cut_off,
    a_replaced_file_is_served,
    a_cache_revalidates_a_page,
);

const MIB: usize = 1 << 20;

/// Bytes that differ by position. Their period is not a size of a buffer.
pub(crate) fn content(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i % 251) as u8).collect()
}

fn serve(on: On, folder: &Folder) -> Running {
    on.serve(app(folder))
}

fn app(folder: &Folder) -> App {
    App::new().route("/text", get(async || "text")).mount("/", StaticFiles::new(folder.path("")))
}

fn get_line(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n")
}

fn files_of_all_sizes_come_whole(on: On) {
    let folder = Folder::new(on, "sizes");
    let server = serve(on, &folder);
    let mut client = server.connect();
    for size in [0, 1, 4096, 16_383, 16_384, 16_385, 65_537, MIB / 2, MIB / 2 + 1, MIB, 3 * MIB + 7] {
        let content = content(size);
        fs::write(folder.path("f"), &content).expect("the folder is ours");
        let answer = client.get("/f");
        assert_eq!((answer.status, answer.body.len()), (200, size));
        assert!(answer.body == content, "{size}");
        client.send("HEAD /f HTTP/1.1\r\nhost: a\r\n\r\n");
        let head = client.head().expect("the connection goes on");
        assert_eq!(head.header("content-length"), Some(size.to_string().as_str()));
    }
    assert_eq!(client.get("/text").text(), "text");
}

fn a_part_of_a_file_comes_whole(on: On) {
    let folder = Folder::new(on, "parts");
    let content = content(2 * MIB);
    fs::write(folder.path("f"), &content).expect("the folder is ours");
    let server = serve(on, &folder);
    let mut client = server.connect();
    for (first, last) in [(0, 0), (1, MIB), (5, 20_000), (MIB - 1, 2 * MIB - 1)] {
        client.send(format!("GET /f HTTP/1.1\r\nhost: a\r\nrange: bytes={first}-{last}\r\n\r\n"));
        let answer = client.answer();
        assert_eq!(answer.status, 206);
        assert!(answer.body == content[first..=last], "{first}-{last}");
    }
}

/// Checks the answer to a request for several ranges of a file.
fn check_parts(client: &mut Client, target: &str, content: &[u8], ranges: &[(usize, usize)]) {
    let list: Vec<_> = ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
    let list = list.join(", ");
    client.send(format!("GET {target} HTTP/1.1\r\nhost: a\r\nrange: bytes={list}\r\n\r\n"));
    let answer = client.answer();
    assert_eq!(answer.status, 206, "{list}");
    let content_type = answer.header("content-type").expect("several parts have a type");
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").expect("several parts");
    let mut expected = Vec::new();
    for &(first, last) in ranges {
        let size = content.len();
        let kind = "application/octet-stream";
        let head = format!(
            "--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {first}-{last}/{size}\r\n\r\n"
        );
        expected.extend_from_slice(head.as_bytes());
        expected.extend_from_slice(&content[first..=last]);
        expected.extend_from_slice(b"\r\n");
    }
    expected.extend_from_slice(format!("--{boundary}--").as_bytes());
    assert_eq!(answer.header("content-length"), Some(expected.len().to_string().as_str()));
    assert!(answer.body == expected, "{list}");
}

fn several_parts_of_a_file_come_in_one_answer(on: On) {
    let folder = Folder::new(on, "several");
    let content = content(3 * MIB);
    fs::write(folder.path("f"), &content).expect("the folder is ours");
    let server = serve(on, &folder);
    let mut client = server.connect();
    check_parts(&mut client, "/f", &content, &[(0, 0), (5, 20_000), (MIB, 3 * MIB - 1)]);
    let many: Vec<_> = (0..100).map(|number| (number * 1000, number * 1000 + 9)).collect();
    check_parts(&mut client, "/f", &content, &many);
    client.send("HEAD /f HTTP/1.1\r\nhost: a\r\nrange: bytes=0-1,5-6\r\n\r\n");
    let head = client.head().expect("the connection goes on");
    assert_eq!((head.status, head.header("content-length").is_some()), (206, true));
    client.send("GET /f HTTP/1.1\r\nhost: a\r\nrange: bytes=99999999-\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("content-type")), (416, None));
    assert_eq!(client.get("/text").text(), "text");
}

fn a_single_file_is_sent_with_its_ranges(on: On) {
    let folder = Folder::new(on, "single");
    let path = folder.path("f");
    let of_handler = path.clone();
    let download = move |request: Request| {
        let path = of_handler.clone();
        async move {
            let response: Result<Response, HttpError> =
                FileResponse::new(path).filename("f.bin").respond(&request).await;
            response
        }
    };
    let app = App::new()
        .route("/download", get(download))
        .route("/f", get(FileResponse::new(&path)))
        .route("/text", get(async || "text"));
    let server = on.serve(app);
    let mut client = server.connect();
    for size in [0, 1, 16_384, 16_385, 2 * MIB] {
        let content = content(size);
        fs::write(&path, &content).expect("the folder is ours");
        for target in ["/f", "/download"] {
            let answer = client.get(target);
            assert!(answer.status == 200 && answer.body == content, "{size}");
            assert_eq!(answer.header("content-length"), Some(size.to_string().as_str()));
        }
    }
    let content = content(2 * MIB);
    check_parts(&mut client, "/download", &content, &[(0, 0), (5, 20_000), (MIB, 2 * MIB - 1)]);
    client.send("HEAD /download HTTP/1.1\r\nhost: a\r\n\r\n");
    let head = client.head().expect("the connection goes on");
    assert_eq!(head.header("content-disposition"), Some("attachment; filename=\"f.bin\""));
    assert_eq!(client.get("/text").text(), "text");
}

fn files_in_the_binary_are_sent(on: On) {
    let large: &'static [u8] = content(MIB).leak();
    let files =
        EmbeddedFiles::new([EmbeddedFile::new("f", large), EmbeddedFile::new("index.html", b"index")]);
    let server = on.serve(App::new().mount("/", files.html(true)));
    let mut client = server.connect();
    assert!(client.get("/f").body == large);
    assert_eq!(client.get("/").text(), "index");
    check_parts(&mut client, "/f", large, &[(0, 9), (1000, MIB - 1)]);
}

/// A sparse file, larger than all buffers. The marks show whether offsets are correct.
fn a_very_large_file_comes_whole(on: On) {
    const SIZE: usize = 300 * MIB;
    let folder = Folder::new(on, "large");
    let path = folder.path("f");
    let file = File::create(&path).expect("the folder is ours");
    file.set_len(SIZE as u64).expect("holes cost nothing");
    for mark in 1..1000u64 {
        file.write_at(&mark.to_le_bytes(), mark * 314_159).expect("the folder is ours");
    }
    let server = serve(on, &folder);
    let mut client = server.connect();
    client.send(get_line("/f"));
    let head = client.head().expect("the file is there");
    assert_eq!(head.header("content-length"), Some(SIZE.to_string().as_str()));
    let (mut file, mut left) = (File::open(&path).expect("it was written"), SIZE);
    while left > 0 {
        let received = client.exactly(left.min(MIB));
        let mut expected = vec![0; received.len()];
        file.read_exact(&mut expected).expect("it is as long as that");
        assert!(received == expected, "{left} bytes before the end");
        left -= received.len();
    }
    assert_eq!(client.get("/text").text(), "text");
}

fn pipelined_requests_for_files_are_answered_in_order(on: On) {
    let folder = Folder::new(on, "ahead");
    let (small, large) = (content(1000), content(MIB + 1));
    fs::write(folder.path("small"), &small).expect("the folder is ours");
    fs::write(folder.path("large"), &large).expect("the folder is ours");
    let server = serve(on, &folder);
    let mut client = server.connect();
    client.send(["/large", "/text", "/small", "/large", "/large", "/text"].map(get_line).concat());
    for expected in [&*large, b"text", &small, &large, &large, b"text"] {
        assert!(client.answer().body == expected);
    }
}

fn a_file_goes_through_a_unix_socket(on: On) {
    let folder = Folder::new(on, "socket");
    let content = content(3 * MIB);
    fs::write(folder.path("f"), &content).expect("the folder is ours");
    let server = on.serve_with(config().uds(folder.socket()), app(&folder));
    let mut client = server.connect_unix(&folder.socket());
    assert!(client.get("/f").body == content);
    assert_eq!(client.get("/text").text(), "text");
}

/// Returns a client that has read the start of a file larger than all buffers.
fn begun(server: &Running) -> Client {
    let mut client = server.connect();
    client.send(get_line("/f"));
    client.head().expect("the file is there");
    client.exactly(MIB);
    client
}

fn a_client_that_leaves_midway_affects_only_its_connection(on: On) {
    let folder = Folder::new(on, "leaves");
    fs::write(folder.path("f"), content(64 * MIB)).expect("the folder is ours");
    let server = serve(on, &folder);
    for _ in 0..3 {
        drop(begun(&server));
        assert_eq!(server.connect().get("/text").text(), "text");
    }
    // The server stops in order if no connection is stuck.
    server.stop().expect("nothing is left");
}

fn a_file_that_becomes_shorter_is_cut_off(on: On) {
    let folder = Folder::new(on, "shorter");
    let content = content(64 * MIB);
    for left in [0, 20 * MIB + 1] {
        fs::write(folder.path("f"), &content).expect("the folder is ours");
        let server = serve(on, &folder);
        let mut client = begun(&server);
        let file = File::options().write(true).open(folder.path("f")).expect("it is there");
        file.set_len(left as u64).expect("the folder is ours");
        let (rest, _) = client.rest();
        assert!(MIB + rest.len() < content.len(), "{left}");
        // Bytes that were already sent may be older.
        assert!(content[MIB..].starts_with(&rest[..rest.len().min(left.saturating_sub(MIB))]), "{left}");
        assert_eq!(server.connect().get("/text").text(), "text");
    }
}

fn a_replaced_file_is_served(on: On) {
    let folder = Folder::new(on, "place");
    let server = serve(on, &folder);
    let mut client = server.connect();
    for size in [10, MIB, 11, 10] {
        let content = vec![size as u8; size];
        fs::write(folder.path("new"), &content).expect("the folder is ours");
        fs::rename(folder.path("new"), folder.path("f")).expect("the folder is ours");
        let answer = client.get("/f");
        assert!(answer.body == content, "{size}");
        let etag = answer.header("etag").expect("files have one").to_owned();
        client.send(format!("GET /f HTTP/1.1\r\nhost: a\r\nif-none-match: {etag}\r\n\r\n"));
        assert_eq!(client.answer().status, 304);
    }
    fs::remove_file(folder.path("f")).expect("the folder is ours");
    assert_eq!(client.get("/f").status, 404);
}

/// The nine caching capabilities of Http11Probe, on an index page.
fn a_cache_revalidates_a_page(on: On) {
    let folder = Folder::new(on, "revalidated");
    fs::write(folder.path("index.html"), "a page").expect("the folder is ours");
    let file = File::options().write(true).open(folder.path("index.html")).expect("it is there");
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("the file is ours");
    let files = StaticFiles::new(folder.path("")).html(true);
    let server = on.serve(App::new().mount("/", files));
    let mut client = server.connect();
    let first = client.get("/");
    let tag = first.header("etag").expect("a page has a validator").to_owned();
    let modified = first.header("last-modified").expect("a page has a date").to_owned();
    for (case, fields, status) in [
        ("CAP-ETAG-304, CAP-ETAG-IN-304", format!("if-none-match: {tag}"), 304),
        ("CAP-LAST-MODIFIED-304", format!("if-modified-since: {modified}"), 304),
        (
            "CAP-INM-PRECEDENCE",
            format!("if-none-match: {tag}\r\nif-modified-since: Thu, 01 Jan 1970 00:00:00 GMT"),
            304,
        ),
        ("CAP-INM-WILDCARD", "if-none-match: *".into(), 304),
        ("CAP-IMS-INVALID", "if-modified-since: not-a-date".into(), 200),
        ("CAP-INM-UNQUOTED", format!("if-none-match: {}", tag.trim_matches('"')), 200),
        ("CAP-ETAG-WEAK", format!("if-none-match: W/{}", tag.trim_start_matches("W/")), 304),
        // Http11Probe warns: it would ignore a date to come, which RFC 9110 section 13.1.3 does not ask for.
        ("CAP-IMS-FUTURE", "if-modified-since: Thu, 01 Jan 2099 00:00:00 GMT".into(), 304),
    ] {
        client.send(format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n"));
        let answer = client.answer();
        assert_eq!(answer.status, status, "{case}");
        assert_eq!(answer.header("etag"), Some(&*tag), "{case}");
    }
}
