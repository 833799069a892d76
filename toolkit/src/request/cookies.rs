//! The cookies of a request (RFC 6265 section 4.2), read as browsers and Python's `http.cookies` write them: with quoted
//! values and octal escapes. `SetCookie` in `response` writes those of a response.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;

use stelo_core::http::Headers;

/// The number of names that are compared with each other. Below it a map costs more than it saves.
const FEW: usize = 16;

/// The cookies of a request. Of several with one name the last is taken.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Parses the `cookie` fields, in time linear in their size.
    pub fn parse(headers: &Headers) -> Self {
        let fields: Vec<_> = headers.get_all("cookie").map(text_of).collect();
        let cookies = last_of_each(fields.iter().flat_map(|field| pairs(field)));
        Self(cookies.into_iter().map(|(name, value)| (name.into(), unquote(value).into_owned())).collect())
    }

    /// Returns the value of the cookie of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Returns all names and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Returns the names and values of a field. A piece without `=` is a value without a name.
fn pairs(field: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = field.split(';').map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or(("", piece));
        (name.trim(), value.trim())
    });
    pairs.filter(|(name, value)| !name.is_empty() || !value.is_empty())
}

/// Keeps the last value of each name, in the order of the first ones.
fn last_of_each<N: Eq + Hash + Copy, V>(pairs: impl Iterator<Item = (N, V)>) -> Vec<(N, V)> {
    let mut unique: Vec<(N, V)> = Vec::new();
    // The position of each name, once there are more than a few.
    let mut positions: HashMap<N, usize> = HashMap::new();
    for (name, value) in pairs {
        if unique.len() == FEW && positions.is_empty() {
            positions.extend(unique.iter().enumerate().map(|(position, (name, _))| (*name, position)));
        }
        let position = match positions.is_empty() {
            true => unique.iter().position(|(other, _)| *other == name),
            false => positions.get(&name).copied(),
        };
        match position {
            Some(position) => unique[position].1 = value,
            None => {
                if !positions.is_empty() {
                    positions.insert(name, unique.len());
                }
                unique.push((name, value));
            }
        }
    }
    unique
}

/// Decodes UTF-8, or Latin-1 if the bytes are not UTF-8.
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
    use std::cell::Cell;
    use std::hash::Hasher;

    use super::*;
    use crate::response::SetCookie;

    fn parsed(field: &str) -> Vec<(String, String)> {
        let mut headers = Headers::new();
        headers.try_append("cookie", field.trim()).unwrap();
        Cookies::parse(&headers).0
    }

    thread_local! {
        static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    /// A name that counts how often it is compared.
    #[derive(Clone, Copy)]
    struct Counted(usize);

    impl Hash for Counted {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            COMPARED.set(COMPARED.get() + 1);
            self.0 == other.0
        }
    }

    impl Eq for Counted {}

    #[test]
    fn the_number_of_comparisons_is_linear_in_the_number_of_cookies() {
        for count in [100, 1_000, 10_000] {
            for names in [count, count / 2] {
                COMPARED.set(0);
                let unique = last_of_each((0..count).map(|i| (Counted(i % names), i)));
                assert_eq!(unique.len(), names);
                assert!(unique.iter().all(|(name, last)| *last == count - names + name.0), "{count} {names}");
                // The map compares a name with few others than itself.
                assert!(COMPARED.get() < 2 * count + FEW * FEW, "{count}: {}", COMPARED.get());
            }
        }
    }

    #[test]
    fn the_last_of_many_cookies_with_one_name_is_taken() {
        let field: String = (0..40).map(|i| format!("n{}={i};", i % 20)).collect();
        let expected: Vec<_> = (0..20).map(|i| (format!("n{i}"), (20 + i).to_string())).collect();
        assert_eq!(parsed(&field), expected);
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
