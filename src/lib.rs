//! Starlette and Uvicorn for Rust, on any executor.
//!
//! Stelo is a web toolkit and an HTTP server. An application names no executor: a Cargo feature chooses tokio, smol or
//! async-std. All protocol decisions are made in a sans-IO core, which programs with an event loop of their own can use
//! directly.
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
//! `cargo run` serves this at `http://127.0.0.1:8000`. `cargo run -- --help` lists the options, which are Uvicorn's.
//!
//! # Handlers
//!
//! A handler is an `async fn`. Its arguments are [extractors](extract), and it returns anything that is a
//! [response]. A value can be a handler too: `get("text")`.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use stelo::{App, Json, Path, Status, TestClient, get, post};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Item {
//!     name: String,
//!     price: u32,
//! }
//!
//! async fn item(Path(id): Path<u32>) -> String {
//!     format!("item {id}")
//! }
//!
//! async fn create(Json(item): Json<Item>) -> (Status, Json<Item>) {
//!     (Status::CREATED, Json(item))
//! }
//!
//! let app = App::new().route("/items/{id:int}", get(item)).route("/items", post(create));
//!
//! // Tests need no server and no executor.
//! let client = TestClient::new(app);
//! assert_eq!(client.get("/items/7").send().text(), "item 7");
//! let tea = Item { name: "tea".into(), price: 3 };
//! assert_eq!(client.post("/items").json(&tea).send().status(), Status::CREATED);
//! ```
//!
//! # Errors
//!
//! [`Result`] takes any error. [`HttpError`] chooses the status, and keeps it through `?`. Every other error is logged and
//! answered with 500, unless [`App::on_error`] registers a handler for its type.
//!
//! ```
//! use stelo::{App, HttpError, Path, Status, TestClient, get};
//!
//! async fn user(Path(name): Path<String>) -> stelo::Result<String> {
//!     if name != "ada" {
//!         return Err(HttpError::new(Status::NOT_FOUND).with_detail("no such user").into());
//!     }
//!     let age: u32 = "36".parse()?;
//!     Ok(format!("{name} is {age}"))
//! }
//!
//! let client = TestClient::new(App::new().route("/users/{name}", get(user)));
//! assert_eq!(client.get("/users/ada").send().text(), "ada is 36");
//! assert_eq!(client.get("/users/bob").send().status(), Status::NOT_FOUND);
//! ```
//!
//! # Modules of an application
//!
//! A [`Router`] is a module: routes with their own middleware, [state](State) and error handlers.
//! [`include`](Router::include) puts its routes behind a prefix.
//!
//! ```
//! use stelo::{App, Router, State, TestClient, get};
//!
//! #[derive(Clone)]
//! struct Shop {
//!     name: &'static str,
//! }
//!
//! async fn list(State(shop): State<Shop>) -> String {
//!     format!("items of {}", shop.name)
//! }
//!
//! let items = Router::new().state(Shop { name: "the tea shop" }).route("", get(list));
//! let client = TestClient::new(App::new().include("/items", items));
//! assert_eq!(client.get("/items").send().text(), "items of the tea shop");
//! ```
//!
//! # WebSockets
//!
//! A WebSocket handler takes the [`WebSocket`] as its last argument, accepts it, and exchanges messages.
//!
//! ```
//! use stelo::{App, TestClient, WebSocket};
//!
//! async fn echo(websocket: WebSocket) -> stelo::Result<()> {
//!     websocket.accept().await?;
//!     let mut texts = websocket.iter_text();
//!     while let Some(text) = texts.next().await {
//!         websocket.send_text(text?).await?;
//!     }
//!     Ok(())
//! }
//!
//! let client = TestClient::new(App::new().websocket("/echo", echo));
//! let mut socket = client.websocket_connect("/echo").connect().unwrap();
//! socket.send_text("hello");
//! assert_eq!(socket.receive_text().unwrap(), "hello");
//! ```
//!
//! # Where things are
//!
//! The root of this crate has the names that most applications use. The rest is in modules:
//!
//! | module | contents |
//! |---|---|
//! | [`extract`] | arguments of handlers, and the traits for your own |
//! | [`request`], [`response`] | requests and responses, cookies, URLs, background tasks, streams |
//! | [`routing`], [`handler`], [`app`] | routers, mounts, endpoints, error handlers, hooks |
//! | [`middleware`] | the trait, and `Next` |
//! | [`websocket`](mod@websocket) | WebSockets, their errors and messages, `Broadcast` |
//! | [`files`] | files of directories, single files, files in the binary |
//! | [`authentication`] | users, scopes, backends |
//! | `sessions` | sessions, where they are kept, messages for the next page |
//! | [`forms`] | forms, uploaded files, parts as a stream, limits |
//! | [`config`] | variables of the environment and of a `.env` file |
//! | [`testing`] | the client for tests |
//! | [`http`], [`body`] | methods, status codes, header fields; bodies |
//! | [`server`] | configuration, running inside an executor, stopping |
//! | [`runtime`] | the trait of executors, for [`Server::serve_on`] |
//! | [`proto`] | the sans-IO core: protocol machines, and the contract between servers and applications |
//!
//! # Cargo features
//!
//! | feature | effect |
//! |---|---|
//! | `validation` | `extract::Valid`: rules for values, by `garde` |
//! | `templates` | `templates`: pages by `minijinja` |
//! | `tokio` (default) | runs on tokio |
//! | `smol` | runs on smol |
//! | `async-std` | runs on async-std, which is no longer developed |
//! | `deflate` (default) | compresses WebSocket messages if the client supports it |
//! | `bytes` | converts from and to `Bytes` of the crate `bytes` |
//! | `http` | converts from and to the types of the crates `http` and `bytes` |
//! | `sessions` | sessions in signed cookies, or in a store |
//! | `encrypted-cookies` | sessions in encrypted cookies too |
//!
//! With several executors, `--loop` or [`Config::executor`] chooses; the first in this order is the default. Without one,
//! no server runs, but the toolkit, the test client and the core work.

pub mod server;
pub mod testing;

pub use stelo_runtime as runtime;

pub use stelo_toolkit::{
    App, Extension, FileResponse, Form, Html, HttpError, IntoResponse, Json, Next, Path, Query, Redirect,
    Request, Response, Router, State, StaticFiles, WebSocket, any, delete, get, on, patch, post, put, query,
};
pub use stelo_toolkit::{
    app, authentication, body, dependencies, describe, embed, events, extract, files, forms, handler, http,
    json_lines, middleware, request, response, routing, websocket,
};

#[cfg(feature = "sessions")]
pub use stelo_toolkit::sessions;

#[cfg(feature = "templates")]
pub use stelo_templates as templates;
pub use stelo_toolkit::check_handler;
pub use stelo_toolkit::config;

pub use server::{Apps, Config, Server, run, run_with};
#[cfg(feature = "http")]
pub use stelo_core::Unsupported;
pub use stelo_toolkit::{Body, Bytes, Error, Headers, Method, Result, Status, header};
pub use testing::TestClient;

/// The sans-IO core: the machines of the protocols, and the contract between servers and applications.
pub mod proto {
    pub use stelo_core::proto::*;
    pub use stelo_core::*;
}

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
    #[doc = include_str!("../docs/guide/events.md")]
    mod events {}
    #[doc = include_str!("../docs/guide/work.md")]
    mod work {}
    #[doc = include_str!("../docs/guide/errors.md")]
    mod errors {}
    #[cfg(feature = "templates")]
    #[doc = include_str!("../docs/guide/templates.md")]
    mod templates {}
    #[doc = include_str!("../docs/guide/configuration.md")]
    mod configuration {}
    #[doc = include_str!("../docs/guide/middleware.md")]
    mod middleware {}
    #[cfg(feature = "deflate")]
    #[doc = include_str!("../docs/guide/caching.md")]
    mod caching {}
    #[cfg(feature = "sessions")]
    #[doc = include_str!("../docs/guide/sessions.md")]
    mod sessions {}
    #[doc = include_str!("../docs/guide/authentication.md")]
    mod authentication {}
    #[doc = include_str!("../docs/guide/state.md")]
    mod state {}
    #[doc = include_str!("../docs/guide/websockets.md")]
    mod websockets {}
    #[doc = include_str!("../docs/guide/files.md")]
    mod files {}
    #[doc = include_str!("../docs/guide/forms.md")]
    mod forms {}
    #[doc = include_str!("../docs/guide/testing.md")]
    mod testing {}
    #[doc = include_str!("../docs/guide/executors.md")]
    mod executors {}
    #[cfg(feature = "http")]
    #[doc = include_str!("../docs/guide/interop.md")]
    mod interop {}
    #[doc = include_str!("../docs/guide/simulator.md")]
    mod simulator {}
    #[doc = include_str!("../docs/from/axum.md")]
    mod from_axum {}
    #[doc = include_str!("../docs/from/fastapi.md")]
    mod from_fastapi {}
    #[doc = include_str!("../docs/server/running.md")]
    mod running {}
}
