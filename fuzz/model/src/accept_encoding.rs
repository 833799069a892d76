//! Accept-Encoding (RFC 9110 section 12.5.3).

use stelo_core::http::{AcceptEncoding, Headers};

use crate::source::Source;

/// Checks the weights of codings, and the choice between them, against a parser of text and decimal fractions.
///
/// The input: the order of the server's codings, then a field per line.
pub fn accept_encoding(input: &[u8]) {
    let mut source = Source::new(input);
    let codings = source.pick(&[["gzip", "br", "zstd"], ["zstd", "br", "gzip"], ["br", "identity", "gzip"]]);
    let mut headers = Headers::new();
    let mut members = Vec::new();
    for line in source.rest().split(|&byte| byte == b'\n') {
        let Ok(text) = std::str::from_utf8(line) else { return };
        let text = text.trim();
        if !text.is_ascii() || headers.try_append("accept-encoding", text).is_err() {
            return;
        }
        members.extend(text.split(',').filter_map(member));
    }
    let accepted = AcceptEncoding::of(&headers);
    let weight = |coding: &str| {
        let find = |name: &str| members.iter().find(|member| member.0 == name).map(|member| member.1);
        find(coding).or(find("*")).unwrap_or(if coding == "identity" { 0.001 } else { 0.0 })
    };
    let thousandths = |weight: f64| (weight * 1000.0).round() as u16;
    for coding in codings {
        assert_eq!(accepted.weight(coding), thousandths(weight(coding)), "{coding}: {headers:?}");
        assert_eq!(accepted.weight(&coding.to_uppercase()), accepted.weight(coding));
    }
    let best = codings.map(weight).into_iter().fold(0.0, f64::max);
    let is_identity = best == 0.0 || best < weight("identity");
    let expected = codings.iter().position(|coding| weight(coding) == best).filter(|_| !is_identity);
    assert_eq!(accepted.choose(&codings), expected, "{headers:?}");
}

/// Returns the name and the weight of a member.
fn member(text: &str) -> Option<(String, f64)> {
    let text = text.to_ascii_lowercase();
    let mut parts = text.split(';').map(|part| part.trim_matches([' ', '\t']));
    let name = parts.next().filter(|name| !name.is_empty())?;
    let name = if name == "x-gzip" { "gzip" } else { name };
    let Some(parameter) = parts.next() else {
        return Some((name.into(), 1.0));
    };
    let weight = parameter.strip_prefix("q=").filter(|_| parts.next().is_none())?;
    let is_number = weight.starts_with(['0', '1'])
        && weight.chars().all(|char| char.is_ascii_digit() || char == '.')
        && (weight.len() == 1 || weight.as_bytes()[1] == b'.')
        && weight.len() <= 5;
    let number = weight.parse::<f64>().ok().filter(|number| is_number && *number <= 1.0)?;
    Some((name.into(), number))
}
