//! The core alone, in a blocking loop. `stelo-core` parses, routes and frames; one thread per connection moves bytes and
//! measures time. No executor and no toolkit. `docs/core/embedding.md` explains the steps.
//!
//! `cargo run --example embed`, then `curl http://127.0.0.1:8000/hello/world`. An argument is the address to listen on.

use std::error::Error;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, io, thread, time};

use stelo_core::body::Length;
use stelo_core::h1::{Config, Connection};
use stelo_core::http::{Headers, Method, RequestHead, Status, date};
use stelo_core::proto::{CloseState, Command, Defaults, Event, HttpMachine, Machine, ResetCause, StreamId};
use stelo_core::routing::{Builder, Captures, Found, Router};
use stelo_core::{Bytes, Fault, Instant};

/// The targets of the routes.
enum Page {
    Hello,
    Echo,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut routes = Builder::new();
    routes.route("/hello/{name}", Method::Get, Page::Hello);
    routes.route("/echo", Method::Post, Page::Echo);
    let routes = Arc::new(routes.build()?);
    let config = Arc::new(Config::default());

    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".into());
    let listener = TcpListener::bind(address)?;
    eprintln!("embed running on http://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let (stream, routes, config) = (stream?, routes.clone(), config.clone());
        // An error of a connection ends its thread only.
        thread::spawn(move || Session::new(stream, config).run(&routes).ok());
    }
    Ok(())
}

/// One connection: its socket, its machine, and the start of its clock.
struct Session {
    stream: TcpStream,
    machine: Connection,
    epoch: time::Instant,
}

impl Session {
    fn new(stream: TcpStream, config: Arc<Config>) -> Self {
        Self { stream, machine: Connection::new(config, Instant::ZERO), epoch: time::Instant::now() }
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    /// Handles events, writes and reads until the machine ends the connection.
    fn run(mut self, routes: &Router<Page>) -> Result<(), Box<dyn Error>> {
        self.stream.set_nodelay(true)?;
        loop {
            while self.take_event(routes)? {
                self.write()?;
            }
            self.write()?;
            match self.machine.close_state() {
                CloseState::Open | CloseState::Linger => self.read()?,
                // Half-close first, so that the peer can read the response before the connection is gone.
                CloseState::HalfClose => {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.machine.half_closed(self.now());
                }
                CloseState::Close | CloseState::Switched => return Ok(()),
            }
        }
    }

    /// Handles an event. Returns whether there was one.
    fn take_event(&mut self, routes: &Router<Page>) -> Result<bool, Fault> {
        let now = self.now();
        match self.machine.next_event() {
            Event::Request { head, length, .. } => {
                self.answer(&head, length, routes)?;
                self.machine.reuse(head);
            }
            // Only the echo reads the body. The machine drops others.
            Event::Data { data, .. } => {
                let data = Bytes::from(data.to_vec());
                self.send(Command::Data(data))?;
            }
            Event::Trailers { .. } => {}
            Event::End { .. } => self.send(Command::End)?,
            Event::Fault { fault, .. } => {
                let answered = self.machine.has_responded(StreamId::ONLY);
                match fault.status() {
                    Some(_) if !answered => self.machine.refuse(now, StreamId::ONLY, fault, &defaults())?,
                    _ => self.send(Command::Reset(ResetCause::Internal))?,
                }
            }
            // Of a connection that sends one response after the other.
            Event::Writable { .. } | Event::Reset { .. } => {}
            Event::NeedData | Event::Paused | Event::Closed => return Ok(false),
        }
        Ok(true)
    }

    fn answer(&mut self, head: &RequestHead, length: Length, routes: &Router<Page>) -> Result<(), Fault> {
        let mut captures = Captures::new();
        // The path as received. A site with other than ASCII in its paths percent-decodes it first.
        let host = head.authority().unwrap_or_default();
        match routes.find(host, head.path(), head.method(), &mut captures) {
            Found::Match(found) => match found.value {
                Page::Hello => {
                    let names = routes.params(found.route);
                    let (_, name) = captures.values(names, head.path()).next().unwrap_or_default();
                    self.respond(Status::OK, format!("Hello, {name}!\n"))
                }
                Page::Echo => {
                    self.machine.want_body(self.now(), StreamId::ONLY, true);
                    self.head(Status::OK, length)?;
                    // Without a body, no end of it will come.
                    if length == Length::None { self.send(Command::End) } else { Ok(()) }
                }
            },
            Found::MethodNotAllowed { allow } => {
                self.respond(Status::METHOD_NOT_ALLOWED, format!("use {allow}\n"))
            }
            _ => self.respond(Status::NOT_FOUND, "not found\n".into()),
        }
    }

    /// Sends a whole response, and discards the body of the request.
    fn respond(&mut self, status: Status, text: String) -> Result<(), Fault> {
        self.machine.discard_body(self.now(), StreamId::ONLY);
        self.head(status, Length::Known(text.len() as u64))?;
        self.send(Command::Data(text.into()))?;
        self.send(Command::End)
    }

    fn head(&mut self, status: Status, length: Length) -> Result<(), Fault> {
        let (headers, defaults) = (Headers::new(), defaults());
        self.send(Command::Response { status, headers: &headers, length, defaults: &defaults })
    }

    fn send(&mut self, what: Command<'_>) -> Result<(), Fault> {
        self.machine.send(self.now(), StreamId::ONLY, what)
    }

    /// Writes all pending output, in as few system calls as possible.
    fn write(&mut self) -> io::Result<()> {
        loop {
            self.stream.set_write_timeout(self.patience())?;
            let mut slices = [&[][..]; 8];
            let written = match self.machine.poll_transmit(&mut slices).slices {
                0 => return Ok(()),
                n => self.stream.write_vectored(&slices.map(IoSlice::new)[..n]),
            };
            let now = self.now();
            match written {
                Ok(n) if self.machine.transmitted(now, n) => return Ok(()),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => self.machine.handle_timeout(now),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads once, until the deadline of the machine.
    fn read(&mut self) -> io::Result<()> {
        self.stream.set_read_timeout(self.patience())?;
        let read = self.stream.read(self.machine.spare());
        let now = self.now();
        match read {
            Ok(0) => self.machine.receive_eof(now),
            Ok(n) => self.machine.received(now, n),
            Err(error) if is_timeout(&error) => self.machine.handle_timeout(now),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The timeout of a system call. The system rejects zero.
    fn patience(&self) -> Option<Duration> {
        let (deadline, _) = self.machine.poll_timeout()?;
        Some((deadline - self.now()).max(Duration::from_millis(1)))
    }
}

/// The header fields of every response.
fn defaults() -> Defaults {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // `server` is a constant that is a valid value.
    Defaults::new(Some(&date::format(seconds)), Some("embed"), &Headers::new()).unwrap_or_default()
}

/// Whether a read or a write timed out. Systems report different kinds.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
