//! curl as a client.

use std::io::Write;
use std::process::{Command, Stdio};

use stelo_tests::{On, cases};

use crate::program::{Process, command};

cases!(
    get_and_head,
    connections_are_reused,
    a_large_upload_waits_for_continue,
    a_chunked_upload,
    an_upload_in_http_1_0,
    a_form_is_echoed,
    ranges_and_conditions,
    a_download_is_whole,
    a_stream_is_read_as_it_comes,
    a_redirect_is_followed,
    an_abstract_unix_socket,
);

/// Runs curl with arguments; `{}` is replaced by the address of the server. `None` without curl, which is an error in CI.
#[track_caller]
fn curl(on: On, args: &str, input: &[u8]) -> Option<String> {
    if Command::new("curl").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "curl is missing");
        eprintln!("not run: curl is missing");
        return None;
    }
    let (_process, address) = Process::serve(on, &[]);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "60"]);
    curl.args(args.replace("{}", &format!("http://{address}")).split_whitespace());
    let mut child = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("curl can be started");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = input.to_vec();
    // curl writes while it reads, so a thread writes its input. An error means that curl does not read it.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("curl ends");
    let _ = writer.join().expect("the writer does not panic");
    assert!(output.status.success(), "curl ended with {}", output.status);
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn get_and_head(on: On) {
    let Some(text) = curl(on, "{}/plaintext", b"") else { return };
    assert_eq!(text, "Hello, World!");
    let Some(text) = curl(on, "--head {}/plaintext", b"") else { return };
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("content-length: 13\r\n"), "{text}");
}

fn connections_are_reused(on: On) {
    let args = "--write-out %{num_connects} --output /dev/null --output /dev/null {}/plaintext {}/json";
    let Some(text) = curl(on, args, b"") else { return };
    assert_eq!(text, "10", "one connection for the first, none for the second");
}

fn a_large_upload_waits_for_continue(on: On) {
    let body = vec![b'x'; 3 << 20];
    let args =
        "--data-binary @- --header expect:100-continue --expect100-timeout 30 --verbose --stderr - {}/upload";
    let Some(text) = curl(on, args, &body) else { return };
    assert!(text.contains("< HTTP/1.1 100 Continue"), "{text}");
    assert!(text.contains(r#""bytes":3145728"#), "{text}");
}

fn a_chunked_upload(on: On) {
    let body = vec![b'x'; 1 << 20];
    let args = "--request POST --header transfer-encoding:chunked --upload-file - {}/upload";
    let Some(text) = curl(on, args, &body) else { return };
    assert!(text.contains(r#""bytes":1048576"#), "{text}");
}

fn an_upload_in_http_1_0(on: On) {
    let Some(text) = curl(on, "--http1.0 --data-binary @- {}/echo", b"hello") else { return };
    assert_eq!(text, "hello");
}

fn a_form_is_echoed(on: On) {
    let Some(text) = curl(on, "--data a=1 --data-urlencode b@- --include {}/echo", b"x&y") else { return };
    assert!(text.contains("content-type: application/x-www-form-urlencoded\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\na=1&b=x%26y"), "{text}");
}

fn ranges_and_conditions(on: On) {
    let Some(text) = curl(on, "--write-out %{http_code} {}/status/304 {}/status/416", b"") else { return };
    assert_eq!(text, "304Range Not Satisfiable416");
}

fn a_download_is_whole(on: On) {
    let args = "--write-out %{size_download} --output /dev/null {}/bytes/50000000";
    let Some(text) = curl(on, args, b"") else { return };
    assert_eq!(text, "50000000");
}

fn a_stream_is_read_as_it_comes(on: On) {
    let args = "--write-out %{size_download} --output /dev/null {}/stream?chunks=1000&size=1000";
    let Some(text) = curl(on, args, b"") else { return };
    assert_eq!(text, "1000000");
}

fn a_redirect_is_followed(on: On) {
    let Some(text) = curl(on, "--location --write-out %{num_redirects} {}/plaintext/", b"") else { return };
    assert_eq!(text, "Hello, World!1");
}

fn an_abstract_unix_socket(on: On) {
    let name = format!("stelo-{}-{on:?}", std::process::id());
    let mut server = command(on);
    server.args(["--workers", "2", "--threads", "1", "--umask", "027", "--bind", &format!("unix:@{name}")]);
    let process = Process::start(&mut server);
    process.expect_line(&format!("Stelo running on unix socket @{name}"));
    for _ in 0..2 {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--max-time",
            "60",
            "--abstract-unix-socket",
            &name,
            "http://localhost/plaintext",
        ]);
        let Ok(output) = curl.output() else {
            assert!(std::env::var_os("CI").is_none(), "curl is missing");
            return;
        };
        assert_eq!(String::from_utf8_lossy(&output.stdout), "Hello, World!");
        process.signal("HUP");
        process.expect_line("Restarted all processes.");
    }
}
