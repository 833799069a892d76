//! A blocking client, for what happens before the load: connecting, and learning how long an answer is.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server accepts");
    stream.set_nodelay(true).expect("a socket has options");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket has options");
    stream
}

/// The request of wrk, with a body if it is not empty.
pub fn request(path: &str, fields: &str, body: usize) -> Vec<u8> {
    let (method, content) = match body {
        0 => ("GET", String::new()),
        n => ("POST", format!("Content-Type: application/octet-stream\r\nContent-Length: {n}\r\n")),
    };
    let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n{fields}{content}\r\n");
    let mut bytes = head.into_bytes();
    bytes.resize(bytes.len() + body, b'x');
    bytes
}

/// Reads a response head; gives it in lower case, and the bytes after it.
pub fn read_head(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    let end = |bytes: &[u8]| bytes.windows(4).position(|four| four == b"\r\n\r\n");
    read_until(stream, &mut head, |bytes| end(bytes).is_some());
    let rest = head.split_off(end(&head).expect("it was read until there") + 4);
    (String::from_utf8_lossy(&head).to_ascii_lowercase(), rest)
}

pub fn read_until(stream: &mut TcpStream, bytes: &mut Vec<u8>, done: impl Fn(&[u8]) -> bool) {
    let mut piece = [0; 65_536];
    while !done(bytes) {
        let n = stream.read(&mut piece).expect("an answer within ten seconds");
        assert!(n > 0, "closed after {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(500)]));
        bytes.extend_from_slice(&piece[..n]);
    }
}

/// The cookie that the answer to a request sets, as requests send it.
pub fn cookie(port: u16, request: &[u8]) -> String {
    let mut stream = connect(port);
    stream.write_all(request).expect("the server reads");
    let mut head = Vec::new();
    read_until(&mut stream, &mut head, |bytes| bytes.windows(4).any(|four| four == b"\r\n\r\n"));
    let head = String::from_utf8_lossy(&head).into_owned();
    let cookie = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.trim().split(';').next())?
    });
    cookie.unwrap_or_else(|| panic!("no cookie in {head}")).to_owned()
}

/// The length on the wire of the answer to a request, which must be a 200 or a 206.
pub fn answer_length(port: u16, request: &[u8]) -> usize {
    let mut stream = connect(port);
    stream.write_all(request).expect("the server reads");
    let (head, mut body) = read_head(&mut stream);
    assert!(head.starts_with("http/1.1 200") || head.starts_with("http/1.1 206"), "{head}");
    match head.lines().find_map(|line| line.strip_prefix("content-length:")) {
        Some(length) => {
            let length: usize = length.trim().parse().expect("a length");
            read_until(&mut stream, &mut body, |body| body.len() >= length);
            assert_eq!(body.len(), length, "one response for one request");
        }
        None => {
            assert!(head.contains("chunked"), "{head}");
            read_until(&mut stream, &mut body, |body| body.ends_with(b"0\r\n\r\n"));
        }
    }
    head.len() + body.len()
}
