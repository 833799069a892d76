//! Query strings (WHATWG URL, "application/x-www-form-urlencoded parsing").

use stelo_toolkit::request::QueryParams;

/// Checks that a query parses as the reference does, and that formatting and parsing it gives the same parameters.
///
/// The input: the query.
pub fn query(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let query = QueryParams::parse(text);
    let plain: Vec<_> = input.split(|&b| b == b'&').filter(|pair| !pair.is_empty()).map(pair).collect();
    assert!(
        query.iter().eq(plain.iter().map(|(name, value)| (&**name, &**value))),
        "{query:?} differs from {plain:?}"
    );
    assert_eq!(QueryParams::parse(&query.to_string()), query);
    for (name, _) in &plain {
        let all: Vec<_> =
            plain.iter().filter(|(other, _)| other == name).map(|(_, value)| &**value).collect();
        assert_eq!(query.get(name), all.last().copied());
        assert!(query.get_all(name).eq(all));
    }
}

fn pair(pair: &[u8]) -> (String, String) {
    let equals = pair.iter().position(|&b| b == b'=');
    let (name, value) = equals.map_or((pair, &[][..]), |at| (&pair[..at], &pair[at + 1..]));
    (decode(name), decode(value))
}

fn decode(text: &[u8]) -> String {
    let spaces: Vec<u8> = text.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    String::from_utf8_lossy(&percent_decode(&spaces)).into_owned()
}

/// Decodes each `%` with two hexadecimal digits (RFC 3986 section 2.1), and keeps any other `%`.
pub(crate) fn percent_decode(mut text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let digit = |b: u8| char::from(b).to_digit(16);
    while let [first, rest @ ..] = text {
        let escaped = match *text {
            [b'%', high, low, ..] => digit(high).zip(digit(low)),
            _ => None,
        };
        (text, _) = match escaped {
            Some((high, low)) => (&rest[2..], bytes.push((high * 16 + low) as u8)),
            None => (rest, bytes.push(*first)),
        };
    }
    bytes
}
