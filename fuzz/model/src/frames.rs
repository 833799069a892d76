//! Whole WebSocket connections (RFC 6455).

use std::sync::Arc;
use std::time::Duration;

use stelo_core::Instant;
use stelo_core::proto::{CloseState, Machine};
use stelo_core::ws::deflate::Parameters;
use stelo_core::ws::{Agreed, Closed, Config, Connection, Deflate, Event, Kind, Limits, Timeouts};

use crate::peer::{MOST, alike};
use crate::reference::frames::{Heard, Rules, read};
use crate::source::Source;

const NOW: Instant = Instant::ZERO;

/// Limits so small that a short input can exceed each of them.
const TIGHT: Limits = Limits::DEFAULT.message(60).frame(Some(40)).empty_fragments(2).write_buffer(64);

/// The default limits, with messages of at most 64 KiB.
const LOOSE: Limits = Limits::DEFAULT.message(1 << 16);

/// Checks that a connection reports the messages that the reference parser finds, whole and in parts. It answers pings,
/// close frames and violations as RFC 6455 requires.
///
/// The input: the side; the agreed compression; whether limits are tight; whether messages are taken in parts; two
/// sizes of pieces; the bytes from the peer.
pub fn frames(input: &[u8]) {
    let mut source = Source::new(input);
    let is_server = !source.flag();
    let deflate = source.pick(&[None, Some(false), Some(true)]);
    let limits = source.pick(&[LOOSE, TIGHT]);
    let in_parts = source.flag();
    let sizes = [source.byte(), source.byte()];
    let bytes = source.rest();
    let bytes = &bytes[..bytes.len().min(MOST)];

    let deflate = deflate.map(|afresh| Parameters {
        server_no_context_takeover: afresh,
        client_no_context_takeover: afresh,
        server_max_window_bits: None,
        client_max_window_bits: None,
    });
    let (mut expected, begun) = read(bytes, Rules { masked: is_server, deflate, limits });
    let pongs = expected.iter().filter_map(|heard| match heard {
        Heard::Ping(payload) => Some((0x8a, payload.clone())),
        _ => None,
    });
    let mut answers: Vec<(u8, Vec<u8>)> = pongs.collect();
    match expected.last() {
        Some(Heard::Closed(1005, _)) => answers.push((0x88, Vec::new())),
        Some(Heard::Closed(code, reason)) => {
            answers.push((0x88, [&code.to_be_bytes(), reason.as_bytes()].concat()));
        }
        // The input ends without a close frame.
        _ => expected.push(Heard::Closed(Closed::LOST.code.0, String::new())),
    }

    let timeouts = Timeouts::DEFAULT.ping_interval(None);
    let config = Arc::new(
        Config::DEFAULT.limits(limits).timeouts(timeouts).deflate(deflate.map(|_| Deflate::DEFAULT)),
    );
    alike(sizes, |cut| {
        let agreed = Agreed { deflate };
        let mut peer = Peer {
            connection: match is_server {
                true => Connection::server(config.clone(), agreed, NOW),
                false => Connection::client(config.clone(), agreed, [7; 20], NOW),
            },
            in_parts,
            heard: Vec::new(),
            begun: Vec::new(),
            written: Vec::new(),
            received: 0,
            events: 0,
            most: if deflate.is_some() { 2 * limits.message + (128 << 10) } else { 0 },
        };
        for mut piece in cut.pieces(bytes) {
            while !piece.is_empty() {
                let taken = peer.connection.receive(NOW, piece);
                piece = &piece[taken..];
                peer.received += taken;
                let ended = peer.listen();
                assert!(taken > 0 || ended, "the machine accepts input until it ends");
                if ended {
                    break;
                }
            }
        }
        assert!(begun.starts_with(&peer.begun), "{:?} of {begun:?}", peer.begun);
        peer.connection.receive_eof(NOW);
        assert!(peer.listen());
        assert_eq!(peer.heard, expected);
        assert_eq!(answered(&peer.written, is_server), answers);
        peer.close();
    });
}

struct Peer {
    connection: Connection,
    in_parts: bool,
    heard: Vec<Heard>,
    /// The parts of an incomplete message.
    begun: Vec<u8>,
    written: Vec<u8>,
    received: usize,
    events: usize,
    /// The maximum memory for compressed messages.
    most: usize,
}

impl Peer {
    /// Takes all events, and writes the output after each. Returns whether the connection has ended.
    fn listen(&mut self) -> bool {
        loop {
            let event = match self.in_parts {
                true => self.connection.next_part(),
                false => self.connection.next_event(),
            };
            match event {
                Event::NeedData => return false,
                Event::Ended => {
                    self.write();
                    return true;
                }
                Event::Text(text) => self.heard.push(Heard::Text(text.into_owned())),
                Event::Binary(bytes) => self.heard.push(Heard::Binary(bytes.into_owned())),
                Event::Ping(payload) => self.heard.push(Heard::Ping(payload.to_vec())),
                Event::Pong(payload) => self.heard.push(Heard::Pong(payload.to_vec())),
                Event::Closing => {}
                Event::Closed(Closed { code, reason }) => self.heard.push(Heard::Closed(code.0, reason)),
                Event::Part { kind, data, last } => {
                    assert!(last || !data.is_empty());
                    self.begun.extend_from_slice(data);
                    if last {
                        let message = std::mem::take(&mut self.begun);
                        self.heard.push(match kind {
                            Kind::Text => {
                                Heard::Text(String::from_utf8(message).expect("the machine validates text"))
                            }
                            Kind::Binary => Heard::Binary(message),
                        });
                    }
                }
            }
            self.events += 1;
            // An event consumes at least one byte, except for the end. (A part is one byte, a frame two.)
            assert!(self.events <= self.received + 2, "{} events of {} bytes", self.events, self.received);
            self.write();
            let most = (33 << 10) + 16 * self.received + self.most;
            assert!(self.connection.held() <= most, "{} bytes held", self.connection.held());
        }
    }

    fn write(&mut self) {
        let mut slices = [&[][..]; 16];
        let filled = self.connection.poll_transmit(&mut slices).slices;
        let bytes = slices[..filled].concat();
        self.connection.transmitted(NOW, bytes.len());
        self.written.extend(bytes);
    }

    /// Checks that the connection ends without further input.
    fn close(&mut self) {
        let mut now = NOW;
        for _ in 0..4 {
            match self.connection.close_state() {
                CloseState::Close => return,
                CloseState::HalfClose => self.connection.half_closed(now),
                _ => {}
            }
            if let Some((when, _)) = self.connection.poll_timeout() {
                now = when + Duration::from_micros(1);
                self.connection.handle_timeout(now);
            }
        }
        panic!("still open: {:?}", self.connection);
    }
}

/// Parses the written frames. Returns the first byte and the payload of each; all are shorter than 126 bytes.
fn answered(mut bytes: &[u8], by_server: bool) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        let (key, rest) = if by_server { (&[0; 4][..], rest) } else { rest.split_at(4) };
        assert_eq!(*second >= 0x80, !by_server);
        let (payload, after) = rest.split_at(usize::from(second & 0x7f));
        let payload = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        frames.push((*first, payload));
        bytes = after;
    }
    assert!(bytes.is_empty());
    frames
}
