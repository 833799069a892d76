//! Attacks on HTTP/2 servers, each with the name of its advisory. `docs/evidence/advisories.md` lists those on Rust servers.
//!
//! The time is virtual. A case sends frames, takes events as a driver does, and reads what is written, or does not.

use std::sync::Arc;
use std::time::Duration;

use stelo_core::h2::frame::{Frame, Header, Kind, PREFACE, Setting, write};
use stelo_core::h2::{Config, Connection, ErrorCode};
use stelo_core::http::{Headers, Status};
use stelo_core::proto::{CloseState, Command, Defaults, Event, HttpMachine, Machine, StreamId};
use stelo_core::{Bytes, Instant};

/// The fields of `GET /` with the authority `a`.
const GET: &[u8] = b"\x82\x86\x84\x41\x01a";
/// As `GET`, with POST.
const POST: &[u8] = b"\x83\x86\x84\x41\x01a";

/// A connection, its client, and an application.
struct Attack {
    machine: Connection,
    now: Instant,
    /// The application answers each request at once, with as many bytes.
    answers: Option<usize>,
    /// The client reads what is written.
    reads: bool,
    requests: usize,
    resets: usize,
    /// The bytes of request bodies.
    received: usize,
    written: Vec<u8>,
    /// The most memory that the connection has held.
    held: usize,
}

impl Attack {
    fn begin() -> Self {
        let mut attack = Self {
            machine: Connection::new(Arc::new(Config::default()), Instant::ZERO),
            now: Instant::ZERO,
            answers: Some(2),
            reads: true,
            requests: 0,
            resets: 0,
            received: 0,
            written: Vec::new(),
            held: 0,
        };
        let mut first = PREFACE.to_vec();
        write::settings(&mut first, &[]);
        write::settings_ack(&mut first);
        attack.send(&first);
        attack
    }

    /// Sends bytes, as far as the machine takes them. Returns whether it has taken all.
    fn send(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() && self.code().is_none() {
            let taken = self.machine.receive(self.now, bytes);
            bytes = &bytes[taken..];
            self.turn();
            if taken == 0 {
                break;
            }
        }
        bytes.is_empty()
    }

    /// Takes events and writes, until neither changes anything.
    fn turn(&mut self) {
        loop {
            self.events();
            self.held = self.held.max(self.machine.held());
            let mut slices = [&[][..]; 8];
            let n = self.machine.poll_transmit(&mut slices).slices;
            if n == 0 || !self.reads {
                return;
            }
            let bytes = slices[..n].concat();
            self.machine.transmitted(self.now, bytes.len());
            self.written.extend(bytes);
        }
    }

    fn events(&mut self) {
        loop {
            match self.machine.next_event() {
                Event::Request { stream, head, length } => {
                    self.requests += 1;
                    self.machine.reuse(head);
                    match self.answers {
                        Some(len) => self.answer(stream, len),
                        None if length != stelo_core::body::Length::None => {
                            self.machine.want_body(self.now, stream, true);
                        }
                        None => {}
                    }
                }
                Event::Data { data, .. } => self.received += data.len(),
                Event::Reset { .. } => self.resets += 1,
                Event::Fault { stream, fault } => {
                    let _ = self.machine.refuse(self.now, stream, fault, &Defaults::default());
                }
                Event::Trailers { .. } | Event::End { .. } | Event::Writable { .. } => {}
                Event::NeedData | Event::Paused | Event::Closed => return,
            }
        }
    }

    fn answer(&mut self, stream: StreamId, len: usize) {
        let (headers, defaults) = (Headers::new(), Defaults::default());
        let mut body = Bytes::from(vec![b'a'; len]);
        let (status, body) = (Status::OK, Some(&mut body));
        let whole = Command::Whole { status, headers: &headers, defaults: &defaults, body };
        self.machine.send(self.now, stream, whole).expect("an answer");
    }

    /// Lets time pass, and the deadlines that come.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some((at, _)) = self.machine.poll_timeout().filter(|(at, _)| *at <= end) {
            self.now = at.max(self.now);
            self.machine.handle_timeout(self.now);
            self.turn();
        }
        self.now = end;
    }

    /// Returns the code of the error that has ended the connection.
    fn code(&self) -> Option<ErrorCode> {
        self.machine.violation().map(|violation| violation.code)
    }

    fn expect_calm(&self) {
        assert_eq!(self.code(), Some(ErrorCode::ENHANCE_YOUR_CALM), "{:?}", self.machine);
    }

    /// Counts the frames of a kind that were written.
    fn frames(&self, kind: Kind) -> usize {
        let (mut rest, mut count) = (&*self.written, 0);
        while let Some(header) = Header::read(rest) {
            count += usize::from(header.kind == kind);
            rest = rest.get(Header::LEN + header.len as usize..).expect("a whole frame");
        }
        count
    }
}

fn request(stream: u32, block: &[u8], end: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let at = write::begin_headers(&mut out);
    out.extend_from_slice(block);
    write::end_headers(&mut out, at, stream, end, 16_384);
    out
}

fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write::header(&mut out, payload.len(), kind, flags, stream);
    out.extend_from_slice(payload);
    out
}

/// The streams of a client.
fn streams() -> impl Iterator<Item = u32> {
    (0..10_000).map(|n| 2 * n + 1)
}

/// CVE-2023-44487 and RUSTSEC-2023-0034, h2: requests that are reset at once.
#[test]
fn rapid_reset_ends_the_connection() {
    let mut attack = Attack::begin();
    attack.answers = None;
    for stream in streams() {
        let mut pair = request(stream, GET, true);
        write::reset(&mut pair, stream, ErrorCode::CANCEL);
        attack.send(&pair);
    }
    attack.expect_calm();
    assert!(attack.requests <= 201 && attack.machine.streams() == 0, "{}", attack.requests);
    assert_eq!(attack.resets, attack.requests);
}

/// A browser that leaves a page of a hundred images is no attack.
#[test]
fn resets_of_a_browser_are_no_attack() {
    let mut attack = Attack::begin();
    attack.answers = None;
    for (n, stream) in streams().take(1_000).enumerate() {
        attack.send(&request(stream, GET, true));
        let mut reset = Vec::new();
        write::reset(&mut reset, stream, ErrorCode::CANCEL);
        attack.send(&reset);
        if n % 100 == 99 {
            attack.wait(Duration::from_millis(4_900));
        }
    }
    assert_eq!((attack.code(), attack.requests), (None, 1_000));
}

/// Requests above the limit of streams, without end.
#[test]
fn refused_requests_end_the_connection() {
    let mut attack = Attack::begin();
    attack.answers = None;
    for stream in streams() {
        attack.send(&request(stream, GET, true));
    }
    attack.expect_calm();
    assert_eq!(attack.requests, 100);
}

/// CVE-2025-8671 and RUSTSEC-2025-0070 (pingora), RUSTSEC-2024-0003 (h2), MadeYouReset: faults that make the server
/// reset the stream, while its application works.
#[test]
fn made_you_reset_ends_the_connection() {
    let triggers: [fn(u32) -> Vec<u8>; 7] = [
        // A window that grows by nothing, and one that grows too large.
        |stream| [request(stream, POST, false), frame(Kind::WindowUpdate, 0, stream, &[0; 4])].concat(),
        |stream| {
            let much = frame(Kind::WindowUpdate, 0, stream, &[0x7f, 0xff, 0xff, 0xff]);
            [request(stream, POST, false), much].concat()
        },
        // DATA and HEADERS after the end.
        |stream| [request(stream, GET, true), frame(Kind::Data, 0, stream, b"a")].concat(),
        |stream| [request(stream, GET, true), request(stream, GET, true)].concat(),
        // DATA that contradicts the length.
        |stream| {
            let head = request(stream, b"\x83\x86\x84\x41\x01a\x0f\x0d\x015", false);
            [head, frame(Kind::Data, 1, stream, b"a")].concat()
        },
        // PRIORITY of a wrong size.
        |stream| [request(stream, POST, false), frame(Kind::Priority, 0, stream, &[0; 4])].concat(),
        // A malformed head.
        |stream| request(stream, b"\x82\x86\x84\x41\x01a\x00\x01X\x01x", true),
    ];
    for (n, trigger) in triggers.into_iter().enumerate() {
        let mut attack = Attack::begin();
        attack.answers = None;
        for stream in streams() {
            attack.send(&trigger(stream));
        }
        assert_eq!(attack.code(), Some(ErrorCode::ENHANCE_YOUR_CALM), "trigger {n}");
        assert!(attack.requests <= 201 && attack.machine.streams() == 0, "trigger {n}");
    }
}

/// CVE-2023-45802 and CVE-2026-23918, httpd: a request and its reset in one read.
#[test]
fn a_reset_in_the_same_read_leaves_nothing() {
    for cut in 0..26 {
        let mut attack = Attack::begin();
        attack.answers = None;
        let mut pair = request(1, POST, false);
        write::reset(&mut pair, 1, ErrorCode::CANCEL);
        let (first, second) = pair.split_at(cut.min(pair.len()));
        attack.send(first);
        attack.send(second);
        assert_eq!((attack.requests, attack.resets, attack.machine.streams()), (1, 1, 0));
    }
}

/// VU#421644 and RUSTSEC-2024-0332, h2: CONTINUATION without end. Netty, CVE-2026-33871: empty ones.
#[test]
fn endless_header_blocks_end_the_connection() {
    for fragment in [&b""[..], b"\x00", b"\x00\x01a\x01b"] {
        let mut attack = Attack::begin();
        attack.send(&frame(Kind::Headers, 1, 1, GET));
        for _ in 0..10_000 {
            attack.send(&frame(Kind::Continuation, 0, 1, fragment));
        }
        assert!(attack.code().is_some() && attack.requests == 0);
        assert!(attack.held < 64 << 10, "{}", attack.held);
    }
}

/// CVE-2016-6581, nghttp2 and others; CVE-2026-49975, httpd: a block that is small on the wire and large in memory, by
/// references to one entry, large or empty. Then the window stays closed.
#[test]
fn bombs_of_header_compression_take_no_memory() {
    let large = [b"\x40\x01a\x7f\xe1\x1e".to_vec(), vec![b'x'; 4_000]].concat();
    for entry in [&large[..], b"\x40\x01a\x00", b"\x40\x06cookie\x01a"] {
        let mut attack = Attack::begin();
        let closed = [Setting::InitialWindowSize(0)];
        let mut first = Vec::new();
        write::settings(&mut first, &closed);
        attack.send(&first);
        attack.send(&request(1, &[GET, entry].concat(), true));
        for stream in streams().skip(1).take(99) {
            attack.send(&request(stream, &[GET, &[0xbe; 16_000]].concat(), true));
        }
        assert!(attack.held < 400 << 10, "{} bytes", attack.held);
        attack.wait(Duration::from_secs(100));
        assert!(attack.machine.streams() == 0, "{:?}", attack.machine);
        assert!(attack.machine.held() < 64 << 10, "{} bytes", attack.machine.held());
    }
}

/// CVE-2019-9512, -9513, -9515, -9518, and RUSTSEC-2026-0258 (h2): frames that do nothing, without end.
#[test]
fn floods_of_cheap_frames_end_the_connection() {
    let ping = frame(Kind::Ping, 0, 0, b"12345678");
    let floods = [
        ("PING", ping.clone()),
        ("PING ACK", frame(Kind::Ping, 1, 0, b"12345678")),
        ("SETTINGS", frame(Kind::Settings, 0, 0, b"")),
        ("SETTINGS of windows", frame(Kind::Settings, 0, 0, b"\x00\x04\x00\x00\x00\x01")),
        ("PRIORITY", frame(Kind::Priority, 0, 1, &[0; 5])),
        ("PRIORITY_UPDATE", frame(Kind::PriorityUpdate, 0, 0, b"\x00\x00\x00\x03u=1")),
        ("WINDOW_UPDATE", frame(Kind::WindowUpdate, 0, 0, &[0, 0, 0, 1])),
        ("WINDOW_UPDATE of a stream", frame(Kind::WindowUpdate, 0, 1, &[0, 0, 0, 1])),
        ("an unknown type", frame(Kind::Unknown(0xee), 0, 0, b"")),
        ("empty DATA", frame(Kind::Data, 0, 1, b"")),
        ("DATA of padding", frame(Kind::Data, 8, 1, b"\x00")),
        ("RST_STREAM", frame(Kind::Reset, 0, 3, &[0; 4])),
    ];
    for (name, flood) in floods {
        for reads in [true, false] {
            let mut attack = Attack::begin();
            attack.answers = None;
            attack.send(&request(1, POST, false));
            attack.answers = Some(2);
            attack.send(&request(3, GET, true));
            attack.reads = reads;
            let mut taken = 0;
            while taken < 100_000 && attack.code().is_none() && attack.send(&flood) {
                taken += 1;
            }
            assert!(taken < 5_000, "{name}: {taken} frames");
            assert!(attack.held < 64 << 10, "{name}: {} bytes", attack.held);
            // A client that does not read stops the parser, and is closed.
            attack.wait(Duration::from_secs(60));
            attack.machine.half_closed(attack.now);
            attack.wait(Duration::from_secs(60));
            assert_eq!(attack.machine.close_state(), CloseState::Close, "{name}");
        }
    }
}

/// hyper, h2 issue 939: the cure of a flood of small frames ended honest connections.
#[test]
fn small_frames_with_data_are_no_attack() {
    let mut attack = Attack::begin();
    attack.answers = None;
    attack.send(&request(1, POST, false));
    let byte = frame(Kind::Data, 0, 1, b"a").repeat(1_000);
    for _ in 0..100 {
        attack.send(&byte);
    }
    assert_eq!((attack.code(), attack.received), (None, 100_000));
    assert!(attack.held < 100 << 10, "{} bytes", attack.held);
}

/// 90 uploads of tiny frames that the application reads late.
#[test]
fn uploads_that_wait_are_no_attack() {
    let mut attack = Attack::begin();
    attack.answers = None;
    for stream in streams().take(90) {
        attack.send(&request(stream, POST, false));
        attack.machine.want_body(attack.now, StreamId(stream), false);
        attack.send(&frame(Kind::Data, 0, stream, b"abc").repeat(100));
        attack.send(&frame(Kind::Data, 1, stream, b"abc"));
    }
    for stream in streams().take(90) {
        attack.machine.want_body(attack.now, StreamId(stream), true);
        attack.turn();
    }
    assert_eq!((attack.code(), attack.received), (None, 90 * 303));
}

/// CVE-2019-9511, CVE-2019-9517 and CVE-2016-1546: a window that stays closed, or opens by one byte a second.
#[test]
fn a_response_that_is_not_read_is_given_up() {
    for drips in [false, true] {
        let mut attack = Attack::begin();
        let mut first = Vec::new();
        write::settings(&mut first, &[Setting::InitialWindowSize(0)]);
        attack.send(&first);
        attack.answers = Some(100_000);
        for stream in streams().take(50) {
            attack.send(&request(stream, GET, true));
        }
        for _ in 0..100 {
            if drips {
                let mut drip = Vec::new();
                write::window_update(&mut drip, 1, 1);
                attack.send(&drip);
            }
            attack.wait(Duration::from_secs(1));
        }
        assert_eq!(attack.machine.streams(), 0);
        assert!(attack.machine.held() < 64 << 10, "{} bytes", attack.machine.held());
    }
}

/// A client that reads nothing at all.
#[test]
fn a_connection_that_is_not_read_is_given_up() {
    let mut attack = Attack::begin();
    attack.reads = false;
    attack.answers = Some(10_000);
    let taken = streams().take_while(|&stream| attack.send(&request(stream, GET, true))).count();
    assert!(taken < 2_000, "{taken} requests are taken");
    assert!(attack.held < 2 << 20, "{} bytes", attack.held);
    attack.wait(Duration::from_secs(31));
    assert_eq!(attack.machine.close_state(), CloseState::Close);
    assert!(attack.machine.held() < 64 << 10, "{} bytes", attack.machine.held());
}

/// PING does not keep an idle connection open.
#[test]
fn pings_do_not_keep_a_connection_open() {
    let mut attack = Attack::begin();
    attack.send(&request(1, GET, true));
    for _ in 0..6 {
        attack.wait(Duration::from_secs(1));
        attack.send(&frame(Kind::Ping, 0, 0, b"12345678"));
    }
    assert_eq!(attack.frames(Kind::GoAway), 1);
}

/// A client that has gone without a word, while its request is answered.
#[test]
fn a_lost_client_is_noticed() {
    let mut attack = Attack::begin();
    attack.answers = None;
    attack.send(&request(1, GET, true));
    attack.wait(Duration::from_secs(39));
    assert_eq!((attack.frames(Kind::Ping), attack.machine.streams()), (1, 1));
    attack.wait(Duration::from_secs(2));
    assert_eq!((attack.resets, attack.machine.close_state()), (1, CloseState::Close));
}

/// CVE-2026-21714, Node: memory was kept after GOAWAY. CVE-2026-27135, nghttp2: input after the end.
#[test]
fn nothing_is_kept_after_an_error() {
    let mut attack = Attack::begin();
    attack.answers = None;
    for stream in streams().take(50) {
        attack.send(&request(stream, POST, false));
    }
    attack.send(&frame(Kind::WindowUpdate, 0, 0, &[0; 4]));
    assert_eq!(attack.code(), Some(ErrorCode::PROTOCOL_ERROR));
    assert_eq!((attack.resets, attack.machine.close_state()), (50, CloseState::HalfClose));
    attack.machine.half_closed(attack.now);
    for _ in 0..100 {
        attack.machine.receive(attack.now, &request(201, GET, true));
        attack.turn();
    }
    attack.wait(Duration::from_secs(2));
    assert_eq!((attack.requests, attack.machine.close_state()), (50, CloseState::Close));
    assert!(attack.machine.held() < 32 << 10, "{} bytes", attack.machine.held());
}

/// HAProxy (PRIORITY flag), h2 0.4.15 (padding of 255), Go (types without a handler): all types and flags, with all small
/// lengths.
#[test]
fn no_frame_is_read_beyond_its_end() {
    for kind in 0..=u8::MAX {
        for flags in [0, 1, 4, 8, 0x20, 0x2d, 0xff] {
            for len in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 40] {
                for stream in [0, 1, 3] {
                    let mut attack = Attack::begin();
                    attack.answers = None;
                    attack.send(&request(1, POST, false));
                    let mut bytes = vec![0, 0, len, kind, flags, 0, 0, 0, stream];
                    bytes.extend(std::iter::repeat_n(0xff, usize::from(len)));
                    attack.send(&bytes);
                    attack.send(&request(5, GET, true));
                }
            }
        }
    }
}

/// Gives back to a client exactly what it has sent.
#[test]
fn credit_is_conserved() {
    let mut attack = Attack::begin();
    attack.answers = None;
    attack.send(&request(1, POST, false));
    let (mut sent, mut connection, mut stream) = (0usize, 65_535i64, 65_536i64);
    let mut read = 0;
    while sent < 10_000_000 {
        let mut rest = &attack.written[read..];
        while let Some(header) = Header::read(rest) {
            let len = Header::LEN + header.len as usize;
            let frame = header.frame(&rest[Header::LEN..]).expect("a valid frame");
            if let Frame::WindowUpdate { stream: id, increment } = frame {
                *(if id == 0 { &mut connection } else { &mut stream }) += i64::from(increment);
            }
            rest = &rest[len..];
        }
        read = attack.written.len() - rest.len();
        assert!(connection <= 1 << 20 && stream <= 256 << 10, "{connection} {stream}");
        let room = connection.min(stream).min(16_384);
        assert!(room > 0, "the windows stay closed after {sent} bytes");
        attack.send(&frame(Kind::Data, 0, 1, &vec![b'a'; room as usize]));
        (sent, connection, stream) = (sent + room as usize, connection - room, stream - room);
    }
    assert_eq!((attack.received, attack.code()), (sent, None));
    // Batches: a frame for at least 32 KiB.
    let updates = attack.frames(Kind::WindowUpdate);
    assert!(updates < sent / (32 << 10) * 2, "{updates} updates for {sent} bytes");
}

/// A body that trickles in is cut off, and one that keeps to the rate is not.
#[test]
fn a_body_has_a_least_rate() {
    let upload = |bytes: usize, seconds: u64| {
        let mut attack = Attack::begin();
        attack.answers = None;
        attack.send(&request(1, POST, false));
        for _ in 0..seconds {
            attack.wait(Duration::from_secs(1));
            let mut frame = Vec::new();
            write::data(&mut frame, 1, bytes, false);
            frame.resize(frame.len() + bytes, 7);
            attack.send(&frame);
        }
        (attack.received, attack.frames(Kind::Headers))
    };
    assert_eq!(upload(600, 60), (36_000, 0));
    // 408 after 10 s and the time that the bytes are worth.
    let (received, answers) = upload(100, 60);
    assert!(received <= 1_200 && answers == 1, "{received}, {answers}");
}

/// Measures the machine with its heap: idle, with the HPACK table filled by entries of several sizes, and with 100
/// streams that wait for answers.
#[test]
fn idle_connections_and_streams_are_small() {
    let size = |attack: &mut Attack| {
        let _ = attack.machine.release();
        attack.machine.held() + size_of::<Connection>()
    };
    for (entries, value) in [(123, 0), (92, 10), (30, 100), (1, 4000)] {
        let mut attack = Attack::begin();
        attack.send(&request(1, GET, true));
        let idle = size(&mut attack);
        assert!(idle <= 2560, "{idle} bytes");

        for n in 0..entries {
            let mut block = [GET, &[0x40, 1, b'x']].concat();
            // The length as an integer with a prefix of 7 bits (RFC 7541 section 5.1).
            match value {
                4000 => block.extend([0x7f, 0xa1, 0x1e]),
                _ => block.push(value as u8),
            }
            block.extend(std::iter::repeat_n(b'0', value));
            attack.send(&request(3 + 2 * n, &block, true));
        }
        let filled = size(&mut attack);
        assert!(filled > idle && filled <= 7 << 10, "{filled} bytes with entries of {value}");

        attack.answers = None;
        for n in 0..100 {
            attack.send(&request(1001 + 2 * n, GET, true));
        }
        assert_eq!(attack.machine.streams(), 100);
        let stream = (size(&mut attack) - filled) / 100;
        assert!(stream <= 1 << 10, "{stream} bytes for each stream");
    }
}
