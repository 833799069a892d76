//! Forms with files whose clients stall or leave, and what is left of their temporary files.

use std::fs;
use std::time::{Duration, Instant};

use stelo_core::h1::Timeouts;
use stelo_tests::{Client, News, On, PATIENCE, cases, config};
use stelo_toolkit::forms::{FormData, FormLimits, Multipart};
use stelo_toolkit::{App, HttpError, Request, State, get, post};

use crate::folder::Folder;

cases!(
    a_large_file_comes_whole,
    an_upload_that_stalls_leaves_no_file,
    a_client_that_leaves_midway_leaves_no_file,
    a_client_that_resets_midway_leaves_no_file,
    a_form_beyond_a_limit_is_answered_midway,
    a_form_whose_files_cannot_be_kept_is_answered,
    a_handler_that_reads_no_parts_holds_the_client_back,
);

const MIB: usize = 1 << 20;

/// Answers `/form` with the sizes and checksums of the files, and `/parts` only when the news say so.
fn app(folder: &Folder, news: &News) -> App {
    async fn form(State(news): State<News>, mut request: Request) -> stelo_toolkit::Result<String> {
        let _told = news.last_word("dropped");
        let form = request.form().await?;
        sums(&form).await
    }
    async fn sums(form: &FormData) -> stelo_toolkit::Result<String> {
        let mut answer = String::new();
        for (name, value) in form.iter() {
            let Some(file) = value.as_file() else { continue };
            let sum =
                file.bytes().await?.iter().fold(0_u64, |sum, &byte| sum.wrapping_mul(31) + u64::from(byte));
            answer += &format!("{name} {} {sum};", file.size());
        }
        Ok(answer)
    }
    async fn parts(State(news): State<News>, mut form: Multipart) -> Result<String, HttpError> {
        news.tell("begun");
        form.next_part().await?;
        news.tell("part");
        std::future::pending().await
    }
    let limits = FormLimits::new().max_fields(1).spool_directory(folder.path(""));
    App::new()
        .route("/", get(async || "hello"))
        .route("/form", post(form))
        .route("/parts", post(parts))
        .state(news.clone())
        .form_limits(limits)
}

fn content(size: usize) -> Vec<u8> {
    (0..size as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn file(data: &[u8]) -> Vec<u8> {
    [&b"--B\r\ncontent-disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n"[..], data, b"\r\n"]
        .concat()
}

/// Sends the head of a form of this length.
fn begin(client: &mut Client, target: &str, length: usize) {
    client.send(format!(
        "POST {target} HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=B\r\ncontent-length: {length}\r\n\r\n"
    ));
}

/// Returns the number of files in the folder, including those that are open without a name.
fn files(folder: &Folder) -> usize {
    let path = folder.path("");
    let named = fs::read_dir(&path).expect("the folder is ours").count();
    let Ok(descriptors) = fs::read_dir("/proc/self/fd") else { return named };
    let open = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    named + open.filter(|file| file.starts_with(&path)).count()
}

/// Sends two thirds of a form with a file, and waits until a part of it is in a temporary file.
fn midway(client: &mut Client, folder: &Folder) {
    let form = file(&content(3 * MIB));
    begin(client, "/form", form.len());
    client.send(&form[..2 * MIB]);
    until(|| files(folder) > 0);
}

/// Waits for something that no word tells.
#[track_caller]
fn until(holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "it does not come to pass");
        std::thread::yield_now();
    }
}

fn a_large_file_comes_whole(on: On) {
    let (folder, news) = (Folder::new(on, "form-whole"), News::new());
    let server = on.serve(app(&folder, &news));
    let mut client = server.connect();
    let (large, small) = (content(5 * MIB + 7), content(10));
    let form = [file(&large), file(&small), b"--B--\r\n".to_vec()].concat();
    let sum = |data: &[u8]| data.iter().fold(0_u64, |sum, &byte| sum.wrapping_mul(31) + u64::from(byte));
    let expected = format!("f {} {};f 10 {};", large.len(), sum(&large), sum(&small));
    for _ in 0..2 {
        begin(&mut client, "/form", form.len());
        client.send(&form);
        let answer = client.answer();
        assert_eq!((answer.status, answer.text()), (200, expected.clone()));
        news.expect("dropped");
    }
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(files(&folder), 0);
}

fn an_upload_that_stalls_leaves_no_file(on: On) {
    let (folder, news) = (Folder::new(on, "form-stalls"), News::new());
    let timeouts = Timeouts::DEFAULT.body(Duration::from_millis(150));
    let server = on.serve_with(config().http_timeouts(timeouts), app(&folder, &news));
    let mut client = server.connect();
    midway(&mut client, &folder);
    let answer = client.answer();
    assert_eq!(answer.status, 408);
    news.expect("dropped");
    assert_eq!(files(&folder), 0);
}

fn a_client_that_leaves_midway_leaves_no_file(on: On) {
    let (folder, news) = (Folder::new(on, "form-leaves"), News::new());
    let server = on.serve(app(&folder, &news));
    let mut client = server.connect();
    midway(&mut client, &folder);
    drop(client);
    news.expect("dropped");
    // A write that has begun on another thread ends before the file is closed.
    until(|| files(&folder) == 0);
    assert_eq!(server.connect().get("/").text(), "hello");
}

fn a_client_that_resets_midway_leaves_no_file(on: On) {
    let (folder, news) = (Folder::new(on, "form-resets"), News::new());
    let server = on.serve(app(&folder, &news));
    let mut client = server.connect();
    // Closing a socket with unread bytes resets the connection.
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    midway(&mut client, &folder);
    drop(client);
    news.expect("dropped");
    // A write that has begun on another thread ends before the file is closed.
    until(|| files(&folder) == 0);
    assert_eq!(server.connect().get("/").text(), "hello");
}

fn a_form_beyond_a_limit_is_answered_midway(on: On) {
    let (folder, news) = (Folder::new(on, "form-limit"), News::new());
    let server = on.serve(app(&folder, &news));
    let mut client = server.connect();
    let field = b"--B\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n";
    let form = [file(&content(2 * MIB)), field.to_vec(), field.to_vec()].concat();
    begin(&mut client, "/form", form.len() + 100 * MIB);
    client.send(&form);
    let answer = client.answer();
    assert_eq!(answer.status, 400);
    assert_eq!(answer.text(), "Too many fields. Maximum number of fields is 1.");
    news.expect("dropped");
    assert_eq!(files(&folder), 0);
}

fn a_form_whose_files_cannot_be_kept_is_answered(on: On) {
    let (folder, news) = (Folder::new(on, "form-disk"), News::new());
    let limits = FormLimits::new().spool_directory(folder.path("nowhere"));
    let server = on.serve(app(&folder, &news).form_limits(limits));
    let mut client = server.connect();
    let form = [file(&content(2 * MIB)), b"--B--\r\n".to_vec()].concat();
    begin(&mut client, "/form", form.len());
    client.send(&form);
    let answer = client.answer();
    assert_eq!((answer.status, answer.text().as_str()), (500, "Internal Server Error"));
    assert_eq!(server.connect().get("/").text(), "hello");
}

fn a_handler_that_reads_no_parts_holds_the_client_back(on: On) {
    let (folder, news) = (Folder::new(on, "form-back"), News::new());
    let server = on.serve(app(&folder, &news));
    let mut client = server.connect();
    let form = file(&content(64 * MIB));
    begin(&mut client, "/parts", form.len());
    news.expect("begun");
    client.send(&form[..MIB]);
    news.expect("part");
    client.socket().set_nonblocking(true).expect("an open socket");
    let sent = client.try_send(&form[MIB..]);
    assert!(sent.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "the server reads all");
}
