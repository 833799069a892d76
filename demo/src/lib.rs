//! The built-in applications of the Stelo servers: a demonstration for clients, benchmarks and conformance suites, and a
//! folder of files.
//!
//! The source is an example of an application, with one file per topic.
//!
//! | module | contents |
//! |---|---|
//! | `home` | the page at `/` |
//! | `basics` | text, JSON, path parameters, a status of choice |
//! | `inspect` | the request as the server sees it |
//! | `bodies` | streaming bodies in constant memory |
//! | `time` | delays, events, and a background task |
//! | `websocket` | WebSockets that echo, and that only send |
//! | `tunnel` | bytes both ways after 101 |
#![forbid(unsafe_code)]

mod basics;
mod bodies;
mod home;
mod inspect;
mod time;
mod tunnel;
mod websocket;

use std::path::PathBuf;

use stelo_toolkit::request::Executor;
use stelo_toolkit::{App, HttpError, StaticFiles, Status, get, post};

/// Returns the demonstration.
///
/// ```
/// let client = stelo_toolkit::TestClient::new(stelo_demo::app());
/// assert_eq!(client.get("/plaintext").send().text(), "Hello, World!");
/// ```
pub fn app() -> App {
    App::new()
        .route("/", get(home::page))
        .route("/plaintext", get(basics::plaintext))
        .route("/json", get(basics::json))
        .route("/users/{id:int}/posts/{slug}", get(basics::post))
        .route("/status/{code:int}", get(basics::status))
        .route("/panic", get(basics::panic))
        .route("/request", get(inspect::request))
        .route("/echo", post(bodies::echo))
        .route("/upload", post(bodies::upload))
        .route("/stream", get(bodies::stream))
        .route("/bytes/{n:int}", get(bodies::bytes))
        .route("/sleep/{ms:int}", get(time::sleep))
        .route("/events/{n:int}", get(time::events))
        .route("/background", get(time::background))
        .route("/tunnel", get(tunnel::echo))
        .websocket("/ws", websocket::echo)
        .websocket("/ws/quiet", websocket::quiet)
}

/// Returns an application that serves a folder, with `index.html` for directories. It does not start without the folder.
///
/// ```
/// # let client = |folder| stelo_toolkit::TestClient::try_new(stelo_demo::folder(folder));
/// assert!(client(env!("CARGO_MANIFEST_DIR").into()).is_ok());
/// assert!(client("nowhere".into()).is_err());
/// ```
pub fn folder(path: PathBuf) -> App {
    let files = StaticFiles::new(path).html(true);
    let check = files.clone();
    App::new()
        .on_startup(
            move |executor: Executor| async move { executor.run_blocking(move || check.check()).await },
        )
        .mount("/", files)
}

/// The error for a parameter that is valid but out of range.
fn refused(detail: impl Into<std::borrow::Cow<'static, str>>) -> HttpError {
    HttpError::new(Status::BAD_REQUEST).with_detail(detail)
}

/// The README, whose snippet is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
