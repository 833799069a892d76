//! Counts the requests that are lost when a server is stopped under load.
//!
//! 32 clients keep their connections open and never pause. They obey `connection: close`, and connect again. After a
//! while the server gets `SIGTERM`. A request is lost if its connection ends before the first byte of a response.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::run::{Outcome, cargo, output, root, run};

const CLIENTS: usize = 32;
const RESTARTS: usize = 10;

/// The time of load before the signal, which differs from restart to restart.
const LOAD: Duration = Duration::from_millis(300);

/// The longest wait for a server to start, and for a response.
const PATIENCE: Duration = Duration::from_secs(10);

/// The routes of the demonstration: one that answers at once, and one that takes 20 ms.
const PATHS: [&str; 2] = ["/plaintext", "/sleep/20"];

/// The counts of all clients.
#[derive(Default)]
struct Counts {
    answered: AtomicUsize,
    announced: AtomicUsize,
    lost: AtomicUsize,
    cut: AtomicUsize,
    stopping: AtomicBool,
}

/// The outcome of a request.
enum Asked {
    Answered { closes: bool },
    Lost,
    Cut,
}

/// Builds the server programs and stops them under load.
pub(crate) fn servers() -> Outcome {
    run(&mut cargo("build --release --package stelo-server-tokio --package stelo-server-smol"))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let built = ["stelo-server-tokio", "stelo-server-smol"].map(|name| target.join("release").join(name));
    programs(&built.each_ref().map(PathBuf::as_path))
}

/// Stops these programs, which serve the demonstration, under load.
pub(crate) fn programs(paths: &[&Path]) -> Outcome {
    let mut lost = 0;
    println!("{CLIENTS} clients, {RESTARTS} restarts each\n");
    println!("| program | route | answered | said `close` | lost | cut off |\n|---|---|--:|--:|--:|--:|");
    for program in paths {
        for path in PATHS {
            let counts = Counts::default();
            for n in 0..RESTARTS {
                restart(program, path, n, &counts)?;
            }
            let [answered, announced, none, cut] =
                [&counts.answered, &counts.announced, &counts.lost, &counts.cut]
                    .map(|count| count.load(Relaxed));
            let program = program.file_name().unwrap_or_default().display();
            println!("| `{program}` | `{path}` | {answered} | {announced} | {none} | {cut} |");
            lost += none + cut;
        }
    }
    if lost == 0 { Ok(()) } else { Err(format!("{lost} requests were lost")) }
}

/// Starts a server, stops it under load, and waits for its end.
fn restart(program: &Path, path: &str, n: usize, counts: &Counts) -> Outcome {
    let error = |error| format!("{}: {error}", program.display());
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(error)?.port();
    let mut server = Command::new(program)
        .args(["--port", &port.to_string(), "--no-access-log"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(error)?;
    let outcome = load(&mut server, port, path, n, counts);
    if outcome.is_err() {
        let _ = server.kill();
    }
    server.wait().map_err(error)?;
    outcome
}

fn load(server: &mut Child, port: u16, path: &str, n: usize, counts: &Counts) -> Outcome {
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if start.elapsed() > PATIENCE {
            return Err("the server does not start".into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    counts.stopping.store(false, Relaxed);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| client(port, path, counts));
        }
        thread::sleep(LOAD + Duration::from_millis(7 * n as u64));
        counts.stopping.store(true, Relaxed);
        output(Command::new("kill").args(["-TERM", &server.id().to_string()])).map(drop)
    })
}

/// Sends requests until the server has stopped.
fn client(port: u16, path: &str, counts: &Counts) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    loop {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
            if counts.stopping.load(Relaxed) {
                return;
            }
            continue;
        };
        let _ = stream.set_read_timeout(Some(PATIENCE));
        loop {
            let asked = ask(&mut stream, &request);
            let count = match asked {
                Asked::Answered { .. } => &counts.answered,
                Asked::Lost => &counts.lost,
                Asked::Cut => &counts.cut,
            };
            count.fetch_add(1, Relaxed);
            match asked {
                Asked::Answered { closes: false } => {}
                Asked::Answered { closes: true } => {
                    counts.announced.fetch_add(1, Relaxed);
                    break;
                }
                Asked::Lost | Asked::Cut => break,
            }
        }
    }
}

/// Sends a request and reads its response, which has a `content-length`.
fn ask(stream: &mut TcpStream, request: &str) -> Asked {
    // A response may have come although sending fails.
    let _ = stream.write_all(request.as_bytes());
    let (mut response, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut piece) {
            // The end of a child process interrupts calls.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => return if response.is_empty() { Asked::Lost } else { Asked::Cut },
            Ok(n) => response.extend_from_slice(&piece[..n]),
        }
        let text = String::from_utf8_lossy(&response);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.and_then(|length| length.parse().ok()) == Some(body.len()) {
            return Asked::Answered { closes: head.contains("\r\nconnection: close") };
        }
    }
}
