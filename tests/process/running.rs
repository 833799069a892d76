//! The log of a running server, and the effects of its options.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use stelo_tests::{Bridge, Client, HANDSHAKE, On, cases};

use crate::program::{Process, command, get};

cases!(
    the_start_is_logged,
    responses_are_logged,
    the_client_of_a_proxy_is_logged,
    the_client_of_the_proxy_protocol_is_logged,
    handshakes_are_logged,
    handshakes_over_http2_are_logged,
    no_access_log_hides_responses,
    the_log_level_hides_lower_levels,
    an_inherited_socket_is_served,
    a_socket_of_systemd_is_served,
    a_unix_socket_is_served,
    options_reach_the_responses,
    several_threads_answer,
    ipv6_is_served,
    a_folder_is_served,
    a_background_task_is_logged,
    a_panic_is_logged_with_its_route,
);

fn the_start_is_logged(on: On) {
    let process = Process::start(command(on).args(["--port", "0"]));
    let id = process.id();
    assert_eq!(process.line(), format!("INFO:     Started server process [{id}]"));
    assert_eq!(process.line(), "INFO:     Waiting for application startup.");
    assert_eq!(process.line(), "INFO:     Application startup complete.");
    let line = process.line();
    let port = line.strip_prefix("INFO:     Stelo running on http://127.0.0.1:");
    let port = port.and_then(|rest| rest.strip_suffix(" (Press CTRL+C to quit)"));
    assert!(port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)), "{line}");
}

fn responses_are_logged(on: On) {
    let (process, address) = Process::serve(on, &[]);
    let mut client = Client::connect(address);
    for (target, status) in
        [("/plaintext?a=b%20c", "200 OK"), ("/none", "404 Not Found"), ("/status/204", "204 No Content")]
    {
        client.get(target);
        let line = format!("INFO:     {} - \"GET {target} HTTP/1.1\" {status}", client.address());
        assert_eq!(process.access_line(), line);
    }
}

fn the_client_of_a_proxy_is_logged(on: On) {
    let (process, address) = Process::serve(on, &["--proxy-headers", "--forwarded-allow-ips", "127.0.0.0/8"]);
    let mut client = Client::connect(address);
    let own = client.address().to_string();
    for (fields, logged) in [
        ("x-forwarded-for: 6.6.6.6, 192.0.2.1\r\n", "192.0.2.1:0"),
        ("", &own),
        ("x-forwarded-for: a b\r\n", "unknown"),
    ] {
        client.send(format!("GET /plaintext HTTP/1.1\r\nhost: a\r\n{fields}\r\n"));
        assert_eq!(client.answer().status, 200);
        let line = format!("INFO:     {logged} - \"GET /plaintext HTTP/1.1\" 200 OK");
        assert_eq!(process.access_line(), line);
    }
}

fn the_client_of_the_proxy_protocol_is_logged(on: On) {
    let (process, address) = Process::serve(on, &["--proxy-protocol", "v1"]);
    let mut client = Client::connect(address);
    client.send("PROXY TCP4 192.0.2.1 203.0.113.7 51234 443\r\nGET /plaintext HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    assert_eq!(process.access_line(), "INFO:     192.0.2.1:51234 - \"GET /plaintext HTTP/1.1\" 200 OK");
}

fn handshakes_are_logged(on: On) {
    let (process, address) = Process::serve(on, &["--ws-ping-interval", "off"]);
    for (target, status, outcome) in [("/ws?a=b%20c", 101, "[accepted]"), ("/nowhere", 403, "403")] {
        let mut client = Client::connect(address);
        client.send(HANDSHAKE.replacen("/", target, 1));
        assert_eq!(client.head().map(|answer| answer.status), Some(status));
        let line = format!("INFO:     {} - \"WebSocket {target}\" {outcome}", client.address());
        assert_eq!(process.access_line(), line);
    }
    let mut client = Client::connect(address);
    client.send(HANDSHAKE.replace("sec-websocket-version: 13", "sec-websocket-version: 8"));
    assert_eq!(client.answer().status, 426);
    let about = format!("GET / from {}", client.address());
    process.expect_line(&format!("WARNING:  Invalid WebSocket handshake received, {about}: unsupported"));
    let line = format!("INFO:     {} - \"GET / HTTP/1.1\" 426 Upgrade Required", client.address());
    assert_eq!(process.access_line(), line);
}

fn handshakes_over_http2_are_logged(on: On) {
    let (process, address) = Process::serve(on, &[]);
    for (target, status, line) in
        [("/ws", 101, "\"WebSocket /ws\" [accepted]"), ("/plaintext", 403, "\"WebSocket /plaintext\" 403")]
    {
        let mut client = Client::new(Bridge::new(Client::connect(address)));
        client.send(HANDSHAKE.replace("GET / ", &format!("GET {target} ")));
        assert_eq!(client.head().map(|answer| answer.status), Some(status));
        let written = process.access_line();
        assert!(written.ends_with(line), "{written}");
    }
}

fn no_access_log_hides_responses(on: On) {
    let (process, address) = Process::serve(on, &["--no-access-log"]);
    assert_eq!(get(address, "/plaintext").0, 200);
    process.signal("TERM");
    assert_eq!(process.wait().2, [""; 0]);
}

fn the_log_level_hides_lower_levels(on: On) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("the system has a port");
    let port = taken.local_addr().expect("a bound socket has an address").port().to_string();
    drop(taken);
    let process = Process::start(command(on).args(["--port", &port, "--log-level", "warning"]));
    let answer = loop {
        // The log does not say when the server listens, so the client tries until it does.
        match std::net::TcpStream::connect(format!("127.0.0.1:{port}")) {
            Ok(stream) => break Client::new(stream).get("/plaintext"),
            Err(_) => std::thread::yield_now(),
        }
    };
    assert_eq!(answer.status, 200);
    process.signal("INT");
    let (status, log, access) = process.wait();
    assert_eq!((status.code(), log, access), (Some(0), vec![], vec![]));
}

fn an_inherited_socket_is_served(on: On) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let process = Process::start(command(on).stdin(Stdio::from(OwnedFd::from(listener))).args(["--fd", "0"]));
    process.expect_line(&format!("Stelo running on socket {address} (Press CTRL+C to quit)"));
    assert_eq!(get(address, "/plaintext").0, 200);
}

fn a_socket_of_systemd_is_served(on: On) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let server = command(on);
    // The shell knows its process number, which the server keeps.
    let script = "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\" 3<&0 </dev/null";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(server.get_program()).args(server.get_args());
    shell.stdin(OwnedFd::from(listener)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = Process::start(&mut shell);
    process.expect_line(&format!("Stelo running on socket {address} (Press CTRL+C to quit)"));
    assert_eq!(get(address, "/plaintext").0, 200);
}

fn a_unix_socket_is_served(on: On) {
    let path = std::env::temp_dir().join(format!("stelo-{}-{on:?}.sock", std::process::id()));
    let process = Process::start(command(on).arg("--uds").arg(&path));
    process.expect_line(&format!("Stelo running on unix socket {} (Press CTRL+C to quit)", path.display()));
    let mut client = Client::new(UnixStream::connect(&path).expect("the server listens"));
    assert_eq!(client.get("/plaintext").text(), "Hello, World!");
    assert_eq!(process.access_line(), "INFO:      - \"GET /plaintext HTTP/1.1\" 200 OK");
    drop(client);
    process.signal("TERM");
    assert_eq!(process.wait().0.signal(), Some(15));
    assert!(!path.exists(), "the socket file is left behind");
}

fn options_reach_the_responses(on: On) {
    let args = ["--header", "X-One: 1", "--no-server-header", "--no-date-header", "--root-path", "/api"];
    let (_process, address) = Process::serve(on, &args);
    let answer = Client::connect(address).get("/request");
    assert_eq!(
        (answer.header("x-one"), answer.header("server"), answer.header("date")),
        (Some("1"), None, None)
    );
    assert!(answer.text().contains(r#""root_path":"/api""#), "{}", answer.text());
}

fn several_threads_answer(on: On) {
    let (process, address) = Process::serve(on, &["--threads", "4"]);
    let mut clients: Vec<_> = (0..50).map(|_| Client::connect(address)).collect();
    for client in &mut clients {
        assert_eq!(client.get("/plaintext").status, 200);
    }
    process.signal("INT");
    clients.iter_mut().for_each(Client::expect_end);
    assert_eq!(process.wait().0.code(), Some(0));
}

fn ipv6_is_served(on: On) {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("not run: this machine has no IPv6");
        return;
    }
    let (process, address) = Process::serve(on, &["--host", "::1"]);
    assert!(address.is_ipv6());
    let mut client = Client::connect(address);
    assert_eq!(client.get("/plaintext").status, 200);
    let line = format!("INFO:     ::1:{} - \"GET /plaintext HTTP/1.1\" 200 OK", client.address().port());
    assert_eq!(process.access_line(), line);
}

fn a_folder_is_served(on: On) {
    let (_process, address) = Process::serve(on, &[env!("CARGO_MANIFEST_DIR")]);
    let (status, text) = get(address, "/process/running.rs");
    assert_eq!((status, text.as_str()), (200, include_str!("running.rs")));
    assert_eq!(get(address, "/none").0, 404);
}

fn a_background_task_is_logged(on: On) {
    let (process, address) = Process::serve(on, &[]);
    assert_eq!(get(address, "/background").0, 200);
    process.expect_line("the background task has run");
}

fn a_panic_is_logged_with_its_route(on: On) {
    let (process, address) = Process::serve(on, &[]);
    assert_eq!(get(address, "/panic").0, 500);
    let line = process.expect_line("this handler panics whenever it is called");
    assert!(!line.is_empty());
    assert_eq!(get(address, "/plaintext").0, 200);
}
