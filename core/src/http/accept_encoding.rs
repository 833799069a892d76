//! Content negotiation for codings: which of the server's codings a client prefers (RFC 9110 section 12.5.3).

use super::{Headers, list};

/// The content codings that a client accepts, with their weights.
///
/// It reads all `accept-encoding` fields of a request, without an allocation. Names match without regard to case, and
/// `x-gzip` means `gzip`. A member with an invalid weight or another parameter is ignored. Of repeated names the first counts.
///
/// ```
/// use stelo_core::http::{AcceptEncoding, Headers};
///
/// let mut headers = Headers::new();
/// headers.append("accept-encoding", "gzip;q=0.8, br, *;q=0");
/// let accepted = AcceptEncoding::of(&headers);
/// assert_eq!(accepted.weight("gzip"), 800);
/// assert_eq!(accepted.choose(&["zstd", "gzip", "br"]), Some(2));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AcceptEncoding<'a>(&'a Headers);

impl<'a> AcceptEncoding<'a> {
    /// Reads the header fields of a request.
    pub fn of(headers: &'a Headers) -> Self {
        Self(headers)
    }

    /// Returns the weight of a coding in thousandths: 0 if the client does not accept it, 1000 for the highest.
    ///
    /// `*` is the weight of the codings that are not named. Without both, `identity` has the least weight, 1: it is
    /// always acceptable, but each named coding is better.
    pub fn weight(&self, coding: &str) -> u16 {
        let (mut named, mut others) = (None, None);
        for (name, weight) in self.members() {
            if is(name, coding) {
                named = named.or(Some(weight));
            } else if name == b"*" {
                others = others.or(Some(weight));
            }
        }
        let unnamed = if coding.eq_ignore_ascii_case("identity") { 1 } else { 0 };
        named.or(others).unwrap_or(unnamed)
    }

    /// Returns the index of the coding with the highest weight; of several, the first. `None` means `identity`: the client
    /// accepts none of the codings, or prefers `identity` to them.
    pub fn choose(&self, codings: &[&str]) -> Option<usize> {
        if !self.0.contains("accept-encoding") {
            return None;
        }
        let mut best = None;
        let mut least = self.weight("identity").max(1);
        for (index, coding) in codings.iter().enumerate() {
            let weight = self.weight(coding);
            if weight > least || (weight == least && best.is_none()) {
                (best, least) = (Some(index), weight);
            }
        }
        best
    }

    fn members(&self) -> impl Iterator<Item = (&'a [u8], u16)> {
        self.0.get_all("accept-encoding").flat_map(list).filter_map(member)
    }
}

/// Whether a name in the field means a coding.
fn is(name: &[u8], coding: &str) -> bool {
    let alias = coding.eq_ignore_ascii_case("gzip") && name.eq_ignore_ascii_case(b"x-gzip");
    alias || name.eq_ignore_ascii_case(coding.as_bytes())
}

/// Returns the name and the weight of a member of the list. `None` if it is empty or invalid.
fn member(text: &[u8]) -> Option<(&[u8], u16)> {
    let mut parts = text.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let name = parts.next().filter(|name| !name.is_empty())?;
    match (parts.next(), parts.next()) {
        (None, _) => Some((name, 1000)),
        (Some([b'q' | b'Q', b'=', number @ ..]), None) => Some((name, weight(number)?)),
        _ => None,
    }
}

/// Parses `0`, `1` and up to three decimal places (RFC 9110 section 12.4.2), as thousandths.
fn weight(text: &[u8]) -> Option<u16> {
    let (whole, places) = match text {
        [whole @ (b'0' | b'1')] => (whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', places @ ..] if places.len() <= 3 => (whole, places),
        _ => return None,
    };
    let mut thousandths = u16::from(whole - b'0');
    for place in 0..3 {
        let digit = *places.get(place).unwrap_or(&b'0');
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths = thousandths * 10 + u16::from(digit - b'0');
    }
    (thousandths <= 1000).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(field: &str) -> Option<&'static str> {
        const OURS: [&str; 3] = ["zstd", "br", "gzip"];
        let mut headers = Headers::new();
        headers.try_append("accept-encoding", field).unwrap();
        AcceptEncoding::of(&headers).choose(&OURS).map(|index| OURS[index])
    }

    #[test]
    fn the_highest_weight_wins_and_the_server_decides_between_equals() {
        for (field, coding) in [
            ("gzip", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("gzip, deflate, br, zstd", Some("zstd")),
            ("gzip, br", Some("br")),
            ("gzip;q=1.0, br;q=0.999", Some("gzip")),
            ("gzip ; q=0.5 ,\tbr;Q=0.6", Some("br")),
            ("*", Some("zstd")),
            ("*;q=0.1, br;q=0", Some("zstd")),
            ("gzip;q=0.001", Some("gzip")),
            ("br;level=4", None),
            ("br;q=0.x", None),
            ("br;level=4;q=0.5", None),
            ("br;q=0.5;q=0.6", None),
            ("identity, gzip", Some("gzip")),
            ("identity;q=0.5, gzip;q=0.5", Some("gzip")),
            ("*;q=0, gzip", Some("gzip")),
            ("identity;q=0, deflate", None),
            ("identity, gzip;q=0.5", None),
            ("gzip;q=0", None),
            ("gzip;q=0.000", None),
            ("gzip;q=0, gzip", None),
            ("*;q=0", None),
            ("deflate", None),
            ("", None),
            (", ;q=1,", None),
            ("gzip;q=2", None),
            ("gzip;q=1.001", None),
            ("gzip;q=0.1234", None),
            ("gzip;q=-1", None),
            ("gzip;q=", None),
            ("notgzip, gzipped", None),
        ] {
            assert_eq!(choose(field), coding, "{field}");
        }
    }

    #[test]
    fn several_fields_are_one_list_and_no_field_is_identity() {
        let mut headers = Headers::new();
        assert_eq!(AcceptEncoding::of(&headers).choose(&["gzip"]), None);
        headers.append("accept-encoding", "br;q=0.5");
        headers.append("accept-encoding", "gzip");
        assert_eq!(AcceptEncoding::of(&headers).choose(&["br", "gzip"]), Some(1));
    }

    #[test]
    fn identity_is_acceptable_unless_it_is_refused() {
        for (field, weight) in [
            ("gzip", 1),
            ("gzip;q=0", 1),
            ("identity;q=0.3", 300),
            ("*;q=0.7", 700),
            ("*;q=0", 0),
            ("identity;q=0", 0),
            ("identity, *;q=0", 1000),
        ] {
            let mut headers = Headers::new();
            headers.try_append("accept-encoding", field).unwrap();
            assert_eq!(AcceptEncoding::of(&headers).weight("identity"), weight, "{field}");
        }
    }
}
