//! The response of an exchange: its head, its body, and what follows HTTP.

use std::fmt::Display;
use std::task::{Context, Poll};

use stelo_core::app::{BoxError, Response, Upgrade};
use stelo_core::body::{Body, Demand, Frame, Length, Piece};
use stelo_core::http::{Headers, Method, RequestHead, Status};
use stelo_core::proto::{Command, HttpMachine, ResetCause};
use stelo_runtime::Runtime;
use tracing::error;

use super::{Exchange, Scene, Stage, Upload, internal_server_error};
use crate::connection::http::handshake::{Accepted, Next};
use crate::connection::http::{Background, StreamIo};
use crate::connection::{tunnel, websocket};
use crate::contain::{catch, discard};
use crate::log::{self, About, Access, SERVER, Watch};
use crate::thread::Shared;

impl Exchange {
    /// Sends the head of a response, and its body if it is complete.
    pub(super) fn respond<R: Runtime, M: HttpMachine>(
        &mut self,
        scene: &mut Scene<'_, R, M>,
        response: &mut Response,
        head: &RequestHead,
    ) {
        let Response { status, headers, body, background, upgrade } = response;
        let mut status = *status;
        if let Some(task) = background.take() {
            let about = About { head, client: scene.context().client() }.to_string();
            let (stream, number) = (scene.stream, self.number);
            scene.deferred.background.push(Background { task, stream, number, about: about.into() });
        }
        let next = match upgrade.take() {
            None => None,
            Some(upgrade) => match self.accept(scene, *upgrade, &mut status, headers, head) {
                Ok(next) => next,
                Err(error) => {
                    discard(std::mem::take(body));
                    return self.invalid(scene, &error, head);
                }
            },
        };
        if M::MULTIPLEXED && self.handshake.is_some() && next.is_none() && status.is_success() {
            discard(std::mem::take(body));
            return self.invalid(
                scene,
                &"a status of 2xx would accept the WebSocket: decline with another one",
                head,
            );
        }
        match &self.upload {
            // The response most likely reads the rest of the request; a client that waits for an invitation must get it
            // before the head.
            Some(upload) if upload.sender.demand() != Demand::Abandoned => {
                scene.machine.want_body(scene.now, scene.stream, true);
                self.set_wanted();
                self.follow_demand(scene);
            }
            _ => scene.machine.discard_body(scene.now, scene.stream),
        }
        let on_stream = M::MULTIPLEXED && next.is_some();
        let length = if on_stream { Length::Unknown } else { body.length() };
        let whole = body.full_mut();
        let streams = on_stream || whole.is_none() && length != Length::None;
        let Scene { machine, link, stream, now, .. } = &mut *scene;
        let sent = link.thread.with_defaults(*now, |defaults| match streams {
            true => machine.send(*now, *stream, Command::Response { status, headers, length, defaults }),
            false => machine.send(*now, *stream, Command::Whole { status, headers, defaults, body: whole }),
        });
        if let Err(fault) = sent {
            discard(std::mem::take(body));
            discard(next);
            return self.invalid(scene, &fault, head);
        }
        let handshake = self.handshake.take();
        // With HTTP/2, the status that accepts a WebSocket is 200.
        let status = match next {
            Some(Next::WebSocket(_)) => Status::SWITCHING_PROTOCOLS,
            _ => status,
        };
        match scene.link.thread.shared.access {
            Access::Off => {}
            // A response that streams is logged at its end.
            Access::Lines if !(streams && next.is_none() && scene.machine.wants_data(scene.stream)) => {
                match handshake {
                    Some(_) => log::handshake(scene.link.client(), head, status),
                    None => log::access(scene.link.client(), head, status),
                }
            }
            Access::Lines | Access::Watched => {
                let sent = if streams { Length::None } else { length };
                self.observe(scene, status, headers, sent, handshake.is_some());
            }
        }
        match next {
            Some(next) if on_stream => return self.run_on_stream(scene, next),
            Some(next) => scene.deferred.next = Some(next),
            None => {}
        }
        match streams {
            false => {
                // The body may be a stream without content.
                if length == Length::None {
                    discard(std::mem::take(body));
                }
                self.finished(scene);
            }
            true if scene.machine.wants_data(scene.stream) => {
                self.stage = Stage::Sending(std::mem::take(body))
            }
            true => {
                discard(std::mem::take(body));
                self.finish(scene, Command::End);
            }
        }
    }

    /// Notes the head of a response, and the length of a body that is sent with it.
    #[cold]
    #[inline(never)]
    fn observe<R: Runtime, M: HttpMachine>(
        &mut self,
        scene: &mut Scene<'_, R, M>,
        status: Status,
        headers: &Headers,
        sent: Length,
        is_handshake: bool,
    ) {
        let watching = scene.link.thread.shared.watching.clone();
        let new = || Watch::new(watching, scene.context().clone());
        let watch = self.watch.get_or_insert_with(new);
        watch.responds(status, headers, is_handshake);
        if let Length::Known(bytes) = sent {
            watch.sends(bytes);
        }
    }

    fn set_wanted(&mut self) {
        if let Some(upload) = &mut self.upload {
            upload.wanted = true;
        }
    }

    /// Reports an invalid response, and sends 500 instead, or cuts the response off.
    fn invalid<R: Runtime, M: HttpMachine>(
        &mut self,
        scene: &mut Scene<'_, R, M>,
        error: &dyn Display,
        head: &RequestHead,
    ) {
        let about = About { head, client: scene.context().client() };
        error!(target: SERVER, "Invalid response, {about}: {error}");
        match scene.machine.has_responded(scene.stream) {
            true => self.reset(scene),
            // No endless recursion: this response is valid.
            false => self.respond(scene, &mut internal_server_error(), head),
        }
    }

    // Upgrades

    /// Returns what follows HTTP. Completes status and fields of the response to a handshake.
    fn accept<R: Runtime, M: HttpMachine>(
        &self,
        scene: &Scene<'_, R, M>,
        upgrade: Upgrade,
        status: &mut Status,
        headers: &mut Headers,
        head: &RequestHead,
    ) -> Result<Option<Next>, BoxError> {
        let accepted = scene.machine.acceptance(scene.stream);
        match (upgrade, &self.handshake, &scene.link.thread.shared.websocket) {
            (Upgrade::Tunnel(run), ..) => {
                let switches = *status == Status::SWITCHING_PROTOCOLS || *head.method() == Method::Connect;
                if !switches {
                    discard(run);
                    return Ok(None);
                }
                Ok(Some(Next::Tunnel(run)))
            }
            (Upgrade::WebSocket(run), Some(handshake), Some(config)) => {
                *status = accepted.unwrap_or(Status::SWITCHING_PROTOCOLS);
                let agreed = match handshake.accept(headers, config) {
                    Ok(agreed) => agreed,
                    Err(error) => {
                        discard(run);
                        return Err(error.into());
                    }
                };
                let target = format!("{}{}", head.target(), log::FromClient(scene.link.client())).into();
                let config = config.clone();
                Ok(Some(Next::WebSocket(Box::new(Accepted { run, agreed, config, target }))))
            }
            (upgrade, ..) => {
                discard(upgrade);
                Err("the request is not the handshake of a WebSocket".into())
            }
        }
    }

    /// Runs what follows HTTP over the bodies of this exchange, in a task of its own.
    fn run_on_stream<R: Runtime, M: HttpMachine>(&mut self, scene: &mut Scene<'_, R, M>, next: Next) {
        let (sender, incoming) = Body::channel(Length::Unknown);
        let (outgoing, body) = Body::channel(Length::Unknown);
        self.upload = Some(Upload { sender, wanted: false });
        self.stage = Stage::Sending(body);
        let io = StreamIo::new(incoming, outgoing, scene.context().clone());
        let thread = scene.link.thread.clone();
        match next {
            Next::Tunnel(run) => tunnel::spawn(&thread, io, run),
            Next::WebSocket(accepted) => websocket::spawn(&thread, io, *accepted),
        }
    }

    // The response body

    /// Sends what the response body has, as long as there is capacity. Returns whether the response has ended.
    pub(super) fn poll_body<R: Runtime, M: HttpMachine>(
        &mut self,
        scene: &mut Scene<'_, R, M>,
        cx: &mut Context<'_>,
    ) -> bool {
        loop {
            let (Stage::Sending(body) | Stage::Blocked(body)) = &mut self.stage else { return true };
            if scene.machine.capacity(scene.stream) == 0 {
                if let Stage::Sending(body) = &mut self.stage {
                    self.stage = Stage::Blocked(std::mem::take(body));
                }
                return false;
            }
            let polled = catch(|| body.poll_piece(cx));
            if let Stage::Blocked(body) = &mut self.stage {
                self.stage = Stage::Sending(std::mem::take(body));
            }
            match polled {
                Ok(Poll::Pending) => return false,
                Ok(Poll::Ready(Some(Ok(Piece::Frame(Frame::Data(bytes)))))) => {
                    self.piece(scene, Command::Data(bytes));
                }
                Ok(Poll::Ready(Some(Ok(Piece::Region(region))))) => {
                    self.piece(scene, Command::Region(region))
                }
                Ok(Poll::Ready(Some(Ok(Piece::Frame(Frame::Trailers(trailers)))))) => {
                    self.finish(scene, Command::Trailers(&trailers));
                }
                Ok(Poll::Ready(None)) => self.finish(scene, Command::End),
                Ok(Poll::Ready(Some(Err(error)))) => {
                    let text = catch(|| error.to_string());
                    discard(error);
                    let text = text.unwrap_or_else(|message| format!("panic in the description: {message}"));
                    self.cut_off(scene, &text);
                }
                Err(message) => self.cut_off(scene, &format_args!("panic: {message}")),
            }
        }
    }

    /// Sends a piece of the response body.
    fn piece<R: Runtime, M: HttpMachine>(&mut self, scene: &mut Scene<'_, R, M>, command: Command<'_>) {
        if let Some(watch) = &mut self.watch {
            watch.sends(match &command {
                Command::Data(bytes) => bytes.len() as u64,
                Command::Region(region) => region.len() as u64,
                _ => 0,
            });
        }
        if let Err(fault) = scene.send(command) {
            self.cut_off(scene, &fault);
        }
    }

    /// Sends the end of the response.
    fn finish<R: Runtime, M: HttpMachine>(&mut self, scene: &mut Scene<'_, R, M>, command: Command<'_>) {
        match scene.send(command) {
            Ok(()) => self.finished(scene),
            // A connection that has left HTTP has no end of a response.
            Err(_) if scene.deferred.next.is_some() => self.finished(scene),
            Err(fault) => self.cut_off(scene, &fault),
        }
    }

    /// Ends the exchange after a complete response.
    #[inline(always)]
    fn finished<R: Runtime, M: HttpMachine>(&mut self, scene: &mut Scene<'_, R, M>) {
        if scene.link.thread.shared.counts_responses {
            self.count(&scene.link.thread.shared);
        }
        if self.is_busy() {
            discard(std::mem::take(&mut self.stage));
            self.watch = None;
            if let Some(head) = self.head.take() {
                scene.machine.reuse(head);
            }
        }
        if M::MULTIPLEXED && self.upload.is_some() && scene.machine.acceptance(scene.stream).is_some() {
            self.stage = Stage::HalfClosed;
            return;
        }
        // The machine reads and drops the rest of the request body.
        self.upload = None;
    }

    /// Counts a response, and writes its line.
    #[cold]
    #[inline(never)]
    fn count(&mut self, shared: &Shared) {
        self.watch = None;
        shared.count_response();
    }

    /// Reports that the response cannot be completed, and cuts it off.
    fn cut_off<R: Runtime, M: HttpMachine>(&mut self, scene: &mut Scene<'_, R, M>, error: &dyn Display) {
        if let Some(head) = self.head() {
            let about = About { head, client: scene.context().client() };
            error!(target: SERVER, "Response cut off, {about}: {error}");
        }
        self.reset(scene);
    }

    fn reset<R: Runtime, M: HttpMachine>(&mut self, scene: &mut Scene<'_, R, M>) {
        self.abandon();
        // Allowed in any state.
        let _ = scene.send(Command::Reset(ResetCause::Internal));
    }
}
