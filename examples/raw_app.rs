//! An application without the toolkit: the contract between servers and applications, `stelo::core::app::App`, as it
//! is. What ASGI is to Python.
//!
//! `cargo run --example raw_app`, then `curl -d hello http://127.0.0.1:8000/`.

use std::process::ExitCode;

use stelo::core::app::{App, Reply, Request, Response};
use stelo::core::http::{Method, Status};

struct Shout;

impl App for Shout {
    fn call(&self, mut request: Request) -> Reply {
        // An answer at hand costs no future.
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
