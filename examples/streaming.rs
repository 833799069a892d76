//! Bodies that are never held in memory as a whole: an upload, a response made of pieces, and an echo. Also a background
//! task that runs after the response.
//!
//! `cargo run --example streaming`, then `curl -T FILE http://127.0.0.1:8000/upload` or
//! `curl -N http://127.0.0.1:8000/ticks`.

use std::process::ExitCode;
use std::time::Duration;

use futures_lite::stream;
use stelo::response::{Background, StreamingResponse};
use stelo::{App, Body, Request, Response, get, post, put};

/// Counts the bytes of an upload. The client can only send as fast as the handler asks for pieces, so memory use does not
/// depend on the size.
async fn upload(mut body: Body) -> stelo::Result<Background<String>> {
    let mut size = 0;
    while let Some(piece) = body.chunk().await {
        size += piece?.len();
    }
    // Runs after the response has been sent.
    let note = async move { eprintln!("noted an upload of {size} bytes") };
    Ok(Background::new(format!("{size} bytes\n"), note))
}

/// Sends a line every tenth of a second. The stream is dropped when the client disconnects.
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

/// Sends the body of the request back, piece by piece.
async fn echo(mut request: Request) -> Response {
    Response::new(request.stream())
}

fn main() -> ExitCode {
    let app = App::new().route("/upload", put(upload)).route("/ticks", get(ticks)).route("/echo", post(echo));
    stelo::run(app)
}
