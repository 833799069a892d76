//! Tests of pings and deadlines.

use alloc::vec;
use core::time::Duration;

use super::*;
use crate::proto::Reason;
use crate::ws::Timeouts;

fn at(seconds: f64) -> Instant {
    Instant::ZERO + Duration::from_secs_f64(seconds)
}

/// Returns the deadline of the machine, with its reason.
fn due(connection: &Connection) -> Option<(f64, Reason)> {
    connection.poll_timeout().map(|(at, reason)| ((at - Instant::ZERO).as_secs_f64(), reason))
}

fn timed(ping_interval: Option<u64>, ping_timeout: Option<u64>) -> Config {
    let [ping_interval, ping_timeout] =
        [ping_interval, ping_timeout].map(|wait| wait.map(Duration::from_secs));
    Config::DEFAULT.timeouts(Timeouts::DEFAULT.ping_interval(ping_interval).ping_timeout(ping_timeout))
}

/// Returns the payload of the ping that the server sends at this time.
fn pinged(server: &mut Connection, seconds: f64) -> Vec<u8> {
    server.handle_timeout(at(seconds));
    let ping = written(server, at(seconds));
    assert_eq!((ping.get(..2), ping.len()), (Some(&[0x89, 4][..]), 6));
    ping[2..].to_vec()
}

/// Passes bytes at this time, and returns all events.
fn deliver_at(server: &mut Connection, seconds: f64, mut bytes: &[u8]) -> Vec<Seen> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let n = server.receive(at(seconds), bytes);
        bytes = &bytes[n..];
        all.extend(events(server));
    }
    all
}

fn pong(server: &mut Connection, seconds: f64, payload: &[u8]) {
    server.receive(at(seconds), &frame(0x8a, payload));
    assert_eq!(events(server), [Seen::Pong(payload.to_vec())]);
}

#[test]
fn pings_keep_their_interval_with_a_slow_network() {
    let mut server = server(Config::DEFAULT);
    assert_eq!(due(&server), Some((20.0, Reason::Ping)));
    server.handle_timeout(at(19.9));
    assert!(written(&mut server, NOW).is_empty(), "too early");
    let first = pinged(&mut server, 20.0);
    assert_eq!(due(&server), Some((40.0, Reason::Pong)));
    pong(&mut server, 23.0, &first);
    assert_eq!(due(&server), Some((40.0, Reason::Ping)));
    let second = pinged(&mut server, 40.0);
    assert_ne!(first, second);
    // Other bytes, and pongs to other pings, do not count as an answer.
    server.receive(at(50.0), &frame(0x81, b"hi"));
    assert_eq!(events(&mut server), [text("hi")]);
    pong(&mut server, 51.0, b"");
    pong(&mut server, 52.0, &first);
    assert_eq!(due(&server), Some((60.0, Reason::Pong)));
    pong(&mut server, 59.0, &second);
    assert_eq!(due(&server), Some((60.0, Reason::Ping)));
}

#[test]
fn a_late_pong_is_followed_by_a_ping_at_once() {
    let mut server = server(timed(Some(5), Some(20)));
    let ping = pinged(&mut server, 5.0);
    pong(&mut server, 24.0, &ping);
    assert_eq!(due(&server), Some((10.0, Reason::Ping)));
    pinged(&mut server, 24.0);
}

#[test]
fn a_missing_pong_closes_with_1011() {
    let mut server = server(Config::DEFAULT);
    pinged(&mut server, 20.0);
    server.handle_timeout(at(40.0));
    assert_eq!(events(&mut server), [closed(1011, "keepalive ping timeout")]);
    assert_eq!(close_said(&written(&mut server, at(40.0))), (1011, "keepalive ping timeout"));
    assert_eq!(due(&server), Some((50.0, Reason::Close)));
    server.handle_timeout(at(50.0));
    assert_eq!((server.close_state(), events(&mut server)), (CloseState::Close, vec![Seen::Ended]));
}

#[test]
fn the_pong_timeout_is_extended_while_input_is_unparsed() {
    let mut server = server(Config::DEFAULT);
    let ping = pinged(&mut server, 20.0);
    server.receive(at(21.0), &[frame(0x81, b"a"), frame(0x8a, &ping)].concat());
    server.handle_timeout(at(40.0));
    assert_eq!(due(&server), Some((60.0, Reason::Pong)));
    assert_eq!(events(&mut server), [text("a"), Seen::Pong(ping)]);
}

#[test]
fn a_peer_inside_a_frame_cannot_send_a_pong_yet() {
    let large = frame(0x82, &[7; 100_000]);
    // The same for a header or a control frame that is incomplete, and for a frame that began before the ping.
    for (first, second) in [(&large[..3], &large[3..20]), (&large[..50_000], &large[50_000..70_000])] {
        let mut server = server(Config::DEFAULT);
        let ping = pinged(&mut server, 20.0);
        for (seconds, bytes) in [(39.0, first), (58.0, second)] {
            assert_eq!(deliver_at(&mut server, seconds, bytes), []);
            assert_eq!(due(&server), Some((seconds + 20.0, Reason::Pong)));
        }
        let rest = &large[first.len() + second.len()..];
        assert_eq!(deliver_at(&mut server, 77.0, rest), [binary(&[7; 100_000])]);
        assert_eq!(due(&server), Some((97.0, Reason::Pong)));
        // The frame is complete, so a pong could follow.
        assert_eq!(deliver_at(&mut server, 80.0, &frame(0x81, b"a")), [text("a")]);
        assert_eq!(due(&server), Some((97.0, Reason::Pong)));
        pong(&mut server, 96.0, &ping);
        assert_eq!(due(&server), Some((40.0, Reason::Ping)));
    }
}

#[test]
fn a_peer_that_stops_inside_a_frame_is_timed_out() {
    let mut server = server(Config::DEFAULT);
    pinged(&mut server, 20.0);
    assert_eq!(deliver_at(&mut server, 30.0, &frame(0x81, b"a")[..3]), []);
    server.handle_timeout(at(49.9));
    assert_eq!(events(&mut server), []);
    server.handle_timeout(at(50.0));
    assert_eq!(events(&mut server), [closed(1011, "keepalive ping timeout")]);
}

#[test]
fn the_pong_timeout_starts_when_the_ping_is_written() {
    let mut server = server(Config::DEFAULT);
    server.handle_timeout(at(20.0));
    server.send(at(21.0), Command::Message("after".into())).unwrap();
    assert_eq!(due(&server), Some((50.0, Reason::Write)));
    server.transmitted(at(45.0), 2);
    server.transmitted(at(60.0), 4);
    // The rest of the output leaves at once; only the ping had to wait.
    server.transmitted(at(60.0), 7);
    assert_eq!(due(&server), Some((80.0, Reason::Pong)));
}

#[test]
fn the_pong_timeout_restarts_while_a_large_write_makes_progress() {
    let mut server = server(Config::DEFAULT);
    pinged(&mut server, 20.0);
    server.send(at(21.0), Command::Message(vec![7; 50_000].into())).unwrap();
    for second in [21.0, 35.0, 50.0, 65.0] {
        server.transmitted(at(second), 10_000);
    }
    written(&mut server, at(80.0));
    assert_eq!(due(&server), Some((100.0, Reason::Pong)));
    // A message that the system takes at once does not show that the peer reads.
    server.send(at(90.0), Command::Message(vec![7; 50_000].into())).unwrap();
    server.transmitted(at(90.0), 10_000);
    written(&mut server, at(90.0));
    assert_eq!(due(&server), Some((100.0, Reason::Pong)));
}

#[test]
fn pings_and_their_timeout_can_be_disabled() {
    assert_eq!(due(&server(timed(None, Some(20)))), None);
    let mut patient = server(timed(Some(20), None));
    let ping = pinged(&mut patient, 20.0);
    assert_eq!(due(&patient), None);
    pong(&mut patient, 1000.0, &ping);
    assert_eq!(due(&patient), Some((40.0, Reason::Ping)));
}

#[test]
fn a_connection_to_a_peer_that_does_not_read_is_aborted() {
    let mut server = server(Config::DEFAULT);
    server.send(at(1.0), Command::Message("hello".into())).unwrap();
    assert_eq!(due(&server), Some((31.0, Reason::Write)));
    server.transmitted(at(20.0), 1);
    assert_eq!(due(&server), Some((50.0, Reason::Write)), "progress");
    server.send(at(30.0), Command::Message("more".into())).unwrap();
    assert_eq!(due(&server), Some((50.0, Reason::Write)), "no progress");
    server.handle_timeout(at(50.0));
    assert_eq!(events(&mut server), [closed(1006, ""), Seen::Ended]);
    assert_eq!((server.close_state(), due(&server)), (CloseState::Close, None));
}

#[test]
fn the_closing_handshake_has_a_timeout() {
    // The timeout begins when the close frame is sent.
    let mut server = server(Config::DEFAULT);
    server.send(at(1.0), Command::Close { code: CloseCode::NORMAL_CLOSURE, reason: "" }).unwrap();
    assert_eq!(due(&server), Some((31.0, Reason::Write)));
    written(&mut server, at(5.0));
    assert_eq!(due(&server), Some((15.0, Reason::Close)));
    assert_eq!(events(&mut server), [closed(1000, "")]);
    server.handle_timeout(at(15.0));
    assert_eq!((server.close_state(), events(&mut server)), (CloseState::Close, vec![Seen::Ended]));

    // Both have closed, and the peer keeps the connection open.
    let mut server = super::server(Config::DEFAULT);
    deliver(&mut server, &close_frame(1000, ""));
    written(&mut server, at(5.0));
    server.half_closed(at(5.0));
    assert_eq!((server.close_state(), due(&server)), (CloseState::Linger, Some((15.0, Reason::Close))));
    server.handle_timeout(at(15.0));
    assert_eq!(server.close_state(), CloseState::Close);
}

#[test]
fn the_close_frame_is_answered_even_if_the_application_takes_no_events() {
    let mut server = server(Config::DEFAULT);
    server.receive(at(1.0), &close_frame(1000, "bye"));
    assert_eq!(see(server.next_event()), Some(Seen::Closing));
    assert_eq!(due(&server), Some((11.0, Reason::Close)));
    server.handle_timeout(at(11.0));
    assert_eq!(close_said(&written(&mut server, at(11.0))), (1000, "bye"));
    assert_eq!(events(&mut server), [closed(1000, "bye"), Seen::Ended]);
    assert_eq!(server.close_state(), CloseState::HalfClose);
}
