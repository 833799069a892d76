//! The attackers: the bytes that each of them sends, whether it reads, and its outcome.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_lite::future;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::task::yield_now;
use tokio::time::sleep;

/// An attack: many connections that all do the same.
#[derive(Clone, Default)]
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// The number of simultaneous connections.
    pub(crate) attackers: usize,
    /// The duration, unless all attackers have disconnected before.
    pub(crate) seconds: u64,
    /// The bytes that each sends first.
    pub(crate) first: Vec<u8>,
    /// The bytes that it repeats.
    pub(crate) again: Vec<u8>,
    /// Between one time and the next.
    pub(crate) every: Duration,
    /// It never reads.
    pub(crate) deaf: bool,
    /// It ends its side after what it sends first.
    pub(crate) half_closes: bool,
    /// It closes the connection this long after what it sends first.
    pub(crate) leaves: Option<Duration>,
    /// The limit of concurrent connections of the server.
    pub(crate) limit: Option<&'static str>,
    /// It comes back when it has been cut off.
    pub(crate) returns: bool,
}

/// The end of a connection, as the attacker sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Ending {
    Closed,
    Reset,
    Unreachable,
    Left,
}

/// The result of an attacker: the status of the last answer, and the end of the connection.
type Fate = (Option<u16>, Ending);

/// Counts of attackers by their result.
#[derive(Clone, Default)]
pub(crate) struct Outcomes(Arc<Mutex<BTreeMap<Fate, usize>>>);

impl Outcomes {
    fn count(&self, status: Option<u16>, ending: Ending) {
        let mut outcomes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *outcomes.entry((status, ending)).or_default() += 1;
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcomes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (n, ((status, ending), times)) in outcomes.iter().enumerate() {
            let comma = if n > 0 { ", " } else { "" };
            let ending = match ending {
                Ending::Closed => "closed",
                Ending::Reset => "reset",
                Ending::Unreachable => "not connected",
                Ending::Left => "left",
            };
            match status {
                Some(status) => write!(f, "{comma}{times} × {status} and {ending}")?,
                None => write!(f, "{comma}{times} × {ending}")?,
            }
        }
        Ok(())
    }
}

/// One attacker, as long as it is let.
pub(crate) async fn run(attack: Arc<Attack>, mut stream: TcpStream, address: SocketAddr, outcomes: Outcomes) {
    loop {
        let mut status = None;
        let (reader, writer) = stream.split();
        let ending = future::or(read(&attack, reader, &mut status), write(&attack, writer)).await;
        outcomes.count(status, ending);
        if !attack.returns {
            return;
        }
        stream = loop {
            match TcpStream::connect(address).await {
                Ok(stream) => break stream,
                Err(_) => outcomes.count(None, Ending::Unreachable),
            }
            sleep(Duration::from_millis(10)).await;
        };
    }
}

/// Sends all bytes. Completes if the other side has closed both directions.
async fn write(attack: &Attack, mut writer: WriteHalf<'_>) -> Ending {
    let sent = async {
        write_all(&writer, &attack.first).await?;
        if attack.half_closes {
            poll_fn(|cx| Pin::new(&mut writer).poll_shutdown(cx)).await?;
        }
        if let Some(time) = attack.leaves {
            sleep(time).await;
            return Ok(Ending::Left);
        }
        while !attack.again.is_empty() {
            match attack.every {
                // A server that takes all of it would keep the others from attacking.
                Duration::ZERO => yield_now().await,
                every => sleep(every).await,
            }
            write_all(&writer, &attack.again).await?;
        }
        future::pending::<io::Result<Ending>>().await
    };
    match sent.await {
        Ok(ending) => ending,
        Err(_) if attack.deaf => Ending::Reset,
        Err(_) => future::pending().await,
    }
}

async fn write_all(writer: &WriteHalf<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        writer.writable().await?;
        match writer.try_write(bytes) {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads to the end, if the attacker reads at all.
async fn read(attack: &Attack, reader: ReadHalf<'_>, status: &mut Option<u16>) -> Ending {
    if attack.deaf {
        return future::pending().await;
    }
    let mut buffer = [0; 4096];
    loop {
        let read = match reader.readable().await {
            Ok(()) => reader.try_read(&mut buffer),
            Err(error) => Err(error),
        };
        match read {
            Ok(0) => return Ending::Closed,
            Ok(n) => *status = last_status(buffer.get(..n).unwrap_or_default()).or(*status),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return Ending::Reset,
        }
    }
}

/// The status of the last answer whose head begins here.
fn last_status(bytes: &[u8]) -> Option<u16> {
    let start = b"HTTP/1.1 ";
    let at = bytes.windows(start.len() + 3).rposition(|window| window.starts_with(start))?;
    let digits = bytes.get(at + start.len()..at + start.len() + 3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
