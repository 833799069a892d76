//! Limits of request bodies.

use stelo_toolkit::body::{Body, BodyError, Frame, Length};
use stelo_toolkit::middleware::BodyLimit;
use stelo_toolkit::{App, Bytes, HttpError, Request, Status, TestClient, post};

/// Collects the body.
async fn collect(body: Bytes) -> String {
    body.len().to_string()
}

/// Reads the body piece by piece, and answers with the bytes before its end or its error.
async fn stream(mut request: Request) -> String {
    let (mut body, mut total) = (request.stream(), 0);
    while let Some(chunk) = body.chunk().await {
        match chunk {
            Ok(bytes) => total += bytes.len(),
            Err(BodyError::TooLarge { limit }) => return format!("{total}, more than {limit}"),
            Err(error) => return error.to_string(),
        }
    }
    total.to_string()
}

async fn ignore() -> &'static str {
    "ignored"
}

fn app() -> App {
    App::new().route("/collect", post(collect)).route("/stream", post(stream)).route("/ignore", post(ignore))
}

/// A body of unknown length.
fn chunks(pieces: &[usize]) -> Body {
    let (sender, body) = Body::channel(Length::Unknown);
    for &len in pieces {
        assert!(sender.try_send(Frame::Data(vec![7; len].into())).is_ok());
    }
    sender.finish();
    body
}

#[test]
fn a_declared_length_beyond_the_limit_is_413() {
    let client = TestClient::new(app().middleware(BodyLimit::new(10)));
    for (target, text) in [("/collect", "10"), ("/stream", "10"), ("/ignore", "ignored")] {
        assert_eq!(client.post(target).body(vec![0; 10]).send().text(), text, "{target}");
        assert_eq!(client.post(target).send().status(), Status::OK, "{target} without a body");
    }
    for target in ["/collect", "/ignore", "/nowhere"] {
        let response = client.post(target).body(vec![0; 11]).send();
        assert_eq!(response.status(), Status::CONTENT_TOO_LARGE, "{target}");
        assert_eq!(response.text(), "the body is larger than the limit of 10 bytes");
    }
    // A handler that has seen the error answers as it likes.
    assert_eq!(client.post("/stream").body(vec![0; 11]).send().text(), "0, more than 10");
}

#[test]
fn a_streamed_body_is_counted() {
    let client = TestClient::new(app().middleware(BodyLimit::new(10)));
    let send = |target: &str, pieces: &[usize]| client.post(target).stream(chunks(pieces)).send();
    assert_eq!(send("/stream", &[4, 6]).text(), "10");
    assert_eq!(send("/stream", &[4, 6, 1]).text(), "10, more than 10");
    assert_eq!(send("/stream", &[11]).text(), "0, more than 10");
    assert_eq!(send("/collect", &[4, 6]).text(), "10");
    assert_eq!(send("/collect", &[4, 6, 1]).status(), Status::CONTENT_TOO_LARGE);
    assert_eq!(send("/ignore", &[4, 6, 1]).text(), "ignored", "its length is not known");
}

#[test]
fn an_inner_limit_replaces_the_outer_one() {
    for (outer, inner) in [(10, 20), (30, 20)] {
        let app = App::new()
            .middleware(BodyLimit::new(outer))
            .route("/collect", post(collect).middleware(BodyLimit::new(inner)))
            .route("/stream", post(stream).middleware(BodyLimit::new(inner)))
            .route("/ignore", post(ignore).middleware(BodyLimit::new(inner)));
        let client = TestClient::new(app);
        for pieces in [&[15][..], &[20]] {
            assert_eq!(client.post("/stream").stream(chunks(pieces)).send().text(), pieces[0].to_string());
            assert_eq!(client.post("/stream").body(vec![0; pieces[0]]).send().text(), pieces[0].to_string());
            assert_eq!(client.post("/collect").body(vec![0; pieces[0]]).send().text(), pieces[0].to_string());
            assert_eq!(client.post("/ignore").body(vec![0; pieces[0]]).send().text(), "ignored");
        }
        assert_eq!(client.post("/stream").stream(chunks(&[20, 1])).send().text(), "20, more than 20");
        for target in ["/collect", "/ignore"] {
            assert_eq!(client.post(target).body(vec![0; 21]).send().status(), Status::CONTENT_TOO_LARGE);
        }
    }
}

#[test]
fn it_replaces_the_limit_of_collected_bodies() {
    let client = TestClient::new(app().body_limit(10).middleware(BodyLimit::new(20)));
    assert_eq!(client.post("/collect").body(vec![0; 20]).send().text(), "20");
    assert_eq!(client.post("/collect").stream(chunks(&[15, 5])).send().text(), "20");
    let large = TestClient::new(app().middleware(BodyLimit::new(4 << 20)));
    assert_eq!(large.post("/collect").body(vec![0; 3 << 20]).send().text(), (3 << 20).to_string());
}

#[test]
fn an_error_handler_answers_413() {
    async fn page(_: Request, error: HttpError) -> (Status, &'static str) {
        (error.status, "page")
    }
    let app = app().middleware(BodyLimit::new(10)).error_handler(Status::CONTENT_TOO_LARGE, page);
    let client = TestClient::new(app);
    for target in ["/collect", "/ignore"] {
        assert_eq!(client.post(target).body(vec![0; 11]).send().text(), "page");
    }
}

#[test]
fn a_body_that_is_too_large_ends_after_its_error() {
    async fn read(mut request: Request) -> String {
        let mut body = request.stream();
        let error = body.chunk().await.map(|piece| piece.unwrap_err().to_string());
        format!("{} {}", error.unwrap_or_default(), body.chunk().await.is_none())
    }
    let client = TestClient::new(App::new().middleware(BodyLimit::new(2)).route("/", post(read)));
    let pieces = [Ok::<_, std::io::Error>(b"three".to_vec())];
    let response = client.post("/").stream(Body::from_stream(futures_lite::stream::iter(pieces))).send();
    assert_eq!(response.text(), "the body is larger than the limit of 2 bytes true");
}
