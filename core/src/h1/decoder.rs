//! Decodes the body of a request, by its length or in chunks (RFC 9112 sections 6 and 7.1).

use super::config::Limits;
use super::head::field_fault;
use super::line::Lines;
use super::scan::FieldLine;
use crate::body::Length;
use crate::fault::FaultKind;
use crate::http::{Headers, is_token_byte, is_value_byte};

/// Decodes one body.
#[derive(Default)]
pub(super) struct Decoder {
    stage: Stage,
    lines: Lines,
    /// The bytes of the body so far.
    size: u64,
    /// The bytes of chunk extensions so far.
    extensions: usize,
    /// The bytes of trailer lines so far.
    trailer_bytes: usize,
    trailer_fields: usize,
    trailers: Headers,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    End,
    /// The remaining bytes of the body.
    Known(u64),
    ChunkSize,
    /// The remaining bytes of the chunk.
    Chunk(u64),
    ChunkEnd,
    Trailers,
}

/// The part of a body at the beginning of the input.
pub(super) enum Part {
    /// Bytes of framing, then bytes of the body.
    Data { skip: usize, len: usize },
    /// Bytes of framing, then the end of the body.
    End { skip: usize },
    /// Bytes of framing, then an incomplete line.
    Nothing { skip: usize },
}

impl Decoder {
    /// Starts a body of this length.
    pub(super) fn start(&mut self, length: Length) {
        let stage = match length {
            Length::None => Stage::End,
            Length::Known(n) => Stage::Known(n),
            Length::Unknown => Stage::ChunkSize,
        };
        if stage == Stage::End && self.stage == Stage::End {
            return;
        }
        *self = Self { stage, ..Self::default() };
    }

    /// Returns the number of remaining bytes, if it is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        match self.stage {
            Stage::End => Some(0),
            Stage::Known(n) => Some(n),
            _ => None,
        }
    }

    /// Takes the trailer fields.
    pub(super) fn take_trailers(&mut self) -> Headers {
        core::mem::take(&mut self.trailers)
    }

    /// Decodes the next part.
    ///
    /// # Errors
    /// A broken rule or an exceeded limit, with the number of valid bytes before it.
    pub(super) fn read(&mut self, input: &[u8], limits: &Limits) -> Result<Part, (FaultKind, usize)> {
        let mut skip = 0;
        loop {
            let rest = input.get(skip..).unwrap_or_default();
            match self.stage {
                Stage::End => return Ok(Part::End { skip }),
                Stage::Known(left) | Stage::Chunk(left) => {
                    let len = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    if len == 0 {
                        return Ok(Part::Nothing { skip });
                    }
                    let left = left - len as u64;
                    self.stage = match self.stage {
                        Stage::Known(_) if left == 0 => Stage::End,
                        Stage::Known(_) => Stage::Known(left),
                        _ if left == 0 => Stage::ChunkEnd,
                        _ => Stage::Chunk(left),
                    };
                    return Ok(Part::Data { skip, len });
                }
                Stage::ChunkEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        skip += 2;
                        self.stage = Stage::ChunkSize;
                    }
                    [] | [b'\r'] => return Ok(Part::Nothing { skip }),
                    _ => return Err((FaultKind::ChunkEnd, skip)),
                },
                Stage::ChunkSize | Stage::Trailers => match self.line(rest, limits) {
                    Ok(Some(used)) => skip += used,
                    Ok(None) => return Ok(Part::Nothing { skip }),
                    Err(kind) => return Err((kind, skip)),
                },
            }
        }
    }

    /// Reads a chunk-size line or a trailer line. Returns its length.
    fn line(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, FaultKind> {
        let sizes = self.stage == Stage::ChunkSize;
        let (limit, too_long) = match sizes {
            true => (limits.chunk_line, FaultKind::ChunkLineTooLong),
            false => (limits.field_line, FaultKind::TrailersTooLarge),
        };
        let Some(line) = self.lines.next(input, limit, too_long)? else { return Ok(None) };
        if sizes {
            self.chunk_size(line, limits)?;
        } else if line.is_empty() {
            self.stage = Stage::End;
        } else {
            self.trailer(line, input, limits)?;
        }
        Ok(Some(line.len() + 2))
    }

    /// Parses `chunk-size [ chunk-ext ]`, with at most 16 digits.
    fn chunk_size(&mut self, line: &[u8], limits: &Limits) -> Result<(), FaultKind> {
        let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let (digits, extension) = line.split_at(digits);
        if digits.is_empty() || digits.len() > 16 || !matches!(extension, [] | [b';', ..]) {
            return Err(FaultKind::ChunkSize);
        }
        if !are_extensions(extension) {
            return Err(FaultKind::ChunkExtension);
        }
        self.extensions += extension.len();
        if self.extensions > limits.chunk_extensions {
            return Err(FaultKind::ChunkExtensionsTooLarge);
        }
        let value = |b: u8| char::from(b).to_digit(16).map_or(0, u64::from);
        let size = digits.iter().fold(0u64, |n, &b| n << 4 | value(b));
        self.size = self.size.saturating_add(size);
        if limits.body.is_some_and(|most| self.size > most) {
            return Err(FaultKind::BodyTooLarge);
        }
        self.stage = if size == 0 { Stage::Trailers } else { Stage::Chunk(size) };
        Ok(())
    }

    /// Reads a trailer field from the `line` at the beginning of `input`.
    fn trailer(&mut self, line: &[u8], input: &[u8], limits: &Limits) -> Result<(), FaultKind> {
        self.trailer_bytes += line.len() + 2;
        self.trailer_fields += 1;
        if self.trailer_bytes > limits.trailers || self.trailer_fields > limits.trailer_fields {
            return Err(FaultKind::TrailersTooLarge);
        }
        let field = FieldLine::read(input).ok_or_else(|| field_fault(line))?;
        if !is_forbidden(field.name) {
            let spans = field.spans(self.trailers.block().len());
            let (name, value) = spans.ok_or(FaultKind::TrailersTooLarge)?;
            self.trailers.push_spans(name, value);
            self.trailers.block_mut().extend_from_slice(line);
        }
        Ok(())
    }

    pub(super) fn held(&self) -> usize {
        self.trailers.held()
    }
}

/// Returns whether `text` is `*( ";" token [ "=" ( token / quoted-string ) ] )` (RFC 9112 section 7.1.1).
///
/// The grammar allows white space around the signs. It is refused here, because attacks have used it to hide a chunk
/// size from one of two parsers.
fn are_extensions(mut rest: &[u8]) -> bool {
    while let [b';', name @ ..] = rest {
        let Some(after) = after_token(name) else { return false };
        rest = after;
        if let [b'=', value @ ..] = rest {
            let after = match value {
                [b'"', text @ ..] => after_quoted(text),
                token => after_token(token),
            };
            let Some(after) = after else { return false };
            rest = after;
        }
    }
    rest.is_empty()
}

/// Returns the text after the token at the beginning.
fn after_token(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|&b| !is_token_byte(b)).unwrap_or(bytes.len());
    bytes.get(end..).filter(|_| end > 0)
}

/// Returns the text after a quoted string whose first quote was read (RFC 9110 section 5.6.4).
fn after_quoted(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        bytes = match bytes {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', byte, rest @ ..] | [byte, rest @ ..] if is_value_byte(*byte) => rest,
            _ => return None,
        }
    }
}

/// Returns whether a field is dropped from trailers. Fields that frame, route, authenticate or describe a message are
/// dangerous there (RFC 9110 section 6.5.1).
pub(crate) fn is_forbidden(name: &[u8]) -> bool {
    const NAMES: [&str; 24] = [
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "keep-alive",
        "max-forwards",
        "proxy-authorization",
        "range",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        for good in ["", ";a", ";a=b", ";a;b=c", ";a=\"b;c\";d", ";a=\"\\\"\"", ";a=\"\""] {
            assert!(are_extensions(good.as_bytes()), "{good}");
        }
        for bad in
            [";", ";;a", "; a", ";a =b", ";a= b", ";a=", ";=b", ";a=\"b", ";a=\"b\\\"", ";a=\"b\"c", "a"]
        {
            assert!(!are_extensions(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn spans_of_trailers_are_ranges_of_their_own_block() {
        let mut decoder = Decoder::default();
        decoder.start(Length::Unknown);
        let input = b"0\r\nhost: evil\r\nA: 1\r\nb:2\r\n\r\n";
        let Ok(Part::End { skip }) = decoder.read(input, &Limits::DEFAULT) else { panic!() };
        assert_eq!(skip, input.len());
        assert_eq!(std::format!("{:?}", decoder.take_trailers()), r#"{"A": "1", "b": "2"}"#);
    }
}
