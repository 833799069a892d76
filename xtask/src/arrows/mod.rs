//! Which part may use which: [`crates`] compares the workspace with a table, [`circles`] compares the folders of a
//! crate with each other.

mod circles;
mod crates;
mod paths;

use crate::metadata::Graph;
use crate::run::{Outcome, root};

/// The folders of the crates whose top-level modules may not import each other in a circle.
const ACYCLIC: &[&str] = &["core", "toolkit", "server"];

/// Fails if a crate uses another one that is not below it, or if a crate has a circle between its modules.
pub(crate) fn check() -> Outcome {
    let mut faults = crates::faults(&Graph::of("Cargo.toml")?);
    for folder in ACYCLIC {
        faults.extend(circles::faults(root(), folder)?);
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}
