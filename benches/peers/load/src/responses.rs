//! Counts responses in the bytes of a server, where their length is not always the same.

/// The responses of one connection, which need a `content-length`.
#[derive(Clone, Default)]
pub struct Counter {
    /// The head that has begun.
    head: Vec<u8>,
    /// The number of bytes of the body still missing.
    body: usize,
}

impl Counter {
    /// The number of responses that end with these bytes, whatever pieces they come in.
    pub fn feed(&mut self, mut bytes: &[u8]) -> usize {
        let mut responses = 0;
        while !bytes.is_empty() {
            if self.body == 0 {
                let before = self.head.len();
                self.head.extend_from_slice(bytes);
                let from = before.saturating_sub(3);
                let Some(end) = self.head[from..].windows(4).position(|four| four == b"\r\n\r\n") else {
                    break;
                };
                let end = from + end + 4;
                bytes = &bytes[end - before..];
                self.body = length(&self.head[..end]);
                self.head.clear();
            }
            let n = self.body.min(bytes.len());
            (self.body, bytes) = (self.body - n, &bytes[n..]);
            responses += usize::from(self.body == 0);
        }
        responses
    }
}

/// The length of the body after this head, which must be that of a 200.
fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.and_then(|length| length.trim().parse().ok()).unwrap_or_else(|| panic!("without a length: {head}"))
}

#[test]
fn responses_are_counted_in_any_pieces() {
    let bytes = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello\r\n\r\n!!".repeat(3);
    for piece in [1, 3, 7, bytes.len()] {
        let mut counter = Counter::default();
        let responses: usize = bytes.as_bytes().chunks(piece).map(|piece| counter.feed(piece)).sum();
        assert_eq!(responses, 3, "in pieces of {piece}");
    }
}
