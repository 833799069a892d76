//! Tests of valid and invalid frames (RFC 6455 sections 5.2 to 5.7).

use super::*;

/// Returns invalid frames, each with the close code and the reason of the answer.
fn bad_frames() -> Vec<(Vec<u8>, u16, &'static str)> {
    let mut unmasked = frame(0x81, b"hi");
    unmasked[1] &= 0x7f;
    let masked = |header: &[u8]| [header, &KEY].concat();
    alloc::vec![
        (unmasked, 1002, "incorrect masking"),
        (alloc::vec![0x81, 0x05], 1002, "incorrect masking"),
        (frame(0x91, b"hi"), 1002, "reserved bits must be 0"),
        (frame(0xa1, b"hi"), 1002, "reserved bits must be 0"),
        // RSV1 without compression.
        (frame(0xc1, b"hi"), 1002, "reserved bits must be 0"),
        (frame(0xc9, b""), 1002, "reserved bits must be 0"),
        (frame(0x83, b""), 1002, "invalid opcode"),
        (frame(0x87, b""), 1002, "invalid opcode"),
        (frame(0x8b, b""), 1002, "invalid opcode"),
        (frame(0x8f, b""), 1002, "invalid opcode"),
        (frame(0x80, b"hi"), 1002, "unexpected continuation frame"),
        (frame(0x00, b"hi"), 1002, "unexpected continuation frame"),
        ([frame(0x01, b"a"), frame(0x81, b"b")].concat(), 1002, "expected a continuation frame"),
        ([frame(0x02, b"a"), frame(0x02, b"b")].concat(), 1002, "expected a continuation frame"),
        (frame(0x89, &[0; 126]), 1002, "control frame too long"),
        (frame(0x88, &[3; 126]), 1002, "control frame too long"),
        (masked(&[0x8a, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]), 1002, "control frame too long"),
        (frame(0x09, b""), 1002, "fragmented control frame"),
        (frame(0x08, b""), 1002, "fragmented control frame"),
        (frame(0x88, &[3]), 1002, "close frame too short"),
        (close_frame(999, ""), 1002, "invalid status code"),
        (close_frame(1004, ""), 1002, "invalid status code"),
        (close_frame(1005, ""), 1002, "invalid status code"),
        (close_frame(1006, ""), 1002, "invalid status code"),
        (close_frame(1015, ""), 1002, "invalid status code"),
        (close_frame(2999, ""), 1002, "invalid status code"),
        (close_frame(5000, ""), 1002, "invalid status code"),
        (frame(0x88, &[3, 0xe8, 0xff]), 1007, "invalid UTF-8"),
        (frame(0x81, b"\xff"), 1007, "invalid UTF-8"),
        (frame(0x81, b"cut off \xe2\x82"), 1007, "invalid UTF-8"),
        ([frame(0x01, b"\xe2"), frame(0x00, b"\x82"), frame(0x80, b"")].concat(), 1007, "invalid UTF-8"),
        ([frame(0x01, b"\xe2"), frame(0x00, b"a"), frame(0x83, b"")].concat(), 1007, "invalid UTF-8"),
        // A length that is not in the shortest form, and one with the highest bit set.
        (masked(&[0x82, 0xfe, 0, 125]), 1002, "invalid payload length"),
        (masked(&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), 1002, "invalid payload length"),
        (masked(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 1, 0, 0]), 1002, "invalid payload length"),
        (masked(&[0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 1]), 1009, "message exceeds the limit of 16777216 bytes"),
        (
            masked(&[0x82, 0xff, 0x7f, 0xff, 0, 0, 0, 0, 0, 0]),
            1009,
            "message exceeds the limit of 16777216 bytes"
        ),
    ]
}

#[test]
fn a_bad_frame_is_answered_with_a_close_frame() {
    for (bytes, code, reason) in bad_frames() {
        let (seen, written) = heard(&bytes);
        assert_eq!(seen, [Seen::Closing, closed(code, reason), Seen::Ended], "{bytes:x?}");
        assert_eq!(close_said(&written), (code, reason));
        assert_eq!(written.len(), 4 + reason.len());
    }
}

#[test]
fn messages_before_a_bad_frame_are_reported_and_later_ones_dropped() {
    for (bad, code, reason) in bad_frames() {
        let bytes = [frame(0x81, b"good"), bad, frame(0x81, b"late"), frame(0x89, b"late")].concat();
        let (seen, written) = heard(&bytes);
        let expected = [text("good"), Seen::Closing, closed(code, reason), Seen::Ended];
        assert_eq!(seen, expected);
        assert_eq!(close_said(&written), (code, reason));
    }
}

#[test]
fn a_client_rejects_masked_frames_and_accepts_unmasked_ones() {
    let mut refused = client(Config::DEFAULT);
    let seen = deliver(&mut refused, &frame(0x81, b"hi"));
    assert_eq!(seen, [Seen::Closing, closed(1002, "incorrect masking"), Seen::Ended]);
    let mut taken = client(Config::DEFAULT);
    assert_eq!(deliver(&mut taken, b"\x81\x02hi\x82\x01\xff"), [text("hi"), binary(b"\xff")]);
}

#[test]
fn the_examples_of_the_standard() {
    // RFC 6455 section 5.7.
    let hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(heard(hello), (alloc::vec![text("Hello")], alloc::vec![]));
    let mut client = client(Config::DEFAULT);
    assert_eq!(deliver(&mut client, b"\x81\x05Hello\x01\x03Hel\x80\x02lo"), [text("Hello"), text("Hello")]);
    assert_eq!(deliver(&mut client, b"\x89\x05Hello"), [Seen::Ping(b"Hello".to_vec())]);
    let (seen, written) = heard(&frame(0x89, b"Hello"));
    assert_eq!((seen, &*written), (alloc::vec![Seen::Ping(b"Hello".to_vec())], &b"\x8a\x05Hello"[..]));
}

#[test]
fn every_form_of_length_is_read_and_written() {
    for len in [0, 1, 125, 126, 127, 128, 4096, 4097, 0xffff, 0x1_0000, 0x1_0001, 200_000] {
        let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let mut server = server(Config::DEFAULT);
        assert_eq!(deliver(&mut server, &frame(0x82, &payload)), [binary(&payload)], "{len}");
        server.send(NOW, Command::Message(payload.clone().into())).unwrap();
        let mut client = client(Config::DEFAULT);
        let bytes = written(&mut server, NOW);
        let header = if len < 126 {
            2
        } else if len < 0x1_0000 {
            4
        } else {
            10
        };
        assert_eq!(bytes.len(), len + header);
        assert_eq!(deliver(&mut client, &bytes), [binary(&payload)], "{len}");
        client.send(NOW, Command::Message(payload.clone().into())).unwrap();
        let bytes = written(&mut client, NOW);
        assert_eq!(bytes.len(), len + header + 4);
        assert_eq!(deliver(&mut server, &bytes), [binary(&payload)], "{len}");
    }
}

#[test]
fn control_frames_may_come_between_fragments() {
    let bytes = [
        frame(0x01, "sal\u{16d}".as_bytes()),
        frame(0x89, b"1"),
        frame(0x00, b""),
        frame(0x8a, b"2"),
        frame(0x80, b"ton"),
        frame(0x82, b""),
    ];
    let (seen, written) = heard(&bytes.concat());
    let pong = Seen::Pong(b"2".to_vec());
    assert_eq!(seen, [Seen::Ping(b"1".to_vec()), pong, text("sal\u{16d}ton"), binary(b"")]);
    assert_eq!(written, b"\x8a\x011");
}

#[test]
fn invalid_text_is_rejected_before_the_message_is_complete() {
    let mut server = server(Config::DEFAULT);
    // The second byte shows that the character is too large. 100 more bytes are declared.
    let frame = frame(0x81, &[b"\xf4\x90".as_slice(), &[0; 98]].concat());
    assert_eq!(deliver(&mut server, &frame[..7]), []);
    let seen = deliver(&mut server, &frame[7..8]);
    assert_eq!(seen, [Seen::Closing, closed(1007, "invalid UTF-8"), Seen::Ended]);
}

#[test]
fn a_message_is_borrowed_if_all_of_it_is_buffered() {
    let mut server = server(Config::DEFAULT);
    server.receive(
        NOW,
        &[frame(0x81, b"one"), frame(0x82, b"two"), frame(0x02, b"thr"), frame(0x80, b"ee")].concat(),
    );
    assert!(matches!(server.next_event(), Event::Text(Cow::Borrowed("one"))));
    assert!(matches!(server.next_event(), Event::Binary(Cow::Borrowed(b"two"))));
    assert!(matches!(server.next_event(), Event::Binary(Cow::Owned(bytes)) if bytes == b"three"));
    let _ = server.next_event();
    assert!(server.release().is_some() && server.held() == 0);
}

#[test]
fn a_large_message_is_read_directly_into_its_own_buffer() {
    let payload: Vec<u8> = (0..65536u32).map(|i| (i % 253) as u8).collect();
    let bytes = frame(0x82, &payload);
    let (mut server, mut rest, mut reads) = (server(Config::DEFAULT), &*bytes, 0);
    while !rest.is_empty() {
        assert_eq!(see(server.next_event()), None);
        rest = &rest[server.receive(NOW, rest)..];
        reads += 1;
    }
    assert_eq!(reads, 2);
    let Event::Binary(Cow::Owned(message)) = server.next_event() else { panic!("moved out") };
    assert!(message == payload && message.capacity() == payload.len());
}

#[test]
fn messages_can_be_taken_in_parts() {
    let mut server = server(Config::DEFAULT);
    let bytes = [frame(0x01, "a\u{e9}".as_bytes()), frame(0x00, b""), frame(0x80, b"bc")].concat();
    let mut all = Vec::new();
    for piece in bytes.chunks(8) {
        server.receive(NOW, piece);
        while let Some(seen) = see(server.next_part()) {
            all.push(seen);
        }
    }
    let part = |bytes: &[u8], last| Seen::Part(Kind::Text, bytes.to_vec(), last);
    assert_eq!(all, [part(b"a\xc3", false), part(b"\xa9", false), part(b"bc", true)]);
    // The call that begins a message determines how the rest is returned.
    server.receive(NOW, &frame(0x02, b"1"));
    assert_eq!(see(server.next_part()), Some(Seen::Part(Kind::Binary, b"1".to_vec(), false)));
    server.receive(NOW, &[frame(0x80, b""), frame(0x82, b"2")].concat());
    assert_eq!(see(server.next_event()), Some(Seen::Part(Kind::Binary, b"".to_vec(), true)));
    assert_eq!(see(server.next_event()), Some(binary(b"2")));
    server.receive(NOW, &frame(0x02, b"3"));
    assert_eq!(see(server.next_event()), None);
    server.receive(NOW, &frame(0x80, b"4"));
    assert_eq!(see(server.next_part()), Some(binary(b"34")));
}

#[test]
fn text_in_parts_is_validated_when_received_and_when_sent() {
    let mut server = server(Config::DEFAULT);
    server.receive(NOW, &frame(0x01, b"\xed\xa0"));
    assert_eq!(see(server.next_part()), Some(Seen::Closing));
    let mut client = client(Config::DEFAULT);
    let part = |data: &'static [u8], last| Command::Part { kind: Kind::Text, data: data.into(), last };
    client.send(NOW, part(b"\xe2\x82", false)).unwrap();
    assert_eq!(client.send(NOW, part(b"", true)), Err(SendError::Utf8));
    client.send(NOW, part(b"\xac", true)).unwrap();
    assert_eq!(client.send(NOW, part(b"\xff", true)), Err(SendError::Utf8));
}

#[test]
fn invalid_commands_are_rejected() {
    let mut server = server(Config::DEFAULT);
    assert_eq!(server.send(NOW, Command::Ping(&[0; 126])), Err(SendError::TooLong));
    assert_eq!(server.send(NOW, Command::Pong(&[0; 126])), Err(SendError::TooLong));
    let part = |kind, last| Command::Part { kind, data: b"a".into(), last };
    server.send(NOW, part(Kind::Binary, false)).unwrap();
    assert_eq!(server.send(NOW, Command::Message("whole".into())), Err(SendError::Incomplete));
    assert_eq!(server.send(NOW, part(Kind::Text, true)), Err(SendError::Kind));
    server.send(NOW, Command::Ping(b"")).unwrap();
    server.send(NOW, part(Kind::Binary, true)).unwrap();
    assert_eq!(written(&mut server, NOW), b"\x02\x01a\x89\x00\x80\x01a");
}

#[cfg(feature = "deflate")]
#[test]
fn the_first_fault_of_a_compressed_message_is_reported() {
    // A stored block with a byte that is invalid in text, then a block of an invalid type.
    let bytes = frame(0xc1, b"\x00\x01\x00\xfe\xff\xff\x06");
    for size in [1, bytes.len()] {
        let agreed = Agreed { deflate: Some(crate::ws::deflate::Parameters::default()) };
        let mut server = Connection::server(Arc::new(Config::DEFAULT), agreed, NOW);
        let seen: Vec<_> = bytes.chunks(size).flat_map(|piece| deliver(&mut server, piece)).collect();
        assert_eq!(seen[..2], [Seen::Closing, closed(1007, "invalid UTF-8")], "{size}");
    }
}

#[test]
fn the_debug_output_shows_what_is_left_of_a_frame() {
    let mut server = Connection::server(Arc::new(Config::DEFAULT), Agreed::default(), NOW);
    assert_eq!(server.receive(NOW, &[0x81]), 1);
    assert!(matches!(server.next_event(), Event::NeedData));
    assert_eq!(server.buffered(), 1);
    let text = alloc::format!("{server:?}");
    assert!(
        text.starts_with("Connection { role: Server, ours: ") && text.contains("unread: 1, unsent: 0"),
        "{text}"
    );
    assert_eq!(alloc::format!("{:?}", crate::ws::Memory::default()), "Memory");
}
