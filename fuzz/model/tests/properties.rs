//! Checks every property with the inputs in `fuzz/seeds` and with mutations of them.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngSeed, TestRunner};
use stelo_core::Bytes;
use stelo_model::PROPERTIES;

/// Returns the seeds of a property, each with its path and its content.
fn seeds(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds").join(name);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut seeds: Vec<_> =
        files.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect();
    seeds.sort();
    seeds
}

/// Generates inputs: the beginning of a seed, then pieces of seeds and a few random bytes.
fn mutations(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Bytes> {
    let cut = |seed: Vec<u8>, from: Index, to: Index| {
        let (from, to) = (from.index(seed.len() + 1), to.index(seed.len() + 1));
        seed[from.min(to)..from.max(to)].to_vec()
    };
    let beginning = (select(seeds.clone()), any::<Index>())
        .prop_map(|(seed, to)| seed[..to.index(seed.len() + 1)].to_vec());
    let piece =
        (select(seeds), any::<Index>(), any::<Index>()).prop_map(move |(seed, from, to)| cut(seed, from, to));
    let anything = prop::collection::vec(any::<u8>(), 1..4);
    let pieces = prop::collection::vec(prop_oneof![4 => piece, 1 => anything], 0..5);
    (beginning, pieces).prop_map(|(beginning, pieces)| [beginning, pieces.concat()].concat().into())
}

#[test]
fn properties_hold_for_every_seed() {
    for (name, property) in PROPERTIES {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for (seed, input) in seeds {
            println!("{seed}");
            property(&input);
        }
    }
}

#[test]
fn properties_hold_for_mutations_of_the_seeds() {
    let rng_seed = RngSeed::Fixed(7);
    let config =
        ProptestConfig { cases: 1_000, failure_persistence: None, rng_seed, ..ProptestConfig::default() };
    for (name, property) in PROPERTIES {
        let seeds = seeds(name).into_iter().map(|(_, input)| input).collect();
        let result = TestRunner::new(config.clone()).run(&mutations(seeds), |input| {
            property(&input);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
