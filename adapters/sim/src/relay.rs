//! Forwards a WebSocket: messages between the client of a gateway and a server.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use stelo_core::app::WebSocket;
use stelo_core::proto::Machine;
use stelo_core::ws::{Agreed, CloseCode, Closed, Command, Config, Connection, Event, Message};
use stelo_runtime::{Runtime, Stream};

use crate::wire::Wire;

/// Forwards messages until the server has closed its connection. The server has accepted the handshake.
pub(crate) async fn relay<R: Runtime>(runtime: R, wire: Wire<R::Stream>, socket: WebSocket) {
    let mut config = Config::default();
    // The timeouts of the server end a WebSocket.
    config.timeouts.ping_interval = None;
    // Masks protect proxies (RFC 6455, section 10.3), of which there is none.
    let seed = [7; 20];
    let machine = Connection::client(Arc::new(config), Agreed::default(), seed, runtime.now());
    let ahead = wire.input;
    let mut relay =
        Relay { runtime, stream: wire.stream, machine, socket, ahead, unsent: None, closes: false };
    let closed = poll_fn(|cx| relay.poll(cx)).await;
    relay.socket.close(closed.code, &closed.reason);
}

struct Relay<R: Runtime> {
    runtime: R,
    stream: R::Stream,
    machine: Connection,
    socket: WebSocket,
    /// Bytes that came with the handshake.
    ahead: Vec<u8>,
    /// A message from the server that the client has not taken.
    unsent: Option<Message>,
    /// The client has closed.
    closes: bool,
}

impl<R: Runtime> Relay<R> {
    /// Runs until the end of the WebSocket has been received, or the connection is broken.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        let mut closed = None;
        loop {
            let mut moves = self.listen(cx);
            match self.transmit(cx) {
                Ok(sent) => moves |= sent,
                Err(_) => return Poll::Ready(Closed::LOST),
            }
            if let Some(closed) = closed {
                return Poll::Ready(closed);
            }
            if self.unsent.is_some() {
                match self.socket.poll_send(cx, &mut self.unsent) {
                    Poll::Ready(outcome) => {
                        // The client has closed: it receives nothing more.
                        let _ = outcome.map_err(|_| self.unsent = None);
                        moves = true;
                    }
                    Poll::Pending if moves => continue,
                    Poll::Pending => return Poll::Pending,
                }
            }
            match self.machine.next_event() {
                Event::Text(text) => self.unsent = Some(text.into_owned().into()),
                Event::Binary(bytes) => self.unsent = Some(bytes.into_owned().into()),
                // The close frame that answers it is sent before the end.
                Event::Closed(end) => closed = Some(end),
                Event::NeedData => match self.receive(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(Closed::LOST),
                    Poll::Pending if moves => {}
                    Poll::Pending => return Poll::Pending,
                },
                Event::Ended => return Poll::Ready(Closed::LOST),
                _ => {}
            }
        }
    }

    /// Takes a message or the end from the client. Returns whether there was one.
    fn listen(&mut self, cx: &mut Context<'_>) -> bool {
        if self.closes || self.machine.capacity() == 0 {
            return false;
        }
        let now = self.runtime.now();
        let command = match self.socket.poll_receive(cx) {
            Poll::Pending => return false,
            Poll::Ready(Ok(message)) => self.machine.send(now, message.into()),
            Poll::Ready(Err(Closed { code, reason })) => {
                self.closes = true;
                let code = if code == CloseCode::ABNORMAL_CLOSURE { CloseCode::GOING_AWAY } else { code };
                self.machine.send(now, Command::Close { code, reason: &reason })
            }
        };
        // Fails if the server has closed meanwhile: its end is reported next.
        command.is_ok()
    }

    /// Sends what the machine has. Returns whether there was something.
    fn transmit(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut sent = false;
        loop {
            let mut slices = [&[][..]; 1];
            if self.machine.poll_transmit(&mut slices).is_empty() {
                return Ok(sent);
            }
            match self.stream.poll_write(cx, slices[0])? {
                Poll::Ready(n) => self.machine.transmitted(self.runtime.now(), n),
                Poll::Pending => return Ok(sent),
            };
            sent = true;
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let now = self.runtime.now();
        if !self.ahead.is_empty() {
            let n = self.machine.receive(now, &self.ahead);
            self.ahead.drain(..n);
            return Poll::Ready(Ok(()));
        }
        let room = self.machine.spare();
        if room.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        match self.stream.poll_read(cx, room) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(0)) => {
                self.machine.receive_eof(now);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Ok(n)) => {
                self.machine.received(now, n);
                Poll::Ready(Ok(()))
            }
        }
    }
}
