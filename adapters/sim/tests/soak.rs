//! The scenario of the soak example for a few hundred seeds, and the check that equal seeds give equal runs.

#[path = "../examples/soak/app.rs"]
mod app;
#[path = "../examples/soak/heap.rs"]
mod heap;
#[path = "../examples/soak/leaving.rs"]
mod leaving;
#[path = "../examples/soak/metered.rs"]
mod metered;
#[path = "../examples/soak/polite.rs"]
mod polite;
#[path = "../examples/soak/rude.rs"]
mod rude;
#[path = "../examples/soak/scenario.rs"]
mod scenario;

#[test]
fn the_server_passes_every_scenario() {
    let failures: Vec<String> = (0..300)
        .filter_map(|seed| {
            let failure = scenario::run(seed, false).err()?;
            Some(format!("{failure}\nreplay: cargo run -p stelo-sim --example soak -- --seed {seed} --trace"))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn equal_seeds_give_equal_runs() {
    let mut traces = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let report = scenario::run(seed, false).unwrap();
        assert_eq!(Ok(&report), scenario::run(seed, false).as_ref(), "seed {seed}");
        traces.insert(report.trace);
    }
    assert_eq!(traces.len(), 100, "different seeds give different runs");
}
