//! Start-up and shutdown: a state that is opened before the first request and closed after the last response.
//!
//! `cargo run --example lifespan`, then Ctrl+C. With `DATABASE=` (empty) in the environment the start fails with one line
//! and exit code 3.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use stelo::request::Executor;
use stelo::{App, State, get};

/// Takes the place of a connection pool.
#[derive(Clone)]
struct Database(Arc<str>);

/// An error ends the start.
async fn open(executor: Executor) -> stelo::Result<Database> {
    // Blocking work runs on another thread.
    let url = executor.run_blocking(|| env::var("DATABASE").unwrap_or_else(|_| "memory".into())).await;
    if url.is_empty() {
        return Err("DATABASE is empty: name a database".into());
    }
    eprintln!("database {url} opened");
    Ok(Database(url.into()))
}

async fn close(Database(url): Database) {
    // One write, so that a line of the log does not come in between.
    let line = format!("database {url} closed\n");
    eprint!("{line}");
}

async fn home(State(Database(url)): State<Database>) -> String {
    format!("served from {url}\n")
}

fn main() -> ExitCode {
    stelo::run(App::new().lifespan(open, close).route("/", get(home)))
}
