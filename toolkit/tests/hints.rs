//! Early hints before a response, and trailers behind it.

use futures_lite::stream;
use stelo_toolkit::response::{ResponseExt, StreamingResponse};
use stelo_toolkit::{App, Headers, HttpError, IntoResponse, Request, Response, Status, TestClient, get};

async fn checksum() -> Headers {
    let mut fields = Headers::new();
    fields.set("x-checksum", "abc");
    fields
}

#[test]
fn trailers_follow_a_stream_and_a_body_in_memory() {
    async fn streamed() -> Response {
        StreamingResponse::text(stream::iter(["one", "two"])).into_response().trailers(checksum())
    }
    async fn whole() -> Response {
        let mut response = "onetwo".into_response().trailers(checksum());
        response.headers.remove("content-length");
        response
    }
    let client = TestClient::new(App::new().route("/streamed", get(streamed)).route("/whole", get(whole)));
    for target in ["/streamed", "/whole"] {
        let response = client.get(target).send();
        assert_eq!((response.text().as_str(), response.header("content-length")), ("onetwo", None));
        assert_eq!(response.trailers().get_str("x-checksum"), Some("abc"), "{target}");
    }
}

#[test]
fn an_error_of_the_body_sends_no_trailers() {
    async fn fails() -> Response {
        let pieces = stream::iter([Ok("one"), Err("no more")]);
        StreamingResponse::fallible(pieces).into_response().trailers(checksum())
    }
    let client = TestClient::new(App::new().route("/", get(fails))).raise_server_errors(false);
    let response = client.get("/").send();
    assert!(response.body_error().is_some() && response.trailers().is_empty());
}

#[test]
fn early_hints_precede_the_response() {
    async fn page(request: Request) -> Result<&'static str, HttpError> {
        request.send_early_hints(["</a.css>; rel=preload", "</b.js>; rel=preload"]).await?;
        request.send_early_hints(["</c.js>; rel=preload"]).await?;
        Ok("page")
    }
    let client = TestClient::new(App::new().route("/", get(page)));
    let response = client.get("/").send();
    assert_eq!(response.text(), "page");
    let links: Vec<Vec<_>> = response
        .interim()
        .iter()
        .map(|(status, headers)| {
            assert_eq!(*status, Status::EARLY_HINTS);
            headers.get_all("link").map(|link| String::from_utf8_lossy(link).into_owned()).collect()
        })
        .collect();
    assert_eq!(links, [vec!["</a.css>; rel=preload", "</b.js>; rel=preload"], vec!["</c.js>; rel=preload"]]);
}

#[test]
fn a_hint_of_two_lines_is_an_error() {
    async fn page(request: Request) -> Result<&'static str, HttpError> {
        request.send_early_hints(["</a.css>\r\nset-cookie: a=b"]).await?;
        Ok("page")
    }
    let client = TestClient::new(App::new().route("/", get(page))).raise_server_errors(false);
    let response = client.get("/").send();
    assert_eq!(response.status(), Status::INTERNAL_SERVER_ERROR);
    assert!(response.interim().is_empty());
}
