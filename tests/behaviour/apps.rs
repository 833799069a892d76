//! Small applications for several modules of this suite.

use std::future::Future;

use stelo_core::app::{self, Reply, Response, WebSocket};
use stelo_tests::{Gate, News};
use stelo_toolkit::{App, HttpError, Request, get, post};

/// An application: `GET /` answers, and `POST /read` answers with the length of the body.
pub(crate) fn reader() -> App {
    async fn read(mut request: Request) -> Result<String, HttpError> {
        Ok(request.body().await?.len().to_string())
    }
    App::new().route("/", get(async || "hello")).route("/read", post(read))
}

/// An application that answers any path with that path.
pub(crate) fn paths() -> App {
    App::new().fallback(async |request: Request| request.path().to_owned())
}

/// An application that accepts every handshake with `run`, and answers other requests.
pub(crate) struct Accept<F>(pub(crate) F);

impl<F, W> app::App for Accept<F>
where
    F: Fn(WebSocket, app::Request) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    fn call(&self, request: app::Request) -> Reply {
        if !request.is_websocket() {
            return Response::new("no WebSocket").into();
        }
        let run = self.0.clone();
        Response::websocket(move |socket| run(socket, request)).into()
    }
}

/// Echoes messages.
pub(crate) async fn echo(socket: WebSocket, _: app::Request) {
    while let Ok(message) = socket.receive().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

/// An application that answers every request with `answer`.
pub(crate) struct Answer(pub(crate) fn() -> Response);

impl app::App for Answer {
    fn call(&self, _: app::Request) -> Reply {
        (self.0)().into()
    }
}

/// Tells a word when it begins, and receives nothing before the gate opens.
pub(crate) fn slow(news: &News, gate: &Gate) -> impl app::App {
    let (news, gate) = (news.clone(), gate.clone());
    Accept(move |socket: WebSocket, request: app::Request| {
        let (news, gate) = (news.clone(), gate.clone());
        async move {
            news.tell("begun");
            gate.pass().await;
            echo(socket, request).await;
        }
    })
}
