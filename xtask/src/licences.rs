//! Checks the packages of others: their licences, their sources, and whether they are still maintained.
//!
//! The check works offline, so it does not know new advisories; `cargo audit` and `cargo deny` do.

use crate::metadata::{Graph, Package};
use crate::run::Outcome;

/// The lock files of the repository.
const LOCKED: &[&str] =
    &["Cargo.toml", "fuzz/Cargo.toml", "tests/no-std/Cargo.toml", "tests/races/Cargo.toml"];

/// Licences that require at most attribution. NCSA is LLVM's and covers libFuzzer.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Unmaintained or vulnerable packages that a project like this one might add, each with its RustSec advisory.
const REFUSED: &[(&str, &str)] = &[
    ("adler", "RUSTSEC-2025-0056"),
    ("ansi_term", "RUSTSEC-2021-0139"),
    ("async-std", "RUSTSEC-2025-0052"),
    ("atomic-polyfill", "RUSTSEC-2023-0089"),
    ("atty", "RUSTSEC-2024-0375"),
    ("backoff", "RUSTSEC-2025-0012"),
    ("bincode", "RUSTSEC-2025-0141"),
    ("daemonize", "RUSTSEC-2025-0069"),
    ("derivative", "RUSTSEC-2024-0388"),
    ("dotenv", "RUSTSEC-2021-0141"),
    ("failure", "RUSTSEC-2020-0036"),
    ("fxhash", "RUSTSEC-2025-0057"),
    ("http-types", "RUSTSEC-2026-0174"),
    ("instant", "RUSTSEC-2024-0384"),
    ("json", "RUSTSEC-2022-0081"),
    ("lexical-core", "RUSTSEC-2023-0086"),
    ("multipart", "RUSTSEC-2023-0050"),
    ("net2", "RUSTSEC-2020-0016"),
    ("number_prefix", "RUSTSEC-2025-0119"),
    ("paste", "RUSTSEC-2024-0436"),
    ("proc-macro-error", "RUSTSEC-2024-0370"),
    ("rustls-pemfile", "RUSTSEC-2025-0134"),
    ("serde_yml", "RUSTSEC-2025-0068"),
    ("smartstring", "RUSTSEC-2026-0249"),
    ("surf", "RUSTSEC-2026-0169"),
    ("tempdir", "RUSTSEC-2018-0017"),
    ("tide", "RUSTSEC-2026-0170"),
    ("twoway", "RUSTSEC-2021-0146"),
    ("users", "RUSTSEC-2025-0040"),
    ("yaml-rust", "RUSTSEC-2024-0320"),
];

/// Refused packages that are used all the same: async-std, for its adapter. It is built only with the feature
/// `async-std`.
const ACCEPTED: &[&str] = &["async-std"];

/// Checks all packages of all lock files.
pub(crate) fn check() -> Outcome {
    let mut faults = Vec::new();
    for manifest in LOCKED {
        let graph = Graph::of(manifest)?;
        faults.extend(graph.0.values().flat_map(faults_of).map(|fault| format!("{manifest}: {fault}")));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn faults_of(package: &Package) -> Vec<String> {
    let Package { name, version, .. } = package;
    let mut faults = Vec::new();
    match package.licence.as_deref() {
        None => faults.push(format!("{name} {version} names no licence")),
        Some(licence) if !is_allowed(licence) => {
            faults
                .push(format!("{name} {version} is under `{licence}`, which is not on the list of licences"));
        }
        Some(_) => {}
    }
    if package.source.as_deref().is_some_and(|source| !source.starts_with("registry+")) {
        faults.push(format!("{name} {version} does not come from a registry: use a published version"));
    }
    if let Some((_, id)) = REFUSED.iter().find(|(refused, _)| refused == name)
        && !ACCEPTED.contains(&name.as_str())
    {
        faults.push(format!(
            "{name} {version} is refused ({id}): `cargo tree -i {name}` shows which package needs it"
        ));
    }
    faults
}

/// Whether this SPDX expression allows the use of a package. `/` is an old spelling of `OR`.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = expression.split_whitespace().peekable();
    any(&mut words) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// Parses alternatives. All are read, also after the first allowed one.
fn any(words: &mut Words<'_>) -> bool {
    let mut allowed = all(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= all(words);
    }
    allowed
}

/// Parses licences that all apply.
fn all(words: &mut Words<'_>) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

/// Parses a licence with its exception, or an expression in parentheses.
fn one(words: &mut Words<'_>) -> bool {
    match words.next() {
        Some("(") => any(words) & (words.next() == Some(")")),
        Some(licence) if words.next_if_eq(&"WITH").is_some() => {
            let exception = words.next().unwrap_or_default();
            ALLOWED.contains(&format!("{licence} WITH {exception}").as_str())
        }
        Some(licence) => ALLOWED.contains(&licence),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR Apache-2.0) AND GPL-3.0",
            "MIT WITH GCC-exception",
            "(MIT",
            "MIT)",
            "MIT MIT",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn each_fault_of_a_package_is_named() {
        let package = |name: &str, licence: Option<&str>, source: &str| Package {
            name: name.into(),
            version: "1.0.0".into(),
            licence: licence.map(str::to_owned),
            source: Some(source.into()),
            ..Package::default()
        };
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        assert_eq!(faults_of(&package("fine", Some("MIT"), registry)), [""; 0]);
        assert_eq!(faults_of(&package("async-std", Some("MIT"), registry)), [""; 0]);
        assert_eq!(
            faults_of(&package("paste", None, "git+https://example.org/paste")),
            [
                "paste 1.0.0 names no licence",
                "paste 1.0.0 does not come from a registry: use a published version",
                "paste 1.0.0 is refused (RUSTSEC-2024-0436): `cargo tree -i paste` shows which package needs it",
            ]
        );
    }
}
