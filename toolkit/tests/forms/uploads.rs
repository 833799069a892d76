//! Files of forms: reading them, keeping them, and what is left of them.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use futures_lite::future::block_on;
use futures_lite::{StreamExt, stream};
use stelo_core::app::{self, App as _, BoxFuture, Connection, Context, Executor};
use stelo_toolkit::forms::{FormData, FormLimits, UploadFile};
use stelo_toolkit::http::RequestHead;
use stelo_toolkit::response::BoxError;
use stelo_toolkit::{App, Body, Headers, Method, Response, State, TestClient, post};

use super::{field, file, send, send_body};

/// An empty folder for a test, removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("stelo-forms-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("a folder can be made");
        Self(path)
    }

    /// Returns the number of files, including those that are open without a name.
    fn files(&self) -> usize {
        let named = fs::read_dir(&self.0).expect("the folder is there").count();
        let Ok(descriptors) = fs::read_dir("/proc/self/fd") else { return named };
        let open = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        named + open.filter(|path| path.starts_with(&self.0)).count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the folder is there");
    }
}

fn upload(content: &str) -> UploadFile {
    UploadFile::new("file", Headers::new(), content.to_owned())
}

#[test]
fn a_file_is_read_from_its_position() {
    let mut file = upload("data");
    block_on(async {
        assert_eq!(&*file.read(usize::MAX).await.unwrap(), b"data");
        assert_eq!((file.size(), file.position()), (4, 4));
        assert_eq!(&*file.read(1).await.unwrap(), b"");
        file.seek(1);
        assert_eq!(&*file.read(2).await.unwrap(), b"at");
        file.seek(u64::MAX);
        assert_eq!(&*file.read(1).await.unwrap(), b"");
        assert_eq!(file.text().await.unwrap(), "data");
        let mut other = file.clone();
        other.seek(0);
        assert_eq!((&*other.read(1).await.unwrap(), file.position()), (&b"d"[..], u64::MAX));
    });
}

#[test]
fn a_file_shows_its_name_its_size_and_its_headers() {
    assert_eq!(format!("{:?}", upload("data")), r#"UploadFile { filename: "file", size: 4, headers: {} }"#);
    let mut headers = Headers::new();
    headers.set("foo", "bar");
    let file = UploadFile::new("file", headers, "");
    assert_eq!(format!("{file:?}"), r#"UploadFile { filename: "file", size: 0, headers: {"foo": "bar"} }"#);
}

#[test]
fn a_form_is_a_list_with_repeated_names() {
    let form: FormData = [("a", "123"), ("a", "456"), ("b", "789")].into_iter().collect();
    assert_eq!((form.text("a"), form.text("b"), form.text("c")), (Some("456"), Some("789"), None));
    assert_eq!(form.texts("a").collect::<Vec<_>>(), ["123", "456"]);
    assert_eq!(
        (form.len(), form.is_empty(), form.contains("a"), form.contains("c")),
        (3, false, true, false)
    );
    assert_eq!(form.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "a", "b"]);
    let mut form = FormData::new();
    form.append("upload", upload("x"));
    assert!(form.text("upload").is_none() && form.file("upload").is_some());
    assert_eq!(form.into_iter().count(), 1);
}

#[test]
fn only_the_last_component_of_a_name_is_safe() {
    let safe = |name: &str| UploadFile::new(name, Headers::new(), "").safe_filename().map(str::to_owned);
    for (name, expected) in [
        ("a.txt", Some("a.txt")),
        ("文書.txt", Some("文書.txt")),
        (r"C:\dir\a.txt", Some("a.txt")),
        (r"\\host\a", Some("a")),
        ("../../a.txt", Some("a.txt")),
        ("/etc/passwd", Some("passwd")),
        ("console.txt", Some("console.txt")),
        ("com10", Some("com10")),
        ("", None),
        (".", None),
        ("..", None),
        ("a/", None),
        (".htaccess", None),
        ("a.", None),
        ("a\0.txt", None),
        ("a\n", None),
        ("a:b", None),
        ("CON", None),
        ("nul.txt", None),
        ("com1.txt", None),
        ("LPT¹", None),
    ] {
        assert_eq!(safe(name).as_deref(), expected, "{name:?}");
    }
    assert_eq!(safe(&"x".repeat(256)), None);
}

/// Reads a form with a file of this content, and shows where the file was kept.
async fn keep(form: FormData) -> stelo_toolkit::Result<String> {
    let mut answer = String::new();
    for file in form.files("f") {
        let text = file.text().await?;
        let (mut parts, mut all) = (file.clone(), String::new());
        loop {
            let bytes = parts.read(700).await?;
            if bytes.is_empty() {
                break;
            }
            all += std::str::from_utf8(&bytes)?;
        }
        assert!(all == text && text.len() as u64 == file.size());
        answer += &format!("{}{} ", text.len(), if file.is_in_memory() { "m" } else { "f" });
    }
    Ok(answer)
}

#[test]
fn files_beyond_the_memory_of_a_form_go_to_one_temporary_file() {
    let folder = Folder::new();
    let limits = FormLimits::new().spool_max_size(1000).spool_directory(&folder.0);
    let client = TestClient::new(App::new().route("/", post(keep)).form_limits(limits));
    let parts = |sizes: &[usize]| -> Vec<_> {
        let content = |size: usize| (0..size).map(|i| char::from(b'a' + (i % 23) as u8)).collect::<String>();
        sizes.iter().map(|&size| file("f", "f", &content(size))).collect()
    };
    for (sizes, expected) in [
        (&[1000][..], "1000m "),
        (&[1001], "1001f "),
        (&[0, 600, 600, 400, 1], "0m 600m 600f 400m 1f "),
        (&[300_000, 10, 600_000, 990, 1], "300000f 10m 600000f 990m 1f "),
    ] {
        assert_eq!(send(&client, "/", &parts(sizes)).text(), expected);
        assert_eq!(folder.files(), 0, "{sizes:?}");
    }
}

#[derive(Clone)]
struct Target(PathBuf);

async fn save(State(Target(path)): State<Target>, form: FormData) -> stelo_toolkit::Result<()> {
    for file in form.files("f") {
        file.persist(&path).await?;
    }
    assert!(form.file("f").expect("a file").persist("/nowhere/at/all").await.is_err());
    Ok(())
}

#[test]
fn a_file_is_kept_under_a_path() {
    let folder = Folder::new();
    for memory in [0, 1 << 20] {
        let path = folder.0.join("kept");
        let limits = FormLimits::new().spool_max_size(memory).spool_directory(&folder.0);
        let client = TestClient::new(
            App::new().route("/", post(save)).state(Target(path.clone())).form_limits(limits),
        );
        for contents in [&["only"][..], &["first", "second"]] {
            let parts: Vec<_> = contents.iter().map(|content| file("f", "f", content)).collect();
            assert_eq!(send(&client, "/", &parts).status().code(), 200);
            assert_eq!(fs::read_to_string(&path).unwrap(), contents[contents.len() - 1]);
            assert_eq!(folder.files(), 1);
        }
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_file_can_be_the_body_of_a_response() {
    async fn echo(form: FormData) -> Response {
        Response::new(Body::from(form.file("f").expect("a file").clone()))
    }
    let content = "0123456789".repeat(20_000);
    for memory in [0, 1 << 20] {
        let limits = FormLimits::new().spool_max_size(memory);
        let client = TestClient::new(App::new().route("/", post(echo)).form_limits(limits));
        assert!(send(&client, "/", &[file("f", "f", &content)]).text() == content);
    }
}

#[test]
fn nothing_is_left_of_a_form_that_fails() {
    async fn read(form: FormData) -> String {
        assert!(form.file("f").is_none(), "this handler panics if there is a file");
        String::new()
    }
    let folder = Folder::new();
    let limits = FormLimits::new().spool_max_size(0).max_fields(1).spool_directory(&folder.0);
    let client =
        TestClient::new(App::new().route("/", post(read)).form_limits(limits)).raise_server_errors(false);
    let large = file("f", "f", &"x".repeat(600_000));
    // Truncated, beyond a limit, and with a handler that panics.
    for (body, status) in [
        (large.clone(), 400),
        (large.clone() + &field("a", "") + &field("a", ""), 400),
        (large.clone() + "--B--", 500),
    ] {
        assert_eq!(send_body(&client, "/", body).status().code(), status);
        assert_eq!(folder.files(), 0);
    }
    // The client leaves in the middle.
    let pieces = [Ok(large.into_bytes()), Err(std::io::Error::other("left"))];
    let stream = Body::from_stream(stream::iter(pieces));
    let response =
        client.post("/").header("content-type", "multipart/form-data; boundary=B").stream(stream).send();
    assert_eq!(response.status().code(), 400);
    assert_eq!(folder.files(), 0);
}

#[test]
fn nothing_is_left_of_an_upload_that_ends_at_any_byte() {
    async fn read(form: FormData) -> String {
        form.len().to_string()
    }
    let folder = Folder::new();
    let limits = FormLimits::new().spool_max_size(0).spool_directory(&folder.0);
    let client = TestClient::new(App::new().route("/", post(read)).form_limits(limits));
    let body = [field("a", "1"), file("f", "f", "one"), file("g", "g", "two"), "--B--".to_owned()].concat();
    let request =
        |stream| client.post("/").header("content-type", "multipart/form-data; boundary=B").stream(stream);
    for end in 1..body.len() {
        let sent = || body.as_bytes()[..end].iter().map(|&byte| Ok(vec![byte]));
        // The body is truncated.
        let stream = Body::from_stream(stream::iter(sent().collect::<Vec<std::io::Result<_>>>()));
        assert_eq!((request(stream).send().status().code(), folder.files()), (400, 0), "truncated at {end}");
        // The connection fails.
        let failure = std::iter::once_with(|| Err(std::io::Error::other("left")));
        let stream = Body::from_stream(stream::iter(sent().chain(failure).collect::<Vec<_>>()));
        assert_eq!((request(stream).send().status().code(), folder.files()), (400, 0), "failed at {end}");
        // The client has left, and the handler is dropped while it waits for the next byte.
        let (waits, waiting) = std::sync::mpsc::channel();
        let last = stream::poll_fn(move |_| {
            let _ = waits.send(());
            std::task::Poll::Pending
        });
        let stream = Body::from_stream(stream::iter(sent().collect::<Vec<std::io::Result<_>>>()).chain(last));
        let mut answer = request(stream).into_future();
        let start = std::time::Instant::now();
        while waiting.try_recv().is_err() {
            assert!(block_on(futures_lite::future::poll_once(&mut answer)).is_none(), "it waits at {end}");
            assert!(start.elapsed() < Duration::from_secs(20), "it reads {end} bytes");
        }
        drop(answer);
        // A write that has begun on another thread ends before the file is closed.
        while folder.files() > 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "a file is left after {end} bytes");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_disk_that_cannot_be_written_is_a_fault_of_the_server() {
    let limits = FormLimits::new().spool_max_size(0).spool_directory("/nowhere/at/all");
    let client =
        TestClient::new(App::new().route("/", post(keep)).form_limits(limits)).raise_server_errors(false);
    let response = send(&client, "/", &[file("f", "f", "x")]);
    assert_eq!((response.status().code(), response.text().as_str()), (500, "Internal Server Error"));
}

/// An executor that notes on which threads blocking work runs.
#[derive(Default)]
struct Noting(Mutex<Vec<ThreadId>>);

impl Executor for Noting {
    fn spawn(&self, _: BoxFuture<()>) {
        unreachable!("forms need no task");
    }

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        unreachable!("forms need no timer");
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        let thread = std::thread::spawn(work);
        self.0.lock().expect("no panic").push(thread.thread().id());
        thread.join().expect("the work does not panic");
    }
}

#[test]
fn a_temporary_file_is_written_on_another_thread() {
    let executor = Arc::new(Noting::default());
    let app = App::new().route("/", post(async |form: FormData| form.len().to_string()));
    app.build().unwrap();
    let call = |size: usize| {
        let mut head = RequestHead::new(Method::Post, "/").expect("a target");
        head.headers_mut().append("content-type", "multipart/form-data; boundary=B");
        let body = file("f", "f", &"x".repeat(size)) + "--B--\r\n";
        let context = Context::new(Connection::new(None, None, executor.clone()));
        let request = app::Request::new(Arc::new(head), body.into(), Arc::new(context));
        assert_eq!(block_on(app.call(request)).status.code(), 200);
        std::mem::take(&mut *executor.0.lock().unwrap())
    };
    assert_eq!(call(1 << 20), [], "files in memory need no other thread");
    let threads = call((1 << 20) + 1);
    assert_eq!(threads.len(), 1);
    assert!(!threads.contains(&std::thread::current().id()));
}

#[test]
fn the_size_of_a_file_is_known_although_no_field_says_it() {
    async fn size(form: FormData) -> String {
        let file = form.file("file").expect("a file");
        format!("{} {}", file.size(), file.headers().get_str("content-length").unwrap_or("-"))
    }
    let client = TestClient::new(App::new().route("/", post(size)));
    let text = file("file", "a.txt", "file content") + "--B--\r\n";
    // A stream has no length either.
    let pieces = stream::iter(text.into_bytes()).map(|byte| Ok::<_, BoxError>(vec![byte]));
    let request = client.post("/").header("content-type", "multipart/form-data; boundary=B");
    assert_eq!(request.stream(Body::from_stream(pieces)).send().text(), "12 -");
}

#[test]
fn a_file_of_bytes_is_kept_without_a_server() {
    let folder = Folder::new();
    let path = folder.0.join("kept");
    block_on(upload("data").persist(&path)).expect("the folder is writable");
    assert_eq!(fs::read(&path).expect("it was written"), b"data");
}
