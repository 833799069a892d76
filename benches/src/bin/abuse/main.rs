//! A server under attack: its memory, the latency of a well-behaved client, and the outcome of the attackers.
//!
//! ```text
//! cargo run --release -p stelo-benches --features abuse --bin abuse -- [OPTION…] [ATTACK…]
//!
//! --loop NAME         our server on this executor: tokio (default), smol, async-std
//! --server PATH       another server, which reads PORT and THREADS from its environment
//! --large TARGET      where it has a body that no buffer of the system holds (else `never-read` is left out)
//! --upload TARGET     where it reads the body of a POST (/echo)
//! --connections N     so many where there would be more (10,000)
//! --seconds N         how long each attack lasts at most
//! ```
//!
//! Each attack meets a server that has just been started. It ends when the attackers are gone, or after some seconds
//! more than the default limit that answers it. What is printed is a table in Markdown; docs/evidence/under-attack.md explains
//! it. All of it on this machine alone, in less than three minutes. Linux only: memory is read from `/proc`.

mod attacker;
mod attacks;
mod client;
mod report;
mod victim;
mod watch;

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stelo_benches::Result;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use attacker::{Attack, Outcomes};
use attacks::Targets;
use client::{Client, Connection};
use report::Row;
use victim::{Program, Victim};
use watch::Watch;

/// KiB of user-space memory for a connection that waits for its next request.
const GOAL: f64 = 2.0;

/// Files that a process has open besides connections.
const OTHER_FILES: u64 = 100;

/// The time limit for the clean-up after an attack.
const AFTERWARDS: Duration = Duration::from_secs(1);

struct Options {
    program: Program,
    targets: Targets,
    connections: usize,
    seconds: Option<u64>,
    attacks: Vec<String>,
}

impl Options {
    fn parse() -> Result<Self> {
        let (mut server, mut executor) = (None, String::from("tokio"));
        let (mut large, mut upload) = (None, None);
        let (mut connections, mut seconds, mut attacks) = (10_000, None, Vec::new());
        let mut args = env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
            match arg.as_str() {
                "--server" => server = Some(PathBuf::from(value()?)),
                "--loop" => executor = value()?,
                "--large" => large = Some(value()?),
                "--upload" => upload = Some(value()?),
                "--connections" => connections = value()?.parse()?,
                "--seconds" => seconds = Some(value()?.parse()?),
                _ if arg.starts_with('-') => return Err(format!("there is no option {arg}").into()),
                _ => attacks.push(arg),
            }
        }
        let ours = server.is_none();
        let program = match server {
            Some(path) => Program::foreign(&path),
            None => {
                large.get_or_insert_with(|| "/bytes/1073741824".into());
                upload.get_or_insert_with(|| "/upload".into());
                Program::ours(&executor)?
            }
        };
        let targets = Targets { large, upload: upload.unwrap_or_else(|| "/echo".into()), ours };
        Ok(Self { program, targets, connections, seconds, attacks })
    }

    /// The attacks that were asked for.
    fn chosen(&self) -> Result<Vec<Attack>> {
        let all = attacks::all(&self.targets);
        let name = |attack: &Attack| attack.name;
        if let Some(unknown) = self.attacks.iter().find(|name| all.iter().all(|attack| attack.name != **name))
        {
            let names: Vec<_> = all.iter().map(name).collect();
            return Err(format!("there is no attack `{unknown}`; there are: {}", names.join(", ")).into());
        }
        let wanted =
            |attack: &Attack| self.attacks.is_empty() || self.attacks.iter().any(|n| n == attack.name);
        Ok(all
            .into_iter()
            .filter(wanted)
            .map(|attack| Attack {
                attackers: attack.attackers.min(self.connections),
                seconds: self.seconds.unwrap_or(attack.seconds),
                ..attack
            })
            .collect())
    }
}

fn main() -> Result<()> {
    let mut options = Options::parse()?;
    let most = raise_limit()?;
    if options.connections > most {
        println!("No more than {most} files may be open (ulimit -Hn): going on with as many connections.");
        options.connections = most;
    }
    let attacks = options.chosen()?;
    if options.attacks.is_empty() {
        idle(&options.program, options.connections)?;
    }
    println!("{}", report::HEADER);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for attack in attacks {
        println!("{}", runtime.block_on(suffer(&options.program, attack))?);
    }
    Ok(())
}

/// Lets this process and its children open as many files as they may. Says how many connections that makes.
fn raise_limit() -> Result<usize> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(usize::try_from(maximum.unwrap_or(u64::MAX).saturating_sub(OTHER_FILES))?)
}

/// The headline: what connections cost that have got an answer each and wait for their next request.
fn idle(program: &Program, connections: usize) -> Result<()> {
    // For as long as it takes to open them all.
    let server = Victim::start(&program.clone().with("STELO_TIMEOUT_KEEP_ALIVE", "60"))?;
    let process = server.process();
    Connection::open(server.address)?.exchange()?;
    thread::sleep(AFTERWARDS);
    let before = process.memory()?;
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut connection = Connection::open(server.address)?;
        connection.exchange()?;
        open.push(connection);
    }
    thread::sleep(AFTERWARDS);
    let each = (process.memory()? - before) / connections as f64;
    let verdict = if each <= GOAL { "reached" } else { "missed" };
    println!(
        "An idle connection that has got an answer: {each:.2} KiB (goal: at most {GOAL} KiB, {verdict})\n"
    );
    Ok(())
}

/// One attack on a server of its own; a row of the table.
async fn suffer(program: &Program, attack: Attack) -> Result<Row> {
    let program = match attack.limit {
        Some(limit) => program.clone().with("STELO_LIMIT_CONCURRENCY", limit),
        None => program.clone(),
    };
    let server = Victim::start(&program)?;
    let client = Client::start(server.address)?;
    thread::sleep(AFTERWARDS / 2);
    let watch = Watch::start(server.process())?;
    let (outcomes, attack) = (Outcomes::default(), Arc::new(attack));
    let start = Instant::now();
    let end = start + Duration::from_secs(attack.seconds);
    let mut attackers = JoinSet::new();
    for _ in 0..attack.attackers {
        let stream = TcpStream::connect(server.address).await?;
        attackers.spawn(attacker::run(attack.clone(), stream, server.address, outcomes.clone()));
        if attack.limit.is_some() {
            // Connections that are accepted together are all over the limit, or none is.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    while Instant::now() < end && (attack.attackers == 0 || attack.returns || watch.seen().gone.is_none()) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (latencies, seen) = (client.finish()?, watch.finish()?);
    // Attackers that have just been cut off need time to read the answer.
    tokio::time::sleep(AFTERWARDS / 5).await;
    attackers.shutdown().await;
    tokio::time::sleep(AFTERWARDS).await;
    let (after, left) = (server.process().memory()?, server.process().open()?.saturating_sub(seen.base));
    Ok(Row { attack, latencies, seen, after, left, outcomes })
}
