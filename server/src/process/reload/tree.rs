//! The files that are watched, and those that have changed. The files are looked at one by one, which works on every file
//! system, and takes some milliseconds for a thousand of them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The patterns that are watched without an option.
const INCLUDE: [&str; 3] = ["*.rs", "Cargo.toml", "Cargo.lock"];

/// The patterns that are not watched without an option.
const EXCLUDE: [&str; 3] = [".*", "~*", "target"];

/// The patterns of files that are watched.
#[derive(Debug)]
pub(super) struct Filter {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Filter {
    /// Adds patterns to those that hold without an option. One that is in both lists is as the option says.
    pub(super) fn new(include: &[String], exclude: &[String]) -> Self {
        let with = |defaults: [&str; 3], given: &[String], other: &[String]| {
            let defaults = defaults.into_iter().map(String::from).filter(|pattern| !other.contains(pattern));
            defaults.chain(given.iter().cloned()).collect()
        };
        Self { include: with(INCLUDE, include, exclude), exclude: with(EXCLUDE, exclude, include) }
    }

    fn excludes(&self, path: &Path) -> bool {
        self.exclude.iter().any(|pattern| fits(pattern, path))
    }

    fn includes(&self, path: &Path) -> bool {
        self.include.iter().any(|pattern| fits(pattern, path))
    }
}

/// Whether a pattern fits the end of a path: `*.rs` its last name, `src/*.rs` its last two names, `/a/b` all of it.
fn fits(pattern: &str, path: &Path) -> bool {
    let pattern = Path::new(pattern);
    let (mut names, mut patterns) = (path.iter().rev(), pattern.iter().rev());
    let is_whole = !pattern.is_absolute() || pattern.iter().count() == path.iter().count();
    is_whole
        && patterns.all(|pattern| {
            let text = |part: &OsStr| part.as_encoded_bytes().to_vec();
            names.next().is_some_and(|name| matches(&text(pattern), &text(name)))
        })
}

/// Whether a name matches a pattern, in which `*` is any number of bytes and `?` is one.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=name.len()).any(|at| matches(rest, &name[at..])),
        (Some((b'?', rest)), Some((_, others))) => matches(rest, others),
        (Some((byte, rest)), Some((other, others))) => byte == other && matches(rest, others),
        _ => false,
    }
}

/// The watched files at one time, with the time of their last change and their length.
#[derive(Debug, Default)]
pub(super) struct Snapshot(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Snapshot {
    /// Looks at the files in these directories. What cannot be read is not there.
    pub(super) fn of(dirs: &[PathBuf], filter: &Filter) -> Self {
        let mut snapshot = Self::default();
        let mut left = dirs.to_vec();
        while let Some(dir) = left.pop() {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(kind) = entry.file_type() else { continue };
                if filter.excludes(&path) {
                    continue;
                }
                // Symbolic links to directories may lead in circles.
                if kind.is_dir() {
                    left.push(path);
                } else if filter.includes(&path)
                    && let Ok(data) = fs::metadata(&path)
                {
                    snapshot.0.insert(path, (data.modified().ok(), data.len()));
                }
            }
        }
        snapshot
    }

    /// Returns the files that are new, gone, or different.
    pub(super) fn changes_since(&self, old: &Self) -> Vec<PathBuf> {
        let new = self.0.iter().filter(|(path, data)| old.0.get(*path) != Some(data));
        let gone = old.0.keys().filter(|path| !self.0.contains_key(*path));
        new.map(|(path, _)| path).chain(gone).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_the_end_of_a_path() {
        for (pattern, path, expected) in [
            ("*.rs", "/a/src/main.rs", true),
            ("*.rs", "/a/src/main.rs.bak", false),
            ("main.??", "/a/main.rs", true),
            ("src/*.rs", "/a/src/main.rs", true),
            ("src/*.rs", "/a/src/b/main.rs", false),
            ("target", "/a/target", true),
            ("target", "/a/mytarget", false),
            (".*", "/a/.git", true),
            ("/a/b", "/a/b", true),
            ("/a/b", "/c/a/b", false),
            ("**", "/a", true),
        ] {
            assert_eq!(fits(pattern, Path::new(path)), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn an_option_overrides_what_holds_without_it() {
        let filter = Filter::new(&["*.html".into(), ".*".into()], &["Cargo.lock".into()]);
        let (watched, not) = (["/a/x.html", "/a/m.rs", "/a/.env"], ["/a/Cargo.lock", "/a/b.txt"]);
        assert!(watched.iter().all(|path| filter.includes(Path::new(path))));
        assert!(!not.iter().any(|path| filter.includes(Path::new(path))));
        assert!(!filter.excludes(Path::new("/a/.env")) && filter.excludes(Path::new("/a/target")));
    }

    #[test]
    fn new_changed_and_removed_files_are_changes() {
        let dir = std::env::temp_dir().join(format!("stelo-tree-{}", std::process::id()));
        for sub in ["src", "target", ".git"] {
            fs::create_dir_all(dir.join(sub)).unwrap();
        }
        let (filter, dirs) = (Filter::new(&[], &[]), [dir.clone()]);
        let write = |name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
        let names = |changes: Vec<PathBuf>| -> Vec<String> {
            let name = |path: &PathBuf| path.strip_prefix(&dir).unwrap().display().to_string();
            changes.iter().map(name).collect()
        };
        write("src/a.rs", "1");
        write("src/b.rs", "1");
        let first = Snapshot::of(&dirs, &filter);
        assert!(first.changes_since(&Snapshot::of(&dirs, &filter)).is_empty());
        write("src/a.rs", "12");
        write("src/c.rs", "1");
        write("notes.txt", "1");
        write("target/d.rs", "1");
        write(".git/e.rs", "1");
        fs::remove_file(dir.join("src/b.rs")).unwrap();
        let second = Snapshot::of(&dirs, &filter);
        assert_eq!(names(second.changes_since(&first)), ["src/a.rs", "src/c.rs", "src/b.rs"]);
        fs::remove_dir_all(dir).unwrap();
    }
}
