//! The names of cipher suites: OpenSSL's strings, such as `ECDHE+AESGCM:!aNULL`, and IANA's names.

use std::fmt;
use std::str::FromStr;

use super::ConfigError;

/// A suite: IANA's name, OpenSSL's name, and the keywords that select it.
struct Suite {
    iana: &'static str,
    openssl: &'static str,
    keywords: &'static [&'static str],
}

const fn tls13(name: &'static str) -> Suite {
    Suite { iana: name, openssl: name, keywords: &[] }
}

const fn tls12(iana: &'static str, openssl: &'static str, keywords: &'static [&'static str]) -> Suite {
    Suite { iana, openssl, keywords }
}

/// The suites that exist here, in OpenSSL's order. A string leaves TLS 1.3 alone unless it names a suite of it.
const SUITES: [Suite; 9] = [
    tls13("TLS_AES_256_GCM_SHA384"),
    tls13("TLS_CHACHA20_POLY1305_SHA256"),
    tls13("TLS_AES_128_GCM_SHA256"),
    tls12(
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        &["aECDSA", "ECDSA", "AESGCM", "AES", "AES256"],
    ),
    tls12(
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        &["aRSA", "AESGCM", "AES", "AES256"],
    ),
    tls12(
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        &["aECDSA", "ECDSA", "CHACHA20"],
    ),
    tls12(
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
        &["aRSA", "CHACHA20"],
    ),
    tls12(
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        &["aECDSA", "ECDSA", "AESGCM", "AES", "AES128"],
    ),
    tls12(
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        &["aRSA", "AESGCM", "AES", "AES128"],
    ),
];

/// The keywords of all suites of TLS 1.2 that exist here. `TLSv1` was the default of Uvicorn.
const ALL: &[&str] = &["DEFAULT", "ALL", "HIGH", "ECDHE", "EECDH", "kECDHE", "kEECDH", "TLSv1", "TLSv1.2"];

/// The keywords of suites that do not exist here. They can only be removed.
const NONE: &[&str] = &[
    "aNULL", "eNULL", "NULL", "ADH", "AECDH", "aDH", "aDSS", "aPSK", "DSS", "DH", "DHE", "EDH", "kDHE",
    "kEDH", "kRSA", "RSA", "PSK", "kPSK", "SRP", "3DES", "DES", "RC2", "RC4", "IDEA", "SEED", "CAMELLIA",
    "ARIA", "MD5", "SHA", "SHA1", "LOW", "MEDIUM", "EXP", "EXPORT", "SSLv2", "SSLv3",
];

/// Cipher suites, in the order in which the server prefers them. Written as in OpenSSL: names and keywords with colons,
/// `+` for suites that have both keywords, `!` and `-` to remove.
///
/// ```
/// use stelo_server::config::Ciphers;
///
/// let ciphers: Ciphers = "ECDHE+AESGCM:!aNULL".parse()?;
/// assert_eq!(ciphers.names().filter(|name| name.contains("GCM")).count(), 6);
/// assert!("AES256-SHA".parse::<Ciphers>().is_err());
/// # Ok::<(), stelo_server::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ciphers {
    text: String,
    /// Indexes of [`SUITES`].
    chosen: Vec<usize>,
}

impl Ciphers {
    /// Returns IANA's names of the suites, the preferred one first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.chosen.iter().map(|at| SUITES[*at].iana)
    }
}

/// Returns OpenSSL's names of all suites.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    SUITES.iter().map(|suite| suite.openssl)
}

/// Returns the suites that a name or a keyword selects. `None` if it has no meaning.
fn selected(word: &str) -> Option<Vec<usize>> {
    let is_named = |suite: &Suite| word == suite.openssl || word == suite.iana;
    if let Some(at) = SUITES.iter().position(is_named) {
        return Some(vec![at]);
    }
    if ALL.contains(&word) {
        return Some((0..SUITES.len()).filter(|at| !SUITES[*at].keywords.is_empty()).collect());
    }
    let selected: Vec<_> = (0..SUITES.len()).filter(|at| SUITES[*at].keywords.contains(&word)).collect();
    (!selected.is_empty() || NONE.contains(&word)).then_some(selected)
}

impl FromStr for Ciphers {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let mut chosen: Vec<usize> = Vec::new();
        let mut banned: Vec<usize> = Vec::new();
        for item in text.split([':', ',', ' ']).filter(|item| !item.is_empty()) {
            let unknown = || ConfigError::Cipher(item.into());
            let (operator, words) = match item.split_at_checked(1) {
                Some((operator @ ("!" | "-" | "+"), words)) => (operator, words),
                _ => ("", item),
            };
            let mut suites = selected(words.split('+').next().unwrap_or_default()).ok_or_else(unknown)?;
            for word in words.split('+').skip(1) {
                let others = selected(word).ok_or_else(unknown)?;
                suites.retain(|at| others.contains(at));
            }
            match operator {
                // Moves the suites that are there to the end.
                "+" => {
                    suites.retain(|at| chosen.contains(at));
                    chosen.retain(|at| !suites.contains(at));
                    chosen.extend(suites);
                }
                "" if suites.is_empty() => return Err(unknown()),
                "" => {
                    suites.retain(|at| !chosen.contains(at) && !banned.contains(at));
                    chosen.extend(suites);
                }
                _ => {
                    chosen.retain(|at| !suites.contains(at));
                    if operator == "!" {
                        banned.extend(suites);
                    }
                }
            }
        }
        if chosen.is_empty() {
            return Err(ConfigError::Cipher(text.into()));
        }
        let is_tls13 = |at: &usize| SUITES[*at].keywords.is_empty();
        if !chosen.iter().any(is_tls13) {
            let all = (0..SUITES.len()).filter(is_tls13).filter(|at| !banned.contains(at));
            chosen = all.chain(chosen).collect();
        }
        Ok(Self { text: text.into(), chosen })
    }
}

impl fmt::Display for Ciphers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns OpenSSL's names of the suites of TLS 1.2 that a string chooses, and the number of those of TLS 1.3.
    fn chosen(text: &str) -> (usize, Vec<&'static str>) {
        let chosen = text.parse::<Ciphers>().unwrap().chosen;
        let tls13 = chosen.iter().filter(|at| **at < 3).count();
        (tls13, chosen.into_iter().filter(|at| *at >= 3).map(|at| SUITES[at].openssl).collect())
    }

    #[test]
    fn strings_choose_suites_as_in_openssl() {
        let (r256, r128) = ("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256");
        let (e256, e128) = ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256");
        let (rcha, echa) = ("ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305");
        let all = vec![e256, r256, echa, rcha, e128, r128];
        for (text, tls13, expected) in [
            ("TLSv1", 3, all.clone()),
            ("DEFAULT", 3, all.clone()),
            ("HIGH:!aNULL:!MD5", 3, all),
            ("ECDHE+AESGCM", 3, vec![e256, r256, e128, r128]),
            ("ECDHE+AESGCM+aRSA", 3, vec![r256, r128]),
            ("ECDHE+CHACHA20,AES128 !ECDSA", 3, vec![rcha, r128]),
            ("ALL:-aRSA:ECDHE-RSA-AES128-GCM-SHA256", 3, vec![e256, echa, e128, r128]),
            ("ALL:!aRSA:ECDHE-RSA-AES128-GCM-SHA256", 3, vec![e256, echa, e128]),
            ("aRSA:+AES256", 3, vec![rcha, r128, r256]),
            ("TLS_AES_128_GCM_SHA256:TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 1, vec![r128]),
            ("aRSA:!TLS_AES_256_GCM_SHA384:!CHACHA20", 2, vec![r256, r128]),
        ] {
            assert_eq!(chosen(text), (tls13, expected), "{text}");
        }
    }

    #[test]
    fn other_suites_are_refused_with_the_known_ones() {
        for (text, item) in [
            ("HIGH:AES256-SHA", "AES256-SHA"),
            ("DHE+AESGCM", "DHE+AESGCM"),
            ("RC4", "RC4"),
            ("DEFAULT@SECLEVEL=2", "DEFAULT@SECLEVEL=2"),
            ("aRSA:!aRSA", "aRSA:!aRSA"),
            ("ECDHE+", "ECDHE+"),
            ("é", "é"),
            ("", ""),
        ] {
            let error = text.parse::<Ciphers>().unwrap_err();
            assert_eq!(error, ConfigError::Cipher(item.into()));
            assert!(error.to_string().ends_with("or ECDHE-RSA-AES128-GCM-SHA256"), "{error}");
        }
    }
}
