//! Checks that `docs/inside/dependencies.md` lists exactly the packages that our crates depend on directly.

use std::collections::BTreeSet;
use std::fs;

use crate::metadata::Graph;
use crate::run::{Outcome, root};

/// The page, from the root of the repository. A line of it begins with ``- `package`:``.
const PAGE: &str = "docs/inside/dependencies.md";

/// Compares the page with the workspace, the fuzz targets and the tests of races.
pub(crate) fn check() -> Outcome {
    let page =
        fs::read_to_string(root().join(PAGE)).map_err(|error| format!("cannot read {PAGE}: {error}"))?;
    let mut used = BTreeSet::new();
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml", "tests/races/Cargo.toml"] {
        let graph = Graph::of(manifest)?;
        for (_, package) in graph.ours() {
            used.extend(
                graph.used_by(package).filter(|used| used.source.is_some()).map(|used| used.name.clone()),
            );
        }
    }
    let faults = faults(&page, &used);
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn faults(page: &str, used: &BTreeSet<String>) -> Vec<String> {
    let listed: BTreeSet<String> = page
        .lines()
        .filter_map(|line| Some(line.strip_prefix("- `")?.split_once("`: ")?.0.to_owned()))
        .collect();
    let missing = used
        .difference(&listed)
        .map(|name| format!("{name} has no line in {PAGE}: say there what it does for us, and why this one"));
    let spare = listed.difference(used).map(|name| format!("{name} has a line in {PAGE}, but is not used"));
    missing.chain(spare).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_spare_lines_are_found() {
        let used = ["memchr", "tokio"].map(str::to_owned).into();
        assert_eq!(faults("# Text\n- `memchr`: finds bytes.\n- `tokio`: runs.\n", &used), [""; 0]);
        assert_eq!(
            faults("- `memchr`: finds bytes.\n- `old`: parsed.\n", &used),
            [
                "tokio has no line in docs/inside/dependencies.md: say there what it does for us, and why this one",
                "old has a line in docs/inside/dependencies.md, but is not used",
            ]
        );
    }
}
