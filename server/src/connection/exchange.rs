//! The application's side of a connection: from the events of the machine to a request, from the reply to what the
//! machine is told to send.

use std::fmt::Display;
use std::sync::Arc;
use std::task::{Context, Poll};

use stelo_core::app::{
    BoxError, BoxFuture, Executor, OnTunnel, OnWebSocket, Reply, Request, Response, Upgrade,
};
use stelo_core::body::{Body, BodyError, Demand, Frame, Piece, Sender};
use stelo_core::h1;
use stelo_core::http::{Headers, Method, RequestHead, Status};
use stelo_core::proto::Reason;
use stelo_core::proto::{Command, Event, Length, StreamId};
use stelo_core::ws::{self, Agreed, Handshake};
use stelo_core::{Bytes, Fault, FaultKind};
use stelo_runtime::{Instant, Runtime};
use tracing::{debug, error, warn};

use super::link::{Link, Side};
use crate::executor::catch;
use crate::log::{self, SERVER};
use crate::messages;

const STREAM: StreamId = StreamId::ONLY;

/// How many steps are taken in one go: events of the machine, and pieces given by the application.
const STEPS: usize = 32;

/// HTTP/1.1: the machine, and the exchange that the connection is in.
pub(super) struct Exchange {
    machine: h1::Connection,
    stage: Stage,
    /// The connection was one too many when it was accepted.
    surplus: bool,
    /// Where the request body goes, while someone wants it.
    upload: Option<Sender>,
    /// The machine can say nothing before more bytes come.
    needs_data: bool,
    /// The response body has more than the machine takes at the moment, or the next request waits for that.
    waits_for_room: bool,
    /// What the request for a WebSocket was, while it is undecided.
    handshake: Option<Box<Handshake>>,
    next: Option<Next>,
    /// What is to run once the responses that it belongs to are written.
    background: Vec<BoxFuture<()>>,
}

/// What follows HTTP on the connection.
pub(super) enum Next {
    /// Bytes both ways.
    Tunnel(OnTunnel),
    /// A WebSocket, for the target that was asked for.
    WebSocket { run: OnWebSocket, agreed: Agreed, target: Box<str> },
}

/// What the application is doing.
#[derive(Default)]
enum Stage {
    /// Nothing: there is no request.
    #[default]
    Idle,
    /// Making up its mind.
    Replying(BoxFuture<Response>, Arc<RequestHead>),
    /// Giving the body of its response.
    Sending(Body),
}

impl Exchange {
    pub(super) fn new(machine: h1::Connection, surplus: bool) -> Self {
        Self {
            machine,
            stage: Stage::Idle,
            surplus,
            upload: None,
            needs_data: false,
            waits_for_room: false,
            handshake: None,
            next: None,
            background: Vec::new(),
        }
    }

    fn is_busy(&self) -> bool {
        !matches!(self.stage, Stage::Idle)
    }

    /// What takes over the connection, and the bytes that the client has sent ahead for it.
    pub(super) fn take_next(&mut self) -> Option<(Next, Vec<u8>)> {
        Some((self.next.take()?, self.machine.take_input()))
    }

    /// Whether more of the request body is wanted, and there may be more at hand.
    fn is_hungry(&self) -> bool {
        !self.needs_data && self.upload.as_ref().is_some_and(|upload| upload.demand() == Demand::Wanted)
    }

    pub(super) fn run_background(&mut self, executor: &dyn Executor) {
        if self.background.is_empty() {
            return;
        }
        for task in self.background.drain(..) {
            executor.spawn(task);
        }
    }
}

impl<R: Runtime> Side<R> for Exchange {
    type Machine = h1::Connection;

    fn machine<T>(&mut self, work: impl FnOnce(&mut h1::Connection) -> T) -> T {
        work(&mut self.machine)
    }

    fn advance(&mut self, link: &mut Link<R>, cx: &mut Context<'_>, now: Instant) -> bool {
        for _ in 0..STEPS {
            if !(self.take_event(link, cx, now) || self.poll_application(link, cx, now) || self.is_hungry()) {
                return false;
            }
        }
        true
    }

    fn wants_bytes(&self) -> bool {
        // An application at work is told when the client leaves.
        self.needs_data || self.is_busy()
    }

    fn waits_for_bytes(&self) -> bool {
        self.needs_data && !self.is_busy()
    }

    fn waits_for_room(&self) -> bool {
        self.waits_for_room
    }

    fn written(&mut self, link: &Link<R>) {
        self.run_background(&*link.thread.executor);
    }

    fn shutdown(&mut self, link: &mut Link<R>, now: Instant) {
        self.machine.shutdown(now);
        // The response of a handshake could be the beginning of a WebSocket.
        if let (Stage::Replying(_, head), Some(_)) = (&self.stage, &self.handshake) {
            let head = head.clone();
            self.respond(link, &mut internal_server_error(), &head, now);
        }
    }

    fn enter(&mut self, _: Instant, work: impl FnOnce(&mut h1::Connection)) {
        work(&mut self.machine);
    }

    fn leave(&mut self, cx: &mut Context<'_>) -> Option<(Instant, Reason)> {
        if let Some(upload) = &self.upload {
            // The demand may have changed since the last event was taken.
            match upload.poll_demand(cx) {
                Demand::Wanted if self.needs_data => {}
                Demand::Wanted | Demand::Abandoned => cx.waker().wake_by_ref(),
                Demand::Unasked | Demand::Full => {}
            }
        }
        self.machine.poll_timeout()
    }
}

impl Exchange {
    /// Takes the next event, if there is someone to take it. Says whether anything has moved.
    fn take_event<R: Runtime>(&mut self, link: &mut Link<R>, cx: &mut Context<'_>, now: Instant) -> bool {
        (self.needs_data, self.waits_for_room) = (false, false);
        match self.upload.as_ref().map(Sender::demand) {
            Some(Demand::Unasked | Demand::Full) => return false,
            Some(Demand::Wanted) => {
                // Sends 100 to a client that waits for it. Allowed at any time.
                let _ = self.machine.send(now, STREAM, Command::Continue);
            }
            Some(Demand::Abandoned) => self.upload = None,
            None => {}
        }
        // Without a reader the rest of the body is not read: that holds the client back.
        if self.upload.is_none() && self.is_busy() {
            return false;
        }
        match self.machine.next_event() {
            Event::Request { head, length, .. } => self.start(link, cx, head, length, now),
            Event::Data { data, .. } => {
                let frame = Frame::Data(data.to_vec().into());
                self.upload(frame);
            }
            Event::Trailers { trailers, .. } => self.upload(Frame::Trailers(trailers)),
            Event::End { .. } => {
                if let Some(upload) = self.upload.take() {
                    upload.finish();
                }
            }
            Event::Fault { fault, .. } => self.fault(link, fault, now),
            Event::NeedData => {
                self.needs_data = true;
                return false;
            }
            Event::Paused | Event::Closed => {
                // Of a body nothing more will come.
                self.upload = None;
                self.waits_for_room = self.machine.is_held_up();
                return false;
            }
        }
        true
    }

    fn upload(&mut self, frame: Frame) {
        if let Some(upload) = &self.upload {
            // There was room before the machine was asked; a reader that has just left is found out next time.
            let _ = upload.try_send(frame);
        }
    }

    fn fault<R: Runtime>(&mut self, link: &Link<R>, fault: Fault, now: Instant) {
        if let Some(upload) = self.upload.take() {
            return upload.fail(match fault.kind {
                FaultKind::Incomplete | FaultKind::Gone => BodyError::Disconnected,
                _ => BodyError::Fault(fault),
            });
        }
        if fault.status().is_none() || self.is_busy() {
            return debug!(target: SERVER, "Connection ended: {fault}");
        }
        warn!(target: SERVER, "Invalid HTTP request received: {fault}");
        let (thread, machine) = (&link.thread, &mut self.machine);
        // Nothing has been answered yet, so this is allowed.
        let _ = thread.with_defaults(now, |defaults| machine.refuse(now, fault, defaults));
    }

    /// Gives a request to the application, which most often answers at once.
    fn start<R: Runtime>(
        &mut self,
        link: &mut Link<R>,
        cx: &mut Context<'_>,
        head: Arc<RequestHead>,
        length: Length,
        now: Instant,
    ) {
        let body = self.request_body(length);
        // Made now, so that the log knows the client of what we refuse, too.
        let connection = link.connection();
        if self.surplus && link.thread.shared.is_overloaded() {
            messages::concurrency_limit();
            let mut response = Response::text(Status::SERVICE_UNAVAILABLE, "Service Unavailable");
            response.headers.append("connection", "close");
            return self.respond(link, &mut response, &head, now);
        }
        self.surplus = false;
        let request = match self.handshake(link, &head, length) {
            Ok(false) => Request::new(head.clone(), body, connection),
            Ok(true) => Request::handshake(head.clone(), connection),
            Err(mut refusal) => return self.respond(link, &mut refusal, &head, now),
        };
        let mut pending = None;
        let mut polled = catch(|| match link.thread.shared.app.call(request) {
            Reply::Ready(response) => Poll::Ready(response),
            Reply::Future(future) => pending.insert(future).as_mut().poll(cx),
        });
        match (&mut polled, pending) {
            (Ok(Poll::Ready(response)), _) => self.respond(link, response, &head, now),
            (Ok(Poll::Pending), Some(future)) => return self.stage = Stage::Replying(future, head),
            (Ok(Poll::Pending), None) => {}
            (Err(message), _) => self.panicked(link, message, &head, now),
        }
        self.machine.reuse(head);
    }

    /// Whether the request is the handshake of a WebSocket; the answer if it is a bad one.
    fn handshake<R: Runtime>(
        &mut self,
        link: &Link<R>,
        head: &RequestHead,
        length: Length,
    ) -> Result<bool, Box<Response>> {
        let asked = self.machine.asks_to_switch() && ws::is_asked_for(head);
        if !asked || link.thread.shared.websocket.is_none() {
            return Ok(false);
        }
        let refuse = |status, headers: Headers, why: &dyn Display| {
            warn!(target: SERVER, "Invalid WebSocket handshake received: {why}");
            let mut response = Response::text(status, format!("{why}\n"));
            response.headers.append_all(&headers);
            Err(Box::new(response))
        };
        match Handshake::check(head) {
            Err(refusal) => refuse(refusal.status(), refusal.headers(), &refusal),
            Ok(_) if !matches!(length, Length::None | Length::Known(0)) => {
                refuse(Status::BAD_REQUEST, Headers::new(), &"a WebSocket handshake has no body")
            }
            Ok(handshake) => {
                self.handshake = Some(Box::new(handshake));
                Ok(true)
            }
        }
    }

    /// The body of a request: whole if all of it is at hand, else through a channel as it comes.
    fn request_body(&mut self, length: Length) -> Body {
        match length {
            Length::None => Body::empty(),
            Length::Known(n) if n <= self.machine.buffered() as u64 => match self.machine.next_event() {
                Event::Data { data, .. } => {
                    let bytes = Bytes::from(data.to_vec());
                    // The end of the body, which follows at once.
                    let _ = self.machine.next_event();
                    bytes.into()
                }
                _ => Body::empty(),
            },
            length => {
                let (sender, body) = Body::channel(length);
                self.upload = Some(sender);
                body
            }
        }
    }

    /// Polls the application, if it has something to do. Says whether anything has moved.
    fn poll_application<R: Runtime>(
        &mut self,
        link: &mut Link<R>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> bool {
        let mut polled = match &mut self.stage {
            Stage::Idle => return false,
            Stage::Sending(_) => return self.poll_body(link, cx, now),
            Stage::Replying(future, _) => catch(|| future.as_mut().poll(cx)),
        };
        if let Ok(Poll::Pending) = polled {
            return false;
        }
        let Stage::Replying(_, head) = std::mem::take(&mut self.stage) else { return false };
        match &mut polled {
            Ok(Poll::Ready(response)) => self.respond(link, response, &head, now),
            Ok(Poll::Pending) => {}
            Err(message) => self.panicked(link, message, &head, now),
        }
        self.machine.reuse(head);
        true
    }

    fn panicked<R: Runtime>(&mut self, link: &Link<R>, message: &str, head: &RequestHead, now: Instant) {
        error!(target: SERVER, "Panic in the application, {} {}: {message}", head.method(), head.path());
        self.respond(link, &mut internal_server_error(), head, now);
    }

    /// Says the head of a response, and as much of its body as is at hand.
    fn respond<R: Runtime>(
        &mut self,
        link: &Link<R>,
        response: &mut Response,
        head: &RequestHead,
        now: Instant,
    ) {
        let Response { status, headers, body, background, upgrade } = response;
        let status = *status;
        if let Some(background) = background.take() {
            self.background.push(background);
        }
        let next = match upgrade.take() {
            Some(upgrade) if status == Status::SWITCHING_PROTOCOLS || *head.method() == Method::Connect => {
                match self.accept(link, *upgrade, headers, head) {
                    Ok(next) => Some(next),
                    Err(error) => return self.invalid(link, &error, head, now),
                }
            }
            _ => None,
        };
        let (thread, machine) = (&link.thread, &mut self.machine);
        match &self.upload {
            // The rest of the request is still wanted, most likely by this response: after its head it is too late to
            // ask. Allowed at any time.
            Some(upload) if upload.demand() != Demand::Abandoned => {
                let _ = machine.send(now, STREAM, Command::Continue);
            }
            _ => machine.discard_body(now),
        }
        let length = body.length();
        let whole = body.full_mut();
        let streams = whole.is_none() && length != Length::None;
        let said = thread.with_defaults(now, |defaults| {
            let what = match streams {
                true => Command::Response { status, headers, length, defaults },
                false => Command::Whole { status, headers, defaults, body: whole },
            };
            machine.send(now, STREAM, what)
        });
        if let Err(fault) = said {
            return self.invalid(link, &fault, head, now);
        }
        let handshake = self.handshake.take();
        if link.thread.shared.access_log {
            match handshake {
                Some(_) => log::handshake(link.client(), head, status),
                None => log::access(link.client(), head, status),
            }
        }
        if next.is_some() {
            self.next = next;
        }
        match streams {
            false => self.finished(link),
            true if self.machine.wants_body(STREAM) => self.stage = Stage::Sending(std::mem::take(body)),
            true => self.finish(link, Command::End, now),
        }
    }

    /// What the application has answered cannot be said.
    fn invalid<R: Runtime>(&mut self, link: &Link<R>, error: &dyn Display, head: &RequestHead, now: Instant) {
        error!(target: SERVER, "Invalid response, {} {}: {error}", head.method(), head.path());
        match self.machine.has_responded(STREAM) {
            true => self.reset(now),
            // Once at most: this one is valid.
            false => self.respond(link, &mut internal_server_error(), head, now),
        }
    }

    /// What is to follow HTTP. Completes the fields of the answer to a handshake.
    fn accept<R: Runtime>(
        &self,
        link: &Link<R>,
        upgrade: Upgrade,
        headers: &mut Headers,
        head: &RequestHead,
    ) -> Result<Next, BoxError> {
        match (upgrade, &self.handshake, &link.thread.shared.websocket) {
            (Upgrade::Tunnel(run), ..) => Ok(Next::Tunnel(run)),
            (Upgrade::WebSocket(run), Some(handshake), Some(config)) => {
                let agreed = handshake.accept(headers, config)?;
                Ok(Next::WebSocket { run, agreed, target: head.target().into() })
            }
            _ => Err("the request is not the handshake of a WebSocket".into()),
        }
    }

    /// Takes what the response body has, as long as the machine takes it. Says whether the response has ended.
    fn poll_body<R: Runtime>(&mut self, link: &Link<R>, cx: &mut Context<'_>, now: Instant) -> bool {
        loop {
            let Stage::Sending(body) = &mut self.stage else { return true };
            self.waits_for_room = self.machine.capacity(STREAM) == 0;
            if self.waits_for_room {
                return false;
            }
            match catch(|| body.poll_piece(cx)) {
                Ok(Poll::Pending) => return false,
                Ok(Poll::Ready(Some(Ok(Piece::Frame(Frame::Data(bytes)))))) => {
                    self.piece(Command::Data(bytes), now);
                }
                Ok(Poll::Ready(Some(Ok(Piece::Region(region))))) => self.piece(Command::Region(region), now),
                Ok(Poll::Ready(Some(Ok(Piece::Frame(Frame::Trailers(trailers)))))) => {
                    self.finish(link, Command::Trailers(&trailers), now);
                }
                Ok(Poll::Ready(None)) => self.finish(link, Command::End, now),
                Ok(Poll::Ready(Some(Err(error)))) => self.broken(&error, now),
                Err(message) => self.broken(&format_args!("panic: {message}"), now),
            }
        }
    }

    /// Says a piece of the response body.
    fn piece(&mut self, what: Command<'_>, now: Instant) {
        if let Err(fault) = self.machine.send(now, STREAM, what) {
            self.broken(&fault, now);
        }
    }

    /// Says the end of a response.
    fn finish<R: Runtime>(&mut self, link: &Link<R>, what: Command<'_>, now: Instant) {
        match self.machine.send(now, STREAM, what) {
            Ok(()) => self.finished(link),
            // A connection that has left HTTP has no end of a response.
            Err(_) if self.next.is_some() => self.finished(link),
            Err(fault) => self.broken(&fault, now),
        }
    }

    /// The response is complete.
    fn finished<R: Runtime>(&mut self, link: &Link<R>) {
        if self.is_busy() {
            self.stage = Stage::Idle;
        }
        self.waits_for_room = false;
        // What is left of the request body is read and dropped by the machine.
        self.upload = None;
        link.thread.shared.count_response();
    }

    /// The response cannot be completed: it is cut off where it is.
    fn broken(&mut self, error: &dyn Display, now: Instant) {
        error!(target: SERVER, "Response cut off: {error}");
        self.reset(now);
    }

    fn reset(&mut self, now: Instant) {
        self.stage = Stage::Idle;
        self.waits_for_room = false;
        self.upload = None;
        // Allowed at any time.
        let _ = self.machine.send(now, STREAM, Command::Reset);
    }
}

fn internal_server_error() -> Response {
    Response::text(Status::INTERNAL_SERVER_ERROR, "Internal Server Error")
}
