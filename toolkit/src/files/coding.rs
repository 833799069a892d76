//! Content codings of files that were compressed beforehand, and which of them a client accepts (RFC 9110 section
//! 12.5.3).

use stelo_core::http::Headers;

/// A content coding, in the order of preference: a client that accepts several equally gets the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Coding {
    Brotli,
    Zstandard,
    Gzip,
}

impl Coding {
    const ALL: [Self; 3] = [Self::Brotli, Self::Zstandard, Self::Gzip];

    /// The name in header fields.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstandard => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The extension of the sibling.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Zstandard => ".zst",
            Self::Gzip => ".gz",
        }
    }
}

/// Weights of the codings in thousandths. `None` for a coding that the field does not name.
#[derive(Default)]
struct Weights {
    codings: [Option<u16>; 3],
    identity: Option<u16>,
    any: Option<u16>,
}

/// Returns the codings that the client prefers to the plain file, the best first.
pub(super) fn accepted(headers: &Headers) -> Vec<Coding> {
    let mut weights = Weights::default();
    for value in headers.get_all("accept-encoding") {
        for member in String::from_utf8_lossy(value).split(',') {
            weights.read(member);
        }
    }
    let Weights { codings, identity, any } = weights;
    let weight = |coding: Coding| codings[coding as usize].or(any).unwrap_or(0);
    // Without a weight of its own, the plain file is the last resort.
    let identity = identity.unwrap_or(1);
    let mut accepted: Vec<_> =
        Coding::ALL.into_iter().filter(|&coding| weight(coding) >= identity.max(1)).collect();
    accepted.sort_by_key(|&coding| std::cmp::Reverse(weight(coding)));
    accepted
}

impl Weights {
    /// Reads a member, such as `gzip;q=0.5`. Ignores an invalid one.
    fn read(&mut self, member: &str) {
        let (name, parameters) = member.split_once(';').unwrap_or((member, ""));
        let Some(weight) = weight(parameters.trim()) else { return };
        let slot = match name.trim().to_ascii_lowercase().as_str() {
            "br" => &mut self.codings[Coding::Brotli as usize],
            "zstd" => &mut self.codings[Coding::Zstandard as usize],
            "gzip" | "x-gzip" => &mut self.codings[Coding::Gzip as usize],
            "identity" => &mut self.identity,
            "*" => &mut self.any,
            _ => return,
        };
        *slot = Some(weight);
    }
}

/// Reads the weight of a member in thousandths (RFC 9110 section 12.4.2); 1 if there is none. `None` if it is invalid.
fn weight(parameters: &str) -> Option<u16> {
    if parameters.is_empty() {
        return Some(1000);
    }
    let (name, number) = parameters.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, fraction) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{fraction:0<3}").parse::<u16>().ok().filter(|_| digits)?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Coding::{Brotli, Gzip, Zstandard};
    use super::*;

    fn of(value: &str) -> Vec<Coding> {
        let mut headers = Headers::new();
        headers.try_append("accept-encoding", value).expect("a field value");
        accepted(&headers)
    }

    #[test]
    fn the_client_weighs_and_then_the_server() {
        for (value, expected) in [
            ("", vec![]),
            ("identity", vec![]),
            ("gzip", vec![Gzip]),
            ("X-GZIP", vec![Gzip]),
            ("gzip, deflate, br, zstd", vec![Brotli, Zstandard, Gzip]),
            ("gzip, br;q=0.5", vec![Gzip, Brotli]),
            ("gzip;q=0.001 , br ; q=0.002", vec![Brotli, Gzip]),
            ("*", vec![Brotli, Zstandard, Gzip]),
            ("*, br;q=0", vec![Zstandard, Gzip]),
            ("*;q=0, gzip", vec![Gzip]),
            ("gzip;q=0", vec![]),
            ("gzip;q=0.5, identity", vec![]),
            ("gzip;q=0.5, br, identity;q=0.7", vec![Brotli]),
            ("gzip;q=2, br;q=x, zstd;level=1", vec![]),
            ("gzip;q=1.000", vec![Gzip]),
            ("gzip;q=1.001", vec![]),
            ("gzip;q=0.0001", vec![]),
        ] {
            assert_eq!(of(value), expected, "{value}");
        }
        assert_eq!(accepted(&Headers::new()), []);
    }
}
