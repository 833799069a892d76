//! Every property, for the inputs in `fuzz/seeds` and for what is made of them.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngSeed, TestRunner};
use stelo_core::Bytes;
use stelo_model::PROPERTIES;

/// The seeds of a property: how they are called, and what is in them.
fn seeds(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds").join(name);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut seeds: Vec<_> =
        files.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect();
    seeds.sort();
    seeds
}

/// The beginning of a seed, then pieces of seeds and a few bytes of anything.
fn made_of(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Bytes> {
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
fn every_seed_has_its_property() {
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
fn what_is_made_of_seeds_has_it_too() {
    let rng_seed = RngSeed::Fixed(7);
    let config =
        ProptestConfig { cases: 1_000, failure_persistence: None, rng_seed, ..ProptestConfig::default() };
    for (name, property) in PROPERTIES {
        let seeds = seeds(name).into_iter().map(|(_, input)| input).collect();
        let result = TestRunner::new(config.clone()).run(&made_of(seeds), |input| {
            property(&input);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
