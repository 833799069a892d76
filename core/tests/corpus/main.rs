//! Runs the corpus of HTTP/1.1 exchanges in `tests/corpus/h1/` against the machine. Each case is sent whole, byte by
//! byte, and split at every offset, unless its outcome depends on the pieces.
//!
//! The README beside the cases explains their notation. `docs/evidence/conformance.md` lists the rule behind each
//! case, and is compared with the corpus too.

mod escape;
mod notation;
mod page;
mod run;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use notation::Case;
use run::run;

/// Returns the folder of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).expect("the crate is in a folder").to_owned()
}

/// Returns all cases by name, which is `topic/case`.
fn cases() -> BTreeMap<String, Case> {
    let list = |path: &Path| {
        let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        entries.map(|entry| entry.expect("it can be listed").path())
    };
    let mut cases = BTreeMap::new();
    for topic in list(&root().join("tests/corpus/h1")).filter(|path| path.is_dir()) {
        for path in list(&topic) {
            let part = |path: &Path| path.file_stem().map(|s| s.to_string_lossy().into_owned());
            let name = [part(&topic), part(&path)].map(Option::unwrap_or_default).join("/");
            let text = fs::read_to_string(&path).expect("a case is text");
            let case = Case::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            cases.insert(name, case);
        }
    }
    cases
}

#[test]
fn every_case_comes_out_as_written() {
    let mut wrong = Vec::new();
    for (name, case) in cases() {
        let outcome = run(&case, [&*case.bytes()].into_iter());
        if let Some(difference) = case.difference(&outcome) {
            wrong.push(format!("{name}:\n{difference}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_pieces_do_not_matter() {
    for (name, case) in cases().into_iter().filter(|(_, case)| !case.is_whole) {
        let bytes = case.bytes();
        let whole = run(&case, [&*bytes].into_iter());
        assert_eq!(run(&case, bytes.chunks(1)), whole, "{name}, byte by byte");
        for at in 1..bytes.len() {
            let (first, second) = bytes.split_at(at);
            assert_eq!(run(&case, [first, second].into_iter()), whole, "{name}, cut at {at}");
        }
    }
}
