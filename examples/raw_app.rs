//! An application without the toolkit. It implements `stelo::proto::app::App`, the contract between servers and
//! applications, which is what ASGI is to Python.
//!
//! `cargo run --example raw_app`, then `curl -d hello http://127.0.0.1:8000/`.

use std::process::ExitCode;

use stelo::proto::app::{App, Reply, Request, Response};
use stelo::proto::http::{Method, Status};

struct Shout;

impl App for Shout {
    fn call(&self, mut request: Request) -> Reply {
        // A response that is ready needs no future.
        if *request.head().method() != Method::Post {
            return Response::text(Status::METHOD_NOT_ALLOWED, "POST something\n").into();
        }
        Reply::future(async move {
            let body = std::mem::take(request.body_mut());
            match body.collect(64 << 10).await {
                Ok(bytes) => Response::new(bytes.to_ascii_uppercase()),
                Err(error) => Response::text(Status::CONTENT_TOO_LARGE, format!("{error}\n")),
            }
        })
    }
}

fn main() -> ExitCode {
    stelo::run(Shout)
}
