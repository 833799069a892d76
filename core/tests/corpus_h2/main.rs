//! Runs the corpus of HTTP/2 exchanges in `tests/corpus/h2/` against the machine. Each case is sent whole, octet by octet,
//! and split at every offset, unless it depends on when frames arrive: then each frame is sent by itself.
//!
//! The README beside the cases explains their notation.

#[path = "../corpus/escape.rs"]
mod escape;
mod frames;
mod notation;
mod run;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use notation::Case;
use run::run;

/// Returns the folder of the cases.
fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).expect("the crate is in a folder");
    root.join("tests/corpus/h2")
}

/// Returns all cases by name, which is `topic/case`.
fn cases() -> BTreeMap<String, Case> {
    let list = |path: &Path| {
        let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        entries.map(|entry| entry.expect("it can be listed").path())
    };
    let mut cases = BTreeMap::new();
    for topic in list(&folder()).filter(|path| path.is_dir()) {
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
    let (mut wrong, cases) = (Vec::new(), cases());
    assert!(cases.len() > 100, "{} cases", cases.len());
    for (name, case) in &cases {
        let frames = case.frames();
        let bytes = frames.concat();
        let outcome = match case.is_by_frame {
            true => run(case, frames.iter().map(|frame| &**frame)),
            false => run(case, [&*bytes].into_iter()),
        };
        if let Some(difference) = case.difference(&outcome) {
            wrong.push(format!("{name}:\n{difference}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_pieces_do_not_matter() {
    for (name, case) in cases().into_iter().filter(|(_, case)| !case.is_by_frame) {
        let bytes = case.frames().concat();
        let whole = run(&case, [&*bytes].into_iter());
        assert_eq!(run(&case, bytes.chunks(1)), whole, "{name}, octet by octet");
        // Offsets in large bodies are alike.
        let step = if bytes.len() > 2_000 { 97 } else { 1 };
        for at in (1..bytes.len()).step_by(step) {
            let (first, second) = bytes.split_at(at);
            assert_eq!(run(&case, [first, second].into_iter()), whole, "{name}, cut at {at}");
        }
    }
}
