//! Reads `cargo metadata`: our packages, and those that they depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::{cargo, output, root};

/// Returns cargo's target folder.
pub(crate) fn target() -> Result<PathBuf, String> {
    let json = output(&mut cargo("metadata --format-version 1 --no-deps"))?;
    let json: Value = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    Ok(json["target_directory"].as_str().ok_or("cargo metadata has changed its format")?.into())
}

/// A package of a lock file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) licence: Option<String>,
    /// The folder of a package of the workspace, from the root of the repository.
    pub(crate) folder: String,
    /// The registry or repository it comes from; `None` for our own packages.
    pub(crate) source: Option<String>,
    /// The ids of its direct dependencies, dev-dependencies included.
    pub(crate) uses: BTreeSet<String>,
    /// The ids of its direct dependencies without dev-dependencies.
    pub(crate) links: BTreeSet<String>,
}

/// Packages by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph(pub(crate) BTreeMap<String, Package>);

impl Graph {
    /// Reads the packages of the lock file next to `manifest`, a path from the root of the repository.
    pub(crate) fn of(manifest: &str) -> Result<Self, String> {
        let mut command = cargo("metadata --format-version 1 --all-features --locked --manifest-path");
        let json = output(command.arg(manifest)).map_err(|message| {
            format!(
                "{message}If the lock file is behind: `cargo update --workspace --manifest-path {manifest}`"
            )
        })?;
        let json: Value =
            serde_json::from_slice(&json).map_err(|error| format!("cargo metadata: {error}"))?;
        Self::read(&json).ok_or_else(|| "cargo metadata has changed its format".into())
    }

    fn read(json: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut packages = BTreeMap::new();
        for package in json["packages"].as_array()? {
            packages.insert(
                text(&package["id"])?,
                Package {
                    name: text(&package["name"])?,
                    version: text(&package["version"])?,
                    licence: text(&package["license"]),
                    folder: folder(package["manifest_path"].as_str()?),
                    source: text(&package["source"]),
                    ..Package::default()
                },
            );
        }
        for node in json["resolve"]["nodes"].as_array()? {
            let package = packages.get_mut(node["id"].as_str()?)?;
            for dependency in node["deps"].as_array()? {
                let id = text(&dependency["pkg"])?;
                if dependency["dep_kinds"].as_array()?.iter().any(|kind| kind["kind"] != "dev") {
                    package.links.insert(id.clone());
                }
                package.uses.insert(id);
            }
        }
        Some(Self(packages))
    }

    /// Our own packages.
    pub(crate) fn ours(&self) -> impl Iterator<Item = (&str, &Package)> {
        self.0.iter().filter(|(_, package)| package.source.is_none()).map(|(id, package)| (&**id, package))
    }

    /// The direct dependencies of a package, dev-dependencies included.
    pub(crate) fn used_by(&self, package: &Package) -> impl Iterator<Item = &Package> {
        package.uses.iter().filter_map(|id| self.0.get(id))
    }

    /// The transitive dependencies of a package, without dev-dependencies.
    pub(crate) fn linked_into(&self, id: &str) -> Vec<&Package> {
        let mut seen = BTreeSet::new();
        let mut open = vec![id];
        while let Some(package) = open.pop().and_then(|id| self.0.get(id)) {
            open.extend(package.links.iter().map(String::as_str).filter(|link| seen.insert(*link)));
        }
        seen.into_iter().filter_map(|id| self.0.get(id)).collect()
    }
}

/// The folder of a manifest, from the root of the repository; as it is if it lies elsewhere.
fn folder(manifest: &str) -> String {
    let folder = Path::new(manifest).parent().unwrap_or(Path::new(""));
    folder.strip_prefix(root()).unwrap_or(folder).to_string_lossy().into_owned()
}
