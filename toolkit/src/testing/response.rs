//! The response to a request of the test client: checked by the server's own rules, and read to its end.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde_core::de::DeserializeOwned;
use stelo_core::Bytes;
use stelo_core::app::{App as CoreApp, BoxFuture, Reply, Request, Response, Upgrade};
use stelo_core::body::{Body, BodyError, Frame, Length};
use stelo_core::h1::check_response;
use stelo_core::http::{Headers, Method, RequestHead, Status};
use stelo_core::{Fault, FaultKind};

use super::client::Harness;
use crate::response::error::Chain;
use crate::response::panics::{self, contained};
use crate::response::report::Failures;

/// A response, and the failures of the application on the way to it.
pub(super) struct Verdict {
    pub(super) response: TestResponse,
    /// Failures that explain a response of 500.
    pub(super) failures: Failures,
    /// Failures that the status does not show.
    pub(super) late: Failures,
}

impl Verdict {
    /// Returns the response.
    ///
    /// # Panics
    /// If the application has failed and `raises` is set.
    #[track_caller]
    pub(super) fn raised(self, raises: bool, label: &str) -> TestResponse {
        let Self { response, failures, late } = self;
        let (mut failures, late) = (failures.take(), late.take());
        let is_failure = response.status == Status::INTERNAL_SERVER_ERROR && !failures.is_empty();
        if raises && (is_failure || !late.is_empty()) {
            failures.extend(late);
            raise_answer(label, response.status, &failures);
        }
        response
    }
}

/// Panics with the failures behind a response.
#[track_caller]
pub(super) fn raise_answer(label: &str, status: Status, failures: &[String]) -> ! {
    raise(&format_args!("{label}, answered with {}", status.code()), failures)
}

/// Panics with the failures of the application.
#[track_caller]
pub(super) fn raise(label: &dyn std::fmt::Display, failures: &[String]) -> ! {
    panic!("{label}: {} (`raise_server_errors(false)` turns this panic off)", failures.join("; "))
}

/// Calls the application as a server does: a panic is answered with 500.
///
/// Takes the interim responses before it, for which the application waits.
pub(super) async fn answer(
    client: &Harness,
    request: Request,
    interim: &mut Vec<(Status, Headers)>,
) -> Response {
    let context = request.context().clone();
    let mut answer = pin!(final_answer(client.app.clone(), request));
    // Only tasks of the application send interim responses, so this does not count as another source of wake-ups.
    let waker = client.executor.waker();
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(response) = answer.as_mut().poll(cx) {
                return Poll::Ready(response);
            }
            match context.poll_interim(&mut Context::from_waker(&waker), 0) {
                Poll::Ready(response) => interim.push((response.status, response.headers)),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

async fn final_answer(app: Arc<dyn CoreApp>, request: Request) -> Response {
    let answer = std::panic::catch_unwind(AssertUnwindSafe(|| app.call(request)));
    let answer = match answer {
        Ok(Reply::Ready(response)) => Ok(response),
        Ok(Reply::Future(future)) => contained(future).await,
        Err(panic) => Err(panic),
    };
    answer.unwrap_or_else(|panic| {
        crate::response::report::failure!("the application panicked: {}", panics::message(&*panic));
        internal_server_error()
    })
}

pub(super) fn internal_server_error() -> Response {
    Response::text(Status::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// A response whose body has not been read.
pub(super) struct Begun {
    pub(super) status: Status,
    pub(super) headers: Headers,
    pub(super) interim: Vec<(Status, Headers)>,
    pub(super) reading: Reading,
    pub(super) background: Option<BoxFuture<()>>,
}

impl Begun {
    /// Checks a response as a server does.
    pub(super) fn judge(head: &RequestHead, mut response: Response, interim: Vec<(Status, Headers)>) -> Self {
        let checked = match response.upgrade.take().map(|upgrade| *upgrade) {
            Some(Upgrade::WebSocket(_)) => Err("the request is not the handshake of a WebSocket".to_owned()),
            _ => check_response(head, response.status, &response.headers, response.body.length())
                .map_err(|fault| fault.to_string()),
        };
        let length = checked.unwrap_or_else(|error| {
            let (method, path) = (head.method(), head.path());
            crate::response::report::failure!("invalid response, {method} {path}: {error}");
            let background = response.background.take();
            response = Response { background, ..internal_server_error() };
            match *head.method() {
                Method::Head => Length::None,
                _ => response.body.length(),
            }
        });
        let Response { status, headers, body, background, .. } = response;
        let reading = Reading { body, length, read: 0, trailers: Headers::new() };
        Self { status, headers, interim, reading, background }
    }

    /// Reads the body, then runs the background task.
    pub(super) async fn finish(mut self, url: String, late: &Failures) -> TestResponse {
        let (mut body, mut error) = (Vec::new(), None);
        while let Some(piece) = self.reading.chunk(late).await {
            match piece {
                Ok(piece) => body.extend_from_slice(&piece),
                Err(failed) => {
                    error = Some(failed);
                    break;
                }
            }
        }
        if let Some(background) = self.background {
            run_background(background, late).await;
        }
        let Self { status, headers, interim, reading, .. } = self;
        let around = Around { trailers: reading.trailers, interim, url, history: Vec::new() };
        TestResponse { status, headers, body, around: Box::new(around), error }
    }
}

/// Runs the background task of a response.
pub(super) async fn run_background(background: BoxFuture<()>, late: &Failures) {
    if let Err(panic) = contained(background).await {
        let message = panics::message(&*panic);
        tracing::error!("a background task panicked: {message}");
        late.add(format_args!("a background task panicked: {message}"));
    }
}

/// The part of a body that a server sends.
pub(super) struct Reading {
    body: Body,
    length: Length,
    read: u64,
    pub(super) trailers: Headers,
}

impl Reading {
    /// Drops the body.
    pub(super) fn cancel(&mut self) {
        (self.body, self.length) = (Body::empty(), Length::None);
    }

    /// Reads the next piece. `late` gets the failures of the application. Nothing follows an error or the end.
    pub(super) async fn chunk(&mut self, late: &Failures) -> Option<Result<Bytes, BodyError>> {
        let piece = self.next().await;
        if !matches!(piece, Some(Ok(_))) {
            self.cancel();
        }
        match &piece {
            Some(Err(BodyError::Other(error))) => {
                late.add(format_args!("the body is cut off: {}", Chain(&**error)));
            }
            None | Some(Ok(_) | Err(BodyError::Disconnected)) => {}
            Some(Err(error)) => late.add(format_args!("the body is cut off: {error}")),
        }
        piece
    }

    async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        let fault = |kind| Some(Err(BodyError::Fault(Fault { kind, at: 0 })));
        if self.length == Length::None {
            return None;
        }
        let piece = loop {
            match self.body.frame().await {
                Some(Ok(Frame::Trailers(fields))) => self.trailers.append_all(&fields),
                Some(Ok(Frame::Data(piece))) => break Ok(piece),
                Some(Err(error)) => break Err(error),
                None => {
                    return match self.length {
                        Length::Known(length) if self.read < length => fault(FaultKind::BodyTooShort),
                        _ => None,
                    };
                }
            }
        };
        self.read += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        match self.length {
            Length::Known(length) if self.read > length => fault(FaultKind::BodyTooLong),
            _ => Some(piece),
        }
    }
}

/// The parts of a response that are most often empty. Boxed, so that the others stay small.
#[derive(Debug, Default)]
pub(super) struct Around {
    trailers: Headers,
    interim: Vec<(Status, Headers)>,
    url: String,
    pub(super) history: Vec<TestResponse>,
}

/// A response with its whole body.
#[derive(Debug, Default)]
pub struct TestResponse {
    status: Status,
    headers: Headers,
    body: Vec<u8>,
    pub(super) around: Box<Around>,
    error: Option<BodyError>,
}

impl TestResponse {
    /// Returns the status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns the URL that this is the response of: after redirects, that of the last request.
    pub fn url(&self) -> &str {
        &self.around.url
    }

    /// Returns the redirects that led here, the first one first.
    pub fn history(&self) -> &[Self] {
        &self.around.history
    }

    /// Returns the header fields, without those that a server adds.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Returns the first header field of this name, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get_str(name)
    }

    /// Returns the body. If it failed, the part before the failure.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Returns the body as text. Bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// The body is not JSON, or not of such a value.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// Returns the trailer fields behind the body.
    pub fn trailers(&self) -> &Headers {
        &self.around.trailers
    }

    /// Returns the interim responses before this one, such as 103 Early Hints.
    pub fn interim(&self) -> &[(Status, Headers)] {
        &self.around.interim
    }

    /// Returns the error of the body, if it failed.
    pub fn body_error(&self) -> Option<&BodyError> {
        self.error.as_ref()
    }
}
