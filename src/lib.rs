//! Starlette and Uvicorn for Rust, on any executor.
//!
//! Stelo is a web toolkit and a server around a core that does no input or output itself. An application is
//! written once; the Cargo feature chooses what drives it.
//!
//! ```no_run
//! use stelo::{App, get};
//!
//! async fn home() -> &'static str {
//!     "Hello, World!"
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     stelo::run(App::new().route("/", get(home)))
//! }
//! ```
//!
//! `cargo run` serves it at `http://127.0.0.1:8000`; `cargo run -- --help` lists the options, which are Uvicorn's.
//!
//! The same application answers in a test, where there is no server and no executor:
//!
//! ```
//! use stelo::{App, Path, TestClient, get};
//!
//! async fn post(Path((user, slug)): Path<(u64, String)>) -> String {
//!     format!("user {user}, post {slug}")
//! }
//!
//! let client = TestClient::new(App::new().route("/users/{user:int}/posts/{slug}", get(post)));
//! assert_eq!(client.get("/users/7/posts/abc").send().text(), "user 7, post abc");
//! ```
//!
//! # Where things are
//!
//! - The toolkit, at the root of this crate: [`App`], [`Router`], [`Request`], [`Response`], extractors, middleware,
//!   and a [`TestClient`] that needs no server.
//! - The server: [`run`], [`Server`], [`Config`].
//! - The core, for those who bring their own event loop: [`core`].
//!
//! # Cargo features
//!
//! | feature | |
//! |---|---|
//! | `tokio` (default) | runs on tokio |
//! | `smol` | runs on smol |
//! | `async-std` | runs on async-std, which is no longer developed |
//! | `deflate` (default) | compresses WebSocket messages where the client can do it |
//!
//! With several executors, `--loop` or [`Config::executor`] chooses, and the first in this order is the default. With
//! none, the toolkit and the core can be used and tested, but no server runs.

mod server;

pub use server::{Server, run, run_with};
pub use stelo_core as core;
pub use stelo_server::{Config, ConfigError, LogLevel, ServeError, ServerHandle, Stopped, Ws};
pub use stelo_toolkit::*;

/// The pages whose snippets need this crate.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../docs/guide/getting-started.md")]
    mod getting_started {}
    #[doc = include_str!("../docs/guide/routing.md")]
    mod routing {}
    #[doc = include_str!("../docs/guide/handlers.md")]
    mod handlers {}
    #[doc = include_str!("../docs/guide/responses.md")]
    mod responses {}
    #[doc = include_str!("../docs/guide/errors.md")]
    mod errors {}
    #[doc = include_str!("../docs/guide/middleware.md")]
    mod middleware {}
    #[doc = include_str!("../docs/guide/state.md")]
    mod state {}
    #[doc = include_str!("../docs/guide/websockets.md")]
    mod websockets {}
    #[doc = include_str!("../docs/guide/files.md")]
    mod files {}
    #[doc = include_str!("../docs/guide/testing.md")]
    mod testing {}
    #[doc = include_str!("../docs/guide/simulator.md")]
    mod simulator {}
    #[doc = include_str!("../docs/server/running.md")]
    mod running {}
}
