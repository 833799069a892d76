//! The page of the figures: a table of files, and the lines that no test runs with a reason each.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::lines::File;

/// The heading before which the page is written by hand.
const FIGURES: &str = "## Lines by file\n";

/// The reason of lines that have none.
const NOT_YET: &str = "not yet";

/// The page, with what has been measured.
pub(super) struct Page {
    /// The text before the figures.
    written: String,
    files: BTreeMap<String, File>,
    missed: Vec<Missed>,
}

/// Lines that follow each other and that no test runs.
#[derive(Debug, PartialEq)]
pub(super) struct Missed {
    file: String,
    first: usize,
    last: usize,
    /// The first of the lines, as a cell of a table.
    code: String,
    reason: String,
}

impl Page {
    /// Takes the reasons of the page as it is. They are found by the file and the code, since lines move.
    pub(super) fn new(page: &str, files: BTreeMap<String, File>) -> Self {
        let mut reasons = reasons(page);
        let mut missed: Vec<Missed> = files.iter().flat_map(|(name, file)| missed(name, file)).collect();
        for range in &mut missed {
            let reason = reasons.get_mut(&(range.file.clone(), range.code.clone()));
            if let Some(reason) = reason.and_then(|list| (!list.is_empty()).then(|| list.remove(0))) {
                range.reason = reason;
            }
        }
        let written = page.split(FIGURES).next().unwrap_or_default().to_owned();
        Self { written, files, missed }
    }

    /// The lines without a reason.
    pub(super) fn missing(&self) -> Vec<&Missed> {
        self.missed.iter().filter(|missed| missed.reason == NOT_YET).collect()
    }

    /// The figures of each folder, for the terminal.
    pub(super) fn folders(&self) -> String {
        let mut folders = BTreeMap::<&str, (usize, usize)>::new();
        for (name, file) in &self.files {
            let parts: Vec<_> = name.match_indices('/').map(|(at, _)| at).collect();
            let source = name.find("/src/").map_or(0, |at| at + "/src".len());
            let folder = parts.iter().find(|at| **at > source).map_or(&name[..source], |at| &name[..*at]);
            for folder in
                [&name[..source], folder, "all"].into_iter().collect::<std::collections::BTreeSet<_>>()
            {
                let (lines, missed) = folders.entry(folder).or_default();
                *lines += file.lines.len();
                *missed += file.missed();
            }
        }
        let row = |(folder, (lines, missed)): (&&str, &(usize, usize))| {
            format!("{folder:32} {lines:6} lines, {missed:4} not run, {}\n", percent(*lines, *missed))
        };
        folders.iter().map(row).collect()
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}{FIGURES}", self.written)?;
        writeln!(f, "| file | lines | not run | run |\n|---|---|---|---|")?;
        let total = |of: fn(&File) -> usize| self.files.values().map(of).sum::<usize>();
        let all = (total(|file| file.lines.len()), total(File::missed));
        writeln!(f, "| all | {} | {} | {} |", all.0, all.1, percent(all.0, all.1))?;
        for (name, file) in &self.files {
            let (lines, missed) = (file.lines.len(), file.missed());
            writeln!(f, "| {name} | {lines} | {missed} | {} |", percent(lines, missed))?;
        }
        writeln!(f, "\n## Lines that no test runs\n\n| lines | code | reason |\n|---|---|---|")?;
        self.missed.iter().try_for_each(|missed| writeln!(f, "{missed}"))
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, first, last, code, reason } = self;
        let end = if first == last { String::new() } else { format!("-{last}") };
        write!(f, "| {file}:{first}{end} | {code} | {reason} |")
    }
}

/// The ranges of lines of a file that no test runs.
fn missed(name: &str, file: &File) -> Vec<Missed> {
    let mut ranges = Vec::<Missed>::new();
    let mut before = true;
    for (&line, &run) in &file.lines {
        match ranges.last_mut() {
            _ if run => {}
            Some(range) if !before => range.last = line,
            _ => {
                let code = cell(file.source.lines().nth(line - 1).unwrap_or_default().trim());
                ranges.push(Missed {
                    file: name.to_owned(),
                    first: line,
                    last: line,
                    code,
                    reason: NOT_YET.to_owned(),
                });
            }
        }
        before = run;
    }
    ranges
}

/// Formats code as a cell of a table.
fn cell(code: &str) -> String {
    let code = code.replace('|', "\\|");
    if code.contains('`') { format!("`` {code} ``") } else { format!("`{code}`") }
}

/// The reasons of a page by file and code, in order.
fn reasons(page: &str) -> HashMap<(String, String), Vec<String>> {
    let mut reasons = HashMap::<_, Vec<String>>::new();
    for row in page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")) {
        let mut cells = row.split(" | ");
        let (Some(place), Some(code), Some(reason)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        if let Some((file, _)) = place.split_once(':') {
            reasons.entry((file.to_owned(), code.to_owned())).or_default().push(reason.to_owned());
        }
    }
    reasons
}

/// The part of lines that have been run, rounded down: only all of them are 100 %.
fn percent(lines: usize, missed: usize) -> String {
    let tenths = (lines - missed) * 1000 / lines.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> BTreeMap<String, File> {
        let lines = BTreeMap::from([(1, true), (2, false), (4, false), (5, true), (6, false)]);
        let source = "a\nb | `c`\n\nd\ne\nf\n".to_owned();
        BTreeMap::from([("core/src/h1/x.rs".to_owned(), File { lines, source })])
    }

    #[test]
    fn reasons_follow_their_code() {
        let page = "Text.\n\n## Lines by file\n\n| core/src/h1/x.rs:70-90 | `` b \\| `c` `` | why |\n";
        let page = Page::new(page, files());
        assert_eq!(page.missed[0].to_string(), "| core/src/h1/x.rs:2-4 | `` b \\| `c` `` | why |");
        assert_eq!(page.missing(), [&page.missed[1]]);
        let text = page.to_string();
        assert!(text.starts_with("Text.\n\n## Lines by file\n\n| file |"), "{text}");
        assert!(text.contains("| core/src/h1/x.rs | 5 | 3 | 40.0 % |"), "{text}");
        assert_eq!(Page::new(&text, files()).to_string(), text);
    }

    #[test]
    fn folders_are_summed() {
        let text = Page::new("", files()).folders();
        let folders: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(folders, ["all", "core/src", "core/src/h1"]);
    }

    #[test]
    fn only_all_lines_are_100_percent() {
        assert_eq!(
            (percent(0, 0), percent(3, 0), percent(9999, 1)),
            ("0.0 %".into(), "100.0 %".into(), "99.9 %".into())
        );
    }
}
