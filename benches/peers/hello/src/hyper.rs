//! The text on hyper without a framework, HTTP/1 only.
use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::{Response, service::service_fn};
use hyper_util::rt::TokioIo;

fn main() -> std::io::Result<()> {
    let hello = service_fn(|_| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"Hello, World!"))))
    });
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 8000)).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), hello));
        }
    })
}
