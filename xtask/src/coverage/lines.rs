//! Reads the lines that have been run from LLVM's report in the format of lcov.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::tests_of;

/// The lines of a file that hold code, without tests.
#[derive(Debug, Default)]
pub(super) struct File {
    /// Whether a test runs the line, by number from 1.
    pub(super) lines: BTreeMap<usize, bool>,
    /// The text of the file.
    pub(super) source: String,
}

impl File {
    /// The number of lines that no test runs.
    pub(super) fn missed(&self) -> usize {
        self.lines.values().filter(|run| !**run).count()
    }
}

/// Reads the report. Files are named from the root of the repository.
pub(super) fn read(report: &str, root: &Path) -> Result<BTreeMap<String, File>, String> {
    let mut files = BTreeMap::<String, File>::new();
    let records = records(report, root);
    let skipped = test_modules(records.iter().map(|(name, _)| *name), root);
    for (name, lines) in records {
        let source = fs::read_to_string(root.join(name)).map_err(|error| format!("{name}: {error}"))?;
        let tests = tests_of::find(&source);
        let file = files.entry(name.to_owned()).or_default();
        file.lines.extend(lines.into_iter().filter(|(line, _)| !tests.has(*line)));
        file.source = source;
    }
    files.retain(|name, file| !in_modules(name, &skipped) && !file.lines.is_empty());
    Ok(files)
}

/// The records of the report: a file, and whether each line of it has been run.
fn records<'a>(report: &'a str, root: &Path) -> Vec<(&'a str, BTreeMap<usize, bool>)> {
    let root = format!("{}/", root.display());
    let mut records = Vec::<(&str, BTreeMap<usize, bool>)>::new();
    for line in report.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            records.push((path.strip_prefix(&root).unwrap_or(path), BTreeMap::new()));
        }
        let Some((number, count)) = line.strip_prefix("DA:").and_then(|line| line.split_once(',')) else {
            continue;
        };
        if let (Ok(number), Some((_, lines))) = (number.parse(), records.last_mut()) {
            *lines.entry(number).or_default() |= count != "0";
        }
    }
    records
}

/// The modules of tests that these files are, or that they lie below: their paths without an extension. A file that
/// declares them may have no code, and so no record in the report.
fn test_modules<'a>(files: impl Iterator<Item = &'a str>, root: &Path) -> BTreeSet<String> {
    let above = |file: &'a str| file.match_indices('/').map(|(at, _)| &file[..at]);
    let folders: BTreeSet<_> = files.flat_map(above).collect();
    let mut modules = BTreeSet::new();
    for folder in folders {
        for name in [format!("{folder}.rs"), format!("{folder}/mod.rs"), format!("{folder}/lib.rs")] {
            // A folder has one of these files at most.
            let Ok(source) = fs::read_to_string(root.join(&name)) else { continue };
            let inside = folder_of_modules(&name);
            modules.extend(tests_of::find(&source).modules.iter().map(|module| format!("{inside}{module}")));
        }
    }
    modules
}

/// The folder in which the modules of a file lie, with a slash at its end.
fn folder_of_modules(file: &str) -> String {
    let folder = ["mod.rs", "lib.rs"].iter().find_map(|name| file.strip_suffix(name));
    folder.map_or_else(|| format!("{}/", file.trim_end_matches(".rs")), str::to_owned)
}

/// Whether a file is one of these modules, or below it.
fn in_modules(file: &str, modules: &BTreeSet<String>) -> bool {
    modules
        .iter()
        .any(|module| file.strip_prefix(&**module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_as_run_if_any_copy_of_it_is() {
        let report = "SF:/r/a/b.rs\nFN:1,x\nDA:1,0\nDA:2,7\nDA:1,3\nend_of_record\nSF:/r/c.rs\nDA:9,0\n";
        let records = records(report, Path::new("/r"));
        assert_eq!(records[0], ("a/b.rs", BTreeMap::from([(1, true), (2, true)])));
        assert_eq!(records[1], ("c.rs", BTreeMap::from([(9, false)])));
    }

    #[test]
    fn files_below_a_module_of_tests_do_not_count() {
        let root = crate::run::root();
        // `core/src/h1/mod.rs` declares `tests`, has no code, and is not in the report.
        let names =
            ["h1/tests.rs", "h1/tests/misuse.rs", "h1/head.rs"].map(|name| format!("core/src/{name}"));
        let report = names.each_ref().map(|name| format!("SF:{}/{name}\nDA:1,1\n", root.display())).concat();
        let files = read(&report, root).expect("the files are there");
        assert_eq!(files.keys().collect::<Vec<_>>(), [&names[2]]);
    }

    #[test]
    fn files_of_test_modules_are_found() {
        let modules = BTreeSet::from([format!("{}tests", folder_of_modules("core/src/h1/mod.rs"))]);
        assert!(in_modules("core/src/h1/tests.rs", &modules));
        assert!(in_modules("core/src/h1/tests/files.rs", &modules));
        assert!(!in_modules("core/src/h1/tests_of.rs", &modules));
        assert_eq!(folder_of_modules("core/src/h1/head.rs"), "core/src/h1/head/");
    }
}
