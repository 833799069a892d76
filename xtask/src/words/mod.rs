//! The words of the repository: which patterns prose may not contain, and where they are found.
//!
//! [`list`] holds the patterns, [`text`] takes the prose out of files. `docs/inside/style.md` is the guideline.

mod list;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use list::Rule;
use text::Text;

use crate::files::files;
use crate::run::{Outcome, root};

/// The files that have to quote the patterns.
const QUOTING: &[&str] = &["xtask/src/words/list.rs", "xtask/src/words/tests.rs"];

/// Fails if any prose contains a pattern of the list.
pub(crate) fn check() -> Outcome {
    let found = find_all()?;
    let lines: Vec<String> = found.iter().map(|(path, finding)| format!("{path}:{finding}")).collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n{} to rewrite; docs/inside/style.md says how", lines.join("\n"), lines.len()))
}

/// Prints how many findings each folder has.
pub(crate) fn count() -> Outcome {
    let mut folders = BTreeMap::<String, usize>::new();
    let found = find_all()?;
    for (path, _) in &found {
        *folders.entry(folder(path)).or_default() += 1;
    }
    for (folder, count) in folders {
        println!("{count:5}  {folder}");
    }
    println!("{:5}  in all", found.len());
    Ok(())
}

/// The first two folders of a path.
fn folder(path: &str) -> String {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let parts: Vec<&str> = parent.split('/').filter(|part| *part != "src").take(2).collect();
    if parts[..] == [""] { "(root)".into() } else { parts.join("/") }
}

/// A pattern that was found.
#[derive(Debug)]
struct Finding {
    line: usize,
    words: String,
    instead: &'static str,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: \"{}\": {}", self.line, self.words, self.instead)
    }
}

fn find_all() -> Result<Vec<(String, Finding)>, String> {
    let rules = list::rules()?;
    let mut found = Vec::new();
    for path in files(root(), &["rs", "md", "py"])? {
        if QUOTING.contains(&path.as_str()) {
            continue;
        }
        let content = fs::read_to_string(root().join(&path)).map_err(|error| format!("{path}: {error}"))?;
        found.extend(find(&rules, &path, &content).into_iter().map(|finding| (path.clone(), finding)));
    }
    Ok(found)
}

/// Finds the patterns in one file, by line.
fn find(rules: &[Rule], path: &str, content: &str) -> Vec<Finding> {
    let texts: Vec<Text> = match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("rs") => text::rust(content),
        Some("md") => text::markdown(content),
        _ => text::python(content),
    };
    let mut found: Vec<Finding> = Vec::new();
    for text in &texts {
        for rule in rules.iter().filter(|rule| rule.places.contains(&text.place)) {
            found.extend(rule.find(&text.words).map(|range| Finding {
                line: text.line_at(range.start),
                words: text.words[range].to_owned(),
                instead: rule.instead,
            }));
        }
    }
    found.sort_by(|a, b| (a.line, &a.words).cmp(&(b.line, &b.words)));
    found
}
