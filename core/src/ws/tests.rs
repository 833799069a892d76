//! Tests of the machine from the outside. Input is passed whole, split at every offset, and byte by byte; the outcome
//! must be the same.

mod closing;
mod frames;
mod limits;
mod pair;
mod time;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Agreed, CloseCode, Closed, Command, Config, Connection, Event, Kind, Message, SendError};
use crate::Instant;
use crate::proto::{CloseState, Machine};

const NOW: Instant = Instant::ZERO;
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// An event without borrowed data.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Seen {
    Message(Message),
    Part(Kind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Closing,
    Closed(u16, String),
    Ended,
}

fn text(text: &str) -> Seen {
    Seen::Message(Message::from(String::from(text)))
}

fn binary(bytes: &[u8]) -> Seen {
    Seen::Message(Message::from(bytes.to_vec()))
}

fn closed(code: u16, reason: &str) -> Seen {
    Seen::Closed(code, reason.into())
}

/// Returns the next event, if there is one.
fn see(event: Event<'_>) -> Option<Seen> {
    Some(match event {
        Event::Text(text) => Seen::Message(text.into_owned().into()),
        Event::Binary(bytes) => Seen::Message(bytes.into_owned().into()),
        Event::Part { kind, data, last } => Seen::Part(kind, data.to_vec(), last),
        Event::Ping(payload) => Seen::Ping(payload.to_vec()),
        Event::Pong(payload) => Seen::Pong(payload.to_vec()),
        Event::Closing => Seen::Closing,
        Event::Closed(Closed { code, reason }) => Seen::Closed(code.0, reason),
        Event::Ended => Seen::Ended,
        Event::NeedData => return None,
    })
}

/// Returns all events.
fn events(connection: &mut Connection) -> Vec<Seen> {
    let mut all = Vec::new();
    while let Some(seen) = see(connection.next_event()) {
        let ended = seen == Seen::Ended;
        all.push(seen);
        if ended {
            break;
        }
    }
    all
}

/// Returns all output.
fn written(connection: &mut Connection, now: Instant) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let mut slices = [&[][..]; 3];
        let n = connection.poll_transmit(&mut slices).slices;
        let bytes = slices[..n].concat();
        if bytes.is_empty() {
            return all;
        }
        connection.transmitted(now, bytes.len());
        all.extend(bytes);
    }
}

/// Passes the bytes that the machine accepts, and returns all events.
fn deliver(connection: &mut Connection, mut bytes: &[u8]) -> Vec<Seen> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let n = connection.receive(NOW, bytes);
        assert!(n > 0, "there is always room after all events were taken");
        bytes = &bytes[n..];
        all.extend(events(connection));
    }
    if all.iter().filter(|seen| **seen == Seen::Ended).count() > 1 {
        all.dedup();
    }
    all
}

fn server(config: Config) -> Connection {
    Connection::server(Arc::new(config), Agreed::default(), NOW)
}

fn client(config: Config) -> Connection {
    Connection::client(Arc::new(config), Agreed::default(), [7; 20], NOW)
}

/// Creates a masked frame, with the shortest form of the length.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = payload.len();
    let mut bytes = match len {
        0..=125 => [&[first, 0x80 | len as u8][..]].concat(),
        126..=0xffff => [&[first, 0x80 | 126][..], &(len as u16).to_be_bytes()].concat(),
        _ => [&[first, 0x80 | 127][..], &(len as u64).to_be_bytes()].concat(),
    };
    bytes.extend(KEY);
    bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// Creates a close frame of a client.
fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// Returns the events and the output of a server for these bytes. Checks that they do not depend on the split.
fn heard_by(config: Config, bytes: &[u8]) -> (Vec<Seen>, Vec<u8>) {
    let run = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut server = server(config);
        let mut all = Vec::new();
        for piece in pieces {
            all.extend(deliver(&mut server, piece));
        }
        all.dedup_by(|a, b| *a == Seen::Ended && *b == Seen::Ended);
        (all, written(&mut server, NOW))
    };
    let whole = run(&mut [bytes].into_iter());
    assert_eq!(run(&mut bytes.chunks(1)), whole, "byte by byte: {bytes:x?}");
    for cut in 1..bytes.len().min(64) {
        let (before, after) = bytes.split_at(cut);
        assert_eq!(run(&mut [before, after].into_iter()), whole, "cut at {cut}: {bytes:x?}");
    }
    whole
}

fn heard(bytes: &[u8]) -> (Vec<Seen>, Vec<u8>) {
    heard_by(Config::DEFAULT, bytes)
}

/// Returns the code and reason of the close frame, the last output of a server.
fn close_said(written: &[u8]) -> (u16, &str) {
    let at = written.iter().rposition(|&byte| byte == 0x88).expect("a close frame");
    match &written[at + 2..] {
        [high, low, reason @ ..] => {
            (u16::from_be_bytes([*high, *low]), core::str::from_utf8(reason).expect("a reason is text"))
        }
        _ => (1005, ""),
    }
}
