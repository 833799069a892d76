//! Compares the pages of `docs/evidence/` with the cases and the tests that they name.

use std::collections::BTreeSet;
use std::fs;

use super::{cases, root};

/// The rows of the tables on a page.
struct Page(String);

impl Page {
    fn read(name: &str) -> Self {
        Self(fs::read_to_string(root().join("docs/evidence").join(name)).expect("the page is there"))
    }

    /// The cells of each row.
    fn rows(&self) -> impl Iterator<Item = Vec<&str>> {
        let rows = self.0.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
        rows.map(|row| row.split(" | ").collect())
    }

    /// Returns the names in the last column: `topic/case`, or `file.rs#test`.
    fn named(&self) -> BTreeSet<&str> {
        self.rows().flat_map(|row| names(&row).collect::<Vec<_>>()).collect()
    }

    /// Checks that all names exist.
    fn check(&self) {
        let cases = cases();
        for name in self.named() {
            match name.split_once('#') {
                Some((_, test)) => {
                    assert!(source(name).contains(&format!("fn {test}(")), "{name} is no test")
                }
                None => assert!(cases.contains_key(name), "there is no case {name}"),
            }
        }
    }
}

/// Returns the names in the last cell of a row.
fn names<'a>(row: &[&'a str]) -> impl Iterator<Item = &'a str> {
    let quoted = row.last().into_iter().flat_map(|cell| cell.split('`').skip(1).step_by(2));
    quoted.filter(|name| name.contains('/') && !name.contains(' '))
}

/// Returns the source of a named test.
fn source(name: &str) -> String {
    let path = match name.split_once('#') {
        Some((file, _)) => root().join(file),
        None => root().join("tests/corpus/h1").join(format!("{name}.http")),
    };
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_rules_name_every_case_and_only_tests_that_exist() {
    let page = Page::read("conformance.md");
    page.check();
    let (named, cases) = (page.named(), cases());
    let unnamed: Vec<_> = cases.keys().filter(|name| !named.contains(name.as_str())).collect();
    assert!(unnamed.is_empty(), "no row names {unnamed:?}");
}

#[test]
fn every_advisory_is_named_by_a_test_of_its_row() {
    let page = Page::read("advisories.md");
    page.check();
    let mut tested = 0;
    for row in page.rows().filter(|row| row[0].starts_with("RUSTSEC-")) {
        let sources: String = names(&row).map(source).collect();
        for id in row[0].split(", ").filter(|_| !sources.is_empty()) {
            assert!(sources.contains(id), "no test that is named for {id} names it");
            tested += 1;
        }
    }
    assert!(tested > 30, "{tested} advisories");
}

#[test]
fn answers_are_those_of_the_cases() {
    let page = Page::read("advisories.md");
    let mut answers = 0;
    for row in page.rows() {
        let [input, answer, _] = row[..] else { continue };
        let Some(status) = answer.get(..3).filter(|status| status.parse::<u16>().is_ok()) else { continue };
        for name in names(&row) {
            let case = source(name);
            assert!(
                case.contains(&format!("\n< {status}\n= closed")),
                "{input}: {name} comes to something else"
            );
        }
        answers += 1;
    }
    assert!(answers >= 30, "{answers} answers");
}
