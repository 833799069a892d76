//! The response to a request of the test client: checked by the server's own rules, and read to its end.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use serde_core::de::DeserializeOwned;
use stelo_core::app::{App as CoreApp, Reply, Request, Response, Upgrade};
use stelo_core::body::{Body, BodyError, Frame, Length};
use stelo_core::h1::check_response;
use stelo_core::http::{Headers, Method, RequestHead, Status};
use stelo_core::{Fault, FaultKind};

use crate::response::error::Chain;
use crate::response::panics::{self, contained};
use crate::response::report::Failures;

/// A response, and the failures of the application on the way to it.
pub(super) struct Verdict {
    response: TestResponse,
    /// Failures that explain a response of 500.
    failures: Failures,
    /// Failures that the status does not show.
    late: Failures,
}

impl Verdict {
    /// Collects what `exchange` reports. It gets the failures that the status of the response does not show.
    pub(super) async fn of(exchange: impl AsyncFnOnce(&Failures) -> TestResponse) -> Self {
        let (failures, late) = <(Failures, Failures)>::default();
        let response = failures.during(exchange(&late)).await;
        Self { response, failures, late }
    }

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
            raise(&format_args!("{label}, answered with {}", response.status.code()), &failures);
        }
        response
    }
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
    app: Arc<dyn CoreApp>,
    request: Request,
    interim: &mut Vec<(Status, Headers)>,
) -> Response {
    let context = request.context().clone();
    let mut answer = pin!(final_answer(app, request));
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(response) = answer.as_mut().poll(cx) {
                return Poll::Ready(response);
            }
            match context.poll_interim(cx, 0) {
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

/// Checks a response as a server does, and reads it: the body, then the background task.
pub(super) async fn judge(head: &RequestHead, mut response: Response, late: &Failures) -> TestResponse {
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
    let mut response = TestResponse { status, headers, ..TestResponse::default() };
    if let Err(error) = read(body, length, &mut response).await {
        match &error {
            BodyError::Other(error) => late.add(format_args!("the body is cut off: {}", Chain(&**error))),
            BodyError::Disconnected => {}
            _ => late.add(format_args!("the body is cut off: {error}")),
        }
        response.error = Some(error);
    }
    if let Some(background) = background
        && let Err(panic) = contained(background).await
    {
        let message = panics::message(&*panic);
        tracing::error!("a background task panicked: {message}");
        late.add(format_args!("a background task panicked: {message}"));
    }
    response
}

/// Reads the part of a body that a server sends.
async fn read(mut body: Body, length: Length, response: &mut TestResponse) -> Result<(), BodyError> {
    let TestResponse { body: all, around, .. } = response;
    let fault = |kind| Err(BodyError::Fault(Fault { kind, at: 0 }));
    if length == Length::None {
        return Ok(());
    }
    while let Some(frame) = body.frame().await {
        let piece = match frame? {
            Frame::Data(piece) => piece,
            Frame::Trailers(fields) => {
                around.trailers.append_all(&fields);
                continue;
            }
        };
        if let Length::Known(length) = length
            && (all.len() + piece.len()) as u64 > length
        {
            return fault(FaultKind::BodyTooLong);
        }
        all.extend_from_slice(&piece);
    }
    match length {
        Length::Known(length) if (all.len() as u64) < length => fault(FaultKind::BodyTooShort),
        _ => Ok(()),
    }
}

/// The fields of a response that most have not. Boxed, so that the others stay small.
#[derive(Debug, Default)]
pub(super) struct Around {
    trailers: Headers,
    pub(super) interim: Vec<(Status, Headers)>,
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
