//! The parameters of `Content-Type` and `Content-Disposition`: `form-data; name="a"; filename="b"`.
//!
//! Quotes are optional. In quotes, `\"` and `\\` are escapes; any other backslash is literal, because old browsers send
//! paths such as `C:\a.txt`. Percent sequences and `name*` (RFC 8187) are not decoded: RFC 7578 section 4.2 forbids the
//! latter, and a literal `%22` looks like an encoded quote.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::http::trim;

/// Returns the first parameter of that name, without regard to case, in a value such as `text/plain; charset=utf-8`.
/// `None` if there is none, or the value is malformed before it.
///
/// ```
/// use stelo_core::multipart::parameter;
///
/// let charset = parameter(b"text/plain; charset=\"utf-8\"", "CHARSET");
/// assert_eq!(charset.as_deref(), Some(&b"utf-8"[..]));
/// ```
pub fn parameter<'a>(value: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
    let found = Parameters::of(value)
        .map_while(Result::ok)
        .find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|(_, value)| value)
}

/// The parameters of a value, in order. A parameter without `=` or without a name is skipped.
pub(super) struct Parameters<'a>(&'a [u8]);

/// A quoted string has no end, or is followed by other text.
#[derive(Debug)]
pub(super) struct Malformed;

impl<'a> Parameters<'a> {
    /// Creates the value from everything after the first `;`.
    pub(super) fn of(value: &'a [u8]) -> Self {
        Self(memchr::memchr(b';', value).map_or(&[], |at| &value[at + 1..]))
    }

    /// Splits off everything up to the next `;`.
    fn piece(&mut self) -> &'a [u8] {
        let end = memchr::memchr(b';', self.0).unwrap_or(self.0.len());
        let (piece, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        piece
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<(&'a [u8], Cow<'a, [u8]>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.0.is_empty() {
                return None;
            }
            let all = self.0;
            let piece = self.piece();
            let Some(equals) = memchr::memchr(b'=', piece) else { continue };
            let (name, value) = (trim(&piece[..equals]), trim(&piece[equals + 1..]));
            let value = match value.split_first() {
                Some((b'"', _)) => {
                    let opening = equals + 1 + all[equals + 1..].iter().position(|&b| b == b'"')?;
                    let Some((value, rest)) = unquote(&all[opening + 1..]) else {
                        self.0 = &[];
                        return Some(Err(Malformed));
                    };
                    self.0 = rest;
                    if !trim(self.piece()).is_empty() {
                        return Some(Err(Malformed));
                    }
                    value
                }
                _ => Cow::Borrowed(value),
            };
            if !name.is_empty() {
                return Some(Ok((name, value)));
            }
        }
    }
}

/// Reads a quoted string whose opening quote has been read. Returns the rest after its closing quote.
fn unquote(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let mut owned = Vec::new();
    let mut start = 0;
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        match text[at..] {
            [b'"', ref rest @ ..] if start == 0 => return Some((Cow::Borrowed(&text[..at]), rest)),
            [b'"', ref rest @ ..] => {
                owned.extend_from_slice(&text[start..at]);
                return Some((Cow::Owned(owned), rest));
            }
            [b'\\', b'"' | b'\\', ..] => {
                owned.extend_from_slice(&text[start..at]);
                // The escaped byte begins the next literal run, and is not looked at again.
                start = at + 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::{format, vec};

    fn read(value: &str) -> Vec<String> {
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Parameters::of(value.as_bytes())
            .map(|item| {
                item.map_or("malformed".into(), |(name, value)| format!("{}={}", show(name), show(&value)))
            })
            .collect()
    }

    #[test]
    fn parameters_are_read_with_and_without_quotes() {
        for (value, expected) in [
            ("form-data", vec![]),
            ("form-data; name=a", vec!["name=a"]),
            ("form-data;name=\"a b\" ; filename = \"c;d\"", vec!["name=a b", "filename=c;d"]),
            (r#"x; a="\"q\"\\"; b="C:\dir\a.txt""#, vec![r#"a="q"\"#, r"b=C:\dir\a.txt"]),
            ("x; =\"field0\"", vec![]),
            ("x; flag; ;; a=; b=1;", vec!["a=", "b=1"]),
            ("x; a=b=c", vec!["a=b=c"]),
            ("x; a=\"b", vec!["malformed"]),
            (r#"x; a="b\"#, vec!["malformed"]),
            (r#"x; a="b\""#, vec!["malformed"]),
            ("x; a=\"b\"c; d=e", vec!["malformed", "d=e"]),
            (r#"x; a="\\""#, vec![r"a=\"]),
            ("x; a*=utf-8''b", vec!["a*=utf-8''b"]),
        ] {
            assert_eq!(read(value), expected, "{value}");
        }
    }
}
