//! Checks the page that maps Starlette's tests to those of this repository, and counts its rows.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::run::{Outcome, root};

const PAGE: &str = "docs/evidence/starlette.md";

/// The largest share of the rows that may have a reason in place of a test, in percent.
const REASONS: usize = 10;

/// Fails if a row names a test that does not exist, or has neither a test nor a reason, or if too many have a reason.
pub(crate) fn check() -> Outcome {
    let page = fs::read_to_string(root().join(PAGE)).map_err(|error| format!("{PAGE}: {error}"))?;
    let (counts, mut faults) = judge(&page, root());
    let mut total = Count::default();
    for (file, count) in &counts {
        eprintln!("{file:32} {count}");
        total.add(count);
    }
    eprintln!("{:32} {total}", "in all");
    faults.extend(total.excess());
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// The rows of one file of Starlette's: how many have a test here, a reason instead, or nothing yet.
#[derive(Debug, Default, PartialEq)]
struct Count {
    held: usize,
    reasoned: usize,
    missing: usize,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.held += other.held;
        self.reasoned += other.reasoned;
        self.missing += other.missing;
    }

    fn all(&self) -> usize {
        self.held + self.reasoned + self.missing
    }

    /// Says that too many rows have a reason in place of a test.
    fn excess(&self) -> Option<String> {
        let allowed = self.all() * REASONS / 100;
        (self.reasoned > allowed).then(|| {
            format!(
                "{PAGE}: {} rows have a reason; at most {REASONS} % of {}, {allowed}, may: write tests for the others",
                self.reasoned,
                self.all()
            )
        })
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { held, reasoned, missing } = self;
        write!(
            f,
            "{:3} functions: {held} with tests, {reasoned} with a reason, {missing} missing",
            self.all()
        )
    }
}

/// Counts the rows under each heading, and lists what is wrong with them.
fn judge(page: &str, root: &Path) -> (Vec<(String, Count)>, Vec<String>) {
    let (mut counts, mut faults) = (Vec::<(String, Count)>::new(), Vec::new());
    let mut sources = HashMap::new();
    for (index, line) in page.lines().enumerate() {
        if let Some(heading) = line.strip_prefix("## ") {
            counts.push((heading.to_owned(), Count::default()));
        }
        let Some(row) = line.strip_prefix("| ").and_then(|row| row.strip_suffix('|')) else { continue };
        let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
        let (Some((_, count)), &[function, tests, remark]) = (counts.last_mut(), &cells[..]) else {
            faults.push(format!("{PAGE}:{}: a row has three cells below a heading", index + 1));
            continue;
        };
        if function == "function" {
            continue;
        }
        for name in tests.split('`').skip(1).step_by(2) {
            if !exists(name, root, &mut sources) {
                faults.push(format!("{PAGE}:{}: there is no test `{name}`", index + 1));
            }
        }
        match tests {
            "not yet" => count.missing += 1,
            tests if tests.contains('`') => count.held += 1,
            "" | "–" if !remark.is_empty() => count.reasoned += 1,
            _ => faults.push(format!("{PAGE}:{}: `{function}` has neither a test nor a reason", index + 1)),
        }
    }
    (counts, faults)
}

/// Whether a name like `toolkit/tests/forms.rs#a_test` leads to a function.
fn exists(name: &str, root: &Path, sources: &mut HashMap<String, String>) -> bool {
    let Some((file, test)) = name.split_once('#') else { return false };
    let source = sources
        .entry(file.to_owned())
        .or_insert_with(|| fs::read_to_string(root.join(file)).unwrap_or_default());
    source.contains(&format!("fn {test}("))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_and_names_without_a_test_are_found() {
        let page = "## one\n\n| function | test here | remark |\n|---|---|---|\n| a | `src/evidence.rs#judge` | |\n\
                    | b | `src/evidence.rs#nothing` | |\n| c | – | Python only |\n| d | – | |\n| e | not yet | |\n";
        let (counts, faults) = judge(page, Path::new(env!("CARGO_MANIFEST_DIR")));
        assert_eq!(counts, [("one".into(), Count { held: 2, reasoned: 1, missing: 1 })]);
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn a_tenth_of_the_rows_may_have_a_reason() {
        let count = |held, reasoned| Count { held, reasoned, missing: 0 };
        assert_eq!(count(18, 2).excess(), None);
        assert!(count(17, 2).excess().is_some_and(|fault| fault.contains("2 rows have a reason")));
    }
}
