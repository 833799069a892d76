//! The server that public conformance suites test.
//!
//! `cargo run --example conformance -- --port 8080`. Any path answers any ordinary method with the body of the request, or
//! with `OK` if it is empty. `/echo` answers with the header lines as received, `/cookie` with the cookies, one
//! `name=value` a line. A WebSocket on any path echoes.
//!
//! The counts of the suites are in `docs/evidence/conformance.md` and `docs/evidence/autobahn.md`.

use std::process::ExitCode;

use stelo::proto::app::{App, Reply, Request, Response, WebSocket};
use stelo::proto::body::{Body, BodyError};
use stelo::proto::http::{Headers, Method, RequestHead, Status, header};
use stelo::request::Cookies;

/// Larger than the length that suites announce without sending a body.
const MOST: usize = 1 << 30;

struct Answer;

impl App for Answer {
    fn call(&self, mut request: Request) -> Reply {
        if request.is_websocket() {
            return Response::websocket(messages).into();
        }
        let head = request.head();
        match (head.method(), head.path()) {
            // Known methods that the server does not offer (RFC 9110 section 15.5.6).
            (Method::Connect | Method::Trace, _) => {
                with_allow(Response::text(Status::METHOD_NOT_ALLOWED, "not allowed\n")).into()
            }
            (Method::Other(_), _) => Response::text(Status::NOT_IMPLEMENTED, "an unknown method\n").into(),
            (_, "/echo") => ok(head, field_lines(head.headers())).into(),
            (_, "/cookie") => ok(head, cookie_lines(head.headers())).into(),
            _ => {
                let body = std::mem::take(request.body_mut());
                Reply::future(async move { echo(request.head(), body).await })
            }
        }
    }
}

async fn messages(socket: WebSocket) {
    while let Ok(message) = socket.receive().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

/// Collects the body, so that it is sent with a length and in one write with its head.
async fn echo(head: &RequestHead, body: Body) -> Response {
    match body.collect(MOST).await {
        Ok(bytes) if bytes.is_empty() => ok(head, "OK".into()),
        Ok(bytes) => ok(head, bytes),
        Err(error) => {
            let status = match error {
                BodyError::TooLarge { .. } => Some(Status::CONTENT_TOO_LARGE),
                BodyError::Fault(fault) => fault.status(),
                _ => None,
            };
            Response::text(status.unwrap_or(Status::BAD_REQUEST), format!("{error}\n"))
        }
    }
}

fn ok(head: &RequestHead, body: Vec<u8>) -> Response {
    let response = Response::text(Status::OK, body);
    if *head.method() == Method::Options { with_allow(response) } else { response }
}

fn with_allow(mut response: Response) -> Response {
    response.headers.append(header::ALLOW, "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
    response
}

fn field_lines(headers: &Headers) -> Vec<u8> {
    headers.iter().flat_map(|(name, value)| [name.as_bytes(), b": ", value, b"\n"].concat()).collect()
}

fn cookie_lines(headers: &Headers) -> Vec<u8> {
    Cookies::parse(headers)
        .iter()
        .flat_map(|(name, value)| format!("{name}={value}\n").into_bytes())
        .collect()
}

fn main() -> ExitCode {
    stelo::run(Answer)
}
