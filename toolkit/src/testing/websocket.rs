//! The handshake of a WebSocket of the test client.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use stelo_core::app::{Executor, OnWebSocket, Request, Response, Upgrade, WebSocket};
use stelo_core::body::{Body, Length};
use stelo_core::http::{Headers, RequestHead};
use stelo_core::ws::{self, CloseCode, Handshake};

use super::client::Harness;
use super::host;
use super::line::Line;
use super::request::TestRequest;
use super::response::{Begun, TestResponse, Verdict, answer};
use super::socket::{AsyncTestWebSocket, TestWebSocket, Wire};
use crate::response::panics::{self, contained};
use crate::response::report::{self, Failures};

/// A request for a WebSocket that has not been sent. [`connect`](Self::connect) sends it and blocks the thread. `await` runs
/// the application in the executor of the test, and returns an [`AsyncTestWebSocket`].
#[must_use]
#[derive(Debug)]
pub struct TestHandshake<'a>(TestRequest<'a>);

impl<'a> TestHandshake<'a> {
    pub(super) fn new(request: TestRequest<'a>) -> Self {
        let fields = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGVzdHNlcnZlcmtleTAxMg=="),
        ];
        Self(fields.into_iter().fold(request, |request, (name, value)| request.header(name, value)))
    }

    /// Sets a header field, and removes others of its name.
    ///
    /// # Panics
    /// If name or value is invalid.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.header(name, value))
    }

    /// Adds a header field. Others of its name stay.
    ///
    /// # Panics
    /// If name or value is invalid.
    pub fn add_header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.add_header(name, value))
    }

    /// Adds a cookie to this handshake alone.
    pub fn cookie(self, name: &str, value: &str) -> Self {
        Self(self.0.cookie(name, value))
    }

    /// Adds parameters to the query of the target.
    pub fn query(self, parameters: &[(&str, &str)]) -> Self {
        Self(self.0.query(parameters))
    }

    /// Offers subprotocols, the preferred one first.
    ///
    /// # Panics
    /// If a name is invalid in a header field.
    pub fn subprotocols(self, names: &[&str]) -> Self {
        self.header("sec-websocket-protocol", names.join(", "))
    }

    /// Sends the request, and returns the WebSocket.
    ///
    /// # Errors
    /// The application denies the WebSocket: the response.
    ///
    /// # Panics
    /// If the target is invalid. If the application fails, or waits for an executor that needs this thread: see
    /// [`TestRequest::send`].
    #[track_caller]
    pub fn connect(self) -> Result<TestWebSocket<'a>, TestResponse> {
        let (client, label) = (self.0.client, self.0.label());
        let sentence = (&label as &dyn fmt::Display, "write `.await` instead of `.connect()`");
        let answer = host::block_on(&client.executor, client.limits, sentence, self.exchange());
        let wire = opened(client, label, answer)?;
        wire.settle();
        Ok(TestWebSocket(wire))
    }

    /// Calls the application.
    async fn exchange(self) -> Result<Accepted, Verdict> {
        let TestRequest { client, outgoing, .. } = self.0;
        let (failures, late) = <(Failures, Failures)>::default();
        let exchange = async {
            let (head, context) = outgoing.parts(client, Length::None);
            let request = Request::new(head.clone(), Body::empty(), context).with_handshake();
            let mut interim = Vec::new();
            let mut response = answer(client, request, &mut interim).await;
            let upgrade = response.upgrade.take().map(|upgrade| *upgrade);
            let response = match upgrade {
                Some(Upgrade::WebSocket(run)) if is_valid(&head, &response) => {
                    client.cookies.keep(&outgoing.location, &response.headers, client.executor.now());
                    return Ok((response.headers, run));
                }
                Some(Upgrade::WebSocket(_)) => super::response::internal_server_error(),
                _ => response,
            };
            let begun = Begun::judge(&head, response, interim);
            client.cookies.keep(&outgoing.location, &begun.headers, client.executor.now());
            Err(begun.finish(outgoing.location.url(), &late).await)
        };
        let answer = failures.during(exchange).await;
        answer.map_err(|response| Verdict { response, failures, late })
    }
}

/// The header fields of an acceptance, and the handler that follows it.
type Accepted = (Headers, OnWebSocket);

/// Checks the acceptance of a WebSocket as a server does.
fn is_valid(head: &RequestHead, response: &Response) -> bool {
    let accepted = Handshake::check(head).map_err(|refusal| refusal.to_string()).and_then(|handshake| {
        let mut headers = response.headers.clone();
        handshake.accept(&mut headers, &ws::Config::default()).map_err(|error| error.to_string())
    });
    if let Err(error) = &accepted {
        report::failure!("invalid response, {} {}: {error}", head.method(), head.path());
    }
    accepted.is_ok()
}

/// Starts the handler of an accepted WebSocket.
#[track_caller]
fn opened(
    client: &Harness,
    label: String,
    answer: Result<Accepted, Verdict>,
) -> Result<Wire<'_>, TestResponse> {
    let (headers, run) = answer.map_err(|verdict| verdict.raised(client.raises, &label))?;
    let (line, failures) = (Arc::new(Line::default()), Failures::default());
    client.executor.add_line(&line);
    let socket = WebSocket::new(line.clone());
    let reports = failures.clone();
    let work = async move {
        let code = match reports.during(contained(async { run(socket.clone()).await })).await {
            Ok(()) => CloseCode::NORMAL_CLOSURE,
            Err(panic) => {
                let message = panics::message(&*panic);
                tracing::error!("the application panicked: {message}");
                reports.add(format_args!("the application panicked: {message}"));
                CloseCode::INTERNAL_ERROR
            }
        };
        socket.close(code, "");
    };
    client.executor.spawn(Box::pin(work));
    Ok(Wire { client, headers, line, failures, label })
}

impl<'a> IntoFuture for TestHandshake<'a> {
    type Output = Result<AsyncTestWebSocket<'a>, TestResponse>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    /// Sends the request in the executor of the test. Fails and panics as [`connect`](Self::connect) does.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (client, label) = (self.0.client, self.0.label());
            let answer = client.executor.drive(self.exchange()).await;
            let wire = opened(client, label, answer)?;
            wire.advance().await;
            Ok(AsyncTestWebSocket(wire))
        })
    }
}
