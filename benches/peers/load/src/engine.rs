//! The connections under load, in one epoll set. Each sends the same prepared bytes again and again.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::Instant;

use crate::{responses, websocket};

/// The expected answer to one write.
pub enum Answer {
    /// This number of bytes, which the kernel drops without a copy.
    Bytes(usize),
    /// This number of bytes, and the end of the connection.
    BytesAndEnd(usize),
    /// This number of WebSocket messages of unknown length.
    Messages(usize),
    /// This number of responses of unknown length.
    Responses(usize),
}

impl Answer {
    fn amount(&self) -> usize {
        match *self {
            Self::Bytes(n) | Self::BytesAndEnd(n) | Self::Messages(n) | Self::Responses(n) => n,
        }
    }
}

pub struct Conn {
    stream: TcpStream,
    unsent: usize,
    /// The part of the answer that has not arrived.
    pub expected: usize,
    messages: websocket::Counter,
    responses: responses::Counter,
    /// Since when it waits.
    pub since: Instant,
    /// When further requests were due, which came due while it was busy.
    pub due: VecDeque<Instant>,
}

pub struct Engine {
    epoll: i32,
    pub conns: Vec<Conn>,
    sending: Vec<u8>,
    answer: Answer,
    buffer: Vec<u8>,
}

impl Engine {
    pub fn new(streams: Vec<TcpStream>, sending: Vec<u8>, answer: Answer) -> Self {
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        let mut engine = Self { epoll, conns: Vec::new(), sending, answer, buffer: vec![0; 1 << 16] };
        for (i, stream) in streams.into_iter().enumerate() {
            let conn = engine.watched(i, stream);
            engine.conns.push(conn);
        }
        engine
    }

    fn watched(&self, i: usize, stream: TcpStream) -> Conn {
        stream.set_nonblocking(true).expect("a socket can be non-blocking");
        self.watch(libc::EPOLL_CTL_ADD, &stream, i, false);
        Conn {
            stream,
            unsent: 0,
            expected: 0,
            messages: websocket::Counter::default(),
            responses: responses::Counter::default(),
            since: Instant::now(),
            due: VecDeque::new(),
        }
    }

    fn watch(&self, what: i32, stream: &TcpStream, i: usize, write: bool) {
        let events = if write { libc::EPOLLIN | libc::EPOLLOUT } else { libc::EPOLLIN };
        let mut event = libc::epoll_event { events: events as u32, u64: i as u64 };
        let done = unsafe { libc::epoll_ctl(self.epoll, what, stream.as_raw_fd(), &mut event) };
        assert_eq!(done, 0, "epoll_ctl");
    }

    /// Puts a new connection in the place of an old one, which is closed.
    pub fn replace(&mut self, i: usize, stream: TcpStream) {
        self.conns[i] = self.watched(i, stream);
    }

    /// Looks no longer at a connection, which may have ended.
    pub fn leave(&mut self, i: usize) {
        self.watch(libc::EPOLL_CTL_DEL, &self.conns[i].stream, i, false);
    }

    /// Sends the prepared bytes on a connection that expects nothing.
    pub fn send(&mut self, i: usize, since: Instant) {
        let conn = &mut self.conns[i];
        (conn.unsent, conn.expected, conn.since) = (self.sending.len(), self.answer.amount(), since);
        self.flush(i);
        if self.conns[i].unsent > 0 {
            self.watch(libc::EPOLL_CTL_MOD, &self.conns[i].stream, i, true);
        }
    }

    fn flush(&mut self, i: usize) {
        let conn = &mut self.conns[i];
        let unsent = &self.sending[self.sending.len() - conn.unsent..];
        match conn.stream.write(unsent) {
            Ok(n) => conn.unsent -= n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("write: {error}"),
        }
    }

    /// Waits for events, and calls `done(self, i)` for each connection that has its whole answer.
    pub fn turn(&mut self, timeout_ms: i32, mut done: impl FnMut(&mut Self, usize)) {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 256];
        let n = unsafe { libc::epoll_wait(self.epoll, events.as_mut_ptr(), events.len() as i32, timeout_ms) };
        for event in &events[..n.max(0) as usize] {
            let i = event.u64 as usize;
            if event.events & libc::EPOLLOUT as u32 != 0 {
                self.flush(i);
                if self.conns[i].unsent == 0 {
                    self.watch(libc::EPOLL_CTL_MOD, &self.conns[i].stream, i, false);
                }
            }
            if event.events & libc::EPOLLIN as u32 != 0 && self.receive(i) {
                done(self, i);
            }
        }
    }

    /// Receives once; whether the answer is complete.
    fn receive(&mut self, i: usize) -> bool {
        let conn = &mut self.conns[i];
        let (into, room, flags) = match self.answer {
            Answer::Messages(_) | Answer::Responses(_) => {
                (self.buffer.as_mut_ptr().cast(), self.buffer.len(), 0)
            }
            _ => (std::ptr::null_mut(), 1 << 22, libc::MSG_TRUNC),
        };
        let n = unsafe { libc::recv(conn.stream.as_raw_fd(), into, room, flags) };
        if n == 0 && conn.expected == 0 && matches!(self.answer, Answer::BytesAndEnd(_)) {
            return true;
        }
        assert!(n > 0, "closed by the server: {}", std::io::Error::last_os_error());
        let came = match self.answer {
            Answer::Messages(_) => conn.messages.feed(&self.buffer[..n as usize]),
            Answer::Responses(_) => conn.responses.feed(&self.buffer[..n as usize]),
            _ => n as usize,
        };
        assert!(came <= conn.expected, "{came} where {} were due", conn.expected);
        conn.expected -= came;
        conn.expected == 0 && came > 0 && !matches!(self.answer, Answer::BytesAndEnd(_))
    }
}
