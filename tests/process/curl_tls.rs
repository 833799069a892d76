//! curl as a client over TLS: sockets of every kind, and several streams of HTTP/2 on one connection.

use std::process::Command;

use stelo_tests::tls::{certfile, keyfile};
use stelo_tests::{On, cases};

use crate::program::{Process, Temporary, command};
use crate::tls::address;

cases!(ipv6, a_unix_socket, many_streams_share_a_connection);

/// Starts a server with a certificate.
fn serve(on: On, args: &[&str]) -> Process {
    let mut server = command(on);
    server.args(["--no-access-log", "--ssl-certfile"]).arg(certfile());
    Process::start(server.arg("--ssl-keyfile").arg(keyfile()).args(args))
}

/// Returns what curl prints. `None` without curl, which is an error in CI.
fn curl(args: &[&str]) -> Option<String> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "60", "--cacert"]).arg(certfile());
    let Ok(output) = curl.args(args).output() else {
        assert!(std::env::var_os("CI").is_none(), "curl is missing");
        eprintln!("not run: curl is missing");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn ipv6(on: On) {
    let process = serve(on, &["--host", "::1", "--port", "0"]);
    let port = address(&process).port();
    let resolve = format!("localhost:{port}:[::1]");
    for version in ["--http1.1", "--http2"] {
        let url = format!("https://localhost:{port}/plaintext");
        let Some(text) = curl(&[version, "--resolve", &resolve, &url]) else { return };
        assert_eq!(text, "Hello, World!");
    }
}

fn a_unix_socket(on: On) {
    let socket = Temporary::new(on, "curl-tls.sock");
    let process = serve(on, &["--uds", socket.path()]);
    process.expect_line("Stelo running on ");
    for version in ["--http1.1", "--http2"] {
        let args = [version, "--unix-socket", socket.path(), "https://localhost/plaintext"];
        let Some(text) = curl(&args) else { return };
        assert_eq!(text, "Hello, World!");
    }
}

fn many_streams_share_a_connection(on: On) {
    let process = serve(on, &["--port", "0"]);
    let port = address(&process).port();
    let resolve = format!("localhost:{port}:127.0.0.1");
    let sizes = [1, 40_000, 3_000_000, 0, 16_384, 500_000];
    let mut args = vec!["--http2", "--parallel", "--resolve", &resolve, "--write-out"];
    args.push("%{http_version} %{http_code} %{size_download} %{num_connects}\\n");
    let urls = sizes.map(|size| format!("https://localhost:{port}/bytes/{size}"));
    for url in &urls {
        args.extend(["--output", "/dev/null", url]);
    }
    let Some(text) = curl(&args) else { return };
    let mut answers: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    answers.sort_by_key(|answer| answer[2].parse::<u32>().ok());
    let mut sorted = sizes;
    sorted.sort_unstable();
    let connects: u32 = answers.iter().filter_map(|answer| answer[3].parse::<u32>().ok()).sum();
    assert_eq!(connects, 1, "{text}");
    for (answer, size) in answers.iter().zip(sorted) {
        assert_eq!(answer[..3], ["2", "200", &size.to_string()], "{text}");
    }
    assert_eq!(answers.len(), sizes.len());
}
