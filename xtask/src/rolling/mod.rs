//! Replaces workers and supervisors under load, and counts what clients lose.
//!
//! `rolling` sends `SIGHUP` 50 times and `SIGUSR2` 20 times: no request may be lost, no connection cut off. `rolling kill` kills a
//! worker every 200 ms for a minute: the service has to go on, and only requests in flight may be lost.

mod clients;
mod server;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use crate::run::{Outcome, cargo, root, run};
use clients::Counts;
use server::Server;

const RESTARTS: usize = 50;
const UPGRADES: usize = 20;

/// The time of load between two restarts.
const LOAD: Duration = Duration::from_millis(100);

/// The time between two kills, and how long they go on.
const KILLS: Duration = Duration::from_millis(200);
const KILLING: Duration = Duration::from_secs(60);

/// The longest time without an answer while workers are killed. A place starts a worker every 0.5 s at most.
const GAP: Duration = Duration::from_secs(2);

/// The workers while some are killed: enough that one is always about to be ready.
const KILLED_WORKERS: usize = 4;

/// A trial of a server under load.
#[derive(Clone, Copy)]
pub(crate) enum Trial {
    /// Restarts and upgrades.
    Rolling,
    /// Workers are killed.
    Kill,
}

/// Builds the server programs and tries them.
pub(crate) fn servers(trial: Trial) -> Outcome {
    run(&mut cargo("build --release --package stelo-server-tokio --package stelo-server-smol"))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let built = ["stelo-server-tokio", "stelo-server-smol"].map(|name| target.join("release").join(name));
    programs(trial, &built.each_ref().map(PathBuf::as_path))
}

/// Tries these programs, which serve the demonstration.
pub(crate) fn programs(trial: Trial, paths: &[&Path]) -> Outcome {
    let trial = match trial {
        Trial::Rolling => rolling,
        Trial::Kill => kill,
    };
    paths.iter().try_for_each(|path| trial(path))
}

/// Restarts and upgrades a server.
fn rolling(program: &Path) -> Outcome {
    let mut server = Server::start(program, 2)?;
    let counts = Counts::new(server.port);
    let outcome = thread::scope(|scope| {
        clients::spawn(scope, &counts);
        let outcome = (0..RESTARTS).try_for_each(|_| {
            thread::sleep(LOAD);
            server.restart()
        });
        let outcome = outcome.and_then(|()| {
            (0..UPGRADES).try_for_each(|_| {
                thread::sleep(LOAD);
                server.upgrade()
            })
        });
        counts.stopping.store(true, Relaxed);
        outcome
    });
    server.stop();
    outcome?;
    println!("{}: {RESTARTS} restarts, {UPGRADES} upgrades\n\n{counts}", program.display());
    match counts.faults() {
        0 => Ok(()),
        faults => Err(format!("{faults} requests or connections were lost\n{}", counts.reasons())),
    }
}

/// Kills the oldest worker of a server, again and again.
fn kill(program: &Path) -> Outcome {
    let mut server = Server::start(program, KILLED_WORKERS)?;
    let counts = Counts::new(server.port);
    let (killed, gap) = thread::scope(|scope| {
        clients::spawn_requests(scope, &counts);
        let (start, mut killed) = (Instant::now(), 0);
        let (mut answered, mut since, mut gap) = (0, start, Duration::ZERO);
        while start.elapsed() < KILLING {
            let next = Instant::now() + KILLS;
            killed += usize::from(server.kill_oldest());
            while Instant::now() < next {
                thread::sleep(Duration::from_millis(10));
                let now = counts.answered.load(Relaxed);
                if now > answered {
                    (answered, since) = (now, Instant::now());
                }
                gap = gap.max(since.elapsed());
            }
        }
        counts.stopping.store(true, Relaxed);
        (killed, gap)
    });
    server.stop();
    println!(
        "{}: {killed} workers killed, longest time without an answer {gap:.0?}\n\n{counts}",
        program.display()
    );
    let refused = counts.refused.load(Relaxed);
    if refused > 0 {
        return Err(format!("{refused} connections were refused"));
    }
    if gap > GAP {
        return Err(format!("no request was answered for {gap:?}"));
    }
    Ok(())
}
