//! Bodies that are never held as a whole: an upload that is counted as it comes, a response that is made as it goes,
//! one that is passed through; and work that goes on after the response.
//!
//! `cargo run --example streaming`, then `curl -T FILE http://127.0.0.1:8000/upload` or
//! `curl -N http://127.0.0.1:8000/ticks`.

use std::process::ExitCode;
use std::time::Duration;

use futures_lite::stream;
use stelo::{
    App, Background, Body, BodyError, HttpError, Request, Response, StreamingResponse, get, post, put,
};

/// Whoever does not ask for the next piece holds the client back: memory stays the same whatever the size.
async fn upload(mut body: Body) -> Result<Background<String>, HttpError> {
    let mut size = 0;
    while let Some(piece) = body.chunk().await {
        size += piece.map_err(|error: BodyError| HttpError::from(error))?.len();
    }
    // Runs after the response has been sent.
    let note = async move { eprintln!("noted an upload of {size} bytes") };
    Ok(Background::new(format!("{size} bytes\n"), note))
}

/// A line every tenth of a second. A client that leaves ends the stream: it is dropped.
async fn ticks(request: Request) -> StreamingResponse {
    let executor = request.executor();
    StreamingResponse::text(stream::unfold(1, move |tick| {
        let executor = executor.clone();
        async move {
            executor.sleep(Duration::from_millis(100)).await;
            (tick <= 10).then(|| (format!("tick {tick}\n"), tick + 1))
        }
    }))
}

/// The body of the request as the body of the response, piece by piece.
async fn echo(mut request: Request) -> Response {
    Response::new(request.stream())
}

fn main() -> ExitCode {
    let app = App::new().route("/upload", put(upload)).route("/ticks", get(ticks)).route("/echo", post(echo));
    stelo::run(app)
}
