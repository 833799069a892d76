//! What each feature adds to the build of a first program.

use std::fs;

use super::program::{Features, Program};
use crate::run::{Outcome, root};

/// The features that are off by default and have dependencies.
const OPTIONAL: [&str; 6] = ["sessions", "encrypted-cookies", "validation", "templates", "brotli", "zstd"];

/// The builds of each program, of which the lowest counts: disturbances only add time.
const ROUNDS: usize = 2;

/// Prints a table of the features: packages, and seconds of a debug build of `examples/hello`, from nothing.
///
/// `deflate` is on by default: its row compares the default features with `tokio` alone. The other features are measured on
/// top of the default ones.
pub(crate) fn features() -> Outcome {
    let main = fs::read_to_string(root().join("examples/hello.rs")).map_err(|error| error.to_string())?;
    let programs = [Features::Least, Features::Default].into_iter().chain(OPTIONAL.map(Features::And));
    let mut programs: Vec<_> = programs.map(|features| (features, f64::INFINITY, 0)).collect();
    for round in 1..=ROUNDS {
        for (features, seconds, packages) in &mut programs {
            eprintln!("round {round} of {ROUNDS}: {features:?}");
            let program = Program::new(root(), *features, "", &main)?;
            *packages = program.packages()?;
            *seconds = seconds.min(program.build("dev")?);
        }
    }
    let ((_, least, few), (_, default, packages)) = (programs[0], programs[1]);
    println!(
        "`tokio` alone: {few} packages, {least:.1} s; default features: {packages} packages, {default:.1} s\n"
    );
    println!("| feature | packages added | seconds added |\n|---|--:|--:|");
    println!("| `deflate` | {} | {:.1} |", packages - few, default - least);
    for (name, (_, seconds, all)) in OPTIONAL.iter().zip(&programs[2..]) {
        println!("| `{name}` | {} | {:.1} |", all - packages, seconds - default);
    }
    Ok(())
}
