//! Which crate may use which: the arrows run one way, and only the adapters and what is above them know an executor.

use crate::metadata::Graph;
use crate::run::Outcome;

/// A crate of ours, the crates of ours that it may use (all without `stelo-`), and whether it may be linked with an
/// executor.
type Row = (&'static str, &'static str, bool);

/// From the bottom to the top.
const TABLE: &[Row] = &[
    ("core", "", false),
    ("toolkit", "core", false),
    ("demo", "core toolkit", false),
    ("runtime", "core", false),
    ("os", "runtime", false),
    ("tokio", "runtime os", true),
    ("async-io", "runtime os", true),
    ("smol", "runtime async-io", true),
    ("async-std", "runtime async-io", true),
    ("server", "core runtime os", false),
    // The simulator itself uses the trait alone; its tests run the server.
    ("sim", "core runtime server", false),
    ("server-tokio", "core toolkit demo runtime server tokio", true),
    ("server-smol", "core toolkit demo runtime server smol async-std", true),
    ("stelo", "core toolkit runtime server sim tokio smol async-std", true),
];

/// The crates that use the others from outside, as they like, and that nobody uses.
const OUTSIDE: &[&str] = &["tests", "benches", "xtask", "model"];

/// The packages that are executors, or belong to one.
const EXECUTORS: &[&str] =
    &["async-executor", "async-global-executor", "async-io", "async-std", "mio", "polling", "smol", "tokio"];

/// All that may be linked into the core. Each of them does without std.
const CORE: &[&str] = &[
    "atomic-waker",
    "base64",
    "concurrent-queue",
    "crossbeam-utils",
    "futures-core",
    "memchr",
    "percent-encoding",
    "sha1_smol",
    "zlib-rs",
];

/// Compares the workspace with the table.
pub(crate) fn check() -> Outcome {
    let faults = faults(&Graph::of("Cargo.toml")?);
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn faults(graph: &Graph) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, package) in graph.ours() {
        let name = short(&package.name);
        if OUTSIDE.contains(&name) {
            continue;
        }
        let Some(&(_, allowed, executor)) = TABLE.iter().find(|row| row.0 == name) else {
            faults.push(format!(
                "{name} has no row in the table of xtask/src/arrows.rs: say there what it may use"
            ));
            continue;
        };
        for used in graph.used_by(package).filter(|used| used.source.is_none()).map(|used| short(&used.name))
        {
            if used != name && !allowed.split(' ').any(|below| below == used) {
                faults.push(format!("{name} uses {used}, which is not below it"));
            }
        }
        for linked in graph.linked_into(id).iter().filter(|linked| linked.source.is_some()) {
            let linked = &*linked.name;
            if !executor && EXECUTORS.contains(&linked) {
                faults.push(format!("{name} is linked with {linked}, but must not know an executor"));
            }
            if name == "core" && !CORE.contains(&linked) {
                faults.push(format!("the core is linked with {linked}, which is not on its list"));
            }
        }
    }
    faults
}

fn short(name: &str) -> &str {
    name.strip_prefix("stelo-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Package;

    /// A graph in which every package links those after its name.
    fn graph(packages: &[(&str, &[&str])]) -> Graph {
        let mut graph = Graph::default();
        for (name, links) in packages {
            let links: std::collections::BTreeSet<String> = links.iter().map(|link| (*link).into()).collect();
            let ours = name.starts_with("stelo");
            graph.0.insert(
                (*name).into(),
                Package {
                    name: (*name).into(),
                    source: (!ours).then(|| "registry".into()),
                    uses: links.clone(),
                    links,
                    ..Package::default()
                },
            );
        }
        graph
    }

    #[test]
    fn arrows_that_run_downward_are_in_order() {
        let graph = graph(&[
            ("stelo-core", &["memchr"]),
            ("stelo-toolkit", &["stelo-core"]),
            ("stelo-runtime", &["stelo-core"]),
            ("stelo-tokio", &["stelo-runtime", "tokio"]),
            ("stelo-tests", &["stelo-tokio", "stelo-toolkit"]),
            ("memchr", &[]),
            ("tokio", &["mio"]),
            ("mio", &[]),
        ]);
        assert_eq!(faults(&graph), [""; 0]);
    }

    #[test]
    fn wrong_arrows_are_found() {
        let graph = graph(&[
            ("stelo-core", &["std-crate"]),
            ("stelo-new", &[]),
            ("stelo-runtime", &["stelo-server"]),
            ("stelo-server", &["stelo-runtime", "helper"]),
            ("std-crate", &[]),
            ("helper", &["tokio"]),
            ("tokio", &[]),
        ]);
        assert_eq!(
            faults(&graph),
            [
                "the core is linked with std-crate, which is not on its list",
                "new has no row in the table of xtask/src/arrows.rs: say there what it may use",
                "runtime uses server, which is not below it",
                "runtime is linked with tokio, but must not know an executor",
                "server is linked with tokio, but must not know an executor",
            ]
        );
    }

    #[test]
    fn what_only_tests_use_is_not_linked() {
        let mut graph = graph(&[("stelo-core", &["proptest"]), ("proptest", &[])]);
        if let Some(core) = graph.0.get_mut("stelo-core") {
            core.links.clear();
        }
        assert_eq!(faults(&graph), [""; 0]);
    }
}
