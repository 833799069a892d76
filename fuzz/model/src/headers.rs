//! Header fields (RFC 9110 section 5).

use stelo_core::http::Headers;

use crate::peer::fields;
use crate::reference::{Fields, is_text, is_token, trim};
use crate::source::Source;

/// Checks `Headers` against a list of pairs: the same changes give the same fields. Names and values that could split
/// a message are rejected.
///
/// The input: changes, each with a digit for its kind, a name, and a value if the change has one.
pub fn headers(input: &[u8]) {
    let mut source = Source::new(input);
    let mut headers = Headers::new();
    let mut plain = Fields::new();
    for _ in 0..64 {
        if source.is_empty() {
            break;
        }
        let change = source.pick(&['a', 'i', 'r', 'c']);
        let name = if change == 'c' { &[] } else { source.bytes() };
        let value = if matches!(change, 'a' | 'i') { source.bytes() } else { &[] };
        let valid = is_token(name) && value.iter().all(|&b| is_text(b)) && trim(value) == value;
        let same = |field: &(Vec<u8>, Vec<u8>)| field.0.eq_ignore_ascii_case(name);
        match change {
            'a' => {
                assert_eq!(headers.try_append(name, value).is_ok(), valid);
                plain.extend(valid.then(|| (name.to_vec(), value.to_vec())));
            }
            'i' => {
                assert_eq!(headers.try_set(name, value).is_ok(), valid);
                match plain.iter().position(same) {
                    _ if !valid => {}
                    Some(first) => {
                        let rest = plain.split_off(first + 1);
                        plain[first].1 = value.to_vec();
                        plain.extend(rest.into_iter().filter(|field| !same(field)));
                    }
                    None => plain.push((name.to_vec(), value.to_vec())),
                }
            }
            'r' => {
                if let Ok(text) = std::str::from_utf8(name) {
                    let before = plain.len();
                    plain.retain(|field| !same(field));
                    assert_eq!(headers.remove(text), plain.len() < before);
                }
            }
            _ => {
                headers.clear();
                plain.clear();
            }
        }
        assert_eq!(fields(&headers), plain);
    }
}
