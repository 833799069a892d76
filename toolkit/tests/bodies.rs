//! The body of a request that a middleware and a handler both read.

use futures_lite::stream;
use stelo_core::body::BodyError;
use stelo_toolkit::{App, Body, HttpError, Next, Request, Response, Status, TestClient, post};

/// A way to read the body.
#[derive(Clone, Copy)]
enum Reads {
    /// Collects it.
    Body,
    /// Takes the stream, and reads it to its end.
    Stream,
    /// Takes the stream, and reads one piece.
    Piece,
    Nothing,
}

async fn read(request: &mut Request, how: Reads) -> Result<String, HttpError> {
    let bytes = match how {
        Reads::Body => request.body().await?.into_vec(),
        Reads::Stream => request.stream().collect(100).await?,
        Reads::Piece => request.stream().chunk().await.transpose()?.unwrap_or_default().into_vec(),
        Reads::Nothing => Vec::new(),
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns what a middleware and then the handler read of `hello`, sent in three pieces or in one.
fn both(outer: Reads, inner: Reads) -> String {
    let middleware = move |mut request: Request, next: Next| async move {
        let seen = read(&mut request, outer).await?;
        let mut response = next.run(request).await;
        response.headers.try_set("x-outer", seen).map_err(|_| Status::INTERNAL_SERVER_ERROR)?;
        Ok::<Response, HttpError>(response)
    };
    let handler = move |mut request: Request| async move { read(&mut request, inner).await };
    let client = TestClient::new(App::new().route("/", post(handler).middleware(middleware)));
    let seen = |response: stelo_toolkit::testing::TestResponse| {
        format!("{}/{}", response.header("x-outer").unwrap_or("-"), response.text())
    };
    let pieces = stream::iter(["he", "l", "lo"]).map_ok();
    let streamed = seen(client.post("/").stream(Body::from_stream(pieces)).send());
    if !matches!(outer, Reads::Piece) && !matches!(inner, Reads::Piece) {
        assert_eq!(seen(client.post("/").body("hello").send()), streamed);
    }
    streamed
}

trait Pieces: stream::Stream + Sized {
    fn map_ok(self) -> impl stream::Stream<Item = Result<Self::Item, BodyError>> + Send + 'static
    where
        Self: Send + 'static,
    {
        stream::StreamExt::map(self, Ok)
    }
}

impl<S: stream::Stream> Pieces for S {}

#[test]
fn a_body_that_a_middleware_has_collected_can_be_read_again() {
    assert_eq!(both(Reads::Body, Reads::Body), "hello/hello");
    assert_eq!(both(Reads::Body, Reads::Stream), "hello/hello");
    assert_eq!(both(Reads::Nothing, Reads::Body), "/hello");
    assert_eq!(both(Reads::Nothing, Reads::Stream), "/hello");
}

#[test]
fn a_stream_that_a_middleware_has_taken_is_empty_for_the_handler() {
    assert_eq!(both(Reads::Stream, Reads::Body), "hello/");
    assert_eq!(both(Reads::Stream, Reads::Stream), "hello/");
    assert_eq!(both(Reads::Piece, Reads::Body), "he/");
}

#[test]
fn a_middleware_can_keep_the_body_before_the_handler_reads_it() {
    async fn around(mut request: Request, next: Next) -> Result<Response, HttpError> {
        let body = request.body().await?;
        let mut response = next.run(request).await;
        response.headers.try_set("x-length", body.len().to_string()).map_err(|_| Status::CONFLICT)?;
        Ok(response)
    }
    let app = App::new().route("/", post(async |body: String| body)).middleware(around);
    let response = TestClient::new(app).post("/").body("hello").send();
    assert_eq!((response.header("x-length"), response.text().as_str()), (Some("5"), "hello"));
}

#[test]
fn a_middleware_can_watch_the_pieces_that_the_handler_reads() {
    async fn around(mut request: Request, next: Next) -> Response {
        let pieces = request.stream();
        *request.body_mut() = Body::from_stream(stream::StreamExt::map(pieces, |piece| {
            piece.map(|piece| piece.to_ascii_uppercase())
        }));
        next.run(request).await
    }
    let app = App::new().route("/", post(async |body: String| body)).middleware(around);
    let pieces = stream::iter(["he", "l", "lo"]).map_ok();
    assert_eq!(TestClient::new(app).post("/").stream(Body::from_stream(pieces)).send().text(), "HELLO");
}

#[test]
fn a_client_that_leaves_in_the_body_is_an_error_for_its_reader() {
    async fn around(mut request: Request, next: Next) -> Response {
        let failed = request.body().await.is_err();
        let mut response = next.run(request).await;
        response.headers.set("x-outer", if failed { "failed" } else { "read" });
        response
    }
    async fn handler(mut request: Request) -> Result<String, HttpError> {
        // What has failed once is gone.
        request.text().await
    }
    let app = App::new().route("/", post(handler).middleware(around)).route("/alone", post(handler));
    let client = TestClient::new(app);
    let broken = || {
        Body::from_frames(
            stream::iter([Ok(stelo_core::body::Frame::Data("he".into())), Err(BodyError::Disconnected)]),
            stelo_core::body::Length::Unknown,
        )
    };
    let response = client.post("/").stream(broken()).send();
    assert_eq!((response.header("x-outer"), response.text().as_str()), (Some("failed"), ""));
    assert_eq!(client.post("/alone").stream(broken()).send().status(), Status::BAD_REQUEST);
}

#[test]
fn the_stream_of_a_body_is_taken_once() {
    async fn twice(mut request: Request) -> String {
        let (mut first, mut second) = (request.stream(), request.stream());
        let mut pieces = Vec::new();
        while let Some(Ok(piece)) = first.chunk().await {
            pieces.push(String::from_utf8_lossy(&piece).into_owned());
        }
        assert!(second.chunk().await.is_none() && first.chunk().await.is_none());
        pieces.join(",")
    }
    let client = TestClient::new(App::new().route("/", post(twice)));
    let pieces = stream::iter(["he", "l", "lo"]).map_ok();
    assert_eq!(client.post("/").stream(Body::from_stream(pieces)).send().text(), "he,l,lo");
}
