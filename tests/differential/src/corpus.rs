//! The cases of `tests/corpus/h1/` that can be put to any server; the README there explains their notation.
//!
//! Cases are left out if they set a property of Stelo (a limit, an answer of the application), or if the client waits
//! for a timer or disconnects, which is not about parsing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::escape::unescape;

/// The request that follows each case, to see whether it is parsed.
pub(crate) const NEXT: &str = "/next";

/// The input of a client.
#[derive(Default)]
pub(crate) struct Case {
    pub(crate) bytes: Vec<u8>,
    /// It ends its side then.
    pub(crate) ends: bool,
}

impl Case {
    /// `None` if the case is about us alone.
    fn parse(text: &str) -> Result<Option<Self>, String> {
        let mut case = Self::default();
        for line in text.lines() {
            match line.split_once(' ').unwrap_or((line, "")) {
                (">", bytes) => {
                    case.bytes.extend(unescape(bytes).map_err(|error| format!("{error}: {line}"))?)
                }
                ("~", "ends") => case.ends = true,
                ("!" | "~", _) => return Ok(None),
                _ => {}
            }
        }
        if !case.ends {
            case.bytes.extend_from_slice(format!("GET {NEXT} HTTP/1.1\r\nhost: next\r\n\r\n").as_bytes());
        }
        Ok(Some(case))
    }
}

/// The cases by their names, which are `topic/case`.
pub(crate) fn read(folder: &Path) -> Result<BTreeMap<String, Case>, String> {
    let list = |path: &Path| -> Result<Vec<_>, String> {
        let entries =
            fs::read_dir(path).map_err(|error| format!("cannot list {}: {error}", path.display()))?;
        entries.map(|entry| entry.map(|entry| entry.path()).map_err(|error| error.to_string())).collect()
    };
    let mut cases = BTreeMap::new();
    for topic in list(folder)?.into_iter().filter(|path| path.is_dir()) {
        for path in list(&topic)? {
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let part = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(case) = Case::parse(&text).map_err(|error| format!("{}: {error}", path.display()))? {
                cases.insert(format!("{}/{}", part(&topic), part(&path)), case);
            }
        }
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent() {
        let case = Case::parse("# Plain.\n\n> GET / HTTP/1.1\\r\\n\n> \\x41\n\n= open\n")
            .expect("a case")
            .expect("for all");
        assert!(!case.ends);
        assert_eq!(case.bytes, b"GET / HTTP/1.1\r\nAGET /next HTTP/1.1\r\nhost: next\r\n\r\n");
        let case = Case::parse("> A\n~ ends\n").expect("a case").expect("for all");
        assert!(case.ends);
        assert_eq!(case.bytes, b"A");
        for ours in ["> A\n! limit fields 3\n", "> A\n~ waits\n"] {
            assert!(Case::parse(ours).expect("a case").is_none(), "{ours}");
        }
        assert!(Case::parse("> \\q\n").is_err());
    }
}
