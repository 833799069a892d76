//! Checks the links of pages: every target in the repository exists, with the heading that the link names.

use std::fs;
use std::path::Path;

use crate::files::files;
use crate::run::{Outcome, root};

/// Fails if a link leads nowhere. Links to other hosts are not followed.
pub(crate) fn check() -> Outcome {
    let mut faults = Vec::new();
    for path in files(root(), &["md"])? {
        let page = fs::read_to_string(root().join(&path)).map_err(|error| format!("{path}: {error}"))?;
        let folder = root().join(&path).parent().unwrap_or(root()).to_owned();
        faults.extend(faults_of(&page, &folder, &path));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn faults_of(page: &str, folder: &Path, path: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, target) in links(page) {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let full = folder.join(file);
        let text = if file.is_empty() { Some(page.to_owned()) } else { fs::read_to_string(&full).ok() };
        if !file.is_empty() && !full.exists() {
            faults.push(format!("{path}:{line}: {file} does not exist"));
        } else if !heading.is_empty() && !text.is_some_and(|text| has_heading(&text, heading)) {
            faults.push(format!("{path}:{line}: {target} has no such heading"));
        }
    }
    faults
}

/// The targets of links within the repository, each with its line. Blocks of code have none.
fn links(page: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (index, line) in page.lines().enumerate() {
        in_code ^= line.trim_start().starts_with("```");
        if in_code {
            continue;
        }
        let targets = line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        links.extend(targets.filter(|target| !target.contains(':')).map(|target| (index + 1, target)));
    }
    links
}

/// Whether a page has a heading with this anchor: lower case, spaces as hyphens, without punctuation.
fn has_heading(page: &str, anchor: &str) -> bool {
    let headings = page.lines().filter_map(|line| line.strip_prefix('#'));
    headings.map(|heading| heading.trim_start_matches('#').trim()).any(|heading| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).eq(anchor.chars())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let page = "# A page: `one`\n[a](main.rs) [b](https://example.org/x) [c](#a-page-one) [d](#two)\n\
                    ```\n[e](nowhere)\n```\n[f](nowhere.md)\n";
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let expected = ["p.md:2: #two has no such heading", "p.md:6: nowhere.md does not exist"];
        assert_eq!(faults_of(page, &folder, "p.md"), expected);
    }
}
