//! Starlette for Rust: applications, routing, requests, responses, middleware. It names no executor.
//!
//! ```
//! use stelo_toolkit::{App, Path, Request, get};
//!
//! async fn home() -> &'static str {
//!     "Hello"
//! }
//!
//! async fn post_of(Path((id, slug)): Path<(u64, String)>) -> String {
//!     format!("user {id}, post {slug}")
//! }
//!
//! async fn echo(mut request: Request) -> stelo_toolkit::Response {
//!     stelo_toolkit::Response::new(request.stream())
//! }
//!
//! let app = App::new()
//!     .route("/", get(home).post(echo))
//!     .route("/users/{id:int}/posts/{slug}", get(post_of))
//!     .name("post");
//!
//! let client = stelo_toolkit::TestClient::new(app);
//! assert_eq!(client.get("/users/7/posts/abc").send().text(), "user 7, post abc");
//! ```
//!
//! | to | use |
//! |---|---|
//! | declare an application | [`App`], [`Router`], [`get`] and the other [methods](routing) |
//! | answer a request | a [handler](handler::Handler): an `async fn` of [extractors](extract) that returns a [response], or a value |
//! | surround handlers | a [middleware](middleware::Middleware): an `async fn` of extractors, [`Request`] and [`Next`] |
//! | know the user | [`Authorization`](extract::Authorization), or a [backend](authentication::AuthenticationBackend) |
//! | take a form with files | [`Form`], [`FormData`](forms::FormData) or [`Multipart`](forms::Multipart) |
//! | talk over a WebSocket | a [handler](websocket::WebSocketHandler) that takes a [`WebSocket`], or a [`WebSocketEndpoint`](websocket::WebSocketEndpoint) |
//! | tell many clients at once | [`Broadcast`](websocket::Broadcast) |
//! | stream events or rows | [`EventStream`](events::EventStream), [`JsonLines`](json_lines::JsonLines) |
//! | serve files | [`StaticFiles`], [`EmbeddedFiles`](files::EmbeddedFiles), [`FileResponse`] |
//! | make a value once per request | [`Depends`](dependencies::Depends) |
//! | call code that blocks | [`blocking`](handler::blocking) |
//! | fail | [`HttpError`], or any error; [`App::error_handler`] and [`App::on_error`] answer it |
//! | test without a socket | [`TestClient`] |
//!
//! The names that most applications need are here at the root; the others are in the modules.
//!
//! # How the modules depend on each other
//!
//! Each module imports only from those before it: [`describe`], [`response`], [`request`], [`forms`], `lifespan`,
//! [`extract`], [`handler`], [`middleware`], [`websocket`](mod@websocket), [`routing`], [`app`]. [`json_lines`] is above
//! [`extract`], [`events`] above [`websocket`](mod@websocket). [`config`] is alone. [`files`] is above [`handler`], and
//! [`testing`] above [`websocket`](mod@websocket).
#![forbid(unsafe_code)]

#[cfg(feature = "gzip")]
mod coding;
#[cfg(feature = "http")]
mod interop;
mod lifespan;
mod random;

pub mod app;
pub mod authentication;
pub mod config;
pub mod dependencies;
pub mod describe;
pub mod events;
pub mod extract;
pub mod files;
pub mod forms;
pub mod handler;
pub mod json_lines;
pub mod middleware;
pub mod request;
pub mod response;
pub mod routing;
#[cfg(feature = "sessions")]
pub mod sessions;
pub mod testing;
pub mod websocket;

pub use stelo_core::{body, http};

pub use app::App;
pub use body::Body;
pub use extract::{Extension, Form, Json, Path, Query, State};
pub use files::{FileResponse, StaticFiles};
pub use http::{Headers, Method, Status, header};
pub use middleware::Next;
pub use request::Request;
pub use response::{Error, Html, HttpError, IntoResponse, Redirect, Response, Result};
pub use routing::{Router, any, delete, get, on, patch, post, put, query, websocket};
pub use stelo_core::Bytes;
pub use testing::TestClient;
pub use websocket::WebSocket;

/// The README, whose snippet is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
