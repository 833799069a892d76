//! The clients of a server that is restarted. Each counts what it gets.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::Duration;

/// Clients that keep their connection, and that connect for each request.
const KEEPING: usize = 16;
const CONNECTING: usize = 4;

/// Connections that stay open.
const WEBSOCKETS: usize = 8;
const STREAMS: usize = 8;
const DOWNLOADS: usize = 4;

/// The size of a download, and the time between two reads of 64 KiB: it takes about a second.
const DOWNLOAD: usize = 4 * 1024 * 1024;
const READ: usize = 64 * 1024;
const SLOWLY: Duration = Duration::from_millis(15);

/// The longest wait for bytes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The close frame of a server that restarts: final, two bytes, the code 1012.
const RESTART: [u8; 4] = [0x88, 2, 0x03, 0xf4];

/// The counts of all clients.
pub(super) struct Counts {
    port: u16,
    pub(super) stopping: AtomicBool,
    pub(super) answered: AtomicUsize,
    pub(super) refused: AtomicUsize,
    lost: AtomicUsize,
    websockets: AtomicUsize,
    streams: AtomicUsize,
    downloads: AtomicUsize,
    cut: AtomicUsize,
    reasons: Mutex<Vec<String>>,
}

/// A difference from what a client expects.
enum Fault {
    /// The connection was refused.
    Refused(std::io::Error),
    /// The connection has ended without a byte of an answer.
    Lost(String),
    /// The connection has ended within an answer.
    Cut(String),
}

impl Counts {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            stopping: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            websockets: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
            downloads: AtomicUsize::new(0),
            cut: AtomicUsize::new(0),
            reasons: Mutex::new(Vec::new()),
        }
    }

    /// Returns the number of requests and connections that were lost.
    pub(super) fn faults(&self) -> usize {
        [&self.refused, &self.lost, &self.cut].map(|count| count.load(Relaxed)).iter().sum()
    }

    /// Returns the first faults.
    pub(super) fn reasons(&self) -> String {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    fn count(&self, what: &str, fault: Fault) {
        let (count, reason) = match fault {
            Fault::Refused(error) => (&self.refused, format!("{what}: refused ({error})")),
            Fault::Lost(reason) => (&self.lost, format!("{what}: lost ({reason})")),
            Fault::Cut(reason) => (&self.cut, format!("{what}: cut off ({reason})")),
        };
        count.fetch_add(1, Relaxed);
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if reasons.len() < 20 {
            reasons.push(reason);
        }
    }

    fn connect(&self) -> Result<TcpStream, Fault> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(Fault::Refused)?;
        // Fails only for a time of zero.
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    fn is_over(&self) -> bool {
        self.stopping.load(Relaxed)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, text) in [
            (&self.answered, "requests answered"),
            (&self.websockets, "WebSockets closed with 1012"),
            (&self.streams, "event streams ended in order"),
            (&self.downloads, "downloads of 4 MiB complete"),
            (&self.refused, "connections refused"),
            (&self.lost, "requests lost"),
            (&self.cut, "answers cut off"),
        ] {
            writeln!(f, "{:>9}  {text}", count.load(Relaxed))?;
        }
        Ok(())
    }
}

/// Starts all clients.
pub(super) fn spawn<'s>(scope: &'s Scope<'s, '_>, counts: &'s Counts) {
    spawn_requests(scope, counts);
    repeat(scope, counts, WEBSOCKETS, "WebSocket", websocket);
    repeat(scope, counts, STREAMS, "event stream", events);
    repeat(scope, counts, DOWNLOADS, "download", download);
}

/// Starts the clients that send requests without a pause.
pub(super) fn spawn_requests<'s>(scope: &'s Scope<'s, '_>, counts: &'s Counts) {
    repeat(scope, counts, KEEPING, "request", |counts| requests(counts, "keep-alive"));
    repeat(scope, counts, CONNECTING, "request", |counts| requests(counts, "close"));
}

/// Starts clients that do something again and again.
fn repeat<'s>(
    scope: &'s Scope<'s, '_>,
    counts: &'s Counts,
    clients: usize,
    what: &'static str,
    client: fn(&Counts) -> Result<(), Fault>,
) {
    for _ in 0..clients {
        scope.spawn(move || {
            while !counts.is_over() {
                if let Err(fault) = client(counts) {
                    counts.count(what, fault);
                    // A server that is gone must not make the counts explode.
                    thread::sleep(Duration::from_millis(20));
                }
            }
        });
    }
}

/// Sends requests over a connection until an answer says `connection: close`.
fn requests(counts: &Counts, connection: &str) -> Result<(), Fault> {
    let mut stream = counts.connect()?;
    let request = format!("GET /plaintext HTTP/1.1\r\nhost: a\r\nconnection: {connection}\r\n\r\n");
    while !counts.is_over() {
        let (head, body) = ask(&mut stream, &request)?;
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(Fault::Lost(head));
        }
        let mut body = body;
        while body.len() < "Hello, World!".len() {
            more(&mut stream, &mut body).map_err(Fault::Cut)?;
        }
        counts.answered.fetch_add(1, Relaxed);
        if head.contains("\r\nconnection: close") {
            return Ok(());
        }
    }
    Ok(())
}

/// Echoes over a WebSocket until the server closes it, which has to be with 1012.
fn websocket(counts: &Counts) -> Result<(), Fault> {
    let mut stream = counts.connect()?;
    let request = "GET /ws HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    let (head, mut received) = ask(&mut stream, request)?;
    if !head.starts_with("HTTP/1.1 101 ") {
        return Err(Fault::Lost(head));
    }
    // A text of two bytes, with a mask of zeros; and the frame that comes back.
    let (message, echo) = ([0x81, 0x82, 0, 0, 0, 0, b'h', b'i'], [0x81, 2, b'h', b'i']);
    while !counts.is_over() {
        // The server may close at the same time, so this may fail, and the close frame has come.
        let _ = stream.write_all(&message);
        while received.len() < echo.len() {
            more(&mut stream, &mut received).map_err(Fault::Cut)?;
        }
        if received.starts_with(&RESTART) {
            let _ = stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf4]);
            counts.websockets.fetch_add(1, Relaxed);
            return Ok(());
        }
        if !received.starts_with(&echo) {
            return Err(Fault::Cut(format!("a frame {received:x?}")));
        }
        // The close frame may have come with the echo.
        received.drain(..echo.len());
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Reads an event stream until the server ends it, which has to be with the last chunk.
fn events(counts: &Counts) -> Result<(), Fault> {
    let mut stream = counts.connect()?;
    let (head, mut received) = ask(&mut stream, "GET /events/1000000 HTTP/1.1\r\nhost: a\r\n\r\n")?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(Fault::Lost(head));
    }
    while !counts.is_over() {
        if received.ends_with(b"0\r\n\r\n") {
            counts.streams.fetch_add(1, Relaxed);
            return Ok(());
        }
        more(&mut stream, &mut received).map_err(Fault::Cut)?;
        let old = received.len().saturating_sub(16);
        received.drain(..old);
    }
    Ok(())
}

/// Downloads slowly, to the last byte.
fn download(counts: &Counts) -> Result<(), Fault> {
    let mut stream = counts.connect()?;
    let request = format!("GET /bytes/{DOWNLOAD} HTTP/1.1\r\nhost: a\r\n\r\n");
    let (head, first) = ask(&mut stream, &request)?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(Fault::Lost(head));
    }
    let (mut left, mut piece) = (DOWNLOAD - first.len(), Vec::new());
    while left > 0 {
        more(&mut stream, &mut piece).map_err(Fault::Cut)?;
        left -= piece.len();
        piece.clear();
        thread::sleep(SLOWLY);
    }
    counts.downloads.fetch_add(1, Relaxed);
    Ok(())
}

/// Sends a request. Returns the head of the answer, and the bytes behind it.
fn ask(stream: &mut TcpStream, request: &str) -> Result<(String, Vec<u8>), Fault> {
    // An answer may have come although sending fails.
    let _ = stream.write_all(request.as_bytes());
    let mut received = Vec::new();
    loop {
        if let Err(reason) = more(stream, &mut received) {
            return Err(if received.is_empty() { Fault::Lost(reason) } else { Fault::Cut(reason) });
        }
        if let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let body = received.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&received).into_owned(), body));
        }
    }
}

/// Reads further bytes. The end of the connection is an error.
fn more(stream: &mut TcpStream, received: &mut Vec<u8>) -> Result<(), String> {
    let before = received.len();
    received.resize(before + READ, 0);
    let read = loop {
        match stream.read(received.get_mut(before..).unwrap_or_default()) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read,
        }
    };
    received.truncate(before + read.as_ref().map_or(0, |read| *read));
    match read {
        Ok(0) => Err("the connection has ended".into()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
