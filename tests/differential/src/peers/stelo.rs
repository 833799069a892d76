//! Ours, on tokio.

use std::io;
use std::net::TcpListener;
use std::os::fd::IntoRawFd;
use std::sync::Arc;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::body::{BodyError, Frame};
use stelo_core::http::Status;
use stelo_server::{Config, Server};
use stelo_tokio::Tokio;

use crate::account::{Account, FIELD};

pub(crate) fn serve(listener: TcpListener) -> io::Result<()> {
    let server = Server::new(Config::new().fd(listener.into_raw_fd()).threads(1));
    server.run::<Tokio>(Arc::new(Peer)).map(drop).map_err(io::Error::other)
}

struct Peer;

impl App for Peer {
    fn call(&self, request: Request) -> Reply {
        Reply::future(async move {
            match read(request).await {
                Ok(account) => answer(&account),
                Err(_) => Response::empty(Status::BAD_REQUEST),
            }
        })
    }
}

async fn read(mut request: Request) -> Result<Account, BodyError> {
    let mut account = Account::new(request.head().method().as_str(), request.head().target(), []);
    while let Some(frame) = request.body_mut().frame().await {
        match frame? {
            Frame::Data(bytes) => account.body.extend_from_slice(&bytes),
            Frame::Trailers(fields) => fields.iter().for_each(|(name, value)| {
                account.trailer(name, value);
            }),
        }
    }
    Ok(account)
}

fn answer(account: &Account) -> Response {
    let mut response = Response::empty(Status::new(account.status()).expect("a status"));
    response.headers.try_append(FIELD, &*account.encode()).expect("hexadecimal digits are a field value");
    response
}
