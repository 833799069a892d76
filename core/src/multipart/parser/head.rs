//! The header lines of a part (RFC 2046 section 5.1, with the field syntax of RFC 9110 section 5). Folded lines, bare
//! line feeds and control characters are rejected.

use alloc::vec::Vec;

use crate::http::{Headers, token_len, trim, value_len};
use crate::multipart::{ErrorKind, Limits};

/// The head of a part while its lines arrive.
#[derive(Debug, Default)]
pub(super) struct Head {
    headers: Headers,
    /// The line whose end has not arrived.
    line: Vec<u8>,
    /// The bytes of all complete lines, and of the white space after the boundary.
    taken: usize,
}

/// The result of one line.
pub(super) enum Line {
    /// The input ends inside the line.
    Partial,
    /// A header.
    Header,
    /// The empty line at the end: all headers.
    Empty(Headers),
}

impl Head {
    /// Counts a byte of white space after the boundary.
    pub(super) fn pad(&mut self, limits: &Limits) -> Result<(), ErrorKind> {
        self.taken += 1;
        if self.taken > limits.head { Err(ErrorKind::HeadTooLarge) } else { Ok(()) }
    }

    /// Whether the earlier input has ended inside a line.
    pub(super) fn is_inside_line(&self) -> bool {
        !self.line.is_empty()
    }

    /// Takes the next line, or the beginning of it.
    pub(super) fn take(&mut self, input: &mut &[u8], limits: &Limits) -> Result<Line, ErrorKind> {
        let end = memchr::memchr(b'\n', input).map(|at| at + 1);
        let (piece, rest) = input.split_at(end.unwrap_or(input.len()));
        let left = limits.head.saturating_sub(self.taken);
        if self.line.len() + piece.len() > left.min(limits.header_line) {
            return Err(if left < limits.header_line {
                ErrorKind::HeadTooLarge
            } else {
                ErrorKind::HeaderTooLong
            });
        }
        *input = rest;
        if end.is_none() {
            self.line.extend_from_slice(piece);
            return Ok(Line::Partial);
        }
        if self.line.is_empty() {
            return self.complete(piece, limits);
        }
        let mut line = core::mem::take(&mut self.line);
        line.extend_from_slice(piece);
        let result = self.complete(&line, limits);
        line.clear();
        self.line = line;
        result
    }

    fn complete(&mut self, line: &[u8], limits: &Limits) -> Result<Line, ErrorKind> {
        self.taken += line.len();
        let Some(line) = line.strip_suffix(b"\r\n") else { return Err(ErrorKind::LineEnding) };
        if line.is_empty() {
            self.taken = 0;
            return Ok(Line::Empty(core::mem::take(&mut self.headers)));
        }
        if line.contains(&b'\r') {
            return Err(ErrorKind::LineEnding);
        }
        if matches!(line, [b' ' | b'\t', ..]) {
            return Err(ErrorKind::Folding);
        }
        let (name, rest) = line.split_at(token_len(line));
        let ([_, ..], [b':', value @ ..]) = (name, rest) else { return Err(ErrorKind::HeaderName) };
        let value = trim(value);
        if value_len(value) < value.len() {
            return Err(ErrorKind::HeaderValue);
        }
        if self.headers.len() == limits.headers {
            return Err(ErrorKind::TooManyHeaders);
        }
        self.headers.push(name, value);
        Ok(Line::Header)
    }
}
