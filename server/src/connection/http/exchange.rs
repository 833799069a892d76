//! One exchange: a request on its way to the application, and the application at work. `exchange/response.rs` has the
//! way back.

mod response;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use stelo_core::Fault;
use stelo_core::app::{self, BoxFuture, Reply, Request, Response};
use stelo_core::body::{Body, BodyError, Demand, Frame, Length, Sender};
use stelo_core::http::{RequestHead, Status};
use stelo_core::proto::{Command, HttpMachine, StreamId};
use stelo_core::ws::{self, Handshake};
use stelo_runtime::{Instant, Runtime};
use tracing::error;

use super::gate::Notice;
use super::handshake;
use super::{Deferred, is_cut_off};
use crate::connection::link::Link;
use crate::contain::{catch, discard};
use crate::log::{About, SERVER, Watch};

/// One request and its response. An exchange without a request is a free place for one.
#[derive(Default)]
pub(in crate::connection) struct Exchange {
    stage: Stage,
    /// The head of the request, while its response is sent.
    head: Option<Arc<RequestHead>>,
    /// The request body, while it is read.
    upload: Option<Upload>,
    /// The handshake of a WebSocket that has not been accepted or declined yet.
    handshake: Option<Box<Handshake>>,
    /// Goes along with the exchange, for the log.
    watch: Option<Box<Watch>>,
    /// Counts the requests that share a context.
    number: u32,
    /// The handler was polled since the last wake-up.
    polled: bool,
}

/// The work of the application on a request.
///
/// | from | to | when |
/// |---|---|---|
/// | `Idle` | `Replying` | the handler is pending |
/// | `Idle`, `Replying` | `Sending` | the response has a body that is not complete |
/// | `Sending` | `Blocked` | the client is slow to read |
/// | `Blocked` | `Sending` | it has read |
/// | `Sending`, `Blocked` | `HalfClosed` | the application has ended its side of a tunnel on a stream |
/// | any | `Idle` | the response is complete, or was cut off |
#[derive(Default)]
enum Stage {
    /// There is no request.
    #[default]
    Idle,
    /// The handler is running.
    Replying(BoxFuture<Response>, Arc<RequestHead>),
    /// The response body is sent.
    Sending(Body),
    /// The response body waits for the client to read.
    Blocked(Body),
    /// The request body goes on after the response: the client's side of a tunnel.
    HalfClosed,
}

/// A request body on its way to its reader.
struct Upload {
    sender: Sender,
    /// The machine was told to report the body.
    wanted: bool,
}

/// The surroundings of an exchange: its stream, its connection, the time.
pub(super) struct Scene<'a, R: Runtime, M> {
    pub(super) machine: &'a mut M,
    pub(super) link: &'a mut Link<R>,
    pub(super) deferred: &'a mut Deferred,
    pub(super) stream: StreamId,
    /// The context of the stream; `None` if that of the connection serves.
    pub(super) context: Option<&'a Arc<app::Context>>,
    /// The waker of the exchange; `None` if that of the connection's task serves.
    pub(super) waker: Option<&'a Waker>,
    pub(super) now: Instant,
}

impl<R: Runtime, M: HttpMachine> Scene<'_, R, M> {
    /// Returns the context of the request.
    fn context(&mut self) -> &Arc<app::Context> {
        match self.context {
            Some(context) => context,
            None => self.link.context(),
        }
    }

    fn send(&mut self, command: Command<'_>) -> Result<(), Fault> {
        self.machine.send(self.now, self.stream, command)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl Exchange {
    /// Returns the head of the request, while the application has something to do for it.
    pub(super) fn head(&self) -> Option<&RequestHead> {
        match &self.stage {
            Stage::Replying(_, head) => Some(head),
            _ => self.head.as_deref(),
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        !matches!(self.stage, Stage::Idle)
    }

    /// Whether a response body has more to send.
    pub(super) fn is_sending(&self) -> bool {
        matches!(self.stage, Stage::Sending(_))
    }

    /// Whether the application is not ready: with a response, or with more of a body that a half-closed client does not
    /// get to its end.
    pub(super) fn is_waiting(&self) -> bool {
        match &self.stage {
            Stage::Replying(..) | Stage::HalfClosed => true,
            Stage::Sending(body) => !body.allows_half_closed(),
            Stage::Blocked(_) | Stage::Idle => false,
        }
    }

    /// Whether the body of the response to the request of this number is being sent.
    pub(super) fn is_streaming(&self, number: u32) -> bool {
        self.number == number && matches!(self.stage, Stage::Sending(_) | Stage::Blocked(_))
    }

    pub(super) fn is_blocked(&self) -> bool {
        matches!(self.stage, Stage::Blocked(_))
    }

    /// Whether the machine was told to report the request body.
    pub(super) fn wants_body(&self) -> bool {
        self.upload.as_ref().is_some_and(|upload| upload.wanted)
    }

    /// Begins a poll that the task, or the exchange itself, was woken for.
    pub(super) fn enter(&mut self) {
        self.polled = false;
        if let Some(upload) = &self.upload {
            upload.sender.demand();
        }
    }

    /// Returns the demand of the reader, and wakes the task of `cx` when it rises.
    pub(super) fn poll_demand(&self, cx: &mut Context<'_>) -> Option<Demand> {
        self.upload.as_ref().map(|upload| upload.sender.poll_demand(cx))
    }

    // The request body

    /// Tells the machine whether the reader wants more. Returns whether it has begun to.
    pub(super) fn follow_demand<R: Runtime, M: HttpMachine>(&mut self, scene: &mut Scene<'_, R, M>) -> bool {
        let Some(upload) = &mut self.upload else { return false };
        let demand = match scene.waker {
            Some(waker) => upload.sender.poll_demand(&mut Context::from_waker(waker)),
            // The connection watches the demand when its poll ends.
            None => upload.sender.demand(),
        };
        let wanted = demand == Demand::Wanted;
        let changed = wanted != upload.wanted;
        if changed {
            upload.wanted = wanted;
            scene.machine.want_body(scene.now, scene.stream, wanted);
        }
        if demand == Demand::Abandoned {
            self.end_of_upload();
        }
        changed && wanted
    }

    /// Passes a piece of the request body to its reader.
    pub(super) fn receive(&mut self, frame: Frame) {
        self.polled = false;
        if let Some(upload) = &self.upload {
            // Fails only if the reader has just been dropped.
            let _ = upload.sender.try_send(frame);
        }
    }

    /// Ends the request body.
    pub(super) fn end_of_request(&mut self) {
        self.polled = false;
        if let Some(upload) = self.upload.take() {
            upload.sender.finish();
        }
        self.end_of_upload();
    }

    /// Notes that nothing more of the request is read.
    fn end_of_upload(&mut self) {
        self.upload = None;
        if let Stage::HalfClosed = self.stage {
            self.stage = Stage::Idle;
        }
    }

    /// Cuts the request body off because of a fault of the peer. Returns whether there was a reader.
    pub(super) fn fail_upload(&mut self, fault: Fault) -> bool {
        self.polled = false;
        let Some(upload) = self.upload.take() else { return false };
        upload.sender.fail(match is_cut_off(fault) {
            true => BodyError::Disconnected,
            false => BodyError::Fault(fault),
        });
        self.end_of_upload();
        true
    }

    /// Cuts the request body off because nothing more will come.
    pub(super) fn drop_upload(&mut self) {
        self.end_of_upload();
    }

    /// Drops everything of the application: it has no one to answer any more.
    pub(super) fn abandon(&mut self) {
        if self.is_busy() {
            discard(std::mem::take(&mut self.stage));
            self.head = None;
        }
        self.upload = None;
        self.handshake = None;
        self.watch = None;
    }

    // The request

    /// Calls the application with a request. Most often it responds at once.
    pub(super) fn start<R: Runtime, M: HttpMachine>(
        &mut self,
        scene: &mut Scene<'_, R, M>,
        cx: &mut Context<'_>,
        head: Arc<RequestHead>,
        length: Length,
        notice: Option<Notice>,
    ) {
        let context = scene.context().clone();
        self.number = self.number.wrapping_add(1);
        if let Some(notice) = notice {
            if notice.watched {
                let mut watch = Watch::new(scene.link.thread.shared.watching.clone(), context.clone());
                watch.set_head(&head);
                self.watch = Some(watch);
            }
            if let Some(refusal) = notice.refusal {
                return self.respond(scene, &mut refusal.response(), &head);
            }
        }
        let request = match self.is_handshake(scene, &head, length) {
            Ok(false) => Request::new(head.clone(), self.request_body(scene, length), context),
            Ok(true) => Request::new(head.clone(), Body::empty(), context).with_handshake(),
            Err(mut refusal) => return self.respond(scene, &mut refusal, &head),
        }
        .numbered(self.number);
        let app = &scene.link.thread.shared.app;
        let mut pending = None;
        let mut polled = catch(|| match app.call(request) {
            Reply::Ready(response) => Poll::Ready(response),
            Reply::Future(future) => pending.insert(future).as_mut().poll(cx),
        });
        match (&mut polled, pending) {
            (Ok(Poll::Ready(response)), future) => {
                discard(future);
                self.respond(scene, response, &head);
            }
            (Ok(Poll::Pending), None) => {}
            (Ok(Poll::Pending), Some(future)) => {
                self.stage = Stage::Replying(future, head);
                self.polled = !self.send_interim(scene, cx);
                self.follow_demand(scene);
                return;
            }
            (Err(message), future) => {
                discard(future);
                self.panicked(scene, message, &head);
            }
        }
        self.keep(scene, head);
    }

    /// Keeps the head of a request until its response is complete, and then gives it back.
    fn keep<R: Runtime, M: HttpMachine>(&mut self, scene: &mut Scene<'_, R, M>, head: Arc<RequestHead>) {
        match self.is_busy() {
            true => {
                if let Some(watch) = &mut self.watch {
                    watch.set_head(&head);
                }
                self.head = Some(head);
            }
            false => scene.machine.reuse(head),
        }
    }

    /// Whether the request is the handshake of a WebSocket. Returns the response if it is an invalid one.
    fn is_handshake<R: Runtime, M: HttpMachine>(
        &mut self,
        scene: &Scene<'_, R, M>,
        head: &RequestHead,
        length: Length,
    ) -> Result<bool, Box<Response>> {
        let asked = scene.machine.acceptance(scene.stream).is_some() && ws::is_asked_for(head);
        if !asked || scene.link.thread.shared.websocket.is_none() {
            return Ok(false);
        }
        self.handshake = Some(handshake::check(head, length).map_err(|refusal| {
            let (client, why) = (scene.link.client(), &refusal.why);
            let line =
                format_args!("Invalid WebSocket handshake received, {}: {why}", About { head, client });
            scene.link.thread.shared.invalid.warn(scene.now, line);
            refusal.response()
        })?);
        Ok(true)
    }

    /// Returns the request body: complete if all of it is buffered, otherwise a channel.
    fn request_body<R: Runtime, M: HttpMachine>(
        &mut self,
        scene: &mut Scene<'_, R, M>,
        length: Length,
    ) -> Body {
        if length == Length::None {
            return Body::empty();
        }
        match scene.machine.take_body(scene.stream) {
            Some(bytes) => bytes.into(),
            None => {
                let (sender, body) = Body::channel(length);
                self.upload = Some(Upload { sender, wanted: false });
                body
            }
        }
    }

    // The response

    /// Polls the application. Returns whether anything has moved.
    pub(super) fn poll<R: Runtime, M: HttpMachine>(
        &mut self,
        scene: &mut Scene<'_, R, M>,
        cx: &mut Context<'_>,
    ) -> bool {
        let moved = match &mut self.stage {
            // A handler that has just been polled wakes the task by itself.
            Stage::Replying(..) if self.polled => false,
            Stage::Replying(future, _) => {
                let polled = catch(|| future.as_mut().poll(cx));
                self.replied(scene, cx, polled)
            }
            Stage::Sending(_) | Stage::Blocked(_) => self.poll_body(scene, cx),
            Stage::Idle | Stage::HalfClosed => false,
        };
        self.follow_demand(scene) || moved
    }

    /// Acts on a poll of the handler. Returns whether anything has moved.
    fn replied<R: Runtime, M: HttpMachine>(
        &mut self,
        scene: &mut Scene<'_, R, M>,
        cx: &mut Context<'_>,
        polled: Result<Poll<Response>, String>,
    ) -> bool {
        if let Ok(Poll::Pending) = polled {
            return self.send_interim(scene, cx);
        }
        let Stage::Replying(future, head) = std::mem::take(&mut self.stage) else { return false };
        discard(future);
        match polled {
            Ok(Poll::Ready(mut response)) => self.respond(scene, &mut response, &head),
            Ok(Poll::Pending) => {}
            Err(message) => self.panicked(scene, &message, &head),
        }
        self.keep(scene, head);
        true
    }

    /// Sends the interim responses that the handler has waiting. Returns whether there were any.
    fn send_interim<R: Runtime, M: HttpMachine>(
        &mut self,
        scene: &mut Scene<'_, R, M>,
        cx: &mut Context<'_>,
    ) -> bool {
        let context = scene.context().clone();
        let mut sent = false;
        while let Poll::Ready(interim) = context.poll_interim(cx, self.number) {
            let command = Command::Informational { status: interim.status, headers: &interim.headers };
            if let Err(fault) = scene.send(command)
                && let Some(head) = self.head()
            {
                let about = About { head, client: context.client() };
                error!(target: SERVER, "Invalid interim response, {about}: {fault}");
            }
            sent = true;
        }
        sent
    }

    fn panicked<R: Runtime, M: HttpMachine>(
        &mut self,
        scene: &mut Scene<'_, R, M>,
        message: &str,
        head: &RequestHead,
    ) {
        let about = About { head, client: scene.context().client() };
        error!(target: SERVER, "Panic in the application, {about}: {message}");
        self.respond(scene, &mut internal_server_error(), head);
    }

    /// Declines a WebSocket that is not accepted yet: the server stops.
    pub(super) fn refuse_websocket<R: Runtime, M: HttpMachine>(&mut self, scene: &mut Scene<'_, R, M>) {
        if self.handshake.is_none() {
            return;
        }
        match std::mem::take(&mut self.stage) {
            Stage::Replying(future, head) => {
                discard(future);
                let mut stopping = Response::text(Status::SERVICE_UNAVAILABLE, "Service Unavailable");
                self.respond(scene, &mut stopping, &head);
            }
            other => self.stage = other,
        }
    }
}

fn internal_server_error() -> Response {
    Response::text(Status::INTERNAL_SERVER_ERROR, "Internal Server Error")
}
