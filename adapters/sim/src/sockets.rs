//! The simulated network: connections with two ends and segments in flight, and listening addresses.
//!
//! It behaves as TCP does where that matters to a server. Bytes arrive complete and in order, or not at all. An end that
//! is closed with unread data resets the other end, which loses its unread data.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use stelo_runtime::{Address, Bind, Hangup, Instant};

use crate::network::Route;
use crate::world::{Event, State};

/// The end of a connection that has opened it.
pub(crate) const CLIENT: usize = 0;
/// The end of a connection that was accepted.
pub(crate) const SERVER: usize = 1;

/// The time that an attempt to connect waits for an answer: `tcp_syn_retries` of Linux is 6, which gives 127 seconds.
const SILENCE: Duration = Duration::from_secs(127);

/// The sockets of a simulation, by their numbers.
#[derive(Default)]
pub(crate) struct Sockets {
    pub(crate) connections: BTreeMap<u64, Connection>,
    pub(crate) bound: BTreeMap<u64, Bound>,
    /// The routes that are not open.
    routes: Vec<(Address, Route)>,
    clients: u16,
    ports: u16,
}

impl Sockets {
    /// Returns the number of open ends of connections and bound sockets.
    pub(crate) fn open(&self) -> usize {
        let ends = self.connections.values().flat_map(|connection| &connection.ends);
        ends.filter(|end| end.held).count() + self.bound.len()
    }

    /// Returns the route to an address.
    fn route(&self, target: &Address) -> Route {
        self.routes.iter().find(|(address, _)| address == target).map_or(Route::Open, |(_, route)| *route)
    }

    /// Sets the route to an address.
    pub(crate) fn set_route(&mut self, target: &Address, route: Route) {
        self.routes.retain(|(address, _)| address != target);
        self.routes.push((target.clone(), route));
    }

    fn is_bound(&self, target: &Address) -> bool {
        self.bound.values().any(|bound| reaches(target, &bound.address))
    }

    /// Returns the number of accepted ends of connections that are open.
    pub(crate) fn accepted(&self) -> usize {
        self.connections.values().filter(|connection| connection.ends[SERVER].held).count()
    }
}

/// A bound socket, which may listen.
pub(crate) struct Bound {
    pub(crate) address: Address,
    /// The most connections in the queue; `None` before the socket listens.
    backlog: Option<usize>,
    /// The connections that wait to be accepted.
    queue: VecDeque<u64>,
    waker: Option<Waker>,
}

/// A connection.
pub(crate) struct Connection {
    pub(crate) ends: [End; 2],
    latency: Duration,
    target: Address,
    pub(crate) opening: Opening,
}

/// The state of the opening of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opening {
    UnderWay,
    Done,
    Failed(ErrorKind),
}

/// One end of a connection.
#[derive(Default)]
pub(crate) struct End {
    pub(crate) address: Option<Address>,
    /// Whether a stream for this end exists.
    held: bool,
    /// Whether the stream was dropped: segments that arrive are answered by a reset.
    dropped: bool,
    /// The segments in flight to this end.
    flight: VecDeque<Piece>,
    flying: usize,
    /// The unread bytes.
    arrived: VecDeque<u8>,
    /// Whether the other end has closed its sending side.
    eof: bool,
    reset: bool,
    /// Whether this end has closed its sending side.
    ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// The task that waits for a hang-up of the other side.
    watcher: Option<Waker>,
    /// The arrival of the last segment in flight, and the time at which the line is free for the next one.
    last: Instant,
    free: Instant,
    /// The number of bytes that this end has read and written.
    pub(crate) read: u64,
    pub(crate) written: u64,
}

/// A segment in flight.
enum Piece {
    Data(Vec<u8>),
    End,
    Reset,
}

impl State {
    // Addresses

    pub(crate) fn bind(&mut self, bind: &Bind) -> io::Result<u64> {
        let address = match bind {
            Bind::Tcp(address) => self.tcp(*address),
            Bind::DualStack(port) => self.tcp((Ipv6Addr::UNSPECIFIED, *port).into()),
            Bind::Unix(path) => Address::Unix(path.to_string_lossy().into()),
            // A simulation has no parent process.
            Bind::Fd(_) => return Err(ErrorKind::Unsupported.into()),
        };
        if self.sockets.bound.values().any(|bound| bound.address == address) {
            return Err(ErrorKind::AddrInUse.into());
        }
        Ok(self.bound(address))
    }

    /// Returns the address of a TCP socket, with a port that is free instead of 0.
    fn tcp(&mut self, mut address: SocketAddr) -> Address {
        while address.port() == 0 {
            let port = 49152 + self.sockets.ports;
            self.sockets.ports += 1;
            if !self.sockets.bound.values().any(|b| is_port(&b.address, port)) {
                address.set_port(port);
            }
        }
        Address::Ip(address)
    }

    /// Creates another socket at the address of `socket`.
    pub(crate) fn share(&mut self, socket: u64) -> io::Result<u64> {
        let bound = self.sockets.bound.get(&socket).ok_or(ErrorKind::NotFound)?;
        let address = bound.address.clone();
        Ok(self.bound(address))
    }

    fn bound(&mut self, address: Address) -> u64 {
        let id = self.number();
        let bound = Bound { address, backlog: None, queue: VecDeque::new(), waker: None };
        self.sockets.bound.insert(id, bound);
        id
    }

    pub(crate) fn listen(&mut self, socket: u64, backlog: u32) {
        self.note("listen", socket);
        if let Some(bound) = self.sockets.bound.get_mut(&socket) {
            bound.backlog = Some(backlog as usize);
        }
    }

    /// Drops a socket, and resets the connections that were not accepted.
    pub(crate) fn unbind(&mut self, socket: u64) {
        self.note("close listener", socket);
        let queue = self.sockets.bound.remove(&socket).map(|bound| bound.queue).unwrap_or_default();
        for connection in queue {
            self.reset(connection, SERVER);
        }
    }

    /// Accepts the next connection; returns its number.
    pub(crate) fn accept(&mut self, cx: &Context<'_>, socket: u64) -> Poll<io::Result<u64>> {
        let Self { sockets, random, network, .. } = self;
        let Some(bound) = sockets.bound.get_mut(&socket) else {
            return Poll::Ready(Err(ErrorKind::NotFound.into()));
        };
        let Some(&connection) = bound.queue.front() else {
            bound.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if random.chance(network.accept_failures) && random.chance(0.5) {
            self.note("accept: no descriptor for", connection);
            return Poll::Ready(Err(io::Error::other("too many open files (simulated)")));
        }
        bound.queue.pop_front();
        if random.chance(network.accept_failures) {
            self.note("accept: lost", connection);
            self.reset(connection, SERVER);
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        self.note("accept", connection);
        if let Some(end) = self.end(connection, SERVER) {
            end.held = true;
        }
        Poll::Ready(Ok(connection))
    }

    // The opening of a connection

    /// Starts to connect to `target`; returns the number of the connection.
    pub(crate) fn open(&mut self, target: &Address) -> u64 {
        let id = self.number();
        let latency = self.random.duration(self.network.latency.clone());
        let at = self.now + latency;
        // Without an answer, the attempt ends after the retransmissions of the SYN.
        let over = match self.sockets.route(target) {
            Route::Silent => self.now + SILENCE,
            _ => at,
        };
        self.sockets.clients = self.sockets.clients.wrapping_add(1);
        let client = match target {
            Address::Ip(_) => Some(Address::Ip(SocketAddr::from((
                Ipv4Addr::LOCALHOST,
                1024 + self.sockets.clients % 48_000,
            )))),
            Address::Unix(_) | Address::Name(_) => None,
        };
        // Segments arrive after the opening.
        let end = |address, held| End { address, held, last: at, free: at, ..End::default() };
        let ends = [end(client, true), end(Some(target.clone()), false)];
        let target = target.clone();
        self.sockets.connections.insert(id, Connection { ends, latency, target, opening: Opening::UnderWay });
        self.note("connect", id);
        self.schedule(over, Event::Open { connection: id });
        id
    }

    /// Ends an attempt to connect: puts the connection into the queue of a listener, or notes the failure.
    pub(crate) fn opened(&mut self, id: u64) {
        let Some(connection) = self.sockets.connections.get(&id) else { return };
        let latency = connection.latency;
        let listens = |bound: &Bound| bound.backlog.is_some_and(|backlog| bound.queue.len() < backlog.max(1));
        let target = connection.target.clone();
        let open = self.sockets.route(&target) == Route::Open;
        let bound = self.sockets.bound.iter();
        let here: Vec<u64> = bound
            .filter(|(_, bound)| open && reaches(&target, &bound.address) && listens(bound))
            .map(|(id, _)| *id)
            .collect();
        let chosen = here.get(self.random.index(here.len())).copied();
        let failure = chosen.is_none().then(|| self.failure(&target));
        self.note(if chosen.is_some() { "open" } else { "refuse" }, id);
        if let Some(bound) = chosen.and_then(|socket| self.sockets.bound.get_mut(&socket)) {
            bound.queue.push_back(id);
            bound.waker.take().map(Waker::wake).unwrap_or_default();
        }
        if let Some(connection) = self.sockets.connections.get_mut(&id) {
            connection.opening = failure.map_or(Opening::Done, Opening::Failed);
            connection.ends[SERVER].dropped = chosen.is_none();
            let waker = connection.ends[CLIENT].reader.take();
            self.wake_after(latency, waker);
        }
    }

    fn is_opening(&self, id: u64) -> bool {
        self.sockets.connections.get(&id).is_some_and(|connection| connection.opening == Opening::UnderWay)
    }

    /// Returns why a connection to `target` fails.
    fn failure(&self, target: &Address) -> ErrorKind {
        match (self.sockets.route(target), target) {
            (Route::Unreachable, _) => ErrorKind::HostUnreachable,
            (Route::Silent, _) => ErrorKind::TimedOut,
            (Route::Open, Address::Unix(_)) if !self.sockets.is_bound(target) => ErrorKind::NotFound,
            (Route::Open, _) => ErrorKind::ConnectionRefused,
        }
    }

    // Bytes

    pub(crate) fn read(
        &mut self,
        cx: &Context<'_>,
        id: u64,
        end: usize,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Some((here, there, latency)) = self.both(id, end) else {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        };
        if here.reset {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        if here.arrived.is_empty() {
            if here.eof {
                return Poll::Ready(Ok(0));
            }
            here.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let most = here.arrived.len().min(buf.len());
        // There is room now. The other end learns of it after the latency.
        let writer = there.writer.take();
        self.wake_after(latency, writer);
        if self.is_late(cx) {
            return Poll::Pending;
        }
        let n = self.part(most);
        self.take_time();
        let Some(here) = self.end(id, end) else { return Poll::Pending };
        for (slot, byte) in buf.iter_mut().zip(here.arrived.drain(..n)) {
            *slot = byte;
        }
        here.read += n as u64;
        self.trace.bytes(self.now, ["client reads", "server reads"][end], id, &buf[..n]);
        Poll::Ready(Ok(n))
    }

    pub(crate) fn write<'a>(
        &mut self,
        cx: &Context<'_>,
        id: u64,
        end: usize,
        bytes: impl Iterator<Item = &'a [u8]>,
    ) -> Poll<io::Result<usize>> {
        let window = self.network.window.max(1);
        let Some((here, there, _)) = self.both(id, end) else {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        };
        if here.reset || here.ended {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let room = window.saturating_sub(there.arrived.len() + there.flying);
        if room == 0 {
            here.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if self.is_late(cx) {
            return Poll::Pending;
        }
        self.take_time();
        let mut data: Vec<u8> = Vec::new();
        for slice in bytes {
            data.extend_from_slice(&slice[..slice.len().min(room - data.len())]);
        }
        data.truncate(self.part(data.len()));
        let n = data.len();
        self.trace.bytes(self.now, ["client writes", "server writes"][end], id, &data);
        if let Some(here) = self.end(id, end) {
            here.written += n as u64;
        }
        if n > 0 {
            self.send(id, 1 - end, Piece::Data(data));
        }
        if self.random.chance(self.network.resets) {
            self.note("the network resets", id);
            self.send(id, CLIENT, Piece::Reset);
            self.send(id, SERVER, Piece::Reset);
        }
        Poll::Ready(Ok(n))
    }

    /// Waits for the other end to hang up.
    pub(crate) fn hangup(&mut self, cx: &Context<'_>, id: u64, end: usize) -> Poll<Hangup> {
        let Some(here) = self.end(id, end) else { return Poll::Ready(Hangup::Gone) };
        if here.reset || here.eof && here.ended {
            return Poll::Ready(Hangup::Gone);
        }
        if here.eof {
            return Poll::Ready(Hangup::HalfClosed);
        }
        here.watcher = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Closes the sending side of an end.
    pub(crate) fn finish(&mut self, id: u64, end: usize) -> io::Result<()> {
        let here = self.end(id, end).ok_or(ErrorKind::NotConnected)?;
        if here.reset {
            return Err(ErrorKind::NotConnected.into());
        }
        if !std::mem::replace(&mut here.ended, true) {
            self.note(["client ends", "server ends"][end], id);
            self.send(id, 1 - end, Piece::End);
        }
        Ok(())
    }

    /// Drops an end.
    pub(crate) fn close(&mut self, id: u64, end: usize) {
        self.note(["client closes", "server closes"][end], id);
        let Some(here) = self.end(id, end) else { return };
        let (unread, ended) = (!here.arrived.is_empty(), here.ended);
        if self.is_opening(id) {
            // The attempt is abandoned: it never reaches a listener.
            self.sockets.connections.remove(&id);
            return;
        }
        if unread {
            return self.reset(id, end);
        }
        self.give_up(id, end);
        if !ended {
            self.send(id, 1 - end, Piece::End);
        }
    }

    /// Drops an end, and resets the other one.
    pub(crate) fn reset(&mut self, id: u64, end: usize) {
        self.give_up(id, end);
        self.send(id, 1 - end, Piece::Reset);
    }

    fn give_up(&mut self, id: u64, end: usize) {
        if let Some(here) = self.end(id, end) {
            (here.held, here.dropped) = (false, true);
            here.arrived.clear();
        }
        self.forget(id);
    }

    // Segments

    fn send(&mut self, id: u64, to: usize, piece: Piece) {
        let jitter = self.random.duration(Duration::ZERO..self.network.jitter);
        let (now, bandwidth) = (self.now, self.network.bandwidth.max(1));
        let Some((there, _, latency)) = self.both(id, to) else { return };
        if let Piece::Data(data) = &piece {
            there.flying += data.len();
            let micros = data.len() as u64 * 1_000_000 / bandwidth;
            there.free = there.free.max(now) + Duration::from_micros(micros);
        }
        there.last = there.last.max(there.free.max(now) + latency + jitter);
        there.flight.push_back(piece);
        let at = there.last;
        self.schedule(at, Event::Arrive { connection: id, end: to });
    }

    /// Delivers the first segment in flight to this end.
    pub(crate) fn arrived(&mut self, id: u64, end: usize) {
        let Some((here, there, latency)) = self.both(id, end) else { return };
        let Some(piece) = here.flight.pop_front() else { return };
        let mut answer = false;
        match piece {
            Piece::Data(data) => {
                here.flying -= data.len();
                if here.dropped {
                    answer = !there.reset;
                    let writer = there.writer.take();
                    self.wake_after(latency, writer);
                } else if !here.reset {
                    here.arrived.extend(data);
                }
            }
            Piece::End => {
                here.eof = true;
                here.watcher.take().map(Waker::wake).unwrap_or_default();
            }
            Piece::Reset => {
                here.watcher.take().map(Waker::wake).unwrap_or_default();
                here.reset = true;
                here.arrived.clear();
                here.writer.take().map(Waker::wake).unwrap_or_default();
                self.note(["reset reaches client", "reset reaches server"][end], id);
            }
        }
        if answer {
            self.send(id, 1 - end, Piece::Reset);
        }
        if let Some(here) = self.end(id, end) {
            here.reader.take().map(Waker::wake).unwrap_or_default();
        }
        self.forget(id);
    }

    /// Removes a connection without streams and segments in flight.
    fn forget(&mut self, id: u64) {
        let over = |end: &End| end.dropped && end.flight.is_empty();
        if self.sockets.connections.get(&id).is_some_and(|connection| connection.ends.iter().all(over)) {
            self.sockets.connections.remove(&id);
        }
    }

    // Chance

    /// Sometimes makes the caller wait although it could go on.
    fn is_late(&mut self, cx: &Context<'_>) -> bool {
        const LONGEST: Duration = Duration::from_millis(5);
        let late = self.random.chance(self.network.late);
        if late {
            let delay = self.random.duration(Duration::ZERO..LONGEST);
            self.wake_after(delay, Some(cx.waker().clone()));
        }
        late
    }

    /// Advances the clock by the time of a system call.
    fn take_time(&mut self) {
        const LONGEST: Duration = Duration::from_micros(20);
        self.now = self.now + self.random.duration(Duration::ZERO..LONGEST);
    }

    /// Returns the length of a short read or write; at least 1, unless `most` is 0.
    fn part(&mut self, most: usize) -> usize {
        if most < 2 || !self.random.chance(self.network.partial) {
            return most;
        }
        // Small lengths find more faults.
        let most = if self.random.chance(0.5) { most.min(16) } else { most };
        1 + self.random.index(most)
    }

    fn end(&mut self, id: u64, end: usize) -> Option<&mut End> {
        self.sockets.connections.get_mut(&id)?.ends.get_mut(end)
    }

    /// Returns this end, the other end, and the latency between them.
    fn both(&mut self, id: u64, end: usize) -> Option<(&mut End, &mut End, Duration)> {
        let connection = self.sockets.connections.get_mut(&id)?;
        let [client, server] = &mut connection.ends;
        let (here, there) = if end == CLIENT { (client, server) } else { (server, client) };
        Some((here, there, connection.latency))
    }

    /// Returns the state of the opening. Wakes the task of `cx` when it changes.
    pub(crate) fn opening(&mut self, cx: &Context<'_>, id: u64) -> Opening {
        let Some(connection) = self.sockets.connections.get_mut(&id) else {
            return Opening::Failed(ErrorKind::ConnectionRefused);
        };
        if connection.opening == Opening::UnderWay {
            connection.ends[CLIENT].reader = Some(cx.waker().clone());
        }
        connection.opening
    }
}

fn is_port(address: &Address, port: u16) -> bool {
    matches!(address, Address::Ip(address) if address.port() == port)
}

/// Whether a connection to `target` reaches a socket that is bound to `bound`.
fn reaches(target: &Address, bound: &Address) -> bool {
    match (target, bound) {
        (Address::Ip(target), Address::Ip(bound)) if bound.ip().is_unspecified() => {
            target.port() == bound.port()
        }
        _ => target == bound,
    }
}
