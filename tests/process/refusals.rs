//! Errors are one line. The exit code is 2 for invalid settings, and 3 for a failed start.

use std::net::TcpListener;

use stelo_tests::{On, cases};

use crate::program::{Process, command};

cases!(
    a_bad_value_is_code_2,
    an_executor_that_is_not_compiled_in_is_code_2,
    a_missing_folder_is_code_2,
    a_port_in_use_is_code_3,
    a_missing_directory_of_a_socket_is_code_3,
    a_descriptor_that_is_not_open_is_code_3,
    help_and_version_are_code_0,
);

/// Runs a server that ends. Returns its exit code and its lines on standard error and standard output.
fn outcome(on: On, args: &[&str]) -> (Option<i32>, Vec<String>, Vec<String>) {
    let (status, log, out) = Process::start(command(on).args(args)).wait();
    (status.code(), log, out)
}

fn a_bad_value_is_code_2(on: On) {
    for (args, part) in [
        (&["--port", "high"][..], "--port"),
        (&["--port", "65536"], "--port"),
        (&["--threads", "0"], "--threads"),
        (&["--timeout-keep-alive", "-1"], "--timeout-keep-alive"),
        (&["--log-level", "loud"], "--log-level"),
        (&["--header", "nocolon"], "--header"),
        (&["--header", "a:b\nc"], "--header"),
        (&["--header", "Content-Length: 5"], "leave the field content-length out"),
        (
            &["--header", "a:b", "--header", "transfer-encoding: chunked"],
            "leave the field transfer-encoding out",
        ),
        (&["--root-path", "api"], "--root-path"),
        (&["--uds", "/tmp/x", "--port", "1"], "--uds"),
        (&["--limit-concurrency", "0"], "--limit-concurrency"),
        (&["--no-such-option"], "--no-such-option"),
    ] {
        let (code, log, out) = outcome(on, args);
        assert_eq!((code, log.len(), out.len()), (Some(2), 1, 0), "{args:?}: {log:#?} {out:#?}");
        assert!(log[0].starts_with("Error: ") && log[0].contains(part), "{args:?}: {log:?}");
    }
}

fn an_executor_that_is_not_compiled_in_is_code_2(on: On) {
    let other = if on == On::Tokio { "smol" } else { "tokio" };
    let mut program = command(on);
    let path = program.get_program().to_owned();
    program = std::process::Command::new(path);
    let output = program.args(["--loop", other]).output().expect("the server can be started");
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{line}");
    assert!(line.contains(&format!("the executor {other} is not compiled in")), "{line}");
}

fn a_missing_folder_is_code_2(on: On) {
    let (code, log, _) = outcome(on, &["no/such/folder"]);
    assert_eq!((code, log.len()), (Some(2), 1), "{log:#?}");
    assert!(log[0].contains("no/such/folder") && log[0].contains("there is no folder"), "{log:?}");
}

fn a_port_in_use_is_code_3(on: On) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("the system has a port");
    let port = taken.local_addr().expect("a bound socket has an address").port();
    let (code, log, _) = outcome(on, &["--port", &port.to_string()]);
    assert_eq!((code, log.len()), (Some(3), 1), "{log:#?}");
    let line = format!("cannot listen on 127.0.0.1:{port}: the address is in use");
    assert!(log[0].starts_with("ERROR:") && log[0].contains(&line), "{log:?}");
}

fn a_missing_directory_of_a_socket_is_code_3(on: On) {
    let (code, log, _) = outcome(on, &["--uds", "/no/such/directory/socket"]);
    assert_eq!((code, log.len()), (Some(3), 1), "{log:#?}");
    assert!(log[0].contains("create the directory /no/such/directory"), "{log:?}");
}

fn a_descriptor_that_is_not_open_is_code_3(on: On) {
    let (code, log, _) = outcome(on, &["--fd", "77"]);
    assert_eq!((code, log.len()), (Some(3), 1), "{log:#?}");
    assert!(log[0].contains("descriptor 77"), "{log:?}");
}

fn help_and_version_are_code_0(on: On) {
    let (code, log, out) = outcome(on, &["--help"]);
    assert_eq!((code, log.len()), (Some(0), 0));
    for option in
        ["--host", "--port", "--uds", "--fd", "--threads", "--loop", "--limit-concurrency", "FOLDER"]
    {
        assert!(out.iter().any(|line| line.contains(option)), "{option} is not in {out:#?}");
    }
    let (code, log, out) = outcome(on, &["--version"]);
    assert_eq!((code, log.len(), out.len()), (Some(0), 0, 1));
    assert!(out[0].starts_with("Running stelo "), "{out:?}");
}
