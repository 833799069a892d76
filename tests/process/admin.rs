//! Health, readiness and metrics of a running server.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;

use stelo_tests::{Client, On, cases};

use crate::program::{Process, command, get};

cases!(
    a_server_answers_about_itself,
    a_server_that_drains_is_not_ready,
    a_client_that_leaves_early_is_counted,
    metrics_are_summed_over_workers_and_restarts,
    a_unix_socket_answers,
    invalid_requests_are_refused,
    a_port_of_another_program_is_code_3,
);

/// Starts a server with `--admin`. Returns the addresses of both.
fn serve(on: On, args: &[&str]) -> (Process, SocketAddr, SocketAddr) {
    let process = Process::start(
        command(on).args(["--port", "0", "--admin", "127.0.0.1:0", "--no-access-log"]).args(args),
    );
    let line = process.expect_line("INFO:     Answering /health, /ready and /metrics on ");
    let admin = line.rsplit(' ').next().and_then(|address| address.parse().ok()).expect("an address");
    let line = process.expect_line("Stelo running on http://");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    (process, address.expect("the line names an address"), admin)
}

/// Returns the value of a sample.
#[track_caller]
fn sample(admin: SocketAddr, name: &str) -> f64 {
    let (status, page) = get(admin, "/metrics");
    assert_eq!(status, 200);
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name}: {page}")).parse().expect("the value is a number")
}

/// Asks until the answer is the expected one.
fn until(expected: u16, admin: SocketAddr, target: &str) {
    while get(admin, target).0 != expected {
        std::thread::yield_now();
    }
}

fn a_server_answers_about_itself(on: On) {
    let (_process, address, admin) = serve(on, &[]);
    assert_eq!(get(admin, "/health"), (200, "ok\n".into()));
    until(200, admin, "/ready");
    let mut client = Client::connect(address);
    for target in ["/users/7/posts/a", "/users/8/posts/b", "/users/9/posts/c?d", "/nowhere"] {
        client.get(target);
    }
    client.get("/bytes/100000");
    for (name, value) in [
        (r#"stelo_http_requests_total{method="GET",route="/users/{id:int}/posts/{slug}",status="200"}"#, 3.0),
        (r#"stelo_http_requests_total{method="GET",route="none",status="404"}"#, 1.0),
        (r#"stelo_http_response_bytes_total{method="GET",route="/bytes/{n:int}"}"#, 100_000.0),
        (r#"stelo_http_request_duration_seconds_bucket{method="GET",route="/bytes/{n:int}",le="+Inf"}"#, 1.0),
        (r#"stelo_http_request_duration_seconds_count{method="GET",route="none"}"#, 1.0),
        ("stelo_connections_total", 1.0),
        ("stelo_connections_open", 1.0),
        ("stelo_http_requests_in_flight", 0.0),
    ] {
        assert_eq!(sample(admin, name), value, "{name}");
    }
    assert!(sample(admin, "process_resident_memory_bytes") > 1e6);
}

fn a_server_that_drains_is_not_ready(on: On) {
    let (process, address, admin) = serve(on, &[]);
    until(200, admin, "/ready");
    let mut client = Client::connect(address);
    client.send("GET /stream?chunks=1000000&delay_ms=10 HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.head().map(|head| head.status), Some(200));
    assert_eq!(sample(admin, "stelo_http_requests_in_flight"), 1.0);
    process.signal("TERM");
    until(503, admin, "/ready");
    assert_eq!(get(admin, "/health").0, 200);
}

fn a_client_that_leaves_early_is_counted(on: On) {
    let (_process, address, admin) = serve(on, &["--timeout-half-closed", "0.01"]);
    let mut client = Client::connect(address);
    client.send("GET /sleep/5000 HTTP/1.1\r\nhost: a\r\n\r\n");
    while sample(admin, "stelo_http_requests_in_flight") < 1.0 {
        std::thread::yield_now();
    }
    drop(client);
    while sample(admin, "stelo_http_requests_in_flight") > 0.0 {
        std::thread::yield_now();
    }
    let name = r#"stelo_http_requests_total{method="GET",route="/sleep/{ms:int}",status="499"}"#;
    assert_eq!(sample(admin, name), 1.0);
}

fn metrics_are_summed_over_workers_and_restarts(on: On) {
    let (process, address, admin) = serve(on, &["--workers", "2"]);
    until(200, admin, "/ready");
    let name = r#"stelo_http_requests_total{method="GET",route="/plaintext",status="200"}"#;
    let ask = |requests: usize| {
        for _ in 0..requests {
            assert_eq!(get(address, "/plaintext").0, 200);
        }
    };
    ask(20);
    assert_eq!(sample(admin, name), 20.0);
    ask(10);
    process.signal("HUP");
    process.expect_line("Restarted all processes.");
    ask(3);
    assert_eq!(sample(admin, name), 33.0, "the old workers have sent their last page");
    assert_eq!(get(admin, "/ready").0, 200);
}

fn a_unix_socket_answers(on: On) {
    let path = std::env::temp_dir().join(format!("stelo-admin-{}-{on:?}", std::process::id()));
    let socket = format!("unix:{}", path.display());
    let process = Process::start(command(on).args(["--port", "0", "--admin", &socket]));
    process.expect_line(&format!("Answering /health, /ready and /metrics on {socket}"));
    process.expect_line("Stelo running on http://");
    let mut client = Client::new(UnixStream::connect(&path).expect("the server listens"));
    let answer = client.get("/health");
    assert_eq!((answer.status, answer.says_close()), (200, true));
    process.signal("TERM");
    process.wait();
    assert!(!path.exists(), "the file is removed");
}

fn invalid_requests_are_refused(on: On) {
    let (_process, address, admin) = serve(on, &[]);
    for (request, status) in [
        ("POST /metrics HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", 405),
        ("GET /other HTTP/1.1\r\nhost: a\r\n\r\n", 404),
        ("GET /health HTTP/1.1\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
    ] {
        let mut client = Client::connect(admin);
        client.send(request);
        assert_eq!(client.answer().status, status, "{request}");
    }
    let mut client = Client::connect(address);
    client.send("nonsense\r\n\r\n");
    assert_eq!(client.answer().status, 400);
    assert_eq!(sample(admin, "stelo_http_invalid_requests_total"), 1.0);
}

fn a_port_of_another_program_is_code_3(on: On) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("the system has a port");
    let address = taken.local_addr().expect("a bound socket has an address").to_string();
    for workers in ["1", "2"] {
        let args = ["--port", "0", "--workers", workers, "--admin", &address];
        let (status, log, _) = Process::start(command(on).args(args)).wait();
        assert_eq!(status.code(), Some(3), "{log:#?}");
        let line = log.last().expect("there is a line");
        assert!(line.starts_with(&format!("ERROR:    cannot listen on {address}: ")), "{log:#?}");
    }
}
