//! Tests of memory and work that a peer can cause, and of advisories on other implementations (with their RustSec
//! names).

use super::*;
use crate::ws::Limits;

fn limited(message: usize) -> Config {
    Config::DEFAULT.limits(Limits::DEFAULT.message(message))
}

#[test]
fn a_message_of_the_size_of_the_limit_is_accepted_and_a_larger_one_rejected() {
    let too_big = [Seen::Closing, closed(1009, "message exceeds the limit of 300 bytes"), Seen::Ended];
    let exact = [0; 300];
    assert_eq!(heard_by(limited(300), &frame(0x82, &exact)).0, [binary(&exact)]);
    let (seen, written) = heard_by(limited(300), &frame(0x82, &[0; 301]));
    assert_eq!((seen, close_said(&written).0), (too_big.to_vec(), 1009));
    let fragments = [frame(0x02, &exact[..200]), frame(0x00, &exact[..100]), frame(0x80, b"")];
    assert_eq!(heard_by(limited(300), &fragments.concat()).0, [binary(&exact)]);
    let fragments = [frame(0x02, &exact[..200]), frame(0x80, &exact[..101])];
    assert_eq!(heard_by(limited(300), &fragments.concat()).0, too_big);
    // Each message is counted separately.
    let two = [frame(0x82, &exact), frame(0x82, &exact)];
    assert_eq!(heard_by(limited(300), &two.concat()).0, [binary(&exact), binary(&exact)]);
}

#[test]
fn a_message_is_rejected_by_its_declared_length() {
    let mut server = server(limited(300));
    let seen = deliver(&mut server, &frame(0x82, &[0; 301])[..8]);
    assert_eq!(seen.first(), Some(&Seen::Closing));
}

#[test]
fn the_size_of_a_frame_can_be_limited() {
    let config = Config::DEFAULT.limits(Limits::DEFAULT.frame(Some(100)));
    let fragments = [frame(0x02, &[0; 100]), frame(0x80, &[0; 100])];
    assert_eq!(heard_by(config, &fragments.concat()).0, [binary(&[0; 200])]);
    let seen = heard_by(config, &frame(0x82, &[0; 101])).0;
    assert_eq!(seen[1], closed(1009, "frame exceeds the limit of 100 bytes"));
}

/// RUSTSEC-2022-0035: memory was reserved for the declared length of a frame.
#[test]
fn no_memory_is_reserved_for_a_declared_length() {
    let mut server = server(limited(usize::MAX));
    let header = [&[0x82, 0xff][..], &(1u64 << 40).to_be_bytes(), &KEY].concat();
    deliver(&mut server, &header);
    let mut had = 0;
    for _ in 0..2000 {
        let n = server.spare().len().min(1000);
        server.received(NOW, n);
        assert_eq!(see(server.next_event()), None);
        had += n;
        assert!(server.held() <= 5 * had + (48 << 10), "{} bytes for {had}", server.held());
    }
}

/// RUSTSEC-2020-0043: the output for a peer that did not read grew without limit.
#[test]
fn the_application_sees_that_the_peer_does_not_read() {
    let mut server = server(Config::DEFAULT);
    let mut sent = 0;
    while server.capacity() > 0 {
        server.send(NOW, Command::Message(alloc::vec![0; 10_000].into())).unwrap();
        sent += 10_000;
        assert!(sent < 100_000);
    }
    written(&mut server, NOW);
    assert_eq!(server.capacity(), Limits::DEFAULT.write_buffer);
    // The memory of a large write is released.
    assert!(server.release().is_some() && server.held() == 0);
}

#[test]
fn only_the_latest_ping_is_answered_while_the_peer_does_not_read() {
    let mut server = server(Config::DEFAULT);
    let most = Limits::DEFAULT.write_buffer;
    for i in 0..100_000u32 {
        deliver(&mut server, &frame(0x89, &i.to_be_bytes()));
        assert!(server.held() < 5 * most / 2);
    }
    let answers = written(&mut server, NOW);
    assert!(answers.ends_with(&[&[0x8a, 4][..], &99_999u32.to_be_bytes()].concat()));
}

#[test]
fn many_fragments_take_no_more_memory_than_their_bytes() {
    let mut server = server(Config::DEFAULT);
    deliver(&mut server, &frame(0x02, b"x"));
    for i in 1..65_535 {
        assert_eq!(deliver(&mut server, &frame(0x00, b"x")), []);
        assert!(server.held() < 2 * i + (17 << 10));
    }
    assert_eq!(deliver(&mut server, &frame(0x80, b"x")), [binary(&[b'x'; 65_536])]);
}

#[test]
fn empty_fragments_are_counted() {
    let mut bytes = frame(0x01, b"");
    for _ in 0..1023 {
        bytes.extend(frame(0x00, b""));
    }
    let mut taken = server(Config::DEFAULT);
    assert_eq!(deliver(&mut taken, &[&*bytes, &frame(0x80, b"")].concat()), [text("")]);
    let mut refused = server(Config::DEFAULT);
    let seen = deliver(&mut refused, &[&*bytes, &frame(0x00, b"")].concat());
    assert_eq!(seen, [Seen::Closing, closed(1008, "too many empty fragments"), Seen::Ended]);
}

#[test]
fn parts_take_no_memory() {
    let mut server = server(Config::DEFAULT);
    let bytes = frame(0x82, &alloc::vec![1; 5 << 20]);
    let (mut rest, mut size) = (&*bytes, 0);
    while !rest.is_empty() {
        rest = &rest[server.receive(NOW, rest)..];
        while let Some(Seen::Part(_, data, _)) = see(server.next_part()) {
            size += data.len();
        }
        assert!(server.held() <= 16 << 10);
    }
    assert_eq!(size, 5 << 20);
}

/// Creates both sides of a WebSocket with compression.
fn compressing(limits: Limits) -> (Connection, Connection) {
    let parameters = Some(crate::ws::deflate::Parameters {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        server_max_window_bits: None,
        client_max_window_bits: None,
    });
    let (config, agreed) = (Arc::new(Config::DEFAULT.limits(limits)), Agreed { deflate: parameters });
    (Connection::client(config.clone(), agreed, [0; 20], NOW), Connection::server(config, agreed, NOW))
}

#[cfg(feature = "deflate")]
#[test]
fn a_compression_bomb_is_rejected_at_the_limit() {
    let (mut client, mut server) = compressing(Limits::DEFAULT.message(1 << 20));
    client.send(NOW, Command::Message(alloc::vec![0; 1 << 20].into())).unwrap();
    let small = written(&mut client, NOW);
    assert!(small.len() < 16 << 10, "{} bytes", small.len());
    assert_eq!(deliver(&mut server, &small), [binary(&alloc::vec![0; 1 << 20])]);
    client.send(NOW, Command::Message(alloc::vec![0; (1 << 20) + 1].into())).unwrap();
    let seen = deliver(&mut server, &written(&mut client, NOW));
    assert_eq!(
        seen,
        [Seen::Closing, closed(1009, "message exceeds the limit of 1048576 bytes"), Seen::Ended]
    );
    assert!(server.held() < 128 << 10, "{} bytes", server.held());
}

#[cfg(feature = "deflate")]
#[test]
fn invalid_compressed_data_is_rejected() {
    let (_, mut server) = compressing(Limits::DEFAULT);
    let seen = deliver(&mut server, &frame(0xc2, b"\xff\xff\xff"));
    assert_eq!(seen, [Seen::Closing, closed(1002, "decompression failed"), Seen::Ended]);
    // Only the first frame of a message may set RSV1.
    let (_, mut server) = compressing(Limits::DEFAULT);
    let seen = deliver(&mut server, &[frame(0x41, b""), frame(0xc0, b"")].concat());
    assert_eq!(seen[1], closed(1002, "reserved bits must be 0"));
}

#[cfg(feature = "deflate")]
#[test]
fn compressed_text_is_validated() {
    for in_parts in [false, true] {
        // A message of one stored block: the first two bytes of a character of three bytes.
        let bytes = frame(0xc1, b"\x00\x02\x00\xfd\xff\xe2\x82\x00");
        let (_, mut server) = compressing(Limits::DEFAULT);
        server.receive(NOW, &bytes);
        let mut seen = Vec::new();
        while let Some(event) = see(if in_parts { server.next_part() } else { server.next_event() }) {
            if event == Seen::Ended {
                break;
            }
            seen.push(event);
        }
        assert_eq!(seen, [Seen::Closing, closed(1007, "invalid UTF-8")]);
    }
}

#[test]
fn compressed_parts_take_little_memory() {
    let (mut client, mut server) = compressing(Limits::DEFAULT);
    client.send(NOW, Command::Message(alloc::vec![0; 8 << 20].into())).unwrap();
    let bytes = written(&mut client, NOW);
    let (mut rest, mut size, mut ended) = (&*bytes, 0, false);
    while !rest.is_empty() {
        rest = &rest[server.receive(NOW, rest)..];
        while let Some(Seen::Part(_, data, last)) = see(server.next_part()) {
            assert!(server.held() <= 700 << 10, "{} bytes", server.held());
            (size, ended) = (size + data.len(), last);
        }
    }
    assert_eq!((size, ended), (8 << 20, true));
    assert!(server.release().is_some());
}

#[cfg(feature = "deflate")]
#[test]
fn the_codec_is_allocated_on_first_use_and_freed_when_idle() {
    let (mut client, mut server) = compressing(Limits::DEFAULT);
    assert_eq!(client.held() + server.held(), 0);
    let text = "a message that is long enough to be worth being compressed, as messages of some length are";
    client.send(NOW, Command::Message(text.into())).unwrap();
    assert_eq!(deliver(&mut server, &written(&mut client, NOW)), [Seen::Message(text.into())]);
    let idle = |connection: &mut Connection| connection.release().map(|_| connection.held());
    let (mut held, mut now) = ((idle(&mut client), idle(&mut server)), NOW);
    assert!(held.0 > Some(0) && held.1 > Some(0), "{held:?}");
    for _ in 0..2 {
        now = now + core::time::Duration::from_secs(20);
        client.handle_timeout(now);
        let ping = written(&mut client, now);
        deliver(&mut server, &ping);
        deliver(&mut client, &written(&mut server, now));
        server.handle_timeout(now);
        let ping = written(&mut server, now);
        deliver(&mut client, &ping);
        deliver(&mut server, &written(&mut client, now));
        let after = (idle(&mut client), idle(&mut server));
        assert!(after <= held, "{after:?}");
        held = after;
    }
    // The window of the received messages must be kept.
    assert!(held.0 == Some(0) && held.1 < Some(256), "{held:?}");
}

/// The rules that actix-http added one by one from 3.13 to 3.19. (An invalid key: `handshake.rs`.)
#[test]
fn violations_that_actix_http_once_accepted_are_rejected() {
    for (bytes, code) in [
        (frame(0xf1, b""), 1002),
        ([frame(0x01, b"a"), frame(0x82, b"b")].concat(), 1002),
        (close_frame(1000, &"x".repeat(124)), 1002),
        (close_frame(1005, ""), 1002),
        (frame(0x88, b"\x03\xe8\xc0"), 1007),
        ([&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0][..], &KEY].concat(), 1002),
    ] {
        assert_eq!(close_said(&heard(&bytes).1).0, code, "{bytes:x?}");
    }
}

#[test]
fn an_idle_connection_holds_nothing() {
    let mut server = server(Config::DEFAULT);
    assert_eq!((server.held(), server.is_bare()), (0, true));
    deliver(&mut server, &frame(0x81, b"hi"));
    server.send(NOW, Command::Message("hi".into())).unwrap();
    assert!(server.release().is_none(), "there is output to write");
    written(&mut server, NOW);
    deliver(&mut server, &frame(0x81, b"half")[..3]);
    assert!(server.release().is_none(), "a frame has begun");
    deliver(&mut server, &frame(0x81, b"half")[3..8]);
    let buffers = server.release().unwrap();
    // The received part of the message.
    assert!(server.is_bare() && server.held() == 4, "{} bytes", server.held());
    server.adopt(buffers);
    assert!(!server.is_bare());
    assert_eq!(deliver(&mut server, &frame(0x81, b"half")[8..]), [text("half")]);
    assert!(server.release().is_some() && server.held() == 0);
    assert!(size_of::<Connection>() < 1024, "{} bytes", size_of::<Connection>());
}

#[test]
fn the_memory_of_a_sent_message_is_reused_for_the_next_large_one() {
    let mut server = server(Config::DEFAULT);
    let hear = |server: &mut Connection, len: usize| {
        let payload: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
        assert_eq!(deliver(server, &frame(0x82, &payload)), [binary(&payload)], "{len}");
        Message::from(payload)
    };
    let echo = |server: &mut Connection, len: usize| {
        let message = hear(server, len);
        server.send(NOW, message.into()).unwrap();
        assert!(written(server, NOW).len() > len);
    };
    hear(&mut server, 100);
    let bare = server.held();
    echo(&mut server, 100 << 10);
    assert_eq!(server.held(), bare + 10, "too large to be kept; the header is in the output");
    let bare = server.held();
    echo(&mut server, 64 << 10);
    assert_eq!(server.held(), bare + (64 << 10));
    hear(&mut server, 20 << 10);
    assert_eq!(server.held(), bare + (64 << 10), "a small message does not get a large buffer");
    hear(&mut server, 50 << 10);
    assert_eq!(server.held(), bare, "handed on with the message");
    echo(&mut server, 60 << 10);
    let buffers = server.release().unwrap();
    assert_eq!(server.held(), 0);
    server.adopt(buffers);
    hear(&mut server, 60 << 10);
    assert_eq!(server.held(), bare);
}
