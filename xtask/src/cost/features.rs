//! `cargo xtask cost features`: the CPU time and the packages that each feature adds to a first program.

use std::collections::BTreeSet;
use std::fs;

use super::program::{Features, Program};
use crate::run::{Outcome, root};

/// The features that are off by default and have dependencies.
const OPTIONAL: [&str; 6] = ["sessions", "encrypted-cookies", "validation", "templates", "brotli", "zstd"];

/// The packages that every feature changes, and that each measurement compiles again.
const ALWAYS: [&str; 3] = ["stelo-toolkit", "stelo", "program"];

/// Prints a table of the features: packages, and the seconds that they add to a debug build of `examples/hello`.
///
/// Both builds of a difference compile the packages that the feature adds, the toolkit, the facade and the program; all
/// others are compiled before. `deflate` is on by default: its row compares the default features with `tokio` alone. The
/// others are compared with the default features.
pub(crate) fn features() -> Outcome {
    let main = fs::read_to_string(root().join("examples/hello.rs")).map_err(|error| error.to_string())?;
    let program = Program::new(root(), Features::Least, "", &main)?;
    program.build("dev")?;
    println!("| feature | packages added | seconds added |\n|---|--:|--:|");
    let least = Built::of(&program, Features::Least, &BTreeSet::new())?;
    let default = Built::of(&program, Features::Default, &least.packages)?;
    default.print("deflate", &least);
    for name in OPTIONAL {
        Built::of(&program, Features::And(name), &default.packages)?.print(name, &default.again(&program)?);
    }
    Ok(())
}

/// A build with some features.
struct Built {
    features: Features,
    packages: BTreeSet<String>,
    seconds: f64,
}

impl Built {
    /// Builds the packages that are not in `known`, and those that change with every feature.
    fn of(program: &Program, features: Features, known: &BTreeSet<String>) -> Result<Self, String> {
        program.set_dependencies(root(), features, "")?;
        let packages = program.packages()?;
        let added = packages.difference(known).filter(|_| !known.is_empty()).map(String::as_str);
        program.forget(ALWAYS.into_iter().chain(added))?;
        Ok(Self { features, seconds: program.build("dev")?, packages })
    }

    /// Builds the same once more, so that the builds of a difference are neighbours in time.
    fn again(&self, program: &Program) -> Result<Self, String> {
        Self::of(program, self.features, &self.packages)
    }

    fn print(&self, name: &str, without: &Self) {
        let packages = self.packages.len().saturating_sub(without.packages.len());
        println!("| `{name}` | {packages} | {:.1} |", self.seconds - without.seconds);
    }
}
