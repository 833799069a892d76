//! The keys of responses: scheme, authority and target, then the fields of the request that the response varies by.

use stelo_core::http::Headers;

use crate::middleware::reply::sorted;
use crate::request::Request;

/// Returns the key of a target: `https://example.org/path?query`. The path and the query are as received.
pub(super) fn of_target(request: &Request) -> String {
    let head = request.head();
    let host = head.authority().or_else(|| head.headers().get_str("host")).unwrap_or_default();
    let mut key = format!("{}://{}{}", request.scheme(), host.to_ascii_lowercase(), head.path());
    if let Some(query) = head.query() {
        key.push('?');
        key.push_str(query);
    }
    key
}

/// Returns the names in `vary`, in lower case and in order.
pub(super) fn varying(headers: &Headers) -> Vec<String> {
    let names = headers.get_all("vary").flat_map(|field| field.split(|&byte| byte == b','));
    let names = names
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
        .filter(|name| !name.is_empty());
    sorted(names)
}

/// Returns the values of header fields, as they are in keys. Quotes and escapes keep fields and lines apart.
pub(super) fn values(names: &[String], headers: &Headers) -> Vec<String> {
    let text = |value: &[u8]| format!("\"{}\"", value.escape_ascii());
    names.iter().map(|name| headers.get_all(name).map(text).collect::<Vec<_>>().join(",")).collect()
}

/// Returns the key of the response to requests with these header fields.
pub(super) fn of_variant(target: &str, names: &[String], generation: &str, headers: &Headers) -> String {
    with_values(target, names, generation, &values(names, headers))
}

/// Returns the key of the response to requests with these values.
pub(super) fn with_values(target: &str, names: &[String], generation: &str, values: &[String]) -> String {
    // No target has a space, so the keys of variants differ from those of targets.
    let mut key = format!("{target} {generation}");
    for (name, value) in names.iter().zip(values) {
        key.push_str(&format!(" {name}={value}"));
    }
    key
}
