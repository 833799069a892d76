//! Signals, and exit codes.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use stelo_tests::{Client, On, cases};

use crate::program::{Process, command, get};

cases!(
    sigint_is_an_ordinary_end,
    sigterm_ends_the_process_by_that_signal,
    sigterm_ends_the_first_process_of_a_container,
    a_request_in_flight_is_answered,
    a_second_signal_ends_at_once,
    the_graceful_timeout_drops_requests,
    the_limit_of_requests_is_an_ordinary_end,
);

fn sigint_is_an_ordinary_end(on: On) {
    let (process, address) = Process::serve(on, &[]);
    assert_eq!(get(address, "/plaintext").0, 200);
    let id = process.id();
    process.signal("INT");
    let (status, log, _) = process.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(
        log,
        [
            "INFO:     Shutting down",
            "INFO:     Waiting for application shutdown.",
            "INFO:     Application shutdown complete.",
            &format!("INFO:     Finished server process [{id}]"),
        ]
    );
}

/// A shell shows 143.
fn sigterm_ends_the_process_by_that_signal(on: On) {
    let (process, _) = Process::serve(on, &[]);
    process.signal("TERM");
    process.expect_line("Finished server process");
    assert_eq!(process.wait().0.signal(), Some(15));
}

/// Linux drops a signal with the default effect if it is for process 1.
fn sigterm_ends_the_first_process_of_a_container(on: On) {
    let server = command(on);
    let mut container = Command::new("unshare");
    container.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child"]);
    if !container.arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("not run: this system has no unshare, or does not allow it");
        return;
    }
    let mut container = Command::new("unshare");
    container.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child"]);
    container.arg(server.get_program()).args(server.get_args()).args(["--port", "0"]);
    let process = Process::start(container.stdout(Stdio::piped()).stderr(Stdio::piped()));
    process.expect_line("Started server process [1]");
    process.expect_line("Stelo running on http://");
    let id = process.id();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("Linux");
    let kill = Command::new("kill").args(["-TERM", children.trim()]).status();
    assert!(kill.expect("there is a program kill").success());
    process.expect_line("Finished server process [1]");
    assert_eq!(process.wait().0.code(), Some(143));
}

fn a_request_in_flight_is_answered(on: On) {
    let (process, address) = Process::serve(on, &[]);
    let mut client = Client::connect(address);
    client.send("GET /stream?chunks=2&delay_ms=300 HTTP/1.1\r\nhost: a\r\n\r\n");
    // The head has arrived, the body has not.
    let head = client.head().expect("an answer");
    process.signal("TERM");
    process.expect_line("Shutting down");
    assert_eq!(client.body_of(head).body.len(), 2000);
    client.expect_end();
    assert_eq!(process.wait().0.signal(), Some(15));
}

/// Sends a request that takes a minute.
fn occupy(address: std::net::SocketAddr) -> Client {
    let mut client = Client::connect(address);
    client.send("GET /stream?chunks=1&delay_ms=60000 HTTP/1.1\r\nhost: a\r\n\r\n");
    client.head().expect("an answer");
    client
}

fn a_second_signal_ends_at_once(on: On) {
    let (process, address) = Process::serve(on, &[]);
    let mut client = occupy(address);
    process.signal("INT");
    process.expect_line("Waiting for connections to close. (CTRL+C to force quit)");
    process.signal("INT");
    client.rest();
    let (status, log, _) = process.wait();
    assert_eq!(status.code(), Some(0));
    // As in Uvicorn, a second signal skips the shutdown hooks.
    assert!(!log.iter().any(|line| line.contains("application shutdown")), "{log:#?}");
}

fn the_graceful_timeout_drops_requests(on: On) {
    let (process, address) = Process::serve(on, &["--timeout-graceful-shutdown", "0.05"]);
    let mut client = occupy(address);
    process.signal("TERM");
    process.expect_line("ERROR:    Cancel 1 running task(s), timeout graceful shutdown exceeded");
    client.rest();
    assert_eq!(process.wait().0.signal(), Some(15));
}

fn the_limit_of_requests_is_an_ordinary_end(on: On) {
    let (process, address) = Process::serve(on, &["--limit-max-requests", "2"]);
    for _ in 0..2 {
        assert_eq!(get(address, "/plaintext").0, 200);
    }
    process.expect_line("Maximum request limit of 2 exceeded. Terminating process.");
    assert_eq!(process.wait().0.code(), Some(0));
}
