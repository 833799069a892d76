//! hyper, with a clock for its timeouts.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};

use crate::account::{Account, FIELD};

pub(crate) fn serve(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(async {
                let mut server = http1::Builder::new();
                // Without `half_close`, whether a client that ends its side is answered depends on which comes first.
                server.timer(TokioTimer::new()).half_close(true);
                // How a connection ends is seen on the other side of it.
                drop(server.serve_connection(TokioIo::new(stream), service_fn(answer)).await);
            });
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let response = match read(request).await {
        Ok(account) => Response::builder().status(account.status()).header(FIELD, account.encode()),
        Err(_) => Response::builder().status(400),
    };
    Ok(response.body(Empty::new()).expect("hexadecimal digits are a field value"))
}

async fn read(request: Request<Incoming>) -> hyper::Result<Account> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    let mut account = Account::new(head.method.as_str(), head.uri.to_string(), body.to_bytes());
    trailers.iter().for_each(|(name, value)| account.trailer(name.as_str(), value.as_bytes()));
    Ok(account)
}
