//! Cookies (RFC 6265, as browsers and Python's `http.cookies` implement it).

use stelo_core::http::{Headers, is_field_value};
use stelo_toolkit::request::Cookies;
use stelo_toolkit::response::SetCookie;

use crate::source::Source;

/// Checks that a cookie survives the round trip through a client, alone in its field. In any `cookie` field, each name
/// is found once.
///
/// The input: name and value of a cookie to set, its path and domain, then the `cookie` field of a request.
pub fn cookies(input: &[u8]) {
    let mut source = Source::new(input);
    let mut text = || String::from_utf8_lossy(source.bytes()).into_owned();
    set(text(), &text(), text(), text());
    receive(source.rest());
}

fn set(name: String, value: &str, path: String, domain: String) {
    let cookie = SetCookie::new(name.clone(), value.to_owned()).path(path).domain(domain);
    let Ok(field) = cookie.to_field() else { return };
    assert!(is_field_value(field.as_bytes()), "{field:?}");
    // The client stores the part before the first semicolon.
    let kept = field.split(';').next().unwrap_or_default();
    assert_eq!(received(kept.as_bytes()).get(&name), Some(value), "{field:?}");
    let attributes = field.split("; ").skip(1).map(|text| text.split('=').next().unwrap_or_default());
    let known = ["Domain", "Path", "SameSite"];
    assert!(attributes.clone().all(|attribute| known.contains(&attribute)), "{field:?}");
    assert!(attributes.is_sorted(), "{field:?}: attributes are in order");
}

fn receive(field: &[u8]) {
    if !is_field_value(field) {
        return;
    }
    let cookies = received(field);
    for (name, value) in cookies.iter() {
        assert_eq!(cookies.get(name), Some(value), "iteration and lookup agree");
        assert!(!name.contains([';', '=']), "{name:?}");
    }
    // Without quotes, values are compared without unescaping.
    let Ok(text) = std::str::from_utf8(field) else { return };
    if text.contains('"') {
        return;
    }
    for (name, value) in cookies.iter() {
        let pairs = text.split(';').map(|pair| pair.split_once('=').unwrap_or(("", pair)));
        let mut pairs = pairs.map(|(name, value)| (name.trim(), value.trim()));
        let last = pairs.rfind(|pair| pair.0 == name && *pair != ("", ""));
        assert_eq!(last, Some((name, value)), "{text:?}");
    }
}

fn received(field: &[u8]) -> Cookies {
    let mut headers = Headers::new();
    headers.try_append("cookie", field).expect("a field value");
    Cookies::parse(&headers)
}
