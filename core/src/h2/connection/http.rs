//! The verbs of the machine as an [`HttpMachine`].

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Connection;
use crate::fault::{Fault, FaultKind};
use crate::h2::frame::MAX_31;
use crate::h2::stream::Stage;
use crate::http::{Headers, RequestHead, Status};
use crate::proto::{Command, Defaults, Event, HttpMachine, StreamId};
use crate::{Bytes, Instant};

impl HttpMachine for Connection {
    const MULTIPLEXED: bool = true;

    fn next_event(&mut self) -> Event<'_> {
        self.event()
    }

    fn send(&mut self, now: Instant, stream: StreamId, command: Command<'_>) -> Result<(), Fault> {
        self.now = now;
        self.encode(stream.0, command).map_err(Fault::caller)
    }

    fn want_body(&mut self, now: Instant, stream: StreamId, wanted: bool) {
        self.now = now;
        let id = stream.0;
        let Some(open) = self.streams.get_mut(id) else { return };
        let request = &mut open.request;
        request.wanted = wanted;
        request.due = None;
        if !wanted {
            request.pace.pause(now);
            return;
        }
        request.target = self.config.limits.read_window.max(self.config.limits.window).min(MAX_31);
        if request.stage == Stage::Open && !open.tunnel {
            let due = open.await_body(now, &self.config);
            self.deadlines.watch(due);
        }
        let request = &mut open.request;
        if core::mem::take(&mut request.expects_continue) && !open.response.begun {
            self.write_informational(id, Status::CONTINUE, &Headers::new());
        }
        self.list_news(id);
        self.credit(id);
    }

    /// The rest is dropped, and the stream is reset after the response.
    fn discard_body(&mut self, now: Instant, stream: StreamId) {
        self.now = now;
        // Whether the body of CONNECT is needed depends on the response.
        if self.streams.get(stream.0).is_some_and(|stream| !stream.asked.connect) {
            self.drop_body(stream.0);
        }
    }

    /// The connection goes on.
    fn refuse(
        &mut self,
        now: Instant,
        stream: StreamId,
        fault: Fault,
        defaults: &Defaults,
    ) -> Result<(), Fault> {
        const TEXT: Headers =
            Headers::constant("content-type: text/plain; charset=utf-8").expect("a header field");
        let status = fault.status().ok_or(Fault::caller(FaultKind::State))?;
        let mut text = Bytes::from(alloc::format!("{}\n", fault.kind));
        self.send(now, stream, Command::Whole { status, headers: &TEXT, defaults, body: Some(&mut text) })
    }

    fn capacity(&self, stream: StreamId) -> usize {
        self.capacity_of(stream.0)
    }

    fn wants_data(&self, stream: StreamId) -> bool {
        self.takes_data(stream.0)
    }

    fn has_responded(&self, stream: StreamId) -> bool {
        // Nothing can be sent on a stream that has ended.
        self.streams.get(stream.0).is_none_or(|stream| stream.response.begun)
    }

    /// 200 for CONNECT (RFC 9110 section 9.3.6, RFC 8441 section 5).
    fn acceptance(&self, stream: StreamId) -> Option<Status> {
        let stream = self.streams.get(stream.0)?;
        (stream.asked.connect && (stream.tunnel || !stream.response.begun)).then_some(Status::OK)
    }

    fn take_body(&mut self, stream: StreamId) -> Option<Bytes> {
        self.whole_body(stream.0)
    }

    fn take_data(&mut self, _: usize) -> Bytes {
        self.take_reported()
    }

    fn is_held_up(&self) -> bool {
        self.held_up
    }

    fn take_input(&mut self, _: StreamId) -> Vec<u8> {
        Vec::new()
    }

    fn reuse(&mut self, head: Arc<RequestHead>) {
        self.heads.adopt(Some(head));
    }
}
