//! The body of a response with several ranges: `multipart/byteranges` (RFC 9110 section 14.6).
//!
//! The text of each part is in memory; the bytes of the file are left to the caller.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use stelo_core::Bytes;

/// The ranges of a response, and the texts between them.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct ByteRanges {
    ranges: Vec<Range<u64>>,
    boundary: String,
    /// The content type of the file.
    content_type: String,
    /// The size of the file.
    size: u64,
}

/// A step of the body.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Step {
    Text(Bytes),
    Range(Range<u64>),
}

impl ByteRanges {
    pub(super) fn new(ranges: Vec<Range<u64>>, content_type: String, size: u64) -> Self {
        Self { ranges, boundary: boundary(), content_type, size }
    }

    /// Returns the content type of the response.
    pub(super) fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// Returns the text before a range.
    fn head(&self, range: &Range<u64>) -> String {
        let Self { boundary, content_type, size, .. } = self;
        let (first, last) = (range.start, range.end - 1);
        format!(
            "--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: bytes {first}-{last}/{size}\r\n\r\n"
        )
    }

    /// Returns the text after the last range.
    fn end(&self) -> String {
        format!("--{}--", self.boundary)
    }

    /// The length of the body in bytes.
    pub(super) fn len(&self) -> u64 {
        let part = |range: &Range<u64>| self.head(range).len() as u64 + (range.end - range.start) + 2;
        self.ranges.iter().map(part).sum::<u64>() + self.end().len() as u64
    }

    /// Returns the steps of the body. There are at most two for each range, and one at the end.
    pub(super) fn steps(self) -> Vec<Step> {
        let mut steps = Vec::with_capacity(2 * self.ranges.len() + 1);
        let mut text = String::new();
        for range in &self.ranges {
            text.push_str(&self.head(range));
            steps.push(Step::Text(std::mem::take(&mut text).into()));
            steps.push(Step::Range(range.clone()));
            text.push_str("\r\n");
        }
        text.push_str(&self.end());
        steps.push(Step::Text(text.into()));
        steps
    }
}

/// Returns a boundary that content cannot foresee: 104 bits of a hash whose keys are random.
fn boundary() -> String {
    let keys = RandomState::new();
    let mut boundary = format!("{:016x}{:016x}", keys.hash_one(0), keys.hash_one(1));
    boundary.truncate(26);
    boundary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_the_parts_is_exact() {
        let mut parts = ByteRanges::new(vec![0..2, 3..5], "text/plain; charset=utf-8".into(), 10);
        parts.boundary = "B".into();
        let (length, content_type) = (parts.len(), parts.content_type());
        let content = "ABCDEFGHIJ";
        let steps = parts.steps().into_iter().map(|step| match step {
            Step::Text(text) => String::from_utf8(text.into_vec()).expect("it is text"),
            Step::Range(range) => content[range.start as usize..range.end as usize].to_owned(),
        });
        let body: String = steps.collect();
        assert_eq!(content_type, "multipart/byteranges; boundary=B");
        assert_eq!(
            body,
            "--B\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-1/10\r\n\r\nAB\r\n\
             --B\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 3-4/10\r\n\r\nDE\r\n--B--"
        );
        assert_eq!(body.len() as u64, length);
    }

    #[test]
    fn boundaries_are_26_hexadecimal_digits_and_differ() {
        let (one, other) = (boundary(), boundary());
        assert!(one != other && one.len() == 26, "{one} {other}");
        assert!(one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
    }
}
