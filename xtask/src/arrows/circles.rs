//! Circles between the top-level modules of a crate.
//!
//! A module uses another if a path in it leads there, directly or through a name that the crate exports at its root.
//! The root itself (`lib.rs`, `main.rs`) uses every module and is left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::paths::{Paths, paths};
use crate::files::files;

/// The uses of one module by another: for each pair, the first place.
type Arrows = BTreeMap<(String, String), String>;

/// Describes the circles of the crate in `folder`, a path from `root`.
pub(crate) fn faults(root: &Path, folder: &str) -> Result<Vec<String>, String> {
    let mut sources = Vec::new();
    for path in files(&root.join(folder).join("src"), &["rs"])? {
        let full = format!("{folder}/src/{path}");
        let source = fs::read_to_string(root.join(&full)).map_err(|error| format!("{full}: {error}"))?;
        sources.push((path, source));
    }
    let arrows = arrows(&format!("{folder}/src/"), &sources);
    Ok(circles(&arrows).iter().map(|circle| describe(folder, circle, &arrows)).collect())
}

/// The module of a file, as a path from the root of the crate; empty for the root.
fn module(path: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    parts.pop_if(|last| *last == "mod" || *last == "lib" || *last == "main");
    parts
}

/// Finds every arrow between two top-level modules. `sources` are paths below `folder`, each with its content.
fn arrows(folder: &str, sources: &[(String, String)]) -> Arrows {
    let read: Vec<(&str, Vec<&str>, Paths)> =
        sources.iter().map(|(path, source)| (&**path, module(path), paths(source, &module(path)))).collect();
    let modules: BTreeSet<&str> = read.iter().filter_map(|(_, module, _)| module.first().copied()).collect();
    let tests: BTreeSet<Vec<&str>> = read
        .iter()
        .flat_map(|(_, module, paths)| {
            paths.test_modules.iter().map(|name| module.iter().copied().chain([name.as_str()]).collect())
        })
        .collect();
    // The names at the root, each with the module that it comes from.
    let roots = read.iter().filter(|(_, module, _)| module.is_empty());
    let exported: BTreeMap<&str, &str> = roots
        .flat_map(|(_, _, paths)| &paths.imported)
        .filter_map(|(name, path)| {
            let from = path.iter().find(|part| *part != "crate" && *part != "self")?;
            modules.contains(&**from).then_some((name.as_str(), from.as_str()))
        })
        .collect();

    let mut arrows = Arrows::new();
    for (path, module, paths) in &read {
        let Some(from) = module.first() else { continue };
        if (1..=module.len()).any(|length| tests.contains(&module[..length])) {
            continue;
        }
        for (used, line) in &paths.found {
            let Some(first) = used.first().map(String::as_str) else { continue };
            let to = modules.get(first).copied().or_else(|| exported.get(first).copied());
            if let Some(to) = to.filter(|to| to != from) {
                let place = || format!("{folder}{path}:{line}");
                arrows.entry(((*from).to_owned(), to.to_owned())).or_insert_with(place);
            }
        }
    }
    arrows
}

/// Finds the shortest circle through each module that is in one. Each circle begins with its first module by name.
fn circles(arrows: &Arrows) -> BTreeSet<Vec<&str>> {
    let mut next = BTreeMap::<&str, Vec<&str>>::new();
    for (from, to) in arrows.keys() {
        next.entry(from).or_default().push(to);
    }
    next.keys().filter_map(|start| shortest(&next, start)).collect()
}

fn shortest<'a>(next: &BTreeMap<&'a str, Vec<&'a str>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut before = BTreeMap::<&str, &str>::new();
    let mut open = VecDeque::from([start]);
    while let Some(from) = open.pop_front() {
        for &to in next.get(from).into_iter().flatten() {
            if to == start {
                let mut circle: Vec<&str> =
                    std::iter::successors(Some(from), |at| before.get(at).copied()).collect();
                circle.reverse();
                let first = circle.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(at, _)| at);
                circle.rotate_left(first);
                return Some(circle);
            }
            if !before.contains_key(to) {
                before.insert(to, from);
                open.push_back(to);
            }
        }
    }
    None
}

fn describe(folder: &str, circle: &[&str], arrows: &Arrows) -> String {
    let mut text = format!("{folder} has a circle: {} → {}", circle.join(" → "), circle[0]);
    for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
        let place = arrows.get(&((*from).to_owned(), (*to).to_owned())).map_or("", String::as_str);
        let _ = write!(text, "\n  {place}: {from} uses {to}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> =
            sources.iter().map(|(path, source)| ((*path).into(), (*source).into())).collect();
        let arrows = arrows("t/src/", &sources);
        circles(&arrows).iter().map(|circle| describe("t", circle, &arrows)).collect()
    }

    #[test]
    fn a_tree_has_no_circles() {
        let sources = [
            ("lib.rs", "mod a;\nmod b;\npub use a::A;\nuse crate::b::B;"),
            ("a/mod.rs", "mod x;\nuse crate::b::B;"),
            ("a/x.rs", "use super::y;\nuse crate::a::z;\nuse crate::b::C;"),
            ("b.rs", "use std::fmt;"),
        ];
        assert_eq!(found(&sources), [""; 0]);
    }

    #[test]
    fn the_shortest_circle_is_shown_with_the_place_of_each_arrow() {
        let sources = [
            ("a/mod.rs", "use crate::b::B;"),
            ("b.rs", "\nuse crate::c::{C, D};"),
            ("c/x/deep.rs", "fn f() {\n    super::super::super::a::g()\n}\nuse crate::d::D;"),
            ("d.rs", "use super::e::E;"),
            ("e.rs", "use crate::f::F;"),
            ("f.rs", "use crate::a;"),
        ];
        assert_eq!(
            found(&sources)[0],
            "t has a circle: a → b → c → a\n  t/src/a/mod.rs:1: a uses b\n  t/src/b.rs:2: b uses c\n  t/src/c/x/deep.rs:2: c uses a"
        );
    }

    #[test]
    fn names_at_the_root_lead_to_their_modules() {
        let sources = [
            ("lib.rs", "mod a;\nmod b;\npub use a::{A, Old as New};"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "fn f(_: &crate::New) {}"),
        ];
        assert_eq!(found(&sources).len(), 1);
    }

    #[test]
    fn each_circle_is_reported_once() {
        let sources = [
            ("a.rs", "use crate::b;"),
            ("b.rs", "use crate::a;"),
            ("c.rs", "use crate::d;"),
            ("d.rs", "use crate::c;\nuse crate::a;"),
        ];
        assert_eq!(found(&sources).len(), 2);
    }

    #[test]
    fn what_is_for_tests_only_may_use_everything() {
        let sources = [
            ("a/mod.rs", "#[cfg(test)]\nmod tests;\nuse crate::b::B;"),
            ("a/tests.rs", "use crate::c::C;"),
            ("a/tests/more.rs", "use crate::c::C;"),
            ("b.rs", "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}"),
            ("c.rs", "use crate::a::A;"),
        ];
        assert_eq!(found(&sources), [""; 0]);
    }
}
