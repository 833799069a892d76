//! A WebSocket client on a blocking socket, for the client tests of the Autobahn suite. It uses the client role of the core's
//! WebSocket machine, without executor and toolkit.
//!
//! Start the suite as a server (`wstest -m fuzzingserver`), then `cargo run --release --example autobahn -- 127.0.0.1:9001`.
//! The client asks for the number of cases, echoes the messages of each case, and makes the suite write its report.
//!
//! The counts are in `docs/evidence/autobahn.md`.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use std::{env, time};

use stelo_core::Instant;
use stelo_core::proto::{CloseState, Machine};
use stelo_core::ws::{ClientHandshake, Config, Connection, Event, Message};

const AGENT: &str = "stelo";

fn main() -> Result<(), Box<dyn Error>> {
    let host = env::args().nth(1).ok_or("say where the suite listens: HOST:PORT")?;
    let mut count = String::new();
    WebSocket::connect(&host, "/getCaseCount")?.run(|message| {
        if let Message::Text(text) = message {
            count = text.to_string();
        }
        None
    })?;
    for case in 1..=count.parse()? {
        let target = format!("/runCase?case={case}&agent={AGENT}");
        // A case may end in an error: the suite judges the result.
        if let Err(error) = WebSocket::connect(&host, &target).and_then(|socket| socket.run(Some)) {
            eprintln!("case {case}: {error}");
        }
    }
    WebSocket::connect(&host, &format!("/updateReports?agent={AGENT}"))?.run(|_| None)?;
    println!("{count} cases");
    Ok(())
}

/// One WebSocket: its socket, its machine, and the start of its clock.
struct WebSocket {
    stream: TcpStream,
    machine: Connection,
    epoch: time::Instant,
}

impl WebSocket {
    fn connect(host: &str, target: &str) -> Result<Self, Box<dyn Error>> {
        let config = Config::default();
        let mut handshake = ClientHandshake::new(host, target, &[], random(), &config)?;
        let mut stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.write_all(handshake.request())?;
        let mut buf = [0; 4096];
        let opened = loop {
            match stream.read(&mut buf)? {
                0 => return Err("the server has left".into()),
                n => {
                    if let Some(opened) = handshake.receive(&buf[..n])? {
                        break opened;
                    }
                }
            }
        };
        let mut machine = Connection::client(Arc::new(config), opened.agreed, random(), Instant::ZERO);
        machine.receive(Instant::ZERO, &opened.ahead);
        Ok(Self { stream, machine, epoch: time::Instant::now() })
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    /// Answers messages, writes and reads until the machine ends the connection.
    fn run(mut self, mut answer: impl FnMut(Message) -> Option<Message>) -> Result<(), Box<dyn Error>> {
        loop {
            self.answer(&mut answer)?;
            self.write();
            match self.machine.close_state() {
                CloseState::Close => return Ok(()),
                CloseState::HalfClose => {
                    self.stream.shutdown(Shutdown::Write)?;
                    let now = self.now();
                    self.machine.half_closed(now);
                }
                CloseState::Open | CloseState::Linger | CloseState::Switched => self.read()?,
            }
        }
    }

    fn answer(&mut self, answer: &mut impl FnMut(Message) -> Option<Message>) -> Result<(), Box<dyn Error>> {
        let now = self.now();
        // The machine has room again only after a write.
        while self.machine.capacity() > 0 || !self.machine.is_open() {
            let message = match self.machine.next_event() {
                Event::Text(text) => Message::from(text.into_owned()),
                Event::Binary(bytes) => Message::from(bytes.into_owned()),
                Event::NeedData | Event::Ended => break,
                _ => continue,
            };
            if let Some(message) = answer(message) {
                self.machine.send(now, message.into())?;
            }
        }
        Ok(())
    }

    fn write(&mut self) {
        loop {
            let mut slices = [&[][..]; 1];
            if self.machine.poll_transmit(&mut slices).is_empty() {
                return;
            }
            let written = self.stream.write(slices[0]);
            let now = self.now();
            match written {
                Ok(n) if self.machine.transmitted(now, n) => return,
                Ok(_) => {}
                Err(_) => self.machine.peer_gone(now),
            }
        }
    }

    /// Reads once, until the deadline of the machine.
    fn read(&mut self) -> Result<(), Box<dyn Error>> {
        let now = self.now();
        let wait = self.machine.poll_timeout().map(|(deadline, _)| deadline - now);
        self.stream.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
        match self.stream.read(self.machine.spare()) {
            Ok(0) => self.machine.receive_eof(self.now()),
            Ok(n) => self.machine.received(self.now(), n),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                let now = self.now();
                self.machine.handle_timeout(now);
            }
            // Some peers close without waiting for the end of the other side.
            Err(_) => self.machine.peer_gone(now),
        }
        Ok(())
    }
}

/// Unpredictable bytes, from the source that seeds the hash maps of the standard library.
fn random<const N: usize>() -> [u8; N] {
    std::array::from_fn(|i| RandomState::new().hash_one(i).to_be_bytes()[0])
}
