//! WebSocket, as much as an echo needs: the handshake, a masked frame, and counting the frames that come back.

use std::io::Write;
use std::net::TcpStream;

use crate::client::{connect, read_head, read_until};

/// Opens a WebSocket, offering compression or not; whether the server has agreed to it.
pub fn open(port: u16, path: &str, deflate: bool) -> (TcpStream, bool) {
    let mut stream = connect(port);
    let extension = if deflate { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
    let handshake = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extension}\r\n"
    );
    stream.write_all(handshake.as_bytes()).expect("the server reads");
    let (head, rest) = read_head(&mut stream);
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(head.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    assert!(rest.is_empty());
    let agreed = head.contains("permessage-deflate");
    (stream, agreed)
}

/// A whole binary message in one masked frame.
pub fn frame(payload: &[u8], deflated: bool) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut frame = vec![if deflated { 0xC2 } else { 0x82 }];
    match payload.len() {
        n @ 0..=125 => frame.push(0x80 | n as u8),
        n @ 126..=65_535 => {
            frame.push(0xFE);
            frame.extend((n as u16).to_be_bytes());
        }
        n => {
            frame.push(0xFF);
            frame.extend((n as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Counts messages in the bytes of a server, whatever pieces they come in.
#[derive(Clone, Default)]
pub struct Counter {
    /// The head of the frame that has begun; complete heads are at most ten bytes long, as servers do not mask.
    head: Vec<u8>,
    /// The number of payload bytes still missing.
    payload: u64,
    /// Whether it ends a message.
    last: bool,
}

impl Counter {
    /// The number of messages that end with these bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) -> usize {
        let mut messages = 0;
        while !bytes.is_empty() {
            if self.payload == 0 {
                self.head.push(bytes[0]);
                bytes = &bytes[1..];
                let Some(length) = payload_length(&self.head) else { continue };
                self.payload = length;
                // Data, not a control frame, and final.
                self.last = self.head[0] & 0x88 == 0x80;
                self.head.clear();
            } else {
                let n = self.payload.min(bytes.len() as u64);
                self.payload -= n;
                bytes = &bytes[n as usize..];
            }
            messages += usize::from(self.payload == 0 && self.last);
        }
        messages
    }
}

/// The length of the payload behind this head; `None` while the head is not complete.
fn payload_length(head: &[u8]) -> Option<u64> {
    match *head {
        [_, n @ 0..=125] => Some(n.into()),
        [_, 126, a, b] => Some(u16::from_be_bytes([a, b]).into()),
        [_, 127, a, b, c, d, e, f, g, h] => Some(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        [_, n, ..] => {
            assert!(n < 128, "a server does not mask");
            None
        }
        _ => None,
    }
}

/// The length on the wire of the echo of a message, whose payload must be the same.
pub fn echo_length(port: u16, path: &str, payload: &[u8]) -> usize {
    let (mut stream, _) = open(port, path, false);
    stream.write_all(&frame(payload, false)).expect("the server reads");
    let mut echo = Vec::new();
    read_until(&mut stream, &mut echo, |echo| Counter::default().feed(echo) > 0);
    // In one frame or in several.
    assert!(echo.ends_with(&payload[payload.len().saturating_sub(1000)..]), "the echo is what was sent");
    echo.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a server sends it, without the mask.
    fn from_server(payload: &[u8], first: u8) -> Vec<u8> {
        let masked = frame(payload, false);
        let head = masked.len() - payload.len() - 4;
        let mut bytes = masked[..head].to_vec();
        (bytes[0], bytes[1]) = (first, bytes[1] & 0x7F);
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn messages_are_counted_in_any_pieces() {
        let mut bytes = Vec::new();
        for size in [0, 125, 126, 70_000] {
            bytes.extend(from_server(&vec![7; size], 0x02)); // begins a message
            bytes.extend(from_server(b"ping", 0x89));
            bytes.extend(from_server(&vec![7; size], 0x80)); // ends it
        }
        for piece in [1, 2, 7, 1000, bytes.len()] {
            let mut counter = Counter::default();
            let messages: usize = bytes.chunks(piece).map(|piece| counter.feed(piece)).sum();
            assert_eq!(messages, 4, "in pieces of {piece}");
        }
    }

    #[test]
    fn the_mask_is_undone_by_itself() {
        let frame = frame(b"payload", false);
        assert_eq!(frame[..2], [0x82, 0x87]);
        let unmasked: Vec<u8> =
            frame[6..].iter().zip(frame[2..6].iter().cycle()).map(|(a, b)| a ^ b).collect();
        assert_eq!(unmasked, b"payload");
    }
}
