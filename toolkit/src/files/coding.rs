//! Content codings of files that were compressed beforehand, and which of them a client accepts (RFC 9110 section
//! 12.5.3).

use stelo_core::http::{AcceptEncoding, Headers};

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

/// Returns the codings that the client prefers to the plain file, the best first.
pub(super) fn accepted(headers: &Headers) -> Vec<Coding> {
    let accepted = AcceptEncoding::of(headers);
    let least = accepted.weight("identity").max(1);
    let weighed = Coding::ALL.into_iter().map(|coding| (accepted.weight(coding.name()), coding));
    let mut best = Vec::new();
    for (weight, coding) in weighed.filter(|&(weight, _)| weight >= least) {
        // Stable, so that the server's order decides between codings of the same weight.
        let place = best.partition_point(|&(other, _)| other >= weight);
        best.insert(place, (weight, coding));
    }
    best.into_iter().map(|(_, coding)| coding).collect()
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
        ] {
            assert_eq!(of(value), expected, "{value}");
        }
        assert_eq!(accepted(&Headers::new()), []);
    }
}
