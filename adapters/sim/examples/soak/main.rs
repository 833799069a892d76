//! Runs the whole server in thousands of simulations. The seed of each decides the network, the clients and the end.
//!
//! `cargo run --release -p stelo-sim --example soak -- --seeds 10000` prints the seeds that fail, and
//! `-- --seed N --trace` replays one and prints all events.

mod app;
mod heap;
mod leaving;
mod metered;
mod polite;
mod rude;
mod scenario;

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: soak [--seeds N] [--from N] | --seed N [--trace]";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (mut from, mut seeds, mut trace) = (0, 1000, false);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|n| n.parse::<u64>().ok());
        let known = match argument.as_str() {
            "--seeds" => number().map(|n| seeds = n),
            "--from" => number().map(|n| from = n),
            "--seed" => number().map(|n| (from, seeds) = (n, 1)),
            "--trace" => {
                trace = true;
                Some(())
            }
            _ => None,
        };
        if known.is_none() {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    soak(from, seeds, trace)
}

/// Runs all seeds, also after failures, and prints a summary.
fn soak(from: u64, seeds: u64, trace: bool) -> ExitCode {
    let start = Instant::now();
    let (mut elapsed, mut steps, mut requests, mut answered, mut excused) = (Duration::ZERO, 0, 0, 0, 0);
    let (mut failures, mut held) = (0, 0);
    for seed in from..from + seeds {
        match scenario::run(seed, trace) {
            Ok(report) => {
                elapsed += report.elapsed;
                steps += report.steps;
                requests += report.output.requests;
                answered += report.output.answered;
                excused += report.output.excused;
                held = held.max(report.output.held);
                if seeds == 1 {
                    println!("trace {:016x}", report.trace);
                }
            }
            Err(failure) => {
                failures += 1;
                println!("{failure}");
                println!("replay: cargo run -p stelo-sim --example soak -- --seed {seed} --trace");
            }
        }
    }
    println!(
        "{seeds} seeds, {failures} failed; {:.1} hours of virtual time in {:.1} s; {steps} steps; {requests} requests \
         reached the application, {answered} right answers, {excused} excused; {} KiB held at most",
        elapsed.as_secs_f64() / 3600.0,
        start.elapsed().as_secs_f64(),
        held >> 10,
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
