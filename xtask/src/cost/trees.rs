//! `cargo xtask cost hello`: the build of the first program in several copies of this repository, such as a worktree of an
//! older commit.

use std::fs;
use std::path::Path;

use super::program::{Features, Program};
use crate::run::{Outcome, root};

/// The builds of each program, of which the lowest counts.
const ROUNDS: usize = 2;

/// The release profile of cargo, and that of `benches/peers`.
const PROFILES: [&str; 2] = ["release", "fat"];

/// Builds `examples/hello` of this tree and of others from nothing, in turns. Prints CPU time and size.
pub(crate) fn trees(others: &[&str]) -> Outcome {
    println!("| tree | profile | seconds | KB |\n|---|---|--:|--:|");
    for profile in PROFILES {
        let mut results: Vec<(&Path, f64, u64)> =
            others.iter().map(Path::new).chain([root()]).map(|tree| (tree, f64::INFINITY, 0)).collect();
        for _ in 0..ROUNDS {
            for (tree, seconds, size) in &mut results {
                let tree = fs::canonicalize(*tree).map_err(|error| format!("{}: {error}", tree.display()))?;
                let main = fs::read_to_string(tree.join("examples/hello.rs"))
                    .map_err(|error| format!("{} is no copy of this repository: {error}", tree.display()))?;
                let program = Program::new(&tree, Features::Default, "", &main)?;
                *seconds = seconds.min(program.build(profile)?);
                *size = program.size(profile)?;
            }
        }
        for (tree, seconds, size) in results {
            println!("| {} | {profile} | {seconds:.1} | {} |", tree.display(), size / 1000);
        }
    }
    Ok(())
}
