//! Tests of pings and deadlines.

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
    assert_eq!((server.close_state(), events(&mut server)), (CloseState::Close, alloc::vec![Seen::Ended]));
}

#[test]
fn the_pong_timeout_is_extended_while_input_is_unparsed() {
    let mut server = server(Config::DEFAULT);
    let ping = pinged(&mut server, 20.0);
    server.receive(at(21.0), &[frame(0x81, b"a"), frame(0x8a, &ping)].concat());
    server.handle_timeout(at(40.0));
    assert_eq!(due(&server), Some((60.0, Reason::Pong)));
    assert_eq!(events(&mut server), [text("a"), Seen::Pong(ping)]);
    // Consumed input does not extend the timeout, even if its frame is incomplete.
    pinged(&mut server, 60.0);
    server.receive(at(61.0), &frame(0x81, b"a")[..3]);
    assert_eq!(events(&mut server), []);
    server.handle_timeout(at(80.0));
    assert_eq!(events(&mut server), [closed(1011, "keepalive ping timeout")]);
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
    assert_eq!((server.close_state(), events(&mut server)), (CloseState::Close, alloc::vec![Seen::Ended]));

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
