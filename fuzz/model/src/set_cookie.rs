//! The `set-cookie` field (RFC 6265 sections 4.1 and 5.2).

use std::time::{Duration, UNIX_EPOCH};

use stelo_core::http::{Headers, date, is_field_value};
use stelo_toolkit::request::Cookies;
use stelo_toolkit::response::{SameSite, SetCookie};

use crate::source::Source;

/// The latest time that the input can name: 9999-12-31.
const LATEST: u64 = 253_402_300_799;

/// Checks that a client reads the attributes that were set, and no others.
///
/// The input: for each attribute whether it is set (expiry, lifetime, scripts, partition, `SameSite`, `Secure`), eight
/// bytes of a time, then name, value, path and domain.
pub fn set_cookie(input: &[u8]) {
    let mut source = Source::new(input);
    let [expires, ages, hidden, partitioned] = [(); 4].map(|()| source.flag());
    let same_site = source.pick(&[None, Some(SameSite::Strict), Some(SameSite::Lax), Some(SameSite::None)]);
    let secure = source.flag();
    let seconds = (0..8).fold(0u64, |seconds, _| seconds << 8 | u64::from(source.byte())) % (LATEST + 1);
    let mut text = || String::from_utf8_lossy(source.bytes()).into_owned();
    let (name, value, path, domain) = (text(), text(), text(), text());

    let mut cookie = SetCookie::new(name.clone(), value.clone())
        .path(path.clone())
        .domain(domain.clone())
        .same_site(same_site);
    let mut expected: Vec<(&str, Option<String>)> = Vec::new();
    if !domain.is_empty() {
        expected.push(("domain", Some(domain.trim().to_owned())));
    }
    if expires {
        cookie = cookie.expires(UNIX_EPOCH + Duration::from_secs(seconds));
        expected.push(("expires", Some(seconds.to_string())));
    }
    if hidden {
        cookie = cookie.http_only();
        expected.push(("httponly", None));
    }
    if ages {
        cookie = cookie.max_age(Duration::from_secs(seconds));
        expected.push(("max-age", Some(seconds.to_string())));
    }
    if partitioned {
        cookie = cookie.partitioned();
        expected.push(("partitioned", None));
    }
    if !path.is_empty() {
        expected.push(("path", Some(path.trim().to_owned())));
    }
    let same_site = same_site.map(|same_site| format!("{same_site:?}").to_lowercase());
    expected.extend(same_site.map(|same_site| ("samesite", Some(same_site))));
    if secure {
        cookie = cookie.secure();
        expected.push(("secure", None));
    }

    let Ok(field) = cookie.to_field() else { return };
    assert!(is_field_value(field.as_bytes()), "{field:?}");
    assert!(prefix_holds(&name, secure, &domain, &path), "{field:?}");
    let (pair, attributes) = read(&field);
    let attributes: Vec<_> = attributes.iter().map(|(name, value)| (&**name, value.clone())).collect();
    assert_eq!(attributes, expected, "{field:?}");
    let mut headers = Headers::new();
    headers.try_append("cookie", pair).expect("a part of a field value");
    assert_eq!(Cookies::parse(&headers).get(&name), Some(&*value), "{field:?}");
}

/// Reads a field as section 5.2 does: the pair, and the attributes in small letters. A date is in seconds since 1970.
fn read(field: &str) -> (&str, Vec<(String, Option<String>)>) {
    let mut pieces = field.split(';');
    let pair = pieces.next().unwrap_or_default();
    let attribute = |piece: &str| {
        let (name, value) = piece.split_once('=').map_or((piece, None), |(name, value)| (name, Some(value)));
        let name = name.trim().to_ascii_lowercase();
        let value = value.map(|value| match &*name {
            "expires" => date::parse(value.as_bytes()).expect("a date").to_string(),
            _ => value.trim().to_owned(),
        });
        (name, value)
    };
    (pair, pieces.map(attribute).collect())
}

/// Whether a browser accepts the cookie despite the prefix of its name.
fn prefix_holds(name: &str, secure: bool, domain: &str, path: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match (name.starts_with("__host-"), name.starts_with("__secure-")) {
        (true, _) => secure && domain.is_empty() && path == "/",
        (_, true) => secure,
        _ => true,
    }
}
