//! Static files, through a mount: which file a path means, what is said about it, what is sent of it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stelo_core::app::{BoxFuture, Connection, Context};
use stelo_core::http::RequestHead;
use stelo_toolkit::response::Reply;
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{App, Body, HttpError, Method, Request, StaticFiles, Status, TestClient};

use super::{Folder, WRITABLE, mounted, set_modified};

fn site() -> Folder {
    Folder::new()
        .with("root/f.txt", "ABCDEFGHIJ")
        .with("root/empty.bin", "")
        .with("root/a b/\u{e9}.html", "page")
        .with("root/sub/index.html", "index")
        .with("root/noidx/x.css", "css")
        .with("root/odd/index.html/x", "")
        .with("root-old/secret", "secret")
        .with("secret", "secret")
}

fn statuses<'a>(client: &TestClient, targets: &[&'a str]) -> Vec<(&'a str, u16)> {
    targets.iter().map(|&target| (target, client.get(target).send().status().code())).collect()
}

fn all<'a>(targets: &[&'a str], status: u16) -> Vec<(&'a str, u16)> {
    targets.iter().map(|&target| (target, status)).collect()
}

#[test]
fn a_file_comes_with_what_a_client_should_know() {
    let folder = site();
    set_modified(&folder.path("root/f.txt"), Duration::from_millis(784_111_777_900));
    let response = folder.client().get("/st/f.txt").send();
    assert_eq!((response.status(), response.text()), (Status::OK, "ABCDEFGHIJ".into()));
    let names: Vec<_> = response.headers().iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["content-type", "accept-ranges", "last-modified", "etag"]);
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(response.header("accept-ranges"), Some("bytes"));
    assert_eq!(response.header("last-modified"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(response.header("etag"), Some("\"ae1b981f1edf300-a\""));
}

#[test]
fn content_types_are_those_of_the_names() {
    let folder =
        site().with("root/a.SVG", "").with("root/a.wasm", "").with("root/a.js", "").with("root/a", "");
    let client = folder.client();
    for (name, content_type) in [
        ("a%20b/%C3%A9.html", "text/html; charset=utf-8"),
        ("noidx/x.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.SVG", "image/svg+xml"),
        ("a.wasm", "application/wasm"),
        ("empty.bin", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ] {
        let response = client.get(&format!("/st/{name}")).send();
        assert_eq!(response.header("content-type"), Some(content_type), "{name}");
    }
}

#[test]
fn what_is_no_file_below_the_directory_is_not_found() {
    let folder = site();
    let missing = [
        "/st/",
        "/st/sub",
        "/st/noidx/",
        "/st/none",
        "/st/f.txt/",
        "/st/f.txt/x",
        "/st/../secret",
        "/st/%2e%2e/secret",
        "/st/%2e%2e%2fsecret",
        "/st/..%5csecret",
        "/st/sub/..%2ff.txt",
        "/st/../root-old/secret",
        "/st//etc/passwd",
        "/st/%2fetc%2fpasswd",
        "/st/f.txt:stream",
        "/st/C:/f.txt",
        "/st/.",
        "/st/%ff",
    ];
    let client = folder.client();
    assert_eq!(statuses(&client, &missing), all(&missing, 404));
    assert_eq!(client.get(&format!("/st/{}", "x".repeat(5000))).send().status(), Status::NOT_FOUND);
    assert_eq!(
        statuses(&client, &["/st//f.txt", "/st///f.txt"]),
        [("/st//f.txt", 200), ("/st///f.txt", 200)]
    );
}

#[cfg(unix)]
#[test]
fn links_lead_out_only_where_they_may() {
    use std::os::unix::fs::symlink;
    let folder = site();
    symlink(folder.path("secret"), folder.path("root/out")).unwrap();
    symlink(folder.path("root-old"), folder.path("root/old")).unwrap();
    symlink("f.txt", folder.path("root/inner")).unwrap();
    symlink("loop", folder.path("root/loop")).unwrap();
    let client = folder.client();
    assert_eq!(
        statuses(&client, &["/st/out", "/st/old/secret", "/st/loop"]),
        [("/st/out", 404), ("/st/old/secret", 404), ("/st/loop", 404)]
    );
    let inner = client.get("/st/inner").send();
    assert_eq!(
        (inner.text(), inner.header("content-type")),
        ("ABCDEFGHIJ".into(), Some("text/plain; charset=utf-8"))
    );

    let open = mounted(folder.files().follow_symlink(true));
    assert_eq!(open.get("/st/out").send().text(), "secret");
    assert_eq!(open.get("/st/old/secret").send().text(), "secret");
    assert_eq!(open.get("/st/../secret").send().status(), Status::NOT_FOUND);

    // The directory itself may be a link.
    symlink(folder.path("root"), folder.path("current")).unwrap();
    let current = mounted(StaticFiles::new(folder.path("current")));
    assert_eq!(current.get("/st/f.txt").send().status(), Status::OK);
}

#[test]
fn a_directory_with_an_index_page_answers_with_it() {
    let folder = site();
    let client = mounted(folder.files().html(true));
    assert_eq!(client.get("/st/sub/").send().text(), "index");
    assert_eq!(client.get("/st/sub/").send().header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(client.get("/st/f.txt").send().status(), Status::OK);
    for missing in ["/st/", "/st/noidx/", "/st/noidx", "/st/odd/", "/st/odd", "/st/sub/index.html/"] {
        assert_eq!(client.get(missing).send().status(), Status::NOT_FOUND, "{missing}");
    }
}

/// RUSTSEC-2022-0072
#[test]
fn a_directory_is_redirected_within_the_site() {
    let folder = site().with("root/evil.org/a b/index.html", "");
    let location = |client: &TestClient, target: &str| {
        let response = client.get(target).follow_redirects(false).send();
        assert_eq!(response.status(), Status::TEMPORARY_REDIRECT, "{target}");
        response.header("location").map(str::to_owned)
    };
    let client = mounted(folder.files().html(true));
    assert_eq!(location(&client, "/st/sub?q=%20&x").as_deref(), Some("/st/sub/?q=%20&x"));
    assert_eq!(location(&client, "/st//evil.org/a%20b").as_deref(), Some("/st/evil.org/a%20b/"));

    let root = TestClient::new(App::new().mount("/", folder.files().html(true)));
    assert_eq!(location(&root, "//evil.org/a%20b").as_deref(), Some("/evil.org/a%20b/"));
    assert_eq!(location(&root, "///evil.org//a%20b").as_deref(), Some("/evil.org/a%20b/"));

    let wide = TestClient::new(App::new().mount("/{x:path}/st", folder.files().html(true)));
    assert_eq!(location(&wide, "//evil.org/st/sub").as_deref(), Some("/evil.org/st/sub/"));

    let behind = mounted(folder.files().html(true)).with_root_path("/api");
    assert_eq!(location(&behind, "/api/st/sub").as_deref(), Some("/api/st/sub/"));
}

#[test]
fn a_client_that_has_the_file_gets_304() {
    let folder = site();
    let client = folder.client();
    let first = client.get("/st/f.txt").send();
    let (etag, date) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
    let status = |name: &str, value: &str| client.get("/st/f.txt").header(name, value).send().status().code();
    assert_eq!(status("if-none-match", etag), 304);
    assert_eq!(status("if-none-match", "*"), 304);
    assert_eq!(status("if-none-match", &format!("\"x\", W/{etag}")), 304);
    assert_eq!(status("if-none-match", "\"x\""), 200);
    assert_eq!(status("if-modified-since", date), 304);
    assert_eq!(status("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"), 200);
    assert_eq!(status("if-match", etag), 200);
    assert_eq!(status("if-match", "\"x\""), 412);

    let response = client.get("/st/f.txt").header("if-none-match", etag).header("range", "bytes=0-1").send();
    assert_eq!((response.status(), response.bytes()), (Status::NOT_MODIFIED, &b""[..]));
    let fields: Vec<_> = response.headers().iter().collect();
    assert_eq!(fields, [("etag", etag.as_bytes())]);
}

#[test]
fn a_changed_file_is_another_version() {
    let folder = site();
    let (client, path) = (folder.client(), folder.path("root/f.txt"));
    let etag = |seconds, nanos| {
        set_modified(&path, Duration::new(seconds, nanos));
        client.get("/st/f.txt").send().header("etag").unwrap().to_owned()
    };
    let first = etag(1_700_000_000, 0);
    assert_eq!(etag(1_700_000_000, 0), first);
    assert_ne!(etag(1_700_000_000, 1000), first);
    fs::write(&path, "longer than before").unwrap();
    assert_ne!(etag(1_700_000_000, 0), first);
}

#[test]
fn a_range_is_a_part_of_the_file() {
    let folder = site();
    let client = folder.client();
    let range = |range: &str| client.get("/st/f.txt").header("range", range).send();
    let part = |response: &TestResponse| {
        let content_range = response.header("content-range").map(str::to_owned);
        (response.status().code(), content_range, response.text())
    };
    let found = |content_range: &str, text: &str| (206, Some(content_range.to_owned()), text.to_owned());
    assert_eq!(part(&range("bytes=0-0")), found("bytes 0-0/10", "A"));
    assert_eq!(part(&range("bytes=2-4")), found("bytes 2-4/10", "CDE"));
    assert_eq!(part(&range("bytes=-3")), found("bytes 7-9/10", "HIJ"));
    assert_eq!(part(&range("bytes=0-99")), found("bytes 0-9/10", "ABCDEFGHIJ"));
    assert_eq!(range("bytes=0-0").header("etag"), range("bytes=1-1").header("etag"));
    assert_eq!(part(&range("bytes=10-")), (416, Some("bytes */10".into()), String::new()));
    assert_eq!(range("bytes=10-").header("content-type"), None);
    assert_eq!(range("bytes=10-").header("accept-ranges"), Some("bytes"));
    assert_eq!(part(&range("items=0-1")), (200, None, "ABCDEFGHIJ".into()));
    assert_eq!(range("bytes=5-2").status(), Status::BAD_REQUEST);
    let empty = client.get("/st/empty.bin").header("range", "bytes=0-").send();
    assert_eq!(part(&empty), (416, Some("bytes */0".into()), String::new()));

    let etag = range("bytes=0-0").header("etag").unwrap().to_owned();
    let resumed = |if_range: &str| {
        client.get("/st/f.txt").header("range", "bytes=8-").header("if-range", if_range).send().text()
    };
    assert_eq!(resumed(&etag), "IJ");
    assert_eq!(resumed("\"x\""), "ABCDEFGHIJ");
}

/// The time in whole seconds since 1970.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("now is after 1970").as_secs()
}

#[test]
fn a_range_does_not_join_two_versions_of_the_same_second() {
    let folder = site();
    let (client, path) = (folder.client(), folder.path("root/f.txt"));
    let resumed = |date: &str| {
        client.get("/st/f.txt").header("range", "bytes=8-").header("if-range", date).send().text()
    };
    // Another attempt if the second ends in between.
    loop {
        let start = seconds();
        fs::write(&path, "ABCDEFGHIJ").unwrap();
        let date = client.get("/st/f.txt").send().header("last-modified").unwrap().to_owned();
        fs::write(&path, "abcdefghij").unwrap();
        let text = resumed(&date);
        if seconds() == start {
            assert_eq!(text, "abcdefghij");
            break;
        }
    }
    set_modified(&path, Duration::from_secs(784_111_777));
    assert_eq!(resumed("Sun, 06 Nov 1994 08:49:37 GMT"), "ij");
}

#[cfg(unix)]
#[test]
fn a_time_without_a_meaning_is_no_validator() {
    let folder = site();
    let (client, path) = (folder.client(), folder.path("root/f.txt"));
    let npm = 499_162_500;
    for time in [0, 1, 315_532_800, npm, seconds() + 100_000] {
        let put = |text: &str| {
            let new = folder.path("root/new");
            fs::write(&new, text).unwrap();
            set_modified(&new, Duration::from_secs(time));
            fs::rename(new, &path).unwrap();
        };
        put("one");
        let first = client.get("/st/f.txt").send();
        assert_eq!((first.text().as_str(), first.header("last-modified")), ("one", None), "{time}");
        let ask = || {
            let etag = first.header("etag").unwrap();
            let request = client.get("/st/f.txt").header("if-none-match", etag);
            request.header("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT").send()
        };
        assert_eq!(ask().status(), Status::NOT_MODIFIED, "{time}");
        put("two");
        assert_eq!((ask().status(), ask().text()), (Status::OK, "two".into()), "{time}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_to_itself_is_not_found() {
    let folder = site();
    std::os::unix::fs::symlink("loop", folder.path("root/loop")).unwrap();
    assert_eq!(
        statuses(&folder.client(), &["/st/loop", "/st/loop/x"]),
        all(&["/st/loop", "/st/loop/x"], 404)
    );
    let follow = App::new().mount("/st", StaticFiles::new(folder.path("root")).follow_symlink(true));
    assert_eq!(TestClient::new(follow).get("/st/loop").send().status(), Status::NOT_FOUND);
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf_8_is_found() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = site();
    let directory = folder.path("root").join(OsStr::from_bytes(b"\xe9"));
    fs::create_dir(&directory).expect(WRITABLE);
    fs::write(directory.join("index.html"), "index").expect(WRITABLE);
    fs::write(directory.join(OsStr::from_bytes(b"\xff.txt")), "latin").expect(WRITABLE);
    fs::write(directory.join("%FF.txt"), "percent").expect(WRITABLE);
    let client = mounted(folder.files().html(true));
    for _ in 0..2 {
        assert_eq!(client.get("/st/%E9/%FF.txt").send().text(), "latin");
        assert_eq!(client.get("/st/%E9/%25FF.txt").send().status(), Status::OK);
        assert_eq!(client.get("/st/%E9/").send().text(), "index");
    }
    assert_eq!(client.get("/st/%E9").follow_redirects(false).send().header("location"), Some("/st/%E9/"));
    assert_eq!(statuses(&client, &["/st/%FE", "/st/%E9/../%E9/"]), all(&["/st/%FE", "/st/%E9/../%E9/"], 404));
}

#[test]
fn a_type_that_implies_a_compression_comes_with_it() {
    let folder = Folder::new().with("root/a.svgz", "x").with("root/b.X3DZ", "x").with("root/c.svg.gz", "x");
    let client = folder.client();
    let fields = |path: &str| {
        let response = client.get(path).send();
        ["content-type", "content-encoding"].map(|name| response.header(name).map(str::to_owned))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(fields("/st/a.svgz"), [some("image/svg+xml"), some("gzip")]);
    assert_eq!(fields("/st/b.X3DZ"), [some("model/x3d+xml"), some("gzip")]);
    assert_eq!(fields("/st/c.svg.gz"), [some("application/gzip"), None]);
}

#[test]
fn head_says_what_get_would() {
    let folder = site();
    let client = folder.client();
    for range in ["", "bytes=0-1"] {
        let get = client.get("/st/f.txt").header("range", range).send();
        let head = client.head("/st/f.txt").header("range", range).send();
        assert_eq!((head.status(), head.headers(), head.bytes()), (get.status(), get.headers(), &b""[..]));
    }
    assert_eq!(client.head("/st/none").send().status(), Status::NOT_FOUND);
}

#[test]
fn large_files_come_whole() {
    for size in [65_535, 65_536, 65_537, 300_000] {
        let content: Vec<u8> = (0..size).map(|i: u32| (i % 251) as u8).collect();
        let folder = Folder::new().with("root/large", &content);
        let client = folder.client();
        assert!(client.get("/st/large").send().bytes() == content, "{size}");
        let range = format!("bytes=1-{}", size - 2);
        let part = client.get("/st/large").header("range", range).send();
        assert!(part.bytes() == &content[1..content.len() - 1], "{size}");
    }
}

/// An executor that nothing is asked of.
#[cfg(target_os = "linux")]
struct Alone;

#[cfg(target_os = "linux")]
impl stelo_core::app::Executor for Alone {
    fn spawn(&self, _: BoxFuture<()>) {
        panic!("a task was spawned");
    }

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        panic!("somebody sleeps");
    }

    fn blocking(&self, _: Box<dyn FnOnce() + Send>) {
        panic!("another thread was asked");
    }
}

/// Whether the file system of these tests can be asked what it has in memory; some cannot.
#[cfg(target_os = "linux")]
fn can_be_asked(path: PathBuf) -> bool {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    let file = fs::File::open(path).expect("it was written");
    let read = preadv2(&file, &mut [std::io::IoSliceMut::new(&mut [0])], 0, ReadWriteFlags::NOWAIT);
    read != Err(Errno::OPNOTSUPP) && read != Err(Errno::NOSYS)
}

/// Just written, a file is in memory.
#[cfg(target_os = "linux")]
#[test]
fn what_is_in_memory_needs_no_other_thread() {
    use stelo_core::app::App as _;
    let content: Vec<u8> = (0..3_000_000).map(|i: u32| (i % 251) as u8).collect();
    let folder = site().with("root/large", &content);
    if !can_be_asked(folder.path("root/large")) {
        return;
    }
    std::os::unix::fs::symlink(folder.path("root"), folder.path("current")).unwrap();
    let by_link = StaticFiles::new(folder.path("current"));
    let open = folder.files().follow_symlink(true);
    let app = App::new().mount("/st", folder.files().html(true)).mount("/ln", by_link).mount("/op", open);
    let ask = |target: &str| {
        let head = RequestHead::new(Method::Get, target).expect("a target");
        let context = Context::new(Connection::new(None, None, Arc::new(Alone)));
        let request = stelo_core::app::Request::new(Arc::new(head), Body::empty(), Arc::new(context));
        match app.call(request) {
            Reply::Ready(response) => Some(response),
            Reply::Future(_) => None,
        }
    };
    let body = |target: &str| {
        // A cached lookup fails while the system must update the access time of the link, which is so within the clock tick
        // in which the link was created. It also fails during any rename on the system.
        let patience = Instant::now() + Duration::from_secs(20);
        let response = loop {
            if let Some(response) = ask(target) {
                break response;
            }
            assert!(Instant::now() < patience, "{target} takes its time");
            fs::metadata(folder.path("current/f.txt")).unwrap();
        };
        assert_eq!(response.status, Status::OK, "{target}");
        futures_lite::future::block_on(response.body.collect(usize::MAX)).expect("it is read")
    };
    for target in ["/st/f.txt", "/ln/f.txt", "/op/f.txt"] {
        assert_eq!(body(target), b"ABCDEFGHIJ", "{target}");
    }
    assert_eq!((body("/st/sub/"), body("/st/empty.bin")), (b"index".to_vec(), Vec::new()));
    assert!(body("/st/large") == content);
}

/// An executor that has only threads for blocking work.
struct Threads;

impl stelo_core::app::Executor for Threads {
    fn spawn(&self, _: BoxFuture<()>) {
        panic!("a task was spawned");
    }

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        panic!("a timer was set");
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        std::thread::spawn(work);
    }
}

/// A file is cached only some seconds after its last change, so this one is of the repository.
#[test]
fn a_small_file_that_can_have_siblings_is_found_once() {
    use stelo_core::app::App as _;
    let app = App::new().mount("/st", StaticFiles::new("tests/files").precompressed(true));
    let ask = || {
        let head = RequestHead::new(Method::Get, "/st/embedded.rs").expect("a target");
        let context = Context::new(Connection::new(None, None, Arc::new(Threads)));
        app.call(stelo_core::app::Request::new(Arc::new(head), Body::empty(), Arc::new(context)))
    };
    let first = ask();
    assert!(matches!(first, Reply::Future(_)), "the file is not cached yet");
    let patience = Instant::now() + Duration::from_secs(20);
    let mut response = futures_lite::future::block_on(first);
    loop {
        let body = futures_lite::future::block_on(response.body.collect(usize::MAX)).expect("it is read");
        assert_eq!(body, include_bytes!("embedded.rs"));
        // The cache ends after a second, which a slow machine may need between two requests.
        response = match ask() {
            Reply::Ready(_) => return,
            Reply::Future(again) => futures_lite::future::block_on(again),
        };
        assert!(Instant::now() < patience, "the file is never cached");
    }
}

/// Files that have not changed for a while are kept for a while: that must not be seen.
#[test]
fn it_is_the_same_again_and_again() {
    let client = mounted(StaticFiles::new(env!("CARGO_MANIFEST_DIR")).html(true));
    let manifest = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let get = || client.get("/st/Cargo.toml");
    let first = get().send();
    let etag = first.header("etag").unwrap();
    for _ in 0..3 {
        let again = get().send();
        assert_eq!((again.bytes(), again.headers()), (&*manifest, first.headers()));
        assert_eq!(client.head("/st/Cargo.toml").send().headers(), first.headers());
        assert_eq!(get().header("if-none-match", etag).send().status(), Status::NOT_MODIFIED);
        assert_eq!(get().header("if-match", "\"x\"").send().status(), Status::PRECONDITION_FAILED);
        let part = get().header("range", "bytes=2-4").send();
        assert_eq!((part.status(), part.bytes()), (Status::PARTIAL_CONTENT, &manifest[2..=4]));
        assert_eq!(client.get("/st/Cargo.toml/").send().status(), Status::NOT_FOUND);
    }
}

/// Thrown out of memory, files come from the disk. (Some file systems have no other place than memory.)
#[cfg(target_os = "linux")]
#[test]
fn what_is_not_in_memory_comes_all_the_same() {
    use rustix::fs::{Advice, fadvise};
    for size in [1000, 16_385, 2_000_000] {
        let content: Vec<u8> = (0..size).map(|i: u32| (i % 251) as u8).collect();
        let folder = Folder::new().with("root/f", &content);
        let file = fs::File::open(folder.path("root/f")).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        assert!(folder.client().get("/st/f").send().bytes() == content, "{size}");
    }
}

/// The pipe has no writer, so an open for reading would block.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_is_no_file() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let folder = site();
    mknodat(CWD, folder.path("root/pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert_eq!(folder.client().get("/st/pipe").send().status(), Status::NOT_FOUND);
}

#[test]
fn other_methods_are_refused() {
    let folder = site();
    for response in [folder.client().post("/st/f.txt").send(), folder.client().options("/st/none").send()] {
        assert_eq!(response.status(), Status::METHOD_NOT_ALLOWED);
        assert_eq!(response.header("allow"), Some("GET, HEAD"));
    }
}

#[test]
fn refusals_go_to_the_error_handlers() {
    async fn ours(request: Request, error: HttpError) -> (Status, String) {
        (error.status, format!("no {}", request.path()))
    }
    let folder = site();
    let app = App::new().error_handler(Status::NOT_FOUND, ours).mount("/st", folder.files());
    let client = TestClient::new(app);
    assert_eq!(client.get("/st/none").send().text(), "no /st/none");
    assert_eq!(client.get("/st/..").send().text(), "no /st/..");
}

#[test]
fn a_directory_that_cannot_be_served_is_named() {
    let folder = site();
    let error = |name: &str| StaticFiles::new(folder.path(name)).check().unwrap_err().to_string();
    assert!(error("none").ends_with("none` does not exist: create it, or name another"));
    assert!(error("root/f.txt").ends_with("f.txt` is not a directory: name one that holds the files"));
    assert!(folder.files().check().is_ok());

    let client = mounted(StaticFiles::new(folder.path("none")));
    assert_eq!(client.get("/st/f.txt").send().status(), Status::INTERNAL_SERVER_ERROR);
    fs::create_dir(folder.path("none")).unwrap();
    fs::write(folder.path("none/f.txt"), "there").unwrap();
    assert_eq!(client.get("/st/f.txt").send().text(), "there");
}

#[cfg(unix)]
#[test]
fn the_type_of_a_link_comes_from_its_name_and_then_from_its_target() {
    use std::os::unix::fs::symlink;
    let folder = site().with("root/blob", "<p>").with("root/logo.svgz", "x");
    for (name, target) in
        [("latest", "f.txt"), ("page.html", "blob"), ("logo.svg", "logo.svgz"), ("bare", "blob")]
    {
        symlink(target, folder.path("root").join(name)).expect(WRITABLE);
    }
    let client = folder.client();
    for (name, kind, coding) in [
        ("latest", "text/plain; charset=utf-8", None),
        ("page.html", "text/html; charset=utf-8", None),
        ("logo.svg", "image/svg+xml", None),
        ("logo.svgz", "image/svg+xml", Some("gzip")),
        ("bare", "application/octet-stream", None),
    ] {
        let response = client.get(&format!("/st/{name}")).send();
        let found = (response.header("content-type"), response.header("content-encoding"));
        assert_eq!(found, (Some(kind), coding), "{name}");
    }
}

#[test]
fn the_charset_of_texts_can_be_chosen() {
    let folder = site();
    let kind = |files: StaticFiles, name: &str| {
        let response = mounted(files.html(true)).get(&format!("/st/{name}")).send();
        response.header("content-type").map(str::to_owned)
    };
    let latin = || folder.files().charset("iso-8859-1");
    assert_eq!(kind(latin(), "f.txt").as_deref(), Some("text/plain; charset=iso-8859-1"));
    assert_eq!(kind(latin(), "sub/").as_deref(), Some("text/html; charset=iso-8859-1"));
    assert_eq!(kind(latin(), "empty.bin").as_deref(), Some("application/octet-stream"));
    assert_eq!(kind(folder.files().charset(None), "f.txt").as_deref(), Some("text/plain"));
}

#[test]
fn an_encoded_slash_is_in_no_name() {
    let folder = site();
    let targets = ["/st/sub%2Findex.html", "/st/noidx%2fx.css", "/st/sub/%2Findex.html", "/st%2Ff.txt"];
    assert_eq!(statuses(&folder.client(), &targets), all(&targets, 404));
}

#[cfg(not(windows))]
#[test]
fn names_that_mean_something_on_windows_are_ordinary_elsewhere() {
    let folder = site().with("root/aux.js", "x").with("root/12:30.txt", "x").with("root/a\\b", "x");
    let targets = ["/st/aux.js", "/st/12:30.txt", "/st/a%5Cb"];
    assert_eq!(statuses(&folder.client(), &targets), all(&targets, 200));
}
