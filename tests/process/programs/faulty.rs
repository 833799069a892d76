//! An application whose handlers and hooks do what they should not, for tests of supervisors and limits.

use std::hint::black_box;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use stelo::{App, Config, Path, get};

/// Memory that is never released.
static KEPT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

fn main() -> ExitCode {
    let app = App::new()
        .on_startup(hang_once)
        .route("/", get(process))
        .route("/block/{ms:int}", get(block))
        .route("/keep/{mib:int}", get(keep));
    let config = Config::new()
        .when_ready(|| say("hook: ready\n"))
        .worker_started(|worker| say(&format!("hook: [{worker}] starts\n")))
        .worker_exit(|worker, status| panic!("[{worker}] is over: {status}"));
    stelo::run_with(config, app)
}

/// Writes a line at once: `eprintln` writes it in pieces, between which another process may write.
fn say(line: &str) {
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Never completes in the process that removes the file that `FAULTY_HANG` names.
async fn hang_once() {
    if std::env::var_os("FAULTY_HANG").is_some_and(|path| std::fs::remove_file(path).is_ok()) {
        std::future::pending().await
    }
}

/// Answers with the number of the process.
async fn process() -> String {
    std::process::id().to_string()
}

/// Blocks the thread of the executor.
async fn block(Path(ms): Path<u64>) -> String {
    std::thread::sleep(Duration::from_millis(ms));
    std::process::id().to_string()
}

/// Takes memory.
async fn keep(Path(mib): Path<usize>) -> String {
    if let Ok(mut kept) = KEPT.lock() {
        // Not zero: the system gives pages of zeros once they are written.
        kept.push(black_box(vec![1; mib << 20]));
    }
    std::process::id().to_string()
}
