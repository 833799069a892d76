//! The core in a program that has no std, no C library and no executor: whatever in it needed one would be an error
//! of the compiler or the linker here.
//!
//! It parses requests with the HTTP/1.1 machine, has an application route and answer them, and writes the answers to
//! the standard output. The HTTP/2 machine serves the same application. Then two WebSocket machines talk to each other,
//! and a form is parsed. `cargo xtask no-std` builds and runs it; exit code 0 says that the answers were the right ones.
#![no_std]
#![no_main]

extern crate alloc;

mod form;
mod http2;
mod site;
mod system;
mod websocket;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use site::Site;
use stelo_core::app::{self, App, BoxFuture, Executor, Reply, Request, Response};
use stelo_core::body::{Body, Frame, Sender};
use stelo_core::h1::{Config, Connection};
use stelo_core::proto::{Command, Defaults, Event, HttpMachine, StreamId};
use stelo_core::{Bytes, Instant};

const REQUESTS: &[u8] = b"\
    GET /users/7 HTTP/1.1\r\nhost: example.org\r\n\r\n\
    POST /echo HTTP/1.1\r\nhost: example.org\r\ntransfer-encoding: chunked\r\n\r\n\
    6\r\nhello\n\r\n0\r\n\r\n\
    GET /nothing HTTP/1.1\r\nhost: example.org\r\nconnection: close\r\n\r\n";

const ANSWERS: &[u8] = b"\
    HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 7\r\n\r\nuser 7\n\
    HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 6\r\n\r\nhello\n\
    HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// There is none: what the application wants to run beside the request is dropped.
struct NoExecutor;

impl Executor for NoExecutor {
    fn spawn(&self, _: BoxFuture<()>) {}

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        Box::pin(core::future::pending())
    }

    fn blocking(&self, _: Box<dyn FnOnce() + core::marker::Send>) {}
}

extern "C" fn main() -> ! {
    let connection = Connection::new(Arc::new(Config::default()), Instant::ZERO);
    let answers = Site::new().ok().and_then(|site| serve(connection, &site, REQUESTS));
    system::write(answers.as_deref().unwrap_or(b"nothing\n"));
    let good = answers.as_deref() == Some(ANSWERS)
        && http2::is_served() == Some(true)
        && websocket::echoes() == Some(true)
        && form::is_read() == Some(true);
    system::exit(usize::from(!good))
}

/// The output of the connection for these bytes; empty if a request is invalid.
fn serve<M: HttpMachine>(mut connection: M, site: &Site, requests: &[u8]) -> Option<Vec<u8>> {
    let now = Instant::ZERO;
    let context = Arc::new(app::Context::new(app::Connection::new(None, None, Arc::new(NoExecutor))));
    let mut exchange: Option<(StreamId, Reply, Option<Sender>)> = None;
    let mut written = Vec::new();
    connection.receive(now, requests);
    loop {
        match connection.next_event() {
            Event::Request { stream, head, length } => {
                connection.want_body(now, stream, true);
                let (sender, body) = Body::channel(length);
                exchange = Some((stream, site.call(Request::new(head, body, context.clone())), Some(sender)));
            }
            Event::Data { data, .. } => {
                let (_, _, sender) = exchange.as_ref()?;
                sender.as_ref()?.try_send(Frame::Data(Bytes::from(data.to_vec()))).ok()?;
            }
            Event::End { .. } => exchange.as_mut()?.2.take()?.finish(),
            Event::Trailers { .. } => {}
            Event::Writable { .. } => {}
            Event::Fault { .. } | Event::Reset { .. } => return None,
            Event::NeedData | Event::Paused | Event::Closed => return Some(written),
        }
        let mut cx = Context::from_waker(Waker::noop());
        let Some((stream, reply, _)) = &mut exchange else { continue };
        let Poll::Ready(response) = Pin::new(reply).poll(&mut cx) else { continue };
        respond(&mut connection, now, *stream, response)?;
        exchange = None;
        loop {
            let mut slices = [&[][..]; 8];
            let filled = connection.poll_transmit(&mut slices).slices;
            let bytes = slices[..filled].concat();
            if bytes.is_empty() {
                break;
            }
            connection.transmitted(now, bytes.len());
            written.extend(bytes);
        }
    }
}

/// Passes a response with an immediate body to the machine.
fn respond<M: HttpMachine>(
    connection: &mut M,
    now: Instant,
    stream: StreamId,
    mut response: Response,
) -> Option<()> {
    let command = Command::Whole {
        status: response.status,
        headers: &response.headers,
        defaults: &Defaults::default(),
        body: response.body.full_mut(),
    };
    connection.send(now, stream, command).ok()
}
