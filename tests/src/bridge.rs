//! A socket for clients of HTTP/1.1 that asks for a WebSocket or a tunnel over a stream of HTTP/2 (RFC 8441).
//!
//! Clients and cases that were written for an upgrade of HTTP/1.1 run over HTTP/2 by it, without a change.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use crate::{Client, Http2Client, Http2News, Wire};

/// The only stream.
const STREAM: u32 = 1;

/// The answer to the key of [`HANDSHAKE`](crate::HANDSHAKE) and of [`WebSocketClient`](crate::WebSocketClient).
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A stream of HTTP/2 that its client takes for a connection of HTTP/1.1. The first head that is written becomes an
/// extended CONNECT; what follows are bytes of the stream.
pub struct Bridge {
    http: Http2Client,
    /// The head of the request, until it is complete.
    head: Option<Vec<u8>>,
    /// Bytes for the client.
    incoming: VecDeque<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Open,
    /// The server has ended its side.
    Ended,
    /// The server has reset the stream.
    Reset,
}

impl Bridge {
    /// Begins HTTP/2 on a connection.
    #[track_caller]
    pub fn new(connection: Client) -> Self {
        Self {
            http: Http2Client::new(connection),
            head: Some(Vec::new()),
            incoming: VecDeque::new(),
            state: State::Open,
        }
    }

    /// Returns the connection of HTTP/2.
    pub fn http(&mut self) -> &mut Http2Client {
        &mut self.http
    }

    /// Sends the extended CONNECT that a request of HTTP/1.1 means.
    fn ask(&mut self, head: &[u8]) {
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let target = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a request line");
        let fields: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), *value)).collect();
        let not_here = ["host", "connection", "upgrade", "sec-websocket-key"];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let fields: Vec<_> = fields.into_iter().filter(|(name, _)| !not_here.contains(name)).collect();
        self.http.extended_connect(STREAM, "websocket", target, &fields);
    }

    /// Reads a frame of the server, and takes what it says of the stream.
    fn pump(&mut self) {
        self.http.turn();
        while let Some(news) = self.http.next_news() {
            self.take(news);
        }
    }

    fn take(&mut self, news: Http2News) {
        match news {
            Http2News::Head(_, answer) => {
                let status = if answer.status == 200 { 101 } else { answer.status };
                let mut head = format!("HTTP/1.1 {status} Bridged\r\n");
                if status == 101 {
                    head += &format!(
                        "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {ACCEPT}\r\n"
                    );
                }
                for (name, value) in answer.fields {
                    head += &format!("{name}: {value}\r\n");
                }
                self.incoming.extend(head.bytes().chain(*b"\r\n"));
            }
            Http2News::Data(_, bytes) => self.incoming.extend(bytes),
            Http2News::End(_) => self.state = State::Ended,
            Http2News::Answer(_, answer) if answer.reset.is_some() => self.state = State::Reset,
            Http2News::Answer(..) | Http2News::GoAway(..) => {}
        }
    }
}

impl Read for Bridge {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.incoming.is_empty() {
            match self.state {
                State::Open => self.pump(),
                State::Ended => return Ok(0),
                State::Reset => return Err(ErrorKind::ConnectionReset.into()),
            }
        }
        self.incoming.read(buf)
    }
}

impl Write for Bridge {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(mut head) = self.head.take() {
            let before = head.len();
            head.extend_from_slice(bytes);
            let Some(at) = head.windows(4).position(|end| end == b"\r\n\r\n") else {
                self.head = Some(head);
                return Ok(bytes.len());
            };
            self.ask(&head[..at]);
            return Ok(at + 4 - before);
        }
        loop {
            if self.state == State::Reset {
                return Err(ErrorKind::BrokenPipe.into());
            }
            match self.http.try_data(STREAM, bytes, false)? {
                0 if !bytes.is_empty() => self.pump(),
                n => return Ok(n),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire for Bridge {
    fn limit(&self) -> io::Result<()> {
        Ok(())
    }

    fn half_close(&self) -> io::Result<()> {
        self.http.end(STREAM)
    }
}
