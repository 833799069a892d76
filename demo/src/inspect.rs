//! The request as the server saw it.

use serde::Serialize;
use stelo_toolkit::{Json, Request};

#[derive(Serialize)]
pub(crate) struct Seen {
    method: String,
    /// As received, percent-encoded.
    target: String,
    /// Percent-decoded.
    path: String,
    query: Vec<(String, String)>,
    /// In order, with duplicates. Bytes that are not UTF-8 become U+FFFD.
    headers: Vec<(String, String)>,
    client: Option<String>,
    server: Option<String>,
    scheme: &'static str,
    http_version: &'static str,
    root_path: String,
}

pub(crate) async fn request(request: Request) -> Json<Seen> {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Json(Seen {
        method: request.method().as_str().to_owned(),
        target: request.head().target().to_owned(),
        path: request.path().to_owned(),
        query: request.query_params().iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        headers: request.headers().iter().map(|(n, v)| (n.to_owned(), text(v))).collect(),
        client: request.client().map(ToString::to_string),
        server: request.server().map(ToString::to_string),
        scheme: request.scheme(),
        http_version: request.version().number(),
        root_path: request.root_path().into_owned(),
    })
}
