//! `docs/http1-conformance.md` against what it names: the cases of the corpus, and tests elsewhere.

use std::collections::BTreeSet;
use std::fs;

use super::{cases, root};

/// The names in the last column of each row: `topic/case`, or `file.rs#test`.
fn named(page: &str) -> BTreeSet<&str> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let column = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    column.flat_map(|cell| cell.split('`').skip(1).step_by(2)).filter(|name| name.contains('/')).collect()
}

#[test]
fn the_page_names_every_case_and_only_tests_that_exist() {
    let page = fs::read_to_string(root().join("docs/http1-conformance.md")).expect("the page is there");
    let (named, cases) = (named(&page), cases());
    for name in &named {
        match name.split_once('#') {
            Some((file, test)) => {
                let source = fs::read_to_string(root().join(file)).unwrap_or_default();
                assert!(source.contains(&format!("fn {test}(")), "{file} has no test {test}");
            }
            None => assert!(cases.contains_key(*name), "there is no case {name}"),
        }
    }
    let unnamed: Vec<_> = cases.keys().filter(|name| !named.contains(name.as_str())).collect();
    assert!(unnamed.is_empty(), "no row names {unnamed:?}");
}
