//! A proxy written for clients that speak the types of the crates `http` and `bytes`, as hyper and reqwest do.

use futures_lite::{Stream, StreamExt};
use stelo::body::BodyError;
use stelo::{App, Body, Bytes, Request, Status, TestClient, any};

/// A client of another crate: takes a stream of `bytes::Bytes` and returns one.
async fn upstream(
    request: http::Request<impl Stream<Item = Result<bytes::Bytes, BodyError>> + Send + 'static>,
) -> http::Result<http::Response<impl Stream<Item = Result<bytes::Bytes, BodyError>> + Send + 'static>> {
    let (parts, body) = request.into_parts();
    let target = format!("{} {}", parts.method, parts.uri);
    let length = parts.headers.get("content-length").cloned();
    let mut response =
        http::Response::builder().status(http::StatusCode::ACCEPTED).header("x-target", target);
    for cookie in ["a=1", "b=2"] {
        response = response.header("set-cookie", cookie);
    }
    response.header("x-length", length.expect("a body of known length")).body(body)
}

async fn proxy(request: Request) -> stelo::Result<http::Response<Body>> {
    let (mut parts, body) = http::Request::<Body>::try_from(request)?.into_parts();
    parts.headers.remove("connection");
    let body = body.map(|piece| piece.map(bytes::Bytes::from));
    let response = upstream(http::Request::from_parts(parts, body)).await?;
    Ok(response.map(Body::from_stream))
}

#[test]
fn a_proxy_needs_no_conversion_of_its_own() {
    let client = TestClient::new(App::new().route("/{rest:path}", any(proxy)));
    let large = vec![7; 300_000];
    let response = client.put("/a%20b?c=d").body(large.clone()).send();
    assert_eq!(response.status(), Status::ACCEPTED);
    assert_eq!(response.header("x-target"), Some("PUT /a%20b?c=d"));
    assert_eq!(response.header("x-length"), Some("300000"));
    assert_eq!(response.headers().get_all("set-cookie").count(), 2);
    assert_eq!(response.bytes(), large);
}

#[test]
fn handlers_return_the_types_of_the_other_crates() {
    async fn gone() -> http::StatusCode {
        http::StatusCode::GONE
    }
    async fn shared() -> Bytes {
        bytes::Bytes::from(vec![1, 2, 3]).into()
    }
    let client = TestClient::new(App::new().route("/gone", any(gone)).route("/shared", any(shared)));
    assert_eq!(client.get("/gone").send().status(), Status::GONE);
    assert_eq!(client.get("/shared").send().bytes(), [1, 2, 3]);
}
