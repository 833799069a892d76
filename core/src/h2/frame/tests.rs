use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::h2::Scope;

/// The largest payload of a frame by default.
const MAX: u32 = 16_384;

fn parse(bytes: &[u8]) -> Result<Frame<'_>, Violation> {
    let header = Header::read(bytes).unwrap();
    header.check(MAX)?;
    header.frame(&bytes[Header::LEN..])
}

fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write::header(&mut out, payload.len(), kind, flags, stream);
    out.extend_from_slice(payload);
    out
}

fn fault(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Option<(ErrorCode, Scope)> {
    parse(&frame(kind, flags, stream, payload)).err().map(|violation| (violation.code, violation.scope))
}

const PROTOCOL: Option<(ErrorCode, Scope)> = Some((ErrorCode::PROTOCOL_ERROR, Scope::Connection));
const SIZE: Option<(ErrorCode, Scope)> = Some((ErrorCode::FRAME_SIZE_ERROR, Scope::Connection));

#[test]
fn what_is_written_is_parsed() {
    let written = |write: &dyn Fn(&mut Vec<u8>), expected: Frame<'_>| {
        let mut out = vec![];
        write(&mut out);
        assert_eq!(parse(&out), Ok(expected));
    };
    let (stream, code) = (MAX_31, ErrorCode::CANCEL);
    written(&|out| write::reset(out, stream, code), Frame::Reset { stream, code });
    written(&write::settings_ack, Frame::SettingsAck);
    written(&|out| write::ping(out, [7; 8], true), Frame::Ping { payload: [7; 8], ack: true });
    let (last_stream, debug) = (5, &b"why"[..]);
    written(&|out| write::go_away(out, last_stream, code, debug), Frame::GoAway { last_stream, code, debug });
    for stream in [0, 1] {
        let increment = MAX_31;
        written(
            &|out| write::window_update(out, stream, increment),
            Frame::WindowUpdate { stream, increment },
        );
    }
    let (prioritized, value) = (3, &b"u=1, i"[..]);
    written(
        &|out| write::priority_update(out, prioritized, value),
        Frame::PriorityUpdate { prioritized, value },
    );
    for end_stream in [false, true] {
        written(
            &|out| {
                write::data(out, stream, 2, end_stream);
                out.extend_from_slice(b"hi");
            },
            Frame::Data { stream, data: b"hi", padding: 0, end_stream },
        );
    }
}

#[test]
fn settings_are_written_and_parsed() {
    let all = [
        Setting::HeaderTableSize(0),
        Setting::EnablePush(false),
        Setting::MaxConcurrentStreams(100),
        Setting::InitialWindowSize(MAX_31),
        Setting::MaxFrameSize(0xff_ffff),
        Setting::MaxHeaderListSize(u32::MAX),
        Setting::EnableConnectProtocol(true),
        Setting::NoRfc7540Priorities(true),
    ];
    let mut out = vec![];
    write::settings(&mut out, &all);
    let Ok(Frame::Settings(entries)) = parse(&out) else { panic!() };
    assert_eq!((entries.len(), entries.is_empty()), (8, false));
    let mut settings = Settings::default();
    for (setting, expected) in entries.zip(all) {
        assert_eq!(setting, Ok(expected));
        settings.apply(expected);
    }
    assert_eq!(
        settings,
        Settings {
            header_table_size: 0,
            enable_push: false,
            max_concurrent_streams: Some(100),
            initial_window_size: MAX_31,
            max_frame_size: 0xff_ffff,
            max_header_list_size: Some(u32::MAX),
            enable_connect_protocol: true,
            no_rfc7540_priorities: true,
        }
    );
}

#[test]
fn unknown_settings_are_ignored_and_counted() {
    let payload = [0, 7, 0, 0, 0, 1, 0xff, 0xff, 1, 2, 3, 4, 0, 3, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0];
    let bytes = frame(Kind::Settings, 0, 0, &payload);
    let Ok(Frame::Settings(mut entries)) = parse(&bytes) else { panic!() };
    assert_eq!(entries.len(), 4);
    assert_eq!(entries.next(), Some(Ok(Setting::MaxConcurrentStreams(9))));
    assert_eq!((entries.next(), entries.len()), (None, 0));
}

/// CVE-2026-33814, Go: a client used SETTINGS_MAX_FRAME_SIZE before it was checked.
#[test]
fn settings_have_valid_values_only() {
    let code = |id, value| Setting::read(id, value).err().map(|violation| violation.code);
    for (id, valid, invalid) in [
        (0x1, &[0, 4_096, u32::MAX][..], &[][..]),
        (0x2, &[0, 1], &[2, u32::MAX]),
        (0x3, &[0, u32::MAX], &[]),
        (0x5, &[16_384, 16_777_215], &[0, 1, 16_383, 1 << 24, u32::MAX]),
        (0x6, &[0, u32::MAX], &[]),
        (0x8, &[0, 1], &[2]),
        (0x9, &[0, 1], &[2]),
    ] {
        for &value in valid {
            let setting = Setting::read(id, value).unwrap().unwrap();
            assert_eq!(setting.entry(), (id, value));
        }
        for &value in invalid {
            assert_eq!(code(id, value), Some(ErrorCode::PROTOCOL_ERROR), "{id} {value}");
        }
    }
    assert_eq!(code(0x4, MAX_31), None);
    assert_eq!(code(0x4, MAX_31 + 1), Some(ErrorCode::FLOW_CONTROL_ERROR));
}

#[test]
fn reserved_bits_are_ignored() {
    let mut bytes = vec![0, 0, 4, 8, 0, 0x80, 0, 0, 1];
    bytes.extend_from_slice(&[0x80, 0, 0, 9]);
    assert_eq!(parse(&bytes), Ok(Frame::WindowUpdate { stream: 1, increment: 9 }));
}

#[test]
fn frames_belong_on_a_stream_or_on_the_connection() {
    let of_streams = [
        (Kind::Data, 1),
        (Kind::Headers, 1),
        (Kind::Priority, 5),
        (Kind::Reset, 4),
        (Kind::PushPromise, 4),
        (Kind::Continuation, 1),
    ];
    for (kind, len) in of_streams {
        assert_eq!(fault(kind, 0, 0, &[0; 8][..len]), PROTOCOL, "{kind:?}");
        assert_eq!(fault(kind, 0, 1, &[0; 8][..len]), None, "{kind:?}");
    }
    for (kind, len) in [(Kind::Settings, 6), (Kind::Ping, 8), (Kind::GoAway, 8), (Kind::PriorityUpdate, 5)] {
        let payload = &[0, 0, 0, 1, 0, 0, 0, 0][..len];
        assert_eq!(fault(kind, 0, 1, payload), PROTOCOL, "{kind:?}");
        assert_eq!(fault(kind, 0, 0, payload), None, "{kind:?}");
    }
}

#[test]
fn sizes_are_checked() {
    for len in 0..20 {
        let payload = &[1; 20][..len];
        let other = |right: bool| if right { None } else { SIZE };
        assert_eq!(fault(Kind::Reset, 0, 1, payload), other(len == 4));
        assert_eq!(fault(Kind::Ping, 0, 0, payload), other(len == 8));
        assert_eq!(fault(Kind::GoAway, 0, 0, payload), other(len >= 8));
        assert_eq!(fault(Kind::WindowUpdate, 0, 0, payload), other(len == 4));
        assert_eq!(fault(Kind::WindowUpdate, 0, 1, payload), other(len == 4));
        assert_eq!(fault(Kind::PriorityUpdate, 0, 0, payload), other(len >= 4));
        assert_eq!(fault(Kind::Settings, 0, 0, payload), other(len % 6 == 0));
        assert_eq!(fault(Kind::Settings, flags::ACK, 0, payload), other(len == 0));
        let of_stream = Some((ErrorCode::FRAME_SIZE_ERROR, Scope::Stream));
        assert_eq!(fault(Kind::Priority, 0, 1, payload), if len == 5 { None } else { of_stream });
    }
}

#[test]
fn a_large_frame_is_rejected_by_its_header() {
    for kind in 0..=255 {
        for stream in [0, 1] {
            let header = Header { len: MAX + 1, kind: Kind::from_octet(kind), flags: 0, stream };
            assert_eq!(header.check(MAX).unwrap_err().code, ErrorCode::FRAME_SIZE_ERROR, "{kind}");
        }
    }
}

#[test]
fn an_increment_of_0_ends_the_stream_or_the_connection() {
    let zero = [0x80, 0, 0, 0];
    assert_eq!(fault(Kind::WindowUpdate, 0, 0, &zero), PROTOCOL);
    let of_stream = Some((ErrorCode::PROTOCOL_ERROR, Scope::Stream));
    assert_eq!(fault(Kind::WindowUpdate, 0, 1, &zero), of_stream);
    assert_eq!(fault(Kind::PriorityUpdate, 0, 0, &zero), PROTOCOL);
}

#[test]
fn padding_is_shorter_than_the_payload() {
    for kind in [Kind::Data, Kind::Headers] {
        assert_eq!(fault(kind, flags::PADDED, 1, &[]), SIZE);
        assert_eq!(fault(kind, flags::PADDED, 1, &[1]), PROTOCOL);
        assert_eq!(fault(kind, flags::PADDED, 1, &[5, 1, 2, 3, 4]), PROTOCOL);
        assert_eq!(fault(kind, flags::PADDED, 1, &[4, 1, 2, 3, 4]), None);
        assert_eq!(fault(kind, flags::PADDED, 1, &[0]), None);
    }
    let bytes = frame(Kind::Data, flags::PADDED, 1, &[2, 7, 0, 0]);
    assert_eq!(parse(&bytes), Ok(Frame::Data { stream: 1, data: &[7], padding: 3, end_stream: false }));
}

#[test]
fn priority_and_padding_of_headers_are_removed() {
    let both = flags::PADDED | flags::PRIORITY;
    let bytes = frame(Kind::Headers, both, 1, &[2, 0x80, 0, 0, 1, 9, b'a', b'b', 0, 0]);
    let (stream, end_stream, end_headers) = (1, false, false);
    assert_eq!(parse(&bytes), Ok(Frame::Headers { stream, fragment: b"ab", end_stream, end_headers }));
    for len in 0..5 {
        assert_eq!(fault(Kind::Headers, flags::PRIORITY, 1, &[0; 5][..len]), SIZE);
    }
    // The priority fits, and then the padding does not.
    assert_eq!(fault(Kind::Headers, both, 1, &[1, 0, 0, 0, 0, 0]), PROTOCOL);
}

#[test]
fn data_in_parts_has_the_layout_of_the_whole() {
    for (flags, len, first, expected) in [
        (0, 10, None, Some((0, 10, 0))),
        (0, 0, None, Some((0, 0, 0))),
        (flags::PADDED, 10, None, None),
        (flags::PADDED, 10, Some(9), Some((1, 0, 9))),
        (flags::PADDED, 10, Some(0), Some((1, 9, 0))),
    ] {
        let header = Header { len, kind: Kind::Data, flags, stream: 1 };
        let layout = header.layout(first.as_slice()).unwrap();
        let expected = expected.map(|(before, data, after)| Layout { before, data, after });
        assert_eq!(layout, expected);
    }
    let header = Header { len: 10, kind: Kind::Data, flags: flags::PADDED, stream: 1 };
    assert_eq!(header.layout(&[10]).unwrap_err().code, ErrorCode::PROTOCOL_ERROR);
}

/// Advisories of HAProxy and `h2` of 2026: lengths of padding and priority were read before they were checked; and of
/// Go and nghttp2 (CVE-2018-1000168): types of frames without a parser.
#[test]
fn any_type_length_and_flags_give_a_frame_or_a_violation() {
    for kind in 0..=255 {
        for len in 0..300usize {
            for bits in 0..64u8 {
                // The flags that a parser looks at, and all others.
                let flags = bits & 0x2d | if bits & 2 == 0 { 0 } else { 0xd2 };
                if kind > 1 && (flags & 0x28 != 0 || len > 20) {
                    continue;
                }
                let header = Header { len: len as u32, kind: Kind::from_octet(kind), flags, stream: 1 };
                let payload = vec![255; len];
                let _ = header.check(MAX);
                assert_eq!(header.kind.octet(), kind);
                assert!(header.frame(&payload[..len.saturating_sub(1)]).is_err() || len == 0);
                if let Ok(Frame::Data { data, padding, .. }) = header.frame(&payload) {
                    assert_eq!(data.len() + padding, len);
                }
            }
        }
    }
}

#[test]
fn a_long_header_block_is_continued() {
    for len in [0, 1, 9, 10, 11, 20, 21, 55] {
        let block: Vec<u8> = (0..len).collect();
        let mut out = b"before".to_vec();
        let at = write::begin_headers(&mut out);
        out.extend_from_slice(&block);
        write::end_headers(&mut out, at, 3, true, 10);
        assert_eq!(&out[..6], b"before");
        let (mut rest, mut all, mut first, mut done) = (&out[6..], vec![], true, false);
        while !rest.is_empty() {
            assert!(!done);
            let header = Header::read(rest).unwrap();
            assert!(header.check(10).is_ok());
            done = match header.frame(&rest[Header::LEN..]).unwrap() {
                Frame::Headers { stream: 3, fragment, end_stream: true, end_headers } if first => {
                    all.extend_from_slice(fragment);
                    end_headers
                }
                Frame::Continuation { stream: 3, fragment, end_headers } if !first => {
                    all.extend_from_slice(fragment);
                    end_headers
                }
                other => panic!("{other:?}"),
            };
            first = false;
            rest = &rest[Header::LEN + header.len as usize..];
        }
        assert!(done);
        assert_eq!(all, block);
    }
}

#[test]
fn an_incomplete_header_is_no_header() {
    let bytes = frame(Kind::Ping, 0, 0, &[]);
    for len in 0..Header::LEN {
        assert_eq!(Header::read(&bytes[..len]), None);
    }
    assert!(Header::read(&bytes).is_some());
}
