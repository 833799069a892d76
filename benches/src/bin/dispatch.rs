//! The cost of a request in the toolkit, in instructions: from the call of the application to the response, in a table
//! of 54 routes.
//!
//! ```text
//! cargo run --release -p stelo-benches --bin dispatch               all cases, counted by valgrind
//! cargo run --release -p stelo-benches --bin dispatch text 50000    so many requests of one kind
//! ```
//!
//! Each case runs under callgrind; what it costs to start and to build the application is left out.

use std::env;
use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde::Serialize;
use stelo_benches::{Result, instructions};
use stelo_core::app::{self, App as _, BoxFuture, Connection, Executor, Reply, Request as Incoming};
use stelo_core::http::RequestHead;
use stelo_toolkit::{App, Body, HttpError, Json, Method, Next, Path, Request, Response, Status, get};

/// The kinds of requests: name, target, status of the answer, and the number of middleware around the routes.
const CASES: [(&str, &str, Status, usize); 7] = [
    ("text", "/plaintext", Status::OK, 0),
    ("json", "/json", Status::OK, 0),
    ("params", "/users/7/posts/abc", Status::OK, 0),
    ("missing", "/nothing/here", Status::NOT_FOUND, 0),
    ("error", "/error", Status::BAD_REQUEST, 0),
    ("1-layer", "/plaintext", Status::OK, 1),
    ("2-layers", "/plaintext", Status::OK, 2),
];
const REQUESTS: usize = 5_000;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [] => compare(),
        [name, count] => dispatch(name, count.parse()?),
        _ => Err("usage: dispatch [CASE COUNT]".into()),
    }
}

/// Calls the application with `count` requests of one kind.
fn dispatch(name: &str, count: usize) -> Result<()> {
    let case = CASES.iter().find(|case| case.0 == name);
    let &(_, target, status, layers) = case.ok_or_else(|| format!("no case is called `{name}`"))?;
    let app = application(layers);
    app.build()?;
    let head = Arc::new(RequestHead::new(Method::Get, target).ok_or("not a target")?);
    let context = Arc::new(app::Context::new(Connection::new(None, None, Arc::new(Idle))));
    for _ in 0..count {
        let request = Incoming::new(head.clone(), Body::empty(), context.clone());
        let response = match app.call(black_box(request)) {
            Reply::Ready(response) => response,
            Reply::Future(mut future) => {
                match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(response) => response,
                    Poll::Pending => return Err(format!("{target}: no answer yet").into()),
                }
            }
        };
        if response.status != status {
            return Err(format!("{target}: {response:?}").into());
        }
        black_box(response);
    }
    Ok(())
}

/// Four routes that are asked for, and fifty others.
fn application(layers: usize) -> App {
    let mut app = App::new();
    for n in 0..25 {
        app = app.route(&format!("/api/v1/resource{n}"), get(text));
        app = app.route(&format!("/api/v1/resource{n}/{{id:int}}"), get(text));
    }
    app = app.route("/plaintext", get(text)).route("/json", get(json)).route("/error", get(error));
    app = app.route("/users/{id:int}/posts/{slug}", get(params));
    (0..layers).fold(app, |app, _| app.middleware(layer))
}

async fn text() -> &'static str {
    "Hello, World!"
}

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

async fn json() -> Json<Message> {
    Json(Message { message: "Hello, World!" })
}

async fn params(Path((id, slug)): Path<(u64, String)>) -> &'static str {
    black_box((id, slug));
    "Hello, World!"
}

async fn error() -> std::result::Result<&'static str, HttpError> {
    Err(Status::BAD_REQUEST.into())
}

async fn layer(request: Request, next: Next) -> Response {
    next.run(request).await
}

/// An executor for requests that ask nothing of it.
struct Idle;

impl Executor for Idle {
    fn spawn(&self, _: BoxFuture<()>) {}

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }

    fn blocking(&self, _: Box<dyn FnOnce() + Send>) {}
}

fn compare() -> Result<()> {
    println!("{:9} {:>12}", "case", "instructions");
    for (name, ..) in CASES {
        println!("{name:9} {:12.0}", instructions(&[name], REQUESTS)?);
    }
    Ok(())
}
