//! A gateway to a server (RFC 9110, section 3.7): an application that forwards its requests over connections. With it the
//! test client of the toolkit, with its cookies, redirects, forms and streams, reaches a server on a simulated network,
//! or on a real one. `relay.rs` forwards WebSockets.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use stelo_core::app::{App, BoxError, Reply, Request, Response};
use stelo_core::body::{Body, BodyError, Frame, Length};
use stelo_core::http::{Headers, Method, RequestHead, Status};
use stelo_runtime::{Address, Runtime};

use crate::answer::{Asked, Fields};
use crate::relay::relay;
use crate::wire::{Broken, Wire};

/// Forwards requests to a server. A `TestClient` of it runs its tests over the network of a [`Simulation`], or over real
/// sockets if `R` is the runtime of another executor.
///
/// It forwards bodies and WebSockets in both directions piece by piece, early hints and trailers. A connection is kept for
/// the next request. A server that does not answer, or answers with an invalid response, becomes 502 with the reason as
/// text. An answer that is cut off becomes an error of its body.
///
/// ```
/// # use stelo_sim::{Gateway, Sim};
/// # use stelo_runtime::Address;
/// # fn gateway(sim: Sim, address: Address) -> Gateway<Sim> {
/// // `TestClient::without_start(gateway)` makes a client of it.
/// let gateway = Gateway::new(sim, address);
/// # gateway }
/// ```
///
/// [`Simulation`]: crate::Simulation
pub struct Gateway<R: Runtime>(Arc<Server<R>>);

impl<R: Runtime> fmt::Debug for Gateway<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gateway").field(&self.0.address).finish()
    }
}

/// The server, and the connections to it.
struct Server<R: Runtime> {
    runtime: R,
    address: Address,
    /// Connections between two requests.
    idle: Mutex<Vec<Wire<R::Stream>>>,
}

impl<R: Runtime> Gateway<R> {
    /// Creates a gateway to the server at this address.
    pub fn new(runtime: R, address: Address) -> Self {
        Self(Arc::new(Server { runtime, address, idle: Mutex::default() }))
    }
}

impl<R: Runtime> App for Gateway<R> {
    fn call(&self, request: Request) -> Reply {
        let server = self.0.clone();
        Reply::future(async move {
            match server.forward(request).await {
                Ok(response) => response,
                Err(broken) => Response::text(Status::BAD_GATEWAY, broken.to_string()),
            }
        })
    }
}

impl<R: Runtime> Server<R> {
    /// Sends a request, and returns the answer as soon as its head has come.
    async fn forward(self: Arc<Self>, request: Request) -> Result<Response, Broken> {
        let interim = request.interim();
        let (head, body, _) = request.into_parts();
        let mut wire = self.connect().await.map_err(|error| Broken::Connect(error.kind()))?;
        wire.queue(&written(&head));
        let asked = if *head.method() == Method::Head { Asked::Head } else { Asked::Other };
        let is_chunked = body.length() == Length::Unknown;
        let body = (body.length() != Length::None).then_some(body);
        let mut exchange = Exchange { server: self, wire, body, is_chunked, asked };
        loop {
            poll_fn(|cx| exchange.poll_head(cx)).await?;
            for (status, fields) in std::mem::take(&mut exchange.wire.reader.answer().interim) {
                // The client may have left.
                let _ = interim.send(Status::new(status).unwrap_or_default(), headers(&fields)?).await;
            }
            if exchange.wire.reader.has_head() {
                return exchange.respond();
            }
        }
    }

    /// Returns a connection that is idle, or a new one.
    async fn connect(&self) -> io::Result<Wire<R::Stream>> {
        while let Some(mut wire) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            if wire.is_idle(&mut Context::from_waker(Waker::noop())) {
                return Ok(wire);
            }
        }
        self.runtime.connect(&self.address).await.map(Wire::new)
    }
}

/// Returns the head of a request as it is sent.
fn written(head: &RequestHead) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", head.method(), head.target()).into_bytes();
    write_fields(&mut bytes, head.headers());
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn write_fields(bytes: &mut Vec<u8>, headers: &Headers) {
    for (name, value) in headers.iter() {
        bytes.extend_from_slice(name.as_ref());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
}

/// Returns the fields of an answer without those that belong to its connection (RFC 9110, section 7.6.1), and without
/// those that a server adds to each answer.
fn headers(fields: &Fields) -> Result<Headers, Broken> {
    const HOP: [&str; 7] = [
        "connection",
        "transfer-encoding",
        "keep-alive",
        "upgrade",
        "sec-websocket-accept",
        "date",
        "server",
    ];
    let mut headers = Headers::new();
    for (name, value) in fields.iter().filter(|(name, _)| !HOP.contains(&&**name)) {
        headers.try_append(name, value).map_err(|_| Broken::Framing("a field that is not valid"))?;
    }
    Ok(headers)
}

/// An exchange with the server: sends the rest of the request, and is the body of the answer.
struct Exchange<R: Runtime> {
    server: Arc<Server<R>>,
    wire: Wire<R::Stream>,
    /// The body of the request, until all of it has been sent.
    body: Option<Body>,
    is_chunked: bool,
    asked: Asked,
}

impl<R: Runtime> Exchange<R> {
    /// Sends what there is of the request.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<(), BoxError> {
        while let Some(body) = &mut self.body {
            match self.wire.poll_flush(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(())) => {}
                // The server reads no more of it. It may have answered.
                Poll::Ready(Err(_)) => {
                    self.body = None;
                    return Ok(());
                }
            }
            match body.poll_frame(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Some(Ok(Frame::Data(data)))) if self.is_chunked => self.wire.queue_chunk(&data),
                Poll::Ready(Some(Ok(Frame::Data(data)))) => self.wire.queue(&data),
                Poll::Ready(Some(Ok(Frame::Trailers(trailers)))) => self.finish_upload(&trailers),
                Poll::Ready(None) => self.finish_upload(&Headers::new()),
                Poll::Ready(Some(Err(error))) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn finish_upload(&mut self, trailers: &Headers) {
        self.body = None;
        if self.is_chunked {
            let mut end = b"0\r\n".to_vec();
            write_fields(&mut end, trailers);
            end.extend_from_slice(b"\r\n");
            self.wire.queue(&end);
        }
    }

    /// Waits for the head of the answer, or for an interim response.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        // A request that cannot be sent to its end leaves the connection, which the server notices.
        self.poll_upload(cx).map_err(|_| Broken::Cut)?;
        self.wire
            .poll_until(cx, self.asked, |reader| reader.has_head() || !reader.answer().interim.is_empty())
    }

    /// Returns the answer, of which the head has been read. The body follows.
    fn respond(mut self) -> Result<Response, Broken> {
        let answer = self.wire.reader.answer();
        let status = Status::new(answer.status).ok_or(Broken::Framing("no status"))?;
        let headers = headers(&answer.fields)?;
        let length = answer.field("content-length").and_then(|length| length.parse().ok());
        if status == Status::SWITCHING_PROTOCOLS {
            let (runtime, wire) = (self.server.runtime.clone(), self.wire);
            return Ok(Response { headers, ..Response::websocket(|socket| relay(runtime, wire, socket)) });
        }
        let has_none = self.asked == Asked::Head || matches!(answer.status, 204 | 304);
        let body = match length {
            _ if has_none => {
                self.give_back();
                Body::empty()
            }
            Some(length) => Body::from_frames(self.into_frames(), Length::Known(length)),
            None => Body::from_frames(self.into_frames(), Length::Unknown),
        };
        Ok(Response { status, headers, body, ..Response::default() })
    }

    fn into_frames(self) -> Frames<R> {
        Frames(Some(self))
    }

    /// Keeps the connection for another request, if the server does and the request has been sent.
    fn give_back(self) {
        let Self { server, mut wire, body, .. } = self;
        if body.is_none() && !wire.reader.take_answer().closes() && !wire.has_ended() {
            server.idle.lock().unwrap_or_else(PoisonError::into_inner).push(wire);
        }
    }
}

/// The body of an answer. `None` after its end.
struct Frames<R: Runtime>(Option<Exchange<R>>);

impl<R: Runtime> futures_core::Stream for Frames<R> {
    type Item = Result<Frame, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(exchange) = &mut this.0 else { return Poll::Ready(None) };
        if let Err(error) = exchange.poll_upload(cx) {
            this.0 = None;
            return Poll::Ready(Some(Err(BodyError::Other(error))));
        }
        let piece = match ready!(exchange.wire.poll_piece(cx, exchange.asked)) {
            Ok(Some(piece)) => Some(Ok(Frame::Data(piece.into()))),
            Err(broken) => {
                this.0 = None;
                Some(Err(BodyError::Other(Box::new(broken))))
            }
            Ok(None) => {
                let trailers = headers(&exchange.wire.reader.answer().trailers);
                if let Some(exchange) = this.0.take() {
                    exchange.give_back();
                }
                match trailers {
                    Ok(trailers) if trailers.is_empty() => None,
                    Ok(trailers) => Some(Ok(Frame::Trailers(trailers))),
                    Err(broken) => Some(Err(BodyError::Other(Box::new(broken)))),
                }
            }
        };
        Poll::Ready(piece)
    }
}
