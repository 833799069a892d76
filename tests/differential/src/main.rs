//! Gives the corpus of `tests/corpus/h1/` to ours and to other servers, and holds `docs/evidence/differential.md` against what
//! they make of it. The README in this folder says how to run it, and what to do about what it says.

mod account;
mod corpus;
/// The notation of bytes is that of the corpus.
#[path = "../../../core/tests/corpus/escape.rs"]
mod escape;
mod exchange;
mod page;
mod peers;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::{iter, thread};

use corpus::Case;
use page::Outcomes;
use peers::Peer;
use tracing::subscriber::NoSubscriber;

/// The number of cases that run at once: most of the time is spent waiting for silent peers.
const AT_ONCE: usize = 16;

fn main() -> ExitCode {
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<(), String> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let cases = corpus::read(&root.join("tests/corpus/h1"))?;
    // What servers log, ours among them, is seen on the wire.
    tracing::subscriber::set_global_default(NoSubscriber::default()).map_err(|error| error.to_string())?;
    let peers = peers::start()?;
    let outcomes = put_all(&cases, &peers)?;

    let path = root.join("docs/evidence/differential.md");
    let page = fs::read_to_string(&path).map_err(|error| format!("cannot read the page: {error}"))?;
    let (written, faults) = page::update(&page, &peers, &outcomes);
    if written != page {
        fs::write(&path, written).map_err(|error| format!("cannot write the page: {error}"))?;
        println!("docs/evidence/differential.md has been brought up to date");
    }
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    println!("{} cases; every difference has its reason", cases.len());
    Ok(())
}

/// Puts each case to each peer.
fn put_all(cases: &BTreeMap<String, Case>, peers: &[Peer]) -> Result<Outcomes, String> {
    let left = Mutex::new(cases.iter());
    let next = || left.lock().ok()?.next();
    let put = |(name, case): (&String, &Case)| {
        let outcomes = peers.iter().map(|peer| {
            let outcome = exchange::exchange(peer.address, case);
            outcome.map_err(|error| format!("{name}, {}: {error}", peer.name))
        });
        Ok((name.clone(), outcomes.collect::<Result<_, String>>()?))
    };
    let work = || iter::from_fn(next).map(put).collect::<Result<Vec<_>, String>>();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let mut outcomes = Outcomes::new();
        for worker in workers {
            outcomes.extend(worker.join().map_err(|_| "a thread has panicked")??);
        }
        Ok(outcomes)
    })
}
