//! A blocking HTTP/2 client, frame by frame.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Write};

use stelo_core::h2::ErrorCode;
use stelo_core::h2::frame::{Frame, Header, Kind, PREFACE, Setting, write};
use stelo_core::h2::hpack::{BlockLimits, Decoder, FieldLines, Indexing, literal};

use crate::{Client, Wire};

/// The window of each stream and of the connection, in bytes: small enough that large responses wait for it.
const WINDOW: u32 = 100_000;

/// An HTTP/2 client over a connection. It answers SETTINGS and PING, and opens windows again as it reads.
pub struct Http2Client<S = std::net::TcpStream> {
    connection: Client<S>,
    decoder: Decoder,
    /// The answers that are not complete.
    answers: BTreeMap<u32, Http2Answer>,
    /// The bytes that the server accepts on the connection, and on each stream.
    window: i64,
    initial: i64,
    windows: BTreeMap<u32, i64>,
    /// The streams whose responses are reported as they come.
    tunnels: BTreeSet<u32>,
    /// The news that were read and not reported.
    waiting: VecDeque<Http2News>,
}

/// A response, or what there is of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Http2Answer {
    /// The status of the final response.
    pub status: u16,
    /// The header fields, then the trailer fields.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The code of RST_STREAM, if the stream was reset.
    pub reset: Option<ErrorCode>,
}

/// A message from the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Http2News {
    /// A response is complete, or its stream was reset.
    Answer(u32, Http2Answer),
    /// The head of the answer to a CONNECT.
    Head(u32, Http2Answer),
    /// Bytes of the stream of a CONNECT.
    Data(u32, Vec<u8>),
    /// The server has ended its side of the stream of a CONNECT.
    End(u32),
    /// GOAWAY: the last stream and the code.
    GoAway(u32, ErrorCode),
}

impl<S: Wire> Http2Client<S> {
    /// Begins HTTP/2 on a connection.
    #[track_caller]
    pub fn new(mut connection: Client<S>) -> Self {
        let mut first = PREFACE.to_vec();
        write::settings(&mut first, &[Setting::InitialWindowSize(WINDOW)]);
        connection.send(first);
        Self {
            connection,
            decoder: Decoder::new(4_096),
            answers: BTreeMap::new(),
            window: 65_535,
            initial: 65_535,
            windows: BTreeMap::new(),
            tunnels: BTreeSet::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Returns the connection.
    pub fn connection(&mut self) -> &mut Client<S> {
        &mut self.connection
    }

    /// Sends the head of a request.
    #[track_caller]
    pub fn head(&mut self, stream: u32, method: &str, path: &str, fields: &[(&str, &str)], end: bool) {
        let mut out = Vec::new();
        let at = write::begin_headers(&mut out);
        // CONNECT has neither scheme nor path, but a port; an extended one is like any other request.
        let pseudo = match method == "CONNECT" && !fields.iter().any(|(name, _)| *name == ":protocol") {
            true => &[(":method", method), (":authority", "a:80")][..],
            false => &[(":method", method), (":scheme", "http"), (":path", path), (":authority", "a")],
        };
        for (name, value) in pseudo.iter().chain(fields) {
            literal(&mut out, Indexing::Without, name.as_bytes(), value.as_bytes());
        }
        write::end_headers(&mut out, at, stream, end, 16_384);
        self.windows.insert(stream, self.initial);
        self.connection.send(out);
    }

    /// Sends a GET request.
    #[track_caller]
    pub fn get(&mut self, stream: u32, path: &str) {
        self.head(stream, "GET", path, &[], true);
    }

    /// Sends a POST request with a body, as the windows of the server allow. Answers that come meanwhile are kept.
    #[track_caller]
    pub fn post(&mut self, stream: u32, path: &str, body: &[u8]) {
        self.head(stream, "POST", path, &[], false);
        let mut rest = body;
        while !rest.is_empty() {
            match self.try_data(stream, rest, true).expect("the server reads") {
                0 => assert_eq!(self.step(), None, "the server reads the whole body"),
                n => rest = &rest[n..],
            }
        }
    }

    /// Sends an extended CONNECT. The stream is reported as it goes on.
    #[track_caller]
    pub fn extended_connect(&mut self, stream: u32, protocol: &str, path: &str, fields: &[(&str, &str)]) {
        self.tunnels.insert(stream);
        let fields = [&[(":protocol", protocol)], fields].concat();
        self.head(stream, "CONNECT", path, &fields, false);
    }

    /// Sends a CONNECT. The stream is reported as it goes on.
    #[track_caller]
    pub fn connect(&mut self, stream: u32) {
        self.tunnels.insert(stream);
        self.head(stream, "CONNECT", "", &[], false);
    }

    /// Sends as many of these bytes in one frame as the windows of the server allow now, and returns their number.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn try_data(&mut self, stream: u32, bytes: &[u8], end: bool) -> io::Result<usize> {
        let window = self.windows.get(&stream).copied().unwrap_or_default();
        let room = self.window.min(window).clamp(0, 16_384) as usize;
        let piece = &bytes[..bytes.len().min(room)];
        if piece.is_empty() && !bytes.is_empty() {
            return Ok(0);
        }
        let mut out = Vec::new();
        write::data(&mut out, stream, piece.len(), end && piece.len() == bytes.len());
        out.extend_from_slice(piece);
        self.connection.try_send(out)?;
        self.window -= piece.len() as i64;
        *self.windows.entry(stream).or_default() -= piece.len() as i64;
        Ok(piece.len())
    }

    /// Ends the sending side of a stream.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn end(&self, stream: u32) -> io::Result<()>
    where
        for<'a> &'a S: Write,
    {
        let mut out = Vec::new();
        write::data(&mut out, stream, 0, true);
        self.connection.socket().write_all(&out)
    }

    /// Resets a stream.
    #[track_caller]
    pub fn reset(&mut self, stream: u32) {
        let mut out = Vec::new();
        write::reset(&mut out, stream, ErrorCode::CANCEL);
        self.connection.send(out);
    }

    /// Reads until there is something to report.
    #[track_caller]
    pub fn news(&mut self) -> Http2News {
        loop {
            if let Some(news) = self.next_news() {
                return news;
            }
            self.turn();
        }
    }

    /// Returns what has been read and not reported.
    pub fn next_news(&mut self) -> Option<Http2News> {
        self.waiting.pop_front()
    }

    /// Reads one frame, which may open a window.
    #[track_caller]
    pub fn turn(&mut self) {
        let news = self.step();
        self.waiting.extend(news);
    }

    /// Reads the next answer.
    #[track_caller]
    pub fn answer(&mut self) -> (u32, Http2Answer) {
        match self.news() {
            Http2News::Answer(stream, answer) => (stream, answer),
            other => panic!("no answer but {other:?}"),
        }
    }

    /// Reads a frame, and acts on it.
    #[track_caller]
    fn step(&mut self) -> Option<Http2News> {
        let bytes = self.connection.exactly(Header::LEN);
        let header = Header::read(&bytes).expect("a whole header");
        assert!(header.len <= 16_384, "a frame that was not allowed: {header:?}");
        let payload = self.connection.exactly(header.len as usize);
        let mut out = Vec::new();
        let news = match header.frame(&payload).expect("a valid frame") {
            Frame::Settings(entries) => {
                for setting in entries {
                    if let Setting::InitialWindowSize(window) = setting.expect("a valid setting") {
                        let moved = i64::from(window) - self.initial;
                        self.initial += moved;
                        self.windows.values_mut().for_each(|window| *window += moved);
                    }
                }
                write::settings_ack(&mut out);
                None
            }
            Frame::Ping { payload, ack: false } => {
                write::ping(&mut out, payload, true);
                None
            }
            Frame::WindowUpdate { stream: 0, increment } => {
                self.window += i64::from(increment);
                None
            }
            Frame::WindowUpdate { stream, increment } => {
                *self.windows.entry(stream).or_default() += i64::from(increment);
                None
            }
            Frame::Headers { stream, fragment, end_stream, end_headers } => {
                assert!(end_headers, "heads are short here");
                self.read_head(stream, fragment);
                match self.tunnels.contains(&stream) {
                    true => {
                        let answer = self.answers.remove(&stream).unwrap_or_default();
                        self.waiting.push_back(Http2News::Head(stream, answer));
                        self.waiting.extend(end_stream.then_some(Http2News::End(stream)));
                        None
                    }
                    false => self.ended(stream, end_stream),
                }
            }
            Frame::Data { stream, data, end_stream, .. } => {
                if !data.is_empty() {
                    write::window_update(&mut out, 0, header.len);
                    write::window_update(&mut out, stream, header.len);
                }
                if self.tunnels.contains(&stream) {
                    self.waiting.extend((!data.is_empty()).then(|| Http2News::Data(stream, data.to_vec())));
                    self.waiting.extend(end_stream.then_some(Http2News::End(stream)));
                    None
                } else {
                    self.answers.entry(stream).or_default().body.extend_from_slice(data);
                    self.ended(stream, end_stream)
                }
            }
            Frame::Reset { stream, code } => {
                let mut answer = self.answers.remove(&stream).unwrap_or_default();
                answer.reset = Some(code);
                Some(Http2News::Answer(stream, answer))
            }
            Frame::GoAway { last_stream, code, .. } => Some(Http2News::GoAway(last_stream, code)),
            _ => {
                assert!(matches!(header.kind, Kind::Settings | Kind::Ping), "not expected: {header:?}");
                None
            }
        };
        if !out.is_empty() {
            // The server may be about to close.
            let _ = self.connection.try_send(out);
        }
        news
    }

    fn read_head(&mut self, stream: u32, fragment: &[u8]) {
        let mut lines = FieldLines::default();
        self.decoder.begin(BlockLimits::default());
        self.decoder.decode(fragment, &mut lines).expect("a valid block");
        self.decoder.finish().expect("a valid block");
        let answer = self.answers.entry(stream).or_default();
        for (name, value) in lines.iter() {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            match name {
                b":status" => answer.status = text(value).parse().expect("a status"),
                _ => answer.fields.push((text(name), text(value))),
            }
        }
    }

    fn ended(&mut self, stream: u32, ends: bool) -> Option<Http2News> {
        let answer = ends.then(|| self.answers.remove(&stream)).flatten()?;
        Some(Http2News::Answer(stream, answer))
    }
}

impl Http2Answer {
    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
