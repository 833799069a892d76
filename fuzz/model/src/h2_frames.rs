//! Frames of HTTP/2.

use stelo_core::h2::ErrorCode;
use stelo_core::h2::frame::{Frame, Header, Layout, MAX_31, Setting, Settings, flags, write};

use crate::peer::MOST;
use crate::reference::h2_frames as reference;
use crate::source::Source;

/// Checks that the parser and the reference agree on frames, one after the other: the same parts, or the same fault.
/// A frame is the same after it is written.
///
/// The input: the largest payload; the frames.
pub fn h2_frames(input: &[u8]) {
    let mut source = Source::new(&input[..input.len().min(MOST)]);
    let max: u32 = source.pick(&[16_384, 20]);
    let mut rest = source.rest();
    while let Some(header) = Header::read(rest) {
        let payload = &rest[Header::LEN..];
        let Some((len, expected)) = reference::read(rest, max as usize) else {
            // An incomplete frame may be wrong already, but has no content.
            let fault = header.check(max).err().or(header.frame(payload).err());
            return assert!(fault.is_some());
        };
        match (header.check(max).and_then(|()| header.frame(payload)), expected) {
            (Err(violation), Err(fault)) => {
                assert_eq!((violation.code, violation.scope), fault, "{violation}");
                assert!(violation.rule.is_ascii());
                if header.len > max {
                    return;
                }
            }
            (Ok(frame), Ok(expected)) => {
                assert_eq!(header.len as usize, expected.content.len() + expected.removed);
                agree(&header, frame, &expected);
                round_trip(frame, &expected);
            }
            (parsed, expected) => panic!("{parsed:?} instead of {expected:?}"),
        }
        rest = &rest[len..];
    }
    assert!(rest.len() < Header::LEN);
}

/// Checks each part of a frame.
fn agree(header: &Header, frame: Frame<'_>, expected: &reference::Frame<'_>) {
    let (on, of) = (expected.stream, expected.content);
    let word = |at: usize| u32::from_be_bytes(of[at..at + 4].try_into().unwrap());
    let flag = |flag: u8| expected.flags & flag != 0;
    assert_eq!(header.kind.octet(), expected.kind);
    match frame {
        Frame::Data { stream, data, padding, end_stream } => {
            assert_eq!((expected.kind, stream, data, padding), (0, on, of, expected.removed));
            assert_eq!(end_stream, flag(flags::END_STREAM));
            let before = usize::from(flag(flags::PADDED));
            let layout = Layout { before, data: data.len(), after: padding - before };
            let first = [layout.after as u8];
            assert_eq!(header.layout(&first), Ok(Some(layout)));
        }
        Frame::Headers { stream, fragment, end_stream, end_headers } => {
            assert_eq!((expected.kind, stream, fragment), (1, on, of));
            let both = (flag(flags::END_STREAM), flag(flags::END_HEADERS));
            assert_eq!((end_stream, end_headers), both);
        }
        Frame::Priority { stream } => assert_eq!((expected.kind, stream), (2, on)),
        Frame::Reset { stream, code } => {
            assert_eq!((expected.kind, stream, code), (3, on, ErrorCode(word(0))));
        }
        Frame::Settings(entries) => {
            assert_eq!((expected.kind, entries.len(), flag(flags::ACK)), (4, of.len() / 6, false));
        }
        Frame::SettingsAck => assert_eq!((expected.kind, of.len(), flag(flags::ACK)), (4, 0, true)),
        Frame::PushPromise { stream } => assert_eq!((expected.kind, stream), (5, on)),
        Frame::Ping { payload, ack } => {
            assert_eq!((expected.kind, &payload[..], ack), (6, of, flag(flags::ACK)));
        }
        Frame::GoAway { last_stream, code, debug } => {
            let parts = (word(0) & MAX_31, ErrorCode(word(4)), &of[8..]);
            assert_eq!((expected.kind, (last_stream, code, debug)), (7, parts));
        }
        Frame::WindowUpdate { stream, increment } => {
            assert_eq!((expected.kind, stream, increment), (8, on, word(0) & MAX_31));
        }
        Frame::Continuation { stream, fragment, end_headers } => {
            assert_eq!((expected.kind, stream, fragment), (9, on, of));
            assert_eq!(end_headers, flag(flags::END_HEADERS));
        }
        Frame::PriorityUpdate { prioritized, value } => {
            assert_eq!((expected.kind, prioritized, value), (16, word(0) & MAX_31, &of[4..]));
        }
        Frame::Unknown { kind } => {
            assert_eq!(kind, expected.kind);
            assert!(!matches!(kind, 0..=9 | 16));
        }
    }
}

/// Writes a frame, and checks that it is parsed as the same.
fn round_trip(frame: Frame<'_>, expected: &reference::Frame<'_>) {
    let mut out = Vec::new();
    match frame {
        Frame::Data { stream, data, end_stream, .. } => {
            write::data(&mut out, stream, data.len(), end_stream);
            out.extend_from_slice(data);
        }
        Frame::Headers { stream, fragment, end_stream, end_headers: true } => {
            return block(stream, fragment, end_stream);
        }
        Frame::Reset { stream, code } => write::reset(&mut out, stream, code),
        Frame::Settings(entries) => {
            let Ok(settings) = entries.collect::<Result<Vec<_>, _>>() else { return };
            write::settings(&mut out, &settings);
            return settings_agree(expected.content, &settings);
        }
        Frame::SettingsAck => write::settings_ack(&mut out),
        Frame::Ping { payload, ack } => write::ping(&mut out, payload, ack),
        Frame::GoAway { last_stream, code, debug } => write::go_away(&mut out, last_stream, code, debug),
        Frame::WindowUpdate { stream, increment } => write::window_update(&mut out, stream, increment),
        Frame::PriorityUpdate { prioritized, value } => {
            write::priority_update(&mut out, prioritized, value);
        }
        // A connection does not write them, or writes them with the frame before.
        _ => return,
    }
    let (len, written) = reference::read(&out, usize::MAX).unwrap();
    let written = written.unwrap();
    assert_eq!((len, written.kind, written.stream), (out.len(), expected.kind, expected.stream));
    let header = Header::read(&out).unwrap();
    let again = header.frame(&out[Header::LEN..]).unwrap();
    match (frame, again) {
        (Frame::Data { data, end_stream, .. }, Frame::Data { data: d, end_stream: e, padding: 0, .. }) => {
            assert_eq!((data, end_stream), (d, e));
        }
        _ => assert_eq!(frame, again),
    }
}

/// Writes a header block for a peer with small frames, and checks that its parts are the block.
fn block(stream: u32, fragment: &[u8], end_stream: bool) {
    let mut out = Vec::new();
    let at = write::begin_headers(&mut out);
    out.extend_from_slice(fragment);
    write::end_headers(&mut out, at, stream, end_stream, 10);
    let (mut rest, mut all, mut parts, mut done) = (&out[..], Vec::new(), 0, false);
    while !rest.is_empty() {
        assert!(!done);
        let (len, frame) = reference::read(rest, 10).unwrap();
        let frame = frame.unwrap();
        let flags = if parts == 0 && end_stream { flags::END_STREAM } else { 0 };
        done = frame.flags & flags::END_HEADERS != 0;
        assert_eq!(frame.flags & !flags::END_HEADERS, flags);
        assert_eq!((frame.kind, frame.stream), (if parts == 0 { 1 } else { 9 }, stream));
        all.extend_from_slice(frame.content);
        (rest, parts) = (&rest[len..], parts + 1);
    }
    assert!(done && all == fragment);
}

/// Checks that settings have the values of their entries, the last one of each identifier.
fn settings_agree(payload: &[u8], settings: &[Setting]) {
    let mut applied = Settings::default();
    settings.iter().for_each(|&setting| applied.apply(setting));
    let last = |id: u8, initial: u32| {
        let mut entries = payload.chunks(6).filter(|entry| entry[..2] == [0, id]);
        entries.next_back().map_or(initial, |entry| u32::from_be_bytes(entry[2..].try_into().unwrap()))
    };
    let initial = Settings::INITIAL;
    assert_eq!(applied.header_table_size, last(1, initial.header_table_size));
    assert_eq!(u32::from(applied.enable_push), last(2, 1));
    assert_eq!(applied.max_concurrent_streams.unwrap_or(7), last(3, 7));
    assert_eq!(applied.initial_window_size, last(4, initial.initial_window_size));
    assert_eq!(applied.max_frame_size, last(5, initial.max_frame_size));
    assert_eq!(applied.max_header_list_size.unwrap_or(7), last(6, 7));
    assert_eq!(u32::from(applied.enable_connect_protocol), last(8, 0));
    assert_eq!(u32::from(applied.no_rfc7540_priorities), last(9, 0));
    assert!(applied.initial_window_size <= MAX_31 && (16_384..1 << 24).contains(&applied.max_frame_size));
}
