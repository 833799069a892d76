//! Tests of the end of a WebSocket, from either side (RFC 6455 sections 5.5.1 and 7).

use super::*;

fn close(code: u16, reason: &str) -> Command<'_> {
    Command::Close { code: CloseCode(code), reason }
}

#[test]
fn a_close_frame_is_answered_with_the_same_code_and_reason() {
    for (code, reason) in [(1000, "bye"), (1001, ""), (1011, "\u{16d}"), (3000, ""), (4999, "x")] {
        let (seen, written) = heard(&close_frame(code, reason));
        assert_eq!(seen, [Seen::Closing, closed(code, reason), Seen::Ended]);
        assert_eq!(close_said(&written), (code, reason));
    }
    let (seen, written) = heard(&frame(0x88, b""));
    assert_eq!(seen, [Seen::Closing, closed(1005, ""), Seen::Ended]);
    assert_eq!(written, b"\x88\x00");
    let longest: String = "x".repeat(123);
    assert_eq!(heard(&close_frame(1000, &longest)).0[1], closed(1000, &longest));
}

#[test]
fn answers_to_earlier_messages_go_before_the_close_frame() {
    for bytes in [close_frame(1000, ""), frame(0x83, b"")] {
        let mut server = server(Config::DEFAULT);
        server.receive(NOW, &[frame(0x81, b"question"), bytes].concat());
        assert_eq!(see(server.next_event()), Some(text("question")));
        assert_eq!(see(server.next_event()), Some(Seen::Closing));
        server.send(NOW, Command::Message("answer".into())).unwrap();
        assert!(matches!(see(server.next_event()), Some(Seen::Closed(..))));
        assert_eq!(server.send(NOW, Command::Message("late".into())), Err(SendError::Closed));
        let written = written(&mut server, NOW);
        assert!(written.starts_with(b"\x81\x06answer\x88"), "{written:x?}");
    }
}

#[test]
fn a_server_that_closes_waits_for_the_close_frame_of_the_peer() {
    let mut server = server(Config::DEFAULT);
    server.send(NOW, close(4000, "enough")).unwrap();
    assert_eq!(events(&mut server), [closed(4000, "enough")]);
    assert_eq!(server.close_state(), CloseState::Open);
    assert_eq!(written(&mut server, NOW), b"\x88\x08\x0f\xa0enough");
    assert_eq!((server.close_state(), server.capacity()), (CloseState::Open, 0));
    // Messages that were in flight are dropped.
    let late = [
        frame(0x81, b"late"),
        frame(0x01, b"la"),
        frame(0x89, b"p"),
        frame(0x80, b"te"),
        close_frame(4000, ""),
    ];
    assert_eq!(deliver(&mut server, &late.concat()), [Seen::Ended]);
    assert_eq!(written(&mut server, NOW), b"");
    assert_eq!(server.close_state(), CloseState::HalfClose);
    server.half_closed(NOW);
    assert_eq!(server.close_state(), CloseState::Linger);
    server.receive_eof(NOW);
    assert_eq!(server.close_state(), CloseState::Close);
    // Closing again is no error and sends nothing.
    server.send(NOW, close(1000, "")).unwrap();
    assert_eq!((events(&mut server), written(&mut server, NOW)), (alloc::vec![Seen::Ended], alloc::vec![]));
}

#[test]
fn the_client_waits_for_the_server_to_end_the_connection() {
    let mut client = client(Config::DEFAULT);
    assert_eq!(deliver(&mut client, b"\x88\x02\x03\xe8"), [Seen::Closing, closed(1000, ""), Seen::Ended]);
    assert_eq!(client.close_state(), CloseState::Open);
    assert_eq!(written(&mut client, NOW).len(), 8);
    assert_eq!(client.close_state(), CloseState::Linger);
    client.receive_eof(NOW);
    assert_eq!(client.close_state(), CloseState::Close);
}

#[test]
fn both_may_close_at_once() {
    let (mut server, mut client) = (server(Config::DEFAULT), client(Config::DEFAULT));
    server.send(NOW, close(1001, "")).unwrap();
    client.send(NOW, close(1000, "")).unwrap();
    let (from_server, from_client) = (written(&mut server, NOW), written(&mut client, NOW));
    assert_eq!(deliver(&mut server, &from_client), [closed(1001, ""), Seen::Ended]);
    assert_eq!(deliver(&mut client, &from_server), [closed(1000, ""), Seen::Ended]);
    assert_eq!((server.close_state(), client.close_state()), (CloseState::HalfClose, CloseState::Linger));
}

#[test]
fn a_code_that_must_not_be_sent_becomes_1000() {
    for (asked, said) in
        [(1000, 1000), (1005, 1005), (1006, 1000), (1015, 1000), (0, 1000), (2999, 1000), (3000, 3000)]
    {
        let mut server = server(Config::DEFAULT);
        server.send(NOW, close(asked, "")).unwrap();
        assert_eq!(close_said(&written(&mut server, NOW)), (said, ""), "{asked}");
        assert_eq!(events(&mut server), [closed(said, "")]);
    }
    let mut server = server(Config::DEFAULT);
    server.send(NOW, close(1000, &"\u{16d}".repeat(100))).unwrap();
    assert_eq!(close_said(&written(&mut server, NOW)), (1000, &*"\u{16d}".repeat(61)));
}

#[test]
fn a_broken_rule_ends_the_connection_without_waiting_for_the_peer() {
    let mut server = server(Config::DEFAULT);
    deliver(&mut server, &frame(0x83, b""));
    assert_eq!(server.close_state(), CloseState::Open, "the close frame has to be written first");
    written(&mut server, NOW);
    assert_eq!(server.close_state(), CloseState::HalfClose);
    server.half_closed(NOW);
    assert_eq!(deliver(&mut server, &frame(0x81, b"dropped")), [Seen::Ended]);
    assert_eq!(server.close_state(), CloseState::Linger);
    server.receive_eof(NOW);
    assert_eq!(server.close_state(), CloseState::Close);
}

#[test]
fn a_violation_after_the_sent_close_frame_ends_the_connection() {
    let mut server = server(Config::DEFAULT);
    server.send(NOW, close(1000, "")).unwrap();
    events(&mut server);
    let close = written(&mut server, NOW);
    assert_eq!(deliver(&mut server, &frame(0x83, b"")), [Seen::Ended]);
    assert_eq!((close.len(), written(&mut server, NOW).len()), (4, 0));
    assert_eq!(server.close_state(), CloseState::HalfClose);
}

#[test]
fn a_lost_connection_is_reported_as_1006_after_the_received_messages() {
    let mut ended = server(Config::DEFAULT);
    ended.receive(NOW, &frame(0x81, b"last"));
    ended.receive_eof(NOW);
    assert_eq!(ended.close_state(), CloseState::Open, "the application does not know yet");
    assert_eq!(events(&mut ended), [text("last"), closed(1006, ""), Seen::Ended]);
    assert_eq!(ended.close_state(), CloseState::Close);

    let mut cut_off = server(Config::DEFAULT);
    deliver(&mut cut_off, &frame(0x81, b"last")[..4]);
    cut_off.receive_eof(NOW);
    assert_eq!(events(&mut cut_off), [closed(1006, ""), Seen::Ended]);

    let mut gone = server(Config::DEFAULT);
    gone.send(NOW, Command::Message("lost".into())).unwrap();
    gone.peer_gone(NOW);
    assert_eq!(events(&mut gone), [closed(1006, ""), Seen::Ended]);
    assert_eq!((written(&mut gone, NOW).len(), gone.close_state()), (0, CloseState::Close));
    assert_eq!(gone.poll_timeout(), None);
}

#[test]
fn the_buffers_of_a_lost_connection_can_be_released() {
    let mut gone = server(Config::DEFAULT);
    deliver(&mut gone, &frame(0x81, b"unfinished")[..9]);
    gone.send(NOW, Command::Message("unsent".into())).unwrap();
    assert!(gone.release().is_none(), "it holds an unfinished message");
    gone.peer_gone(NOW);
    assert!(gone.release().is_some());
    assert_eq!(gone.held(), 0);
}

#[test]
fn the_announced_close_is_known_until_it_is_answered() {
    let mut server = server(Config::DEFAULT);
    assert_eq!(server.closing(), None);
    deliver_first(&mut server, &close_frame(1001, "away"));
    assert_eq!(server.closing().map(|closed| closed.code), Some(CloseCode::GOING_AWAY));
    assert_eq!(events(&mut server), [closed(1001, "away"), Seen::Ended]);
    assert_eq!(server.closing(), None);
}

#[test]
fn a_peer_that_ends_its_side_right_after_its_close_frame_is_answered() {
    let mut server = server(Config::DEFAULT);
    server.receive(NOW, &close_frame(1001, "away"));
    server.receive_eof(NOW);
    assert_eq!(events(&mut server), [Seen::Closing, closed(1001, "away"), Seen::Ended]);
    assert_eq!(close_said(&written(&mut server, NOW)), (1001, "away"));
    assert_eq!(server.close_state(), CloseState::Close);
    // The connection may end while the application still sends.
    let mut server = super::server(Config::DEFAULT);
    deliver_first(&mut server, &close_frame(1001, ""));
    server.receive_eof(NOW);
    assert_eq!(server.close_state(), CloseState::Open);
    assert_eq!(events(&mut server), [closed(1001, ""), Seen::Ended]);
    written(&mut server, NOW);
    assert_eq!(server.close_state(), CloseState::Close);
}

/// Passes bytes and takes the `Closing` event, but not the one after it.
fn deliver_first(server: &mut Connection, bytes: &[u8]) {
    server.receive(NOW, bytes);
    assert_eq!(see(server.next_event()), Some(Seen::Closing));
}

#[test]
fn a_close_after_that_of_the_peer_sends_the_code_of_the_peer() {
    let mut server = server(Config::DEFAULT);
    deliver_first(&mut server, &close_frame(3001, "theirs"));
    server.send(NOW, close(1000, "ours")).unwrap();
    assert_eq!(events(&mut server), [closed(3001, "theirs"), Seen::Ended]);
    assert_eq!(close_said(&written(&mut server, NOW)), (3001, "theirs"));
}

#[test]
fn shutdown_closes_with_1012() {
    let mut server = server(Config::DEFAULT);
    server.send(NOW, Command::Part { kind: Kind::Binary, data: b"a".into(), last: false }).unwrap();
    server.shutdown(NOW);
    server.shutdown(NOW);
    assert_eq!(events(&mut server), [closed(1012, "")]);
    assert_eq!(written(&mut server, NOW), b"\x02\x01a\x88\x02\x03\xf4");
}

#[test]
fn the_close_frame_is_found_after_a_discarded_large_message() {
    let payload = alloc::vec![0; 100_000];
    let bytes = [frame(0x82, &payload), close_frame(1000, "")].concat();
    for close_after in [1, 2, 3] {
        let (mut server, mut rest, mut all) = (server(Config::DEFAULT), &*bytes, Vec::new());
        for read in 1.. {
            rest = &rest[server.receive(NOW, rest)..];
            if read == close_after {
                server.send(NOW, close(1000, "")).unwrap();
            }
            all.extend(events(&mut server));
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(all, [closed(1000, ""), Seen::Ended], "{close_after}");
        written(&mut server, NOW);
        assert_eq!(server.close_state(), CloseState::HalfClose);
    }
}
