//! Single files as responses: from a path, from bytes, from streams and readers.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_lite::stream;
use stelo_toolkit::files::{FileError, FileResponse};
use stelo_toolkit::response::{Response, ResponseExt};
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{App, Headers, HttpError, Request, Status, TestClient, get, header};

use super::{Folder, mounted};

/// A client of an application whose handler is the file.
fn client(file: FileResponse) -> TestClient {
    TestClient::new(App::new().route("/", get(file)))
}

fn fields<'a>(response: &'a TestResponse, names: &[&str]) -> Vec<Option<&'a str>> {
    names.iter().map(|name| response.header(name)).collect()
}

const LONG: &str = "<file content>";

#[test]
fn a_file_is_sent_with_its_metadata() {
    for repeat in [1, 1000, 5000] {
        let content = LONG.repeat(repeat);
        let folder = Folder::new().with("xyz", &content);
        let client = client(FileResponse::new(folder.path("xyz")).filename("example.png"));
        let response = client.get("/").send();
        assert_eq!((response.status(), response.text()), (Status::OK, content));
        assert_eq!(
            fields(&response, &["content-type", "content-disposition", "accept-ranges"]),
            [Some("image/png"), Some("attachment; filename=\"example.png\""), Some("bytes")]
        );
        assert!(response.header("last-modified").is_some() && response.header("etag").is_some());
        let head = client.head("/").send();
        assert_eq!((head.status(), head.headers(), head.bytes()), (Status::OK, response.headers(), &b""[..]));
    }
}

#[test]
fn a_background_task_runs_after_the_file() {
    let folder = Folder::new().with("f.txt", "text");
    let (done, path) = (Arc::new(AtomicBool::new(false)), folder.path("f.txt"));
    let ours = done.clone();
    let handler = move |request: Request| {
        let (done, path) = (ours.clone(), path.clone());
        async move {
            let response = FileResponse::new(path).respond(&request).await?;
            Ok::<_, HttpError>(response.background(async move { done.store(true, Ordering::Relaxed) }))
        }
    };
    let client = TestClient::new(App::new().route("/", get(handler)));
    assert_eq!(client.get("/").header("range", "bytes=9-").send().status(), Status::RANGE_NOT_SATISFIABLE);
    assert!(!done.load(Ordering::Relaxed), "there was no response with the file");
    assert_eq!(client.get("/").send().text(), "text");
    assert!(done.load(Ordering::Relaxed));
}

#[test]
fn the_type_is_set_or_guessed() {
    let folder = Folder::new().with("f.unknown", "x").with("f.html", "x");
    let kind = |file: FileResponse| client(file).get("/").send().header("content-type").map(str::to_owned);
    let file = |name: &str| FileResponse::new(folder.path(name));
    assert_eq!(kind(file("f.unknown")).as_deref(), Some("application/octet-stream"));
    assert_eq!(kind(file("f.html")).as_deref(), Some("text/html; charset=utf-8"));
    assert_eq!(kind(file("f.html").filename("f.png")).as_deref(), Some("image/png"));
    assert_eq!(
        kind(file("f.html").filename("f.png").media_type("image/jpeg")).as_deref(),
        Some("image/jpeg")
    );
    assert_eq!(
        kind(file("f.html").header(header::CONTENT_TYPE, "text/x-own")).as_deref(),
        Some("text/x-own")
    );
}

#[test]
fn names_of_any_language_are_encoded() {
    let folder = Folder::new().with("f", "x");
    let disposition =
        |file: FileResponse| client(file).get("/").send().header("content-disposition").map(str::to_owned);
    let file = || FileResponse::new(folder.path("f"));
    assert_eq!(disposition(file()), None);
    assert_eq!(
        disposition(file().filename("\u{4f60}\u{597d}.txt")).as_deref(),
        Some("attachment; filename*=utf-8''%E4%BD%A0%E5%A5%BD.txt")
    );
    let inline = file().filename("hello.txt").content_disposition_type("inline");
    assert_eq!(disposition(inline).as_deref(), Some("inline; filename=\"hello.txt\""));
}

#[test]
fn fields_of_the_caller_replace_those_of_the_file() {
    let folder = Folder::new().with("f.txt", "file content");
    let own = FileResponse::new(folder.path("f.txt")).header(header::ETAG, "\"own\"");
    let mut headers = Headers::new();
    headers.set(header::LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT");
    headers.set("x-own", 1);
    let client = client(own.headers(&headers));
    let whole = client.get("/").send();
    assert_eq!(fields(&whole, &["last-modified", "x-own"]), [headers.get_str("last-modified"), Some("1")]);
    let part = client.get("/").header("range", "bytes=0-4").header("if-range", "\"own\"").send();
    assert_eq!((part.status(), part.text()), (Status::PARTIAL_CONTENT, "file ".into()));
    assert_eq!(fields(&part, &["etag", "content-range"]), [Some("\"own\""), Some("bytes 0-4/12")]);
    assert_eq!(client.get("/").header("if-none-match", "\"own\"").send().status(), Status::NOT_MODIFIED);
}

#[test]
fn another_status_has_no_ranges_and_no_conditions() {
    let folder = Folder::new().with("f.txt", "gone");
    let client = client(FileResponse::new(folder.path("f.txt")).status_code(Status::GONE));
    let response = client.get("/").header("range", "bytes=0-0").header("if-none-match", "*").send();
    assert_eq!((response.status(), response.text()), (Status::GONE, "gone".into()));
}

/// Answers with the text of the error behind the failure.
async fn explain(request: Request) -> Result<Response, String> {
    let path = request.headers().get_str("x-path").unwrap_or_default().to_owned();
    FileResponse::new(path).respond(&request).await.map_err(|error| {
        let source = error.source().and_then(|source| source.downcast_ref::<FileError>());
        format!("{} {}", error.status.code(), source.expect("files fail so"))
    })
}

#[test]
fn what_is_no_file_is_a_fault_of_the_server() {
    let folder = Folder::new().with("f/x", "");
    let client = TestClient::new(App::new().route("/", get(explain)));
    for (name, text) in [
        ("none", "does not exist: create it, or name another"),
        ("f", "is not a file: name one that can be read"),
    ] {
        let path = folder.path(name).display().to_string();
        let answer = client.get("/").header("x-path", &path).send().text();
        assert!(answer.starts_with("500 ") && answer.ends_with(text) && answer.contains(&path), "{answer}");
    }
    let quiet =
        TestClient::new(App::new().route("/", get(FileResponse::new("nowhere")))).raise_server_errors(false);
    assert_eq!(quiet.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_is_followed() {
    for content in ["small".to_owned(), "large ".repeat(20_000)] {
        let folder = Folder::new().with("f.txt", &content);
        std::os::unix::fs::symlink(folder.path("f.txt"), folder.path("link")).expect("the folder is ours");
        let response = client(FileResponse::new(folder.path("link"))).get("/").send();
        assert!(response.status() == Status::OK && response.text() == content);
    }
}

/// Links of `/proc` are not followed without blocking.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_opened_at_once_is_sent_all_the_same() {
    use std::os::fd::AsRawFd;
    for content in ["small".to_owned(), "large ".repeat(20_000)] {
        let folder = Folder::new().with("f.txt", &content);
        let file = std::fs::File::open(folder.path("f.txt")).expect("it was written");
        let response =
            client(FileResponse::new(format!("/proc/self/fd/{}", file.as_raw_fd()))).get("/").send();
        assert!(response.status() == Status::OK && response.text() == content);
    }
}

/// The pipe has no writer, so an open for reading would block.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_is_not_waited_for() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let folder = Folder::new();
    mknodat(CWD, folder.path("pipe"), FileType::Fifo, Mode::RUSR, 0).expect("the folder is ours");
    let client = TestClient::new(App::new().route("/", get(explain)));
    let answer = client.get("/").header("x-path", folder.path("pipe").display().to_string()).send().text();
    assert!(answer.contains("is not a file"), "{answer}");
}

#[test]
fn a_changed_file_is_sent_as_it_is_now() {
    let folder = Folder::new().with("f.txt", "one");
    let path = folder.path("f.txt");
    let client = client(FileResponse::new(&path));
    assert_eq!(client.get("/").send().text(), "one");
    std::fs::write(path, "another").expect("the folder is ours");
    assert_eq!(client.get("/").send().text(), "another");
}

#[test]
fn streams_and_readers_are_sent_piece_by_piece() {
    async fn streamed() -> FileResponse<stelo_toolkit::files::Streamed> {
        let pieces = stream::iter(["id,name\n", "1,Ada\n"].map(Ok::<_, io::Error>));
        FileResponse::stream(pieces).filename("users.csv")
    }
    async fn csv(request: Request) -> Result<Response, HttpError> {
        streamed().await.respond(&request).await
    }
    async fn read(request: Request) -> Result<Response, HttpError> {
        let reader = io::Cursor::new(vec![b'x'; 200_000]);
        let reader = futures_lite::io::AssertAsync::new(reader);
        FileResponse::reader(reader).filename("x.bin").size(200_000).respond(&request).await
    }
    async fn broken(request: Request) -> Result<Response, HttpError> {
        let pieces = stream::iter([Ok("begin"), Err(io::Error::other("the disk is gone"))]);
        FileResponse::stream(pieces).respond(&request).await
    }
    let app = App::new().route("/csv", get(csv)).route("/read", get(read)).route("/broken", get(broken));
    let client = TestClient::new(app);
    let response = client.get("/csv").header("range", "bytes=0-1").send();
    assert_eq!((response.status(), response.text()), (Status::OK, "id,name\n1,Ada\n".into()));
    assert_eq!(
        fields(&response, &["content-type", "content-disposition", "accept-ranges", "etag"]),
        [Some("text/csv; charset=utf-8"), Some("attachment; filename=\"users.csv\""), None, None]
    );
    let response = client.get("/read").send();
    assert!(response.bytes() == vec![b'x'; 200_000]);
    let response = client.raise_server_errors(false).get("/broken").send();
    assert!(response.body_error().is_some());
}

/// A middleware between client and files changes nothing, for HEAD neither.
#[test]
fn files_pass_through_middleware() {
    async fn nothing(request: Request, next: stelo_toolkit::Next) -> Response {
        next.run(request).await
    }
    let folder = Folder::new().with("root/example.txt", "x".repeat(100));
    let app = App::new().middleware(nothing).mount("/st", folder.files());
    let head = TestClient::new(app).head("/st/example.txt").send();
    assert_eq!((head.status(), head.bytes()), (Status::OK, &b""[..]));
    assert_eq!(head.headers(), mounted(folder.files()).head("/st/example.txt").send().headers());
}
