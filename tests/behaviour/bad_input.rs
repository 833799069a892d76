//! Invalid requests, their responses, and the state of the connection afterwards (RFC 9110, RFC 9112).
//!
//! A refusal ends the connection, because the end of an invalid request is not known. Each row is followed by a valid
//! request, which must not be answered after a refusal.

use std::panic::{AssertUnwindSafe, catch_unwind};

use stelo_tests::{Client, On, Running, cases};
use stelo_toolkit::{App, Method, Request, any};

use self::After::{Closed, Open};
use crate::apps;

cases!(bad_input, bad_input_byte_by_byte, the_response_gives_the_reason, a_cut_off_request_has_no_answer);

/// The state of the connection after the response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum After {
    /// Closed by the server. The next request is not read.
    Closed,
    /// Open: the next request is answered.
    Open,
}

/// The name of a row, the bytes to send, the expected status, and the expected state of the connection.
type Row = (&'static str, &'static str, u16, After);

/// Builds a request from its first line.
macro_rules! line {
    ($line:literal) => {
        concat!($line, "\r\nhost: a\r\n\r\n")
    };
}

/// Builds a `GET /` with additional fields.
macro_rules! get {
    ($fields:literal) => {
        concat!("GET / HTTP/1.1\r\nhost: a\r\n", $fields, "\r\n\r\n")
    };
}

/// Builds a `POST` to a handler that reads the body, with additional fields.
macro_rules! post {
    ($fields:literal, $body:literal) => {
        concat!("POST /read HTTP/1.1\r\nhost: a\r\n", $fields, "\r\n\r\n", $body)
    };
}

/// Builds a `POST` with a chunked body to a handler that reads it.
macro_rules! chunked {
    ($body:literal) => {
        post!("transfer-encoding: chunked", $body)
    };
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Two framings, or invalid framing (RFC 9112 section 6.3)
    ("length and encoding", post!("content-length: 3\r\ntransfer-encoding: chunked", "0\r\n\r\n"), 400, Closed),
    ("encoding and length", post!("transfer-encoding: chunked\r\ncontent-length: 3", "0\r\n\r\n"), 400, Closed),
    ("two lengths", post!("content-length: 3\r\ncontent-length: 5", "abc"), 400, Closed),
    ("two equal lengths", post!("content-length: 3\r\ncontent-length: 3", "abc"), 400, Closed),
    ("list of lengths", post!("content-length: 3, 3", "abc"), 400, Closed),
    ("length with a sign", post!("content-length: +3", "abc"), 400, Closed),
    ("negative length", post!("content-length: -3", "abc"), 400, Closed),
    ("hexadecimal length", post!("content-length: 0x3", "abc"), 400, Closed),
    ("length of two numbers", post!("content-length: 3 4", "abc"), 400, Closed),
    ("empty length", post!("content-length:", "abc"), 400, Closed),
    ("length of 21 digits", post!("content-length: 000000000000000000003", "abc"), 400, Closed),
    ("length beyond 64 bits", post!("content-length: 18446744073709551619", "abc"), 400, Closed),
    ("fractional length", post!("content-length: 3.0", "abc"), 400, Closed),

    // Transfer-Encoding (RFC 9112 section 6.1)
    ("unknown encoding", post!("transfer-encoding: xchunked", "0\r\n\r\n"), 501, Closed),
    ("encoding around chunks", post!("transfer-encoding: gzip, chunked", "0\r\n\r\n"), 501, Closed),
    ("encoding without chunks", post!("transfer-encoding: gzip", "0\r\n\r\n"), 501, Closed),
    ("chunks not last", post!("transfer-encoding: chunked, identity", "0\r\n\r\n"), 400, Closed),
    ("chunks twice", post!("transfer-encoding: chunked, chunked", "0\r\n\r\n"), 400, Closed),
    ("encoding twice", post!("transfer-encoding: chunked\r\ntransfer-encoding: chunked", "0\r\n\r\n"), 400, Closed),
    ("encoding behind a vertical tab", post!("transfer-encoding: \x0bchunked", "0\r\n\r\n"), 400, Closed),
    ("encoding in quotes", post!("transfer-encoding: \"chunked\"", "0\r\n\r\n"), 400, Closed),
    ("empty encoding", post!("transfer-encoding:", "0\r\n\r\n"), 400, Closed),
    ("space before the colon of the encoding", post!("transfer-encoding : chunked", "0\r\n\r\n"), 400, Closed),
    ("encoding in HTTP/1.0", "POST /read HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400, Closed),

    // Chunks (RFC 9112 section 7.1)
    ("chunk size with a sign", chunked!("+3\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("negative chunk size", chunked!("-1\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("chunk size with a prefix", chunked!("0x3\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("chunk size of 17 digits", chunked!("00000000000000003\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("empty chunk size", chunked!("\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("extension without a size", chunked!(";x\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("chunk size that is no number", chunked!("xyz\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("space after the chunk size", chunked!("3 \r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("space before the chunk size", chunked!(" 3\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("chunk size with a bare LF", chunked!("3\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("chunk with a bare LF", chunked!("3\r\nabc\n0\r\n\r\n"), 400, Closed),
    ("chunk without its end", chunked!("3\r\nabc0\r\n\r\n"), 400, Closed),
    ("chunk longer than its size", chunked!("3\r\nabcd\r\n0\r\n\r\n"), 400, Closed),
    ("bare CR in an extension", chunked!("3;a\rb\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("bare LF in an extension", chunked!("3;a\nb\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("control byte in an extension", chunked!("3;a\x01\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("white space in an extension", chunked!("3; a = b\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("extension without a name", chunked!("3;\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("extension in quotes that do not end", chunked!("3;a=\"b\r\nabc\r\n0\r\n\r\n"), 400, Closed),
    ("last chunk with a bare LF", chunked!("3\r\nabc\r\n0\n\r\n"), 400, Closed),
    ("trailer without a colon", chunked!("0\r\nbad\r\n\r\n"), 400, Closed),
    ("trailer with a space before the colon", chunked!("0\r\na : b\r\n\r\n"), 400, Closed),
    ("folded trailer", chunked!("0\r\na: b\r\n c\r\n\r\n"), 400, Closed),
    ("trailer with a control byte", chunked!("0\r\na: \x07\r\n\r\n"), 400, Closed),

    // The request line (RFC 9112 section 3)
    ("two spaces after the method", line!("GET  / HTTP/1.1"), 400, Closed),
    ("two spaces after the target", line!("GET /  HTTP/1.1"), 400, Closed),
    ("tabs in the request line", line!("GET\t/\tHTTP/1.1"), 400, Closed),
    ("no version", "GET /\r\n\r\n", 400, Closed),
    ("something after the version", line!("GET / HTTP/1.1 x"), 400, Closed),
    ("space after the version", line!("GET / HTTP/1.1 "), 400, Closed),
    ("version in small letters", line!("GET / http/1.1"), 400, Closed),
    ("version of two digits", line!("GET / HTTP/1.10"), 400, Closed),
    ("version without a dot", line!("GET / HTTP/11"), 400, Closed),
    ("another protocol", line!("GET / HTPP/1.1"), 400, Closed),
    ("version 0.9", line!("GET / HTTP/0.9"), 505, Closed),
    ("version 2.0", line!("GET / HTTP/2.0"), 505, Closed),
    ("no method", line!(" / HTTP/1.1"), 400, Closed),
    ("method that is no token", line!("G@T / HTTP/1.1"), 400, Closed),
    ("TLS to a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\u{7c}\x03\r\n\r\n", 400, Closed),
    ("LF before the request line", "\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", 400, Closed),
    ("two empty lines before the request line", "\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", 400, Closed),
    ("space before the request line", line!(" GET / HTTP/1.1"), 400, Closed),
    ("bare LF after the request line", "GET / HTTP/1.1\nhost: a\r\n\r\n", 400, Closed),
    ("bare LF everywhere", "GET / HTTP/1.1\nhost: a\n\n", 400, Closed),
    ("bare CR in the request line", line!("GET /\r HTTP/1.1"), 400, Closed),

    // The target (RFC 9112 section 3.2)
    ("target without a slash", line!("GET foo HTTP/1.1"), 400, Closed),
    ("asterisk with GET", line!("GET * HTTP/1.1"), 400, Closed),
    ("authority with GET", line!("GET a:80 HTTP/1.1"), 400, Closed),
    ("path with CONNECT", line!("CONNECT /x HTTP/1.1"), 400, Closed),
    ("authority without a port with CONNECT", line!("CONNECT a HTTP/1.1"), 400, Closed),
    ("target with a fragment", line!("GET /#x HTTP/1.1"), 400, Closed),
    ("target with a backslash", line!("GET /a\\b HTTP/1.1"), 400, Closed),
    ("target with quotes", line!("GET /\"a\" HTTP/1.1"), 400, Closed),
    ("target beyond ASCII", line!("GET /é HTTP/1.1"), 400, Closed),
    ("target with NUL", line!("GET /\0 HTTP/1.1"), 400, Closed),
    ("target with DEL", line!("GET /\x7f HTTP/1.1"), 400, Closed),
    ("target of another scheme", line!("GET ftp://a/ HTTP/1.1"), 400, Closed),
    ("target with user information", line!("GET http://me@a/ HTTP/1.1"), 400, Closed),
    ("target that the host contradicts", line!("GET http://b/ HTTP/1.1"), 400, Closed),

    // Host (RFC 9112 section 3.2)
    ("no host", "GET / HTTP/1.1\r\n\r\n", 400, Closed),
    ("two hosts", get!("host: a"), 400, Closed),
    ("empty host", "GET / HTTP/1.1\r\nhost:\r\n\r\n", 400, Closed),
    ("host with user information", "GET / HTTP/1.1\r\nhost: me@a\r\n\r\n", 400, Closed),
    ("host with a space", "GET / HTTP/1.1\r\nhost: a b\r\n\r\n", 400, Closed),
    ("host with a path", "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400, Closed),
    ("list of hosts", "GET / HTTP/1.1\r\nhost: a, b\r\n\r\n", 400, Closed),
    ("host with a bad port", "GET / HTTP/1.1\r\nhost: a:x\r\n\r\n", 400, Closed),
    ("host of a broken IPv6 address", "GET / HTTP/1.1\r\nhost: [::1\r\n\r\n", 400, Closed),
    ("two hosts in HTTP/1.0", "GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", 400, Closed),

    // Header fields (RFC 9112 section 5)
    ("empty name", get!(": x"), 400, Closed),
    ("no colon", get!("x"), 400, Closed),
    ("space before the colon", get!("x : y"), 400, Closed),
    ("tab before the colon", get!("x\t: y"), 400, Closed),
    ("space before the first field", "GET / HTTP/1.1\r\n host: a\r\n\r\n", 400, Closed),
    ("folded field", get!("x: y\r\n z"), 400, Closed),
    ("field folded by a tab", get!("x: y\r\n\tz"), 400, Closed),
    ("NUL in a value", get!("x: a\0b"), 400, Closed),
    ("bare CR in a value", get!("x: a\rb"), 400, Closed),
    ("bare LF in a value", get!("x: a\nb"), 400, Closed),
    ("ESC in a value", get!("x: a\x1bb"), 400, Closed),
    ("DEL in a value", get!("x: a\x7fb"), 400, Closed),
    ("vertical tab in a value", get!("x: a\x0bb"), 400, Closed),
    ("name that is no token", get!("x[1]: y"), 400, Closed),
    ("name beyond ASCII", get!("é: y"), 400, Closed),
    ("name in quotes", get!("\"x\": y"), 400, Closed),
    ("bare LF before the end of the head", "GET / HTTP/1.1\r\nhost: a\r\n\n", 400, Closed),

    ("connection that names a framing field", get!("connection: content-length"), 400, Closed),

    // Expect (RFC 9110 section 10.1.1)
    ("unknown expectation", get!("expect: foo"), 417, Closed),
    ("expectation and more", post!("content-length: 3\r\nexpect: 100-continue, foo", "abc"), 417, Closed),

    // Unusual but valid: the application decides
    ("unknown method", line!("BREW / HTTP/1.1"), 405, Open),
    ("method in small letters", line!("get / HTTP/1.1"), 405, Open),
    ("unknown path", line!("GET /none HTTP/1.1"), 404, Open),
    ("body to a handler that wants none", concat!("POST /none HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n", "abc"), 404, Open),
    ("unknown protocol to upgrade to", get!("connection: upgrade\r\nupgrade: h2c"), 200, Open),
    ("later minor version", line!("GET / HTTP/1.2"), 200, Open),
    ("one empty line before the request line", "\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", 200, Open),
    ("field without a value", get!("x:"), 200, Open),
    ("value beyond ASCII", get!("x: é"), 200, Open),
    ("white space around a value", get!("x: \t y \t "), 200, Open),
    ("body with GET", concat!("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n", "abc"), 200, Open),
    ("trailers that would change framing and routing", chunked!("3\r\nabc\r\n0\r\ncontent-length: 9\r\nhost: b\r\ntransfer-encoding: x\r\n\r\n"), 200, Open),
    ("chunk size of 16 digits", chunked!("0000000000000003\r\nabc\r\n0\r\n\r\n"), 200, Open),
    ("absolute target", line!("GET http://a/ HTTP/1.1"), 200, Open),
    ("expectation of HTTP/1.0", "GET / HTTP/1.0\r\nconnection: keep-alive\r\nexpect: foo\r\n\r\n", 200, Open),
];

/// An application: `POST /read` reads the body, and `/next` must not be called after a refusal.
fn app() -> App {
    async fn next(request: Request) -> &'static str {
        assert_eq!(*request.method(), Method::Get);
        "next"
    }
    apps::reader().route("/next", any(next))
}

const NEXT: &str = "GET /next HTTP/1.1\r\nhost: a\r\n\r\n";

/// Sends a row and the request after it, and checks the responses.
fn check(server: &Running, &(_, bytes, status, after): &Row, send: fn(&mut Client, &[u8])) {
    let mut client = server.connect();
    send(&mut client, format!("{bytes}{NEXT}").as_bytes());
    let answer = client.answer();
    assert_eq!(answer.status, status, "{}", answer.line);
    assert_eq!(answer.says_close(), after == Closed, "{:?}", answer.headers);
    match after {
        Closed => client.expect_end(),
        Open => assert_eq!(client.answer().text(), "next"),
    }
}

/// Checks all rows, and names the ones that fail.
fn check_all(on: On, send: fn(&mut Client, &[u8])) {
    let server = on.serve(app());
    let failed = |row: &&Row| catch_unwind(AssertUnwindSafe(|| check(&server, row, send))).is_err();
    let failed: Vec<_> = ROWS.iter().filter(failed).map(|row| row.0).collect();
    assert_eq!(failed, [""; 0]);
}

fn bad_input(on: On) {
    check_all(on, |client, bytes| client.send(bytes));
}

fn bad_input_byte_by_byte(on: On) {
    // The server may close before the last byte of a refused request is sent.
    check_all(on, |client, bytes| {
        let _ = bytes.iter().try_for_each(|byte| client.try_send([*byte]));
    });
}

fn the_response_gives_the_reason(on: On) {
    let server = on.serve(app());
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx : y\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.line, "HTTP/1.1 400 Bad Request");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.text(), "invalid header field name\n");
}

/// A request that ends early gets no response.
fn a_cut_off_request_has_no_answer(on: On) {
    let server = on.serve(app());
    for bytes in ["", "G", "\r\n", "GET / HTTP/1.1", "GET / HTTP/1.1\r\nhost: a\r\n"] {
        let mut client = server.connect();
        client.send(bytes);
        client.half_close();
        client.expect_end();
    }
}
