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
//! | to | there is |
//! |---|---|
//! | declare an application | [`App`], [`Router`], [`get`] and its like |
//! | answer a request | any [`Handler`]: an `async fn` of [extractors](FromRequestParts) that returns a [response](IntoResponse) |
//! | go around handlers | [`Middleware`]: an `async fn` of [`Request`] and [`Next`] |
//! | talk over a WebSocket | any [`WebSocketHandler`]: an `async fn` of extractors and a [`WebSocket`], or a [`WebSocketEndpoint`] |
//! | tell many at once | [`Broadcast`] |
//! | serve files | [`StaticFiles`] |
//! | fail | [`HttpError`], or any error that is a response; [`App::error_handler`] and [`App::on_error`] |
//! | test without a socket | [`TestClient`] |
#![forbid(unsafe_code)]

mod lifespan;

pub mod app;
pub mod describe;
pub mod extract;
pub mod files;
pub mod handler;
pub mod middleware;
pub mod request;
pub mod response;
pub mod routing;
pub mod testing;
pub mod websocket;

pub use app::{App, BuildError};
pub use extract::{
    ClientAddress, Extension, Form, FromRequest, FromRequestParts, Json, MatchedPath, OptionalFromRequest,
    OptionalFromRequestParts, Path, Query, State,
};
pub use files::{DirectoryError, StaticFiles};
pub use handler::{Endpoint, ErrorHandler, Handler, Outcome};
pub use lifespan::{HookResult, StartHook};
pub use middleware::{Middleware, Next};
pub use request::{Cookies, Executor, Extensions, Parts, QueryParams, Request, Url};
pub use response::{
    Background, Error, Failure, Html, HttpError, IntoHeaders, IntoResponse, InvalidCookie, Redirect,
    ResponseExt, Result, SameSite, SetCookie, StreamingResponse,
};
pub use routing::{
    Foreign, MethodRouter, Mountable, Mounted, Router, any, delete, get, head, on, options, patch, post, put,
    websocket,
};
pub use testing::{TestClient, TestHandshake, TestRequest, TestResponse, TestWebSocket};
pub use websocket::{
    Acceptance, AsWebSocketEndpoint, Broadcast, FromMessage, Lagged, Messages, Subscription, WebSocket,
    WebSocketEndpoint, WebSocketError, WebSocketException, WebSocketHandler, WebSocketOutcome,
    WebSocketReceiver, WebSocketSender,
};

pub use stelo_core::Bytes;
pub use stelo_core::app::{Address, BoxError, Reply, Response};
pub use stelo_core::body::{Body, BodyError};
pub use stelo_core::http::{Headers, Method, Status, Version, header};
pub use stelo_core::routing::{Convertor, Methods, ReverseError};
pub use stelo_core::ws::{CloseCode, Closed, Message, Text};

/// The README, whose snippet is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
