//! The client that behaves: one connection, a request every few milliseconds, whatever the server is doing.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stelo_benches::Result;

const EVERY: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(10);
const REQUEST: &[u8] = b"GET /plaintext HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A client at work in a thread of its own.
pub(crate) struct Client {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Latencies>,
}

/// The sorted latencies, and the number of requests without an answer.
#[derive(Default)]
pub(crate) struct Latencies {
    sorted: Vec<Duration>,
    pub(crate) lost: usize,
}

impl Latencies {
    /// The percentile of the latencies, in milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let at = (self.sorted.len() * percent / 100).min(self.sorted.len().saturating_sub(1));
        self.sorted.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

impl Client {
    pub(crate) fn start(address: SocketAddr) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut connection = Connection::open(address)?;
        connection.exchange()?;
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let mut latencies = Latencies::default();
            let mut due = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                // A request that an answer has held up counts from when it was due; that this thread was woken late
                // is not the server's fault.
                let from = if connection.free > due { due } else { Instant::now() };
                match connection.exchange() {
                    Ok(()) => latencies.sorted.push(from.elapsed()),
                    Err(_) => {
                        latencies.lost += 1;
                        if let Ok(another) = Connection::open(address) {
                            connection = another;
                        }
                    }
                }
                due += EVERY;
            }
            latencies.sorted.sort_unstable();
            latencies
        });
        Ok(Self { stop, thread })
    }

    pub(crate) fn finish(self) -> Result<Latencies> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the client has panicked".into())
    }
}

/// A connection on which one request follows the other.
pub(crate) struct Connection {
    stream: TcpStream,
    /// When the last answer was there.
    free: Instant,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, free: Instant::now() })
    }

    /// A request and the whole of its answer, which has to be a good one.
    pub(crate) fn exchange(&mut self) -> io::Result<()> {
        self.stream.write_all(REQUEST)?;
        let mut answer = Vec::new();
        while !is_whole(&answer) {
            let mut buffer = [0; 1024];
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => answer.extend_from_slice(buffer.get(..n).unwrap_or_default()),
            }
        }
        self.free = Instant::now();
        if answer.starts_with(b"HTTP/1.1 200 ") { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

/// Whether an answer is there with as much of a body as it says.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.and_then(|length| length.trim().parse::<usize>().ok()).is_none_or(|length| body.len() >= length)
}
