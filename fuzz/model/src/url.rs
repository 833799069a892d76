//! URLs (RFC 3986), and those derived from them.

use stelo_toolkit::request::{QueryParams, Url};

use crate::source::Source;

/// Checks that a URL is unchanged after formatting and parsing, also with another part. The other parts are the same
/// then, and query parameters are included and removed as from a list of pairs.
///
/// The input: which part is replaced, its new text, two names of query parameters, then the URL.
pub fn url(input: &[u8]) {
    let mut source = Source::new(input);
    let part = source.pick(&["path", "query", "fragment", "host", "port", "username", "password", "scheme"]);
    let mut text = || String::from_utf8_lossy(source.bytes()).into_owned();
    let (new, first, second) = (text(), text(), text());
    let Ok(Ok(url)) = std::str::from_utf8(source.rest()).map(str::parse::<Url>) else { return };
    round_trip(&url);
    parameters(&url, &first, &second);
    replace(&url, part, &new);
}

fn round_trip(url: &Url) {
    let text = url.to_string();
    let again: Url = text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(again.to_string(), text);
    let dotted =
        again.path().strip_prefix("/.").is_some_and(|rest| rest.starts_with("//") && rest == url.path());
    // Without an authority, a dot keeps two slashes from beginning one.
    let skip = usize::from(dotted);
    assert_eq!(parts(&again)[skip..], parts(url)[skip..], "{text:?}");
    // Other passwords may be part of `Url(..)` or of another word.
    let is_only = |password: &&str| {
        password.len() > 3
            && password.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && text.matches(password).count() == 1
    };
    if let Some(password) = url.password().filter(is_only) {
        assert!(!format!("{url:?}").contains(password), "{url:?}");
    }
}

fn parts(url: &Url) -> [Option<String>; 8] {
    let owned = |text: &str| Some(text.to_owned());
    [
        owned(url.path()),
        url.query().and_then(owned),
        url.fragment().and_then(owned),
        owned(url.host()),
        url.port().map(|port| port.to_string()),
        url.username().and_then(owned),
        url.password().and_then(owned),
        owned(url.scheme()),
    ]
}

fn pairs(url: &Url) -> Vec<(String, String)> {
    let query = QueryParams::parse(url.query().unwrap_or_default());
    query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn parameters(url: &Url, first: &str, second: &str) {
    let added = [(first.to_owned(), second.to_owned()), (second.to_owned(), String::new())];
    let without = |names: &[&str]| {
        let kept = pairs(url).into_iter().filter(|(name, _)| !names.contains(&name.as_str()));
        kept.collect::<Vec<_>>()
    };
    let included = url.include_query_params(added.clone());
    assert_eq!(pairs(&included), [without(&[first, second]), added.to_vec()].concat(), "{url:?}");
    let replaced = url.replace_query_params(added.clone());
    assert_eq!(pairs(&replaced), added, "{url:?}");
    let removed = url.remove_query_params(&[first]);
    assert_eq!(pairs(&removed), without(&[first]), "{url:?}");
    for other in [included, replaced, removed] {
        round_trip(&other);
        same_but(url, &other, "query");
    }
}

fn replace(url: &Url, part: &str, new: &str) {
    let own = url.clone();
    let port = new.len() as u16;
    let other = match part {
        "path" => own.with_path(new),
        "query" => own.with_query(new),
        "fragment" => own.with_fragment(new),
        "host" => own.with_host(new),
        "port" => own.with_port(port),
        "username" => own.with_username(new),
        "password" => own.with_password(new),
        _ => own.with_scheme("https"),
    };
    round_trip(&other);
    same_but(url, &other, part);
    match part {
        "port" => assert_eq!(other.port(), Some(port)),
        "scheme" => assert!(other.is_secure()),
        // A space or a delimiter is encoded, and the rest is as it was.
        "username" if is_plain(new) => assert_eq!(other.username(), Some(new)),
        "password" if is_plain(new) => assert_eq!(other.password(), Some(new)),
        "host" if is_plain(new) => assert_eq!(other.host(), new),
        "query" if is_plain(new) => assert_eq!(other.query(), Some(new)),
        "fragment" if is_plain(new) => assert_eq!(other.fragment(), Some(new)),
        "path" if is_plain(new) => assert_eq!(other.path(), format!("/{new}")),
        _ => {}
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte))
}

/// Checks that no part has changed but this one. A new authority makes a path absolute.
fn same_but(url: &Url, other: &Url, part: &str) {
    const NAMES: [&str; 8] = ["path", "query", "fragment", "host", "port", "username", "password", "scheme"];
    let is_of_authority = ["host", "port", "username", "password"].contains(&part);
    for (name, (before, after)) in NAMES.into_iter().zip(parts(url).into_iter().zip(parts(other))) {
        let absolute = before.as_ref().map(|before| format!("/{before}"));
        // A password without a user makes the user empty.
        let is_user = part == "password" && name == "username" && before.is_none();
        let is_path = name == "path" && is_of_authority && after == absolute;
        assert!(before == after || name == part || is_user || is_path, "{name}: {url:?} became {other:?}");
    }
}
