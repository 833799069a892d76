//! A WebSocket client on a blocking socket, over the machine of the core. Cases send invalid frames as bytes.

use std::net::TcpStream;
use std::sync::Arc;

use stelo_core::Instant;
use stelo_core::proto::Machine;
use stelo_core::ws::{ClientHandshake, CloseCode, Closed, Command, Config, Connection, Event, Message};

use crate::{Client, Running, Wire};

/// The head of a handshake for `/`. The response has `sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=`.
pub const HANDSHAKE: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A client with one WebSocket. It answers pings and completes closing handshakes only while it receives.
#[derive(Debug)]
pub struct WebSocketClient<S = TcpStream> {
    client: Client<S>,
    machine: Connection,
    /// Received bytes that have not been parsed.
    unread: Vec<u8>,
    /// The subprotocol that the server has chosen.
    pub protocol: Option<String>,
    /// Whether compression was agreed on.
    pub compresses: bool,
    closed: Option<Closed>,
}

impl WebSocketClient {
    /// Opens a WebSocket at `target`.
    #[track_caller]
    pub fn connect(server: &Running, target: &str) -> Self {
        Self::connect_with(server, target, &[], Config::default())
    }

    /// Opens a WebSocket at `target`. Offers these subprotocols and the compression of `config`.
    #[track_caller]
    pub fn connect_with(server: &Running, target: &str, protocols: &[&str], config: Config) -> Self {
        Self::open(server.connect(), target, protocols, config)
    }
}

impl<S: Wire> WebSocketClient<S> {
    /// Opens a WebSocket at `target` on a new connection. Offers these subprotocols and the compression of `config`.
    #[track_caller]
    pub fn open(mut client: Client<S>, target: &str, protocols: &[&str], config: Config) -> Self {
        let mut handshake = ClientHandshake::new("a", target, protocols, *b"the sample nonce", &config)
            .expect("a target that can be asked for");
        client.send(handshake.request());
        let opened = loop {
            let bytes = client.some().expect("the server answers");
            assert!(!bytes.is_empty(), "the connection has ended, and no answer has come");
            match handshake.receive(&bytes) {
                Ok(Some(opened)) => break opened,
                Ok(None) => {}
                Err(error) => panic!("not accepted: {error}"),
            }
        };
        let seed = *b"as random as it gets";
        Self {
            client,
            machine: Connection::client(Arc::new(config), opened.agreed, seed, Instant::ZERO),
            unread: opened.ahead,
            protocol: opened.protocol,
            compresses: opened.agreed.deflate.is_some(),
            closed: None,
        }
    }

    /// Returns the connection.
    pub fn connection(&mut self) -> &mut Client<S> {
        &mut self.client
    }

    /// Sends a message.
    #[track_caller]
    pub fn send(&mut self, message: impl Into<Message>) {
        self.say(Command::Message(message.into()));
    }

    /// Sends a command.
    #[track_caller]
    pub fn say(&mut self, what: Command<'_>) {
        self.machine.send(Instant::ZERO, what).expect("a WebSocket that is open");
        self.flush();
    }

    /// Begins the closing handshake.
    #[track_caller]
    pub fn close(&mut self, code: u16, reason: &str) {
        self.say(Command::Close { code: CloseCode(code), reason });
    }

    /// Receives the next message, or the close.
    #[track_caller]
    pub fn receive(&mut self) -> Result<Message, Closed> {
        loop {
            if let Some(message) = self.next()? {
                return Ok(message);
            }
        }
    }

    /// Receives the next pong. Only pings may come before it.
    #[track_caller]
    pub fn pong(&mut self) -> Vec<u8> {
        loop {
            match self.machine.next_event() {
                Event::Pong(payload) => return payload.to_vec(),
                Event::NeedData => self.fill(),
                other => panic!("not a pong: {other:?}"),
            }
        }
    }

    /// Receives the close of the server, and asserts that the connection then ends in order.
    #[track_caller]
    pub fn expect_closed(mut self) -> (u16, String) {
        let Closed { code, reason } = match self.receive() {
            Ok(message) => panic!("not closed, but {message:?}"),
            Err(closed) => closed,
        };
        self.flush();
        self.client.expect_end();
        (code.0, reason)
    }

    #[track_caller]
    fn next(&mut self) -> Result<Option<Message>, Closed> {
        match self.machine.next_event() {
            Event::Text(text) => Ok(Some(Message::from(text.into_owned()))),
            Event::Binary(bytes) => Ok(Some(Message::from(bytes.into_owned()))),
            Event::Closed(closed) => {
                self.flush();
                self.closed = Some(closed.clone());
                Err(closed)
            }
            Event::NeedData => {
                self.fill();
                Ok(None)
            }
            Event::Ended => Err(self.closed.clone().unwrap_or(Closed::LOST)),
            Event::Ping(_) | Event::Pong(_) | Event::Closing | Event::Part { .. } => Ok(None),
        }
    }

    /// Writes pending bytes, then reads.
    #[track_caller]
    fn fill(&mut self) {
        self.flush();
        if self.unread.is_empty() {
            match self.client.some() {
                Err(_) => return self.machine.peer_gone(Instant::ZERO),
                Ok(bytes) if bytes.is_empty() => return self.machine.receive_eof(Instant::ZERO),
                Ok(bytes) => self.unread = bytes,
            }
        }
        let taken = self.machine.receive(Instant::ZERO, &self.unread);
        assert_ne!(taken, 0, "the machine has room for what it has asked for");
        self.unread.drain(..taken);
    }

    #[track_caller]
    fn flush(&mut self) {
        loop {
            let mut slices = [&[][..]; 4];
            let n = self.machine.poll_transmit(&mut slices).slices;
            let bytes = slices[..n].concat();
            if bytes.is_empty() {
                return;
            }
            // A server that has closed does not read.
            let _ = self.client.try_send(&bytes);
            self.machine.transmitted(Instant::ZERO, bytes.len());
        }
    }
}
