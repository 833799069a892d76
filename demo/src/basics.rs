//! Small responses: text, JSON, path parameters, a status of choice, a panic.

use serde::Serialize;
use stelo_toolkit::{HttpError, Json, Path, Response, Status};

use crate::refused;

const GREETING: &str = "Hello, World!";

pub(crate) async fn plaintext() -> &'static str {
    GREETING
}

#[derive(Serialize)]
pub(crate) struct Greeting {
    message: &'static str,
}

pub(crate) async fn json() -> Json<Greeting> {
    Json(Greeting { message: GREETING })
}

pub(crate) async fn post(Path((id, slug)): Path<(u64, String)>) -> String {
    format!("user {id}, post {slug}")
}

/// Answers with the status in the path, and its reason phrase as the text.
pub(crate) async fn status(Path(code): Path<u64>) -> Result<Response, HttpError> {
    let status = match u16::try_from(code) {
        Ok(code @ 200..=599) => Status::new(code),
        _ => None,
    };
    let status = status.ok_or_else(|| refused(format!("no status {code}: ask for one from 200 to 599")))?;
    Ok(match status.forbids_body() {
        true => Response::empty(status),
        false => Response::text(status, status.reason()),
    })
}

pub(crate) async fn panic() -> Status {
    panic!("this handler panics whenever it is called");
}
