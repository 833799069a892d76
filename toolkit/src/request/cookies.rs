//! The cookies of a request (RFC 6265 section 4.2), read as browsers and Python's `http.cookies` write them: with quoted
//! values and octal escapes. `SetCookie` in `response` writes those of a response.

use std::borrow::Cow;

use stelo_core::http::Headers;

/// The cookies of a request. Of several with one name the last is taken.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Takes the `cookie` fields apart.
    pub fn parse(headers: &Headers) -> Self {
        let mut cookies = Self::default();
        headers.get_all("cookie").for_each(|field| cookies.add(&text_of(field)));
        cookies
    }

    fn add(&mut self, field: &str) {
        for piece in field.split(';') {
            let (name, value) = piece.split_once('=').unwrap_or(("", piece));
            let (name, value) = (name.trim(), value.trim());
            if name.is_empty() && value.is_empty() {
                continue;
            }
            let value = unquote(value).into_owned();
            match self.0.iter_mut().find(|(other, _)| other == name) {
                Some((_, slot)) => *slot = value,
                None => self.0.push((name.to_owned(), value)),
            }
        }
    }

    /// The value of the cookie of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// All names and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// UTF-8, or, failing that, Latin-1.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&b| char::from(b)).collect()),
    }
}

/// Takes the quotes off a quoted value: `\` and three octal digits are a byte, `\` and anything else is that.
fn unquote(value: &str) -> Cow<'_, str> {
    let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return Cow::Borrowed(value);
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match (first, tail) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), tail)
            }
            (b'\\', [escaped, tail @ ..]) => (*escaped, tail),
            _ => (*first, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    Cow::Owned(text_of(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::SetCookie;

    fn parsed(field: &str) -> Vec<(String, String)> {
        let mut cookies = Cookies::default();
        cookies.add(field);
        cookies.0
    }

    #[test]
    fn cookies_are_read_as_browsers_send_them() {
        let cases: [(&str, &[(&str, &str)]); 9] = [
            (
                r#"keebler="E=mc2; L=\"Loves\"; fudge=\012;""#,
                &[("keebler", "\"E=mc2"), ("L", r#"\"Loves\""#), ("fudge", r"\012"), ("", "\"")],
            ),
            ("a=b; h=i; a=c", &[("a", "c"), ("h", "i")]),
            ("key:term=value:term", &[("key:term", "value:term")]),
            ("a b c=d e = f", &[("a b c", "d e = f")]),
            ("a=b; \"; c=d", &[("a", "b"), ("", "\""), ("c", "d")]),
            ("  =  b  ;  ;  =  ;   c  =  ;  ", &[("", "b"), ("c", "")]),
            (r#"a="b\054c""#, &[("a", "b,c")]),
            ("a=\"; b=%20", &[("a", "\""), ("b", "%20")]),
            ("saint=André Bessette; x={\"a\":1}", &[("saint", "André Bessette"), ("x", "{\"a\":1}")]),
        ];
        for (field, expected) in cases {
            let found = parsed(field);
            let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(found, expected, "{field}");
        }
    }

    #[test]
    fn a_cookie_that_was_set_comes_back() {
        for value in ["b c", "x/y=z", "q\"x\\,;", "\n", "", "é", "日本"] {
            let field = SetCookie::new("name", value).to_field().unwrap();
            let (pair, _) = field.split_once("; Path").unwrap();
            assert_eq!(parsed(pair), [("name".to_owned(), value.to_owned())]);
        }
        assert_eq!(unquote(r#""\351""#), "é", "Latin-1, as Python writes it");
    }
}
