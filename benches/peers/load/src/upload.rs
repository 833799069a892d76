//! Uploads of a multipart form with one large file, from memory. The connection is blocking: there is only one.

use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;

use crate::Args;
use crate::client::{connect, read_head, read_until};
use crate::histogram::Histogram;
use crate::modes::{duration, ready, report};

/// The boundary of a browser.
const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";

/// The content repeats after that many bytes.
const BLOCK: usize = 1 << 20;

/// Sends the form again when it has been answered, until the time is over or the number of requests is reached.
pub fn upload(args: &Args) {
    let size = args.number("size", 1 << 30);
    let count = args.number("count", usize::MAX);
    let mut stream = connect(args.port);
    let block = noise();
    let start = ready();
    let end = start + duration(args);
    let (mut times, mut answers) = (Histogram::new(), 0);
    while answers == 0 || (answers < count && Instant::now() < end) {
        let since = Instant::now();
        send(&mut stream, &args.path, &block, size);
        receive(&mut stream, size);
        times.add(since.elapsed());
        answers += 1;
    }
    report(answers, start, &times);
}

fn send(stream: &mut TcpStream, path: &str, block: &[u8], size: usize) {
    let begin = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"large.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let length = begin.len() + size + end.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: {length}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n{begin}"
    );
    stream.write_all(head.as_bytes()).expect("the server reads");
    let mut left = size;
    while left > 0 {
        let piece = &block[..left.min(block.len())];
        stream.write_all(piece).expect("the server reads");
        left -= piece.len();
    }
    stream.write_all(end.as_bytes()).expect("the server reads");
}

/// The answer is the number of bytes of the file.
fn receive(stream: &mut TcpStream, size: usize) {
    let (head, mut body) = read_head(stream);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let size = size.to_string();
    read_until(stream, &mut body, |body| body.len() >= size.len());
    assert_eq!(String::from_utf8_lossy(&body), size, "{head}");
}

/// Bytes without a pattern, such as those of a compressed file.
fn noise() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..BLOCK / 8).flat_map(|_| next()).collect()
}
