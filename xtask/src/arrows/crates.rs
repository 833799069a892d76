//! Compares the crates of the workspace with a table: which may use which, and which may be linked with an executor.

use crate::metadata::{Graph, Package};

/// A crate of the workspace, the crates that it may use (all without `stelo-`), and whether it may be linked with an
/// executor.
type Row = (&'static str, &'static str, bool);

/// From the bottom to the top.
const TABLE: &[Row] = &[
    ("core", "", false),
    ("runtime", "core", false),
    ("os", "core runtime", false),
    ("tokio", "runtime os", true),
    ("async-io", "runtime os", true),
    ("smol", "runtime async-io", true),
    ("async-std", "runtime async-io", true),
    ("toolkit", "core os", false),
    ("demo", "core toolkit", false),
    ("server", "core runtime os", false),
    // The simulator uses the trait alone; its tests run the server.
    ("sim", "core runtime server", false),
    ("server-tokio", "core toolkit demo runtime os server tokio", true),
    ("server-smol", "core toolkit demo runtime os server smol async-std", true),
    ("stelo", "core toolkit runtime os server sim tokio smol async-std", true),
];

/// Crates that the tests of any other crate may use.
const TEST_TOOLS: &[&str] = &["sim"];

/// The folder of the optional parts, a crate each. They may use what [`BATTERY`] lists.
const BATTERIES: &str = "batteries/";

/// The row of every crate in [`BATTERIES`]. Such a crate may link a package that needs an executor, but may not name
/// one itself.
const BATTERY: Row = ("", "core toolkit os", true);

/// Crates that may use all others, and that no crate uses.
const OUTSIDE: &[&str] = &["tests", "benches", "xtask", "model"];

/// Packages that are executors or parts of one.
const EXECUTORS: &[&str] =
    &["async-executor", "async-global-executor", "async-io", "async-std", "mio", "polling", "smol", "tokio"];

/// The packages that may be linked into the core. Each of them works without std, except `http`, which only the feature of
/// that name links.
const CORE: &[&str] = &[
    "atomic-waker",
    "base64",
    "bytes",
    "concurrent-queue",
    "crossbeam-utils",
    "event-listener",
    "futures-core",
    "http",
    // Of http.
    "itoa",
    "memchr",
    "once_cell",
    // Of event-listener, when another crate enables its feature std.
    "parking",
    "percent-encoding",
    "pin-project-lite",
    "sha1_smol",
    "zlib-rs",
];

/// Describes what the workspace has and the table does not allow.
pub(crate) fn faults(graph: &Graph) -> Vec<String> {
    let packages = graph.ours().filter(|(_, package)| !OUTSIDE.contains(&short(&package.name)));
    packages.flat_map(|(id, package)| faults_of(graph, id, package)).collect()
}

fn faults_of(graph: &Graph, id: &str, package: &Package) -> Vec<String> {
    let name = short(&package.name);
    let is_battery = |package: &Package| package.folder.starts_with(BATTERIES);
    let row = if is_battery(package) { Some(&BATTERY) } else { TABLE.iter().find(|row| row.0 == name) };
    let Some(&(_, allowed, executor)) = row else {
        return vec![format!(
            "{name} has no row in the table of xtask/src/arrows/crates.rs: add what it may use"
        )];
    };
    let mut faults = Vec::new();
    for (id, used) in package.uses.iter().filter_map(|id| Some((id, graph.0.get(id)?))) {
        if used.source.is_some() {
            continue;
        }
        let for_tests = TEST_TOOLS.contains(&short(&used.name)) && !package.links.contains(id);
        let below = for_tests || allowed.split(' ').any(|below| below == short(&used.name));
        // The facade has a feature for each battery.
        let feature = name == "stelo" && is_battery(used);
        if used.name != package.name && !below && !feature {
            faults.push(format!("{name} uses {}, which is not below it", short(&used.name)));
        }
    }
    if is_battery(package) {
        let direct = package.links.iter().filter_map(|id| graph.0.get(id));
        let named = direct.map(|used| &*used.name).filter(|used| EXECUTORS.contains(used));
        faults.extend(named.map(|used| format!("{name} uses {used}, but must not name an executor")));
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
    faults
}

fn short(name: &str) -> &str {
    name.strip_prefix("stelo-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn arrows_that_point_downward_pass() {
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
                "new has no row in the table of xtask/src/arrows/crates.rs: add what it may use",
                "runtime uses server, which is not below it",
                "runtime is linked with tokio, but must not know an executor",
                "server is linked with tokio, but must not know an executor",
            ]
        );
    }

    #[test]
    fn a_battery_may_link_an_executor_but_not_name_one() {
        let mut graph = graph(&[
            ("stelo-core", &[]),
            ("stelo-sql", &["stelo-core", "driver"]),
            ("stelo-bus", &["stelo-core", "stelo-server", "tokio"]),
            ("stelo-server", &[]),
            ("stelo", &["stelo-sql"]),
            ("driver", &["tokio"]),
            ("tokio", &[]),
        ]);
        for battery in ["stelo-sql", "stelo-bus"] {
            graph.0.get_mut(battery).unwrap().folder = format!("batteries/{}", short(battery));
        }
        assert_eq!(
            faults(&graph),
            ["bus uses server, which is not below it", "bus uses tokio, but must not name an executor"]
        );
    }

    #[test]
    fn tests_may_use_the_simulator() {
        let mut graph = graph(&[("stelo-server", &["stelo-sim"]), ("stelo-sim", &[])]);
        assert_eq!(faults(&graph), ["server uses sim, which is not below it"]);
        graph.0.get_mut("stelo-server").unwrap().links.clear();
        assert_eq!(faults(&graph), [""; 0]);
    }

    #[test]
    fn dev_dependencies_are_not_linked() {
        let mut graph = graph(&[("stelo-core", &["proptest"]), ("proptest", &[])]);
        if let Some(core) = graph.0.get_mut("stelo-core") {
            core.links.clear();
        }
        assert_eq!(faults(&graph), [""; 0]);
    }
}
