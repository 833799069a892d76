//! The client's view of what a server writes.

use std::collections::BTreeMap;

use stelo_core::h2::frame::{Frame, Header, Setting};
use stelo_core::h2::hpack::{BlockLimits, Decoder, FieldLines};

/// A response as far as it has come.
#[derive(Default, Debug)]
pub(super) struct Received {
    /// 0 before the head of the final response.
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) ended: bool,
    pub(super) reset: bool,
}

/// Parses what a server writes, and checks the rules that it has to keep.
pub(super) struct Client {
    bytes: Vec<u8>,
    decoder: Decoder,
    /// The header block that is incomplete, its stream, and whether it ends the stream.
    block: Option<(Vec<u8>, u32, bool)>,
    has_settings: bool,
    /// The last stream of GOAWAY, which never rises.
    last_stream: u32,
    /// Whether GOAWAY with an error was read.
    is_over: bool,
    pub(super) received: BTreeMap<u32, Received>,
}

impl Client {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            decoder: Decoder::new(4_096),
            block: None,
            has_settings: false,
            last_stream: u32::MAX,
            is_over: false,
            received: BTreeMap::new(),
        }
    }

    /// Takes bytes of the server.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        while let Some(header) = Header::read(&self.bytes) {
            let end = Header::LEN + header.len as usize;
            let Some(payload) = self.bytes.get(Header::LEN..end).map(<[u8]>::to_vec) else { return };
            self.frame(&header, &payload);
            self.bytes.drain(..end);
        }
    }

    fn frame(&mut self, header: &Header, payload: &[u8]) {
        let frame = header.frame(payload).expect("a valid frame");
        let continues = matches!(frame, Frame::Continuation { .. });
        assert_eq!(self.block.is_some(), continues, "{frame:?} in or outside of a header block");
        assert!(self.has_settings || matches!(frame, Frame::Settings(_)), "{frame:?} before SETTINGS");
        assert!(!self.is_over, "{frame:?} after an error");
        match frame {
            Frame::Settings(entries) => {
                self.has_settings = true;
                for setting in entries {
                    assert!(!matches!(setting, Ok(Setting::EnablePush(true)) | Err(_)), "{setting:?}");
                }
            }
            Frame::Headers { stream, fragment, end_stream, end_headers } => {
                self.block = Some((fragment.to_vec(), stream, end_stream));
                self.end_block(end_headers);
            }
            Frame::Continuation { stream, fragment, end_headers } => {
                let block = self.block.as_mut().expect("a block");
                assert_eq!(block.1, stream);
                block.0.extend_from_slice(fragment);
                self.end_block(end_headers);
            }
            Frame::Data { stream, data, end_stream, .. } => {
                let received = self.open(stream);
                assert_ne!(received.status, 0, "DATA before the head");
                received.body.extend_from_slice(data);
                received.ended = end_stream;
            }
            // A response may end before RST_STREAM with NO_ERROR.
            Frame::Reset { stream, .. } => {
                let received = self.received.entry(stream).or_default();
                assert!(!received.reset, "stream {stream} is reset twice");
                received.reset = true;
            }
            Frame::GoAway { last_stream, code, .. } => {
                assert!(last_stream <= self.last_stream);
                self.last_stream = last_stream;
                self.is_over = code.0 != 0;
            }
            Frame::WindowUpdate { increment, .. } => assert_ne!(increment, 0),
            Frame::SettingsAck | Frame::Ping { .. } => {}
            other => panic!("a server does not send {other:?}"),
        }
    }

    /// Returns the response of a stream that goes on.
    fn open(&mut self, stream: u32) -> &mut Received {
        assert!(stream % 2 == 1, "stream {stream}");
        let received = self.received.entry(stream).or_default();
        assert!(!received.ended && !received.reset, "stream {stream} has ended");
        received
    }

    fn end_block(&mut self, end_headers: bool) {
        let Some((block, stream, ends)) = self.block.take_if(|_| end_headers) else { return };
        let mut lines = FieldLines::default();
        self.decoder.begin(BlockLimits::default());
        self.decoder.decode(&block, &mut lines).expect("a valid block");
        assert_eq!(self.decoder.finish(), Ok(None));
        let status = lines.iter().find(|(name, _)| *name == b":status").map(|(_, value)| value.to_vec());
        let received = self.open(stream);
        match status {
            Some(status) => {
                assert_eq!(received.status, 0, "two heads on stream {stream}");
                let status = String::from_utf8_lossy(&status).parse().expect("a status");
                received.status = if status < 200 { 0 } else { status };
            }
            None => assert!(received.status != 0 && ends, "trailers without an end"),
        }
        received.ended = ends;
    }
}
