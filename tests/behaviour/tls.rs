//! HTTPS over real sockets.

use std::process::Command;
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response, Upgrade};
use stelo_core::http::Status;
use stelo_tests::tls::{certfile, connect, keyfile, tls_config};
use stelo_tests::{Closed, On, cases};

cases!(
    requests_are_answered_on_one_connection,
    the_application_sees_the_session,
    large_bodies_go_both_ways,
    a_half_closed_client_gets_its_answer,
    the_last_response_is_followed_by_close_notify,
    a_client_without_tls_gets_an_alert,
    a_silent_client_is_closed_after_the_handshake_timeout,
    a_tunnel_sends_its_last_bytes,
    curl_is_answered,
    unusable_files_are_refused_in_one_line,
);

/// Answers with facts of the session.
struct Facts;

impl App for Facts {
    fn call(&self, request: Request) -> Reply {
        let context = request.context();
        let tls = context.connection().tls.as_deref().expect("a TLS session");
        let text = format!(
            "{} {} {} {:?} {}",
            context.scheme(),
            tls.version,
            tls.cipher_suite,
            tls.server_name,
            tls.client_certificates.len()
        );
        Response::text(Status::OK, text).into()
    }
}

/// Opens a tunnel that reads a line and answers with a megabyte.
struct Megabyte;

impl App for Megabyte {
    fn call(&self, _: Request) -> Reply {
        let mut response = Response::empty(Status::SWITCHING_PROTOCOLS);
        for (name, value) in [("connection", "upgrade"), ("upgrade", "bytes")] {
            response.headers.try_append(name, value).expect("a constant is valid");
        }
        let upgrade = Upgrade::tunnel(|mut tunnel| async move {
            let mut buf = [0; 5];
            if tunnel.read(&mut buf).await.is_ok() {
                // A client that has left ends the case with its own failure.
                let _ = tunnel.write_all(&vec![b'x'; 1 << 20]).await;
            }
        });
        Response { upgrade: Some(upgrade), ..response }.into()
    }
}

fn requests_are_answered_on_one_connection(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    let mut client = connect(&server);
    for _ in 0..3 {
        assert_eq!(client.get("/").status, 200);
    }
}

fn the_application_sees_the_session(on: On) {
    let server = on.serve_with(tls_config(), Facts);
    let text = connect(&server).get("/").text();
    assert_eq!(text, "https TLSv1.3 TLS_AES_256_GCM_SHA384 Some(\"localhost\") 0");
}

fn large_bodies_go_both_ways(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    let body: Vec<u8> = (0..1 << 20).map(|i: u32| (i % 251) as u8).collect();
    let mut client = connect(&server);
    let answer = client.post("/upload", &body);
    assert!(answer.text().contains("1048576"), "{}", answer.text());
    assert_eq!(client.get("/bytes/3000000").body.len(), 3_000_000);
}

fn a_half_closed_client_gets_its_answer(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    let mut client = connect(&server);
    client.send("GET /bytes/300000 HTTP/1.1\r\nhost: a\r\n\r\n");
    client.half_close();
    assert_eq!(client.answer().body.len(), 300_000);
    client.expect_end();
}

fn the_last_response_is_followed_by_close_notify(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    let mut client = connect(&server);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    // The client fails if it does not see `close_notify`.
    client.expect_end();
}

fn a_client_without_tls_gets_an_alert(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let (bytes, closed) = client.rest();
    // A record of the type alert (RFC 8446 section 5.1), with a fatal alert.
    assert_eq!((bytes[0], bytes[5], closed), (21, 2, Closed::Ended));
}

fn a_silent_client_is_closed_after_the_handshake_timeout(on: On) {
    let config = tls_config().timeout_ssl_handshake(Duration::from_millis(50));
    let server = on.serve_with(config, stelo_demo::app());
    server.connect().expect_end();
}

fn a_tunnel_sends_its_last_bytes(on: On) {
    let server = on.serve_with(tls_config(), Megabyte);
    let mut client = connect(&server);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: bytes\r\n\r\n");
    assert_eq!(client.head().expect("an answer").status, 101);
    client.send("begin");
    let (bytes, closed) = client.rest();
    assert_eq!((bytes.len(), closed), (1 << 20, Closed::Ended));
}

fn curl_is_answered(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    for version in [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3", "--tls-max", "1.3"]] {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20", "--cacert"]).arg(certfile()).args(version);
        let port = server.address().port();
        curl.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
        let Ok(output) = curl.arg(format!("https://localhost:{port}/bytes/200000")).output() else {
            assert!(std::env::var_os("CI").is_none(), "curl is missing");
            return;
        };
        assert_eq!(output.stdout.len(), 200_000, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn unusable_files_are_refused_in_one_line(on: On) {
    let certificate = certfile().display();
    for (certfile, keyfile, line) in [
        (
            "/no/such/file".into(),
            keyfile().to_owned(),
            "cannot read /no/such/file: No such file or directory (os error 2)".to_owned(),
        ),
        (
            certfile().to_owned(),
            certfile().to_owned(),
            format!("{certificate} has no private key: add it, or give another --ssl-keyfile"),
        ),
    ] {
        let config = tls_config().ssl_certfile(certfile).ssl_keyfile(keyfile);
        let error = on.try_serve(config, stelo_demo::app()).expect_err("a failed start");
        assert_eq!((error.to_string(), error.exit_code()), (line, 3));
    }
}
