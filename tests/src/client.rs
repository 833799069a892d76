//! A client on a blocking socket. It sends bytes unchanged, and reads responses one by one.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

use crate::PATIENCE;

/// A blocking socket.
pub trait Wire: Read + Write {
    /// Limits reads and writes to [`PATIENCE`].
    ///
    /// # Errors
    /// The system refuses the option.
    fn limit(&self) -> io::Result<()>;

    /// Closes the sending side.
    ///
    /// # Errors
    /// The connection is broken.
    fn half_close(&self) -> io::Result<()>;
}

impl Wire for TcpStream {
    fn limit(&self) -> io::Result<()> {
        self.set_nodelay(true)?;
        self.set_read_timeout(Some(PATIENCE))?;
        self.set_write_timeout(Some(PATIENCE))
    }

    fn half_close(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Wire for UnixStream {
    fn limit(&self) -> io::Result<()> {
        self.set_read_timeout(Some(PATIENCE))?;
        self.set_write_timeout(Some(PATIENCE))
    }

    fn half_close(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// The end of a connection, as the client sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closed {
    /// An orderly close, after all bytes were read.
    Ended,
    /// A reset by the server.
    Reset,
}

/// A client with one connection.
#[derive(Debug)]
pub struct Client<S = TcpStream> {
    socket: S,
    /// Received bytes that have not been parsed.
    buffer: Vec<u8>,
}

/// A response, as received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The status line, without its line end.
    pub line: String,
    /// The status.
    pub status: u16,
    /// Names, as received, and values.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// The pieces of a chunked body; `None` if it was not chunked.
    pub chunks: Option<Vec<usize>>,
    /// The trailer fields.
    pub trailers: Vec<(String, String)>,
}

impl Answer {
    /// Returns the value of a field that occurs once.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert_eq!(values.next(), None, "{name} is there more than once: {self:?}");
        value
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the server says that it closes the connection.
    #[track_caller]
    pub fn says_close(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

impl Client {
    /// Connects a client.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).expect("the server accepts connections"))
    }

    /// Returns the address of the client.
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("a connected socket has an address")
    }
}

impl<S: Wire> Client<S> {
    /// Creates a client on a connected socket.
    #[track_caller]
    pub fn new(socket: S) -> Self {
        socket.limit().expect("the system takes time limits");
        Self { socket, buffer: Vec::new() }
    }

    /// Returns the socket.
    pub fn socket(&self) -> &S {
        &self.socket
    }

    /// Sends bytes.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the server reads");
    }

    /// Sends each slice in its own write.
    #[track_caller]
    pub fn send_one_by_one(&mut self, bytes: impl AsRef<[u8]>) {
        bytes.as_ref().iter().for_each(|byte| self.send([*byte]));
    }

    /// Sends bytes to a server that may have closed.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.socket.write_all(bytes.as_ref())
    }

    /// Sends several slices in one write.
    #[track_caller]
    pub fn send_together(&mut self, parts: &[&[u8]]) {
        let slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let all: usize = parts.iter().map(|part| part.len()).sum();
        let sent = self.socket.write_vectored(&slices).expect("the server reads");
        assert_eq!(sent, all, "a small write is taken whole");
    }

    /// Closes the sending side. Reading goes on.
    #[track_caller]
    pub fn half_close(&self) {
        self.socket.half_close().expect("a connection can be half closed");
    }

    /// Sends a `GET`, and reads the response.
    #[track_caller]
    pub fn get(&mut self, target: &str) -> Answer {
        self.send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"));
        self.answer()
    }

    /// Sends a `POST` with a body of known length, and reads the response.
    #[track_caller]
    pub fn post(&mut self, target: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        self.send(format!("POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len()));
        self.send(body);
        self.answer()
    }

    /// Reads a response. Not for `HEAD` or `CONNECT`, whose responses have no body.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        match self.head() {
            Some(head) => self.body_of(head),
            None => panic!("the connection has ended, and no response has come"),
        }
    }

    /// Reads the head of a response without its body. `None` if the connection ends before its first byte.
    #[track_caller]
    pub fn head(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            if self.fill().expect("the server does not reset the connection") == 0 {
                assert!(self.buffer.is_empty(), "cut off inside a head: {:?}", lossy(&self.buffer));
                return None;
            }
        };
        let head = lossy(&self.take(end + 4));
        let mut lines = head.trim_end_matches("\r\n").split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let Some(status) = status else { panic!("not a status line: {line:?}") };
        let headers = lines.map(field).collect();
        Some(Answer { line, status, headers, body: Vec::new(), chunks: None, trailers: Vec::new() })
    }

    /// Reads the body that belongs to a head.
    #[track_caller]
    pub fn body_of(&mut self, mut answer: Answer) -> Answer {
        let length = answer.header("content-length").map(|n| n.parse().expect("a length is a number"));
        let coding = answer.header("transfer-encoding").map(str::to_owned);
        match (answer.status, coding.as_deref(), length) {
            (100..=199 | 204 | 304, None, _) => {}
            (_, Some("chunked"), None) => self.chunked(&mut answer),
            (_, None, Some(length)) => answer.body = self.exactly(length),
            (_, None, None) => answer.body = self.rest().0,
            other => panic!("a framing that makes no sense: {other:?}"),
        }
        answer
    }

    #[track_caller]
    fn chunked(&mut self, answer: &mut Answer) {
        let mut chunks = Vec::new();
        loop {
            let line = self.line();
            let size = usize::from_str_radix(&line, 16).expect("a chunk begins with its size");
            if size == 0 {
                break;
            }
            let chunk = self.exactly(size);
            answer.body.extend(chunk);
            chunks.push(size);
            assert_eq!(self.line(), "", "a chunk ends with a line end");
        }
        answer.chunks = Some(chunks);
        loop {
            match self.line() {
                line if line.is_empty() => return,
                line => answer.trailers.push(field(&line)),
            }
        }
    }

    /// Reads a line, without its end.
    #[track_caller]
    pub fn line(&mut self) -> String {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                let line = lossy(&self.take(at + 2));
                return line.trim_end_matches("\r\n").to_owned();
            }
            assert_ne!(
                self.fill().expect("the server does not reset the connection"),
                0,
                "cut off in a line"
            );
        }
    }

    /// Reads `n` bytes.
    #[track_caller]
    pub fn exactly(&mut self, n: usize) -> Vec<u8> {
        while self.buffer.len() < n {
            assert_ne!(
                self.fill().expect("the server does not reset the connection"),
                0,
                "cut off in a body"
            );
        }
        self.take(n)
    }

    /// Reads until the connection ends.
    #[track_caller]
    pub fn rest(&mut self) -> (Vec<u8>, Closed) {
        let closed = loop {
            match self.fill() {
                Ok(0) => break Closed::Ended,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break Closed::Reset,
                Err(error) => panic!("the connection does not end: {error}"),
            }
        };
        (std::mem::take(&mut self.buffer), closed)
    }

    /// Reads at least one byte. Empty at the end of the connection.
    ///
    /// # Errors
    /// The connection is broken.
    #[track_caller]
    pub fn some(&mut self) -> io::Result<Vec<u8>> {
        if self.buffer.is_empty() {
            self.fill()?;
        }
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Asserts that the server closes in order, without more bytes.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let (rest, closed) = self.rest();
        assert_eq!((lossy(&rest).as_str(), closed), ("", Closed::Ended));
    }

    /// Asserts that the connection is alive: it answers another request.
    #[track_caller]
    pub fn expect_open(&mut self) {
        self.send("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n");
        self.answer();
    }

    /// Reads at least one byte; 0 at the end of the connection.
    #[track_caller]
    fn fill(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 16 << 10];
        let n = match self.socket.read(&mut bytes) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("nothing comes any more; so far there is {:?}", lossy(&self.buffer))
            }
            read => read?,
        };
        self.buffer.extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn take(&mut self, n: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(n);
        std::mem::replace(&mut self.buffer, rest)
    }
}

/// Returns the position of `needle`.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[track_caller]
fn field(line: &str) -> (String, String) {
    let (name, value) = line.split_once(": ").or_else(|| line.split_once(':')).expect("a field has a colon");
    (name.to_owned(), value.to_owned())
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
