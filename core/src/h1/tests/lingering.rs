//! Bodies that are not read, and the lingering close: what a response says of the connection, and what becomes of it.

use super::*;

const CHUNKED: &str = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
const CLOSE: &str = "connection: close\r\n";

fn known(length: usize) -> String {
    format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n")
}

/// Returns a connection with a limit of 10 bytes that has discarded the body of a request and responded, and whether
/// the response says `close`.
fn discarded(request: &str) -> (Pair, bool) {
    let mut pair = Pair::limited(|limits| limits.drain = 10);
    pair.machine.receive(at(0), request.as_bytes());
    assert!(matches!(pair.machine.next_event(), Event::Request { .. }));
    pair.machine.discard_body(at(0), StreamId::ONLY);
    let closes = pair.respond(200, &[], "").contains(CLOSE);
    (pair, closes)
}

/// Returns the deadline in milliseconds.
fn due(pair: &Pair) -> Option<(u64, Reason)> {
    let (time, reason) = pair.machine.poll_timeout()?;
    Some(((time - at(0)).as_millis() as u64, reason))
}

#[test]
fn a_response_says_whether_the_rest_of_the_body_is_waited_for() {
    for (here, rest) in [
        (known(10), "1234567890"),
        (known(10) + "123", "4567890"),
        // Beyond the limit, but here.
        (known(14) + "1234", "1234567890"),
        (known(11) + "12345678901", ""),
        (format!("{CHUNKED}b\r\n12345678901\r\n0\r\na: b\r\n\r\n"), ""),
    ] {
        let (mut pair, closes) = discarded(&here);
        assert!(!closes, "{here:?}");
        assert_eq!(pair.machine.close_state(), CloseState::Open);
        assert_eq!(pair.feed(&format!("{rest}{GET}")), "GET /; paused", "{here:?}");
    }
    for here in [
        known(11),
        known(15) + "1234",
        CHUNKED.into(),
        format!("{CHUNKED}5\r\nhel"),
        format!("{CHUNKED}5\r\nhello\r\n0\r\n"),
        format!("{CHUNKED}5\r\nhello?"),
    ] {
        let (mut pair, closes) = discarded(&here);
        assert!(closes, "{here:?}");
        assert_eq!((pair.events().as_str(), pair.machine.close_state()), ("closed", CloseState::HalfClose));
    }
}

#[test]
fn the_rest_of_a_body_is_dropped_whatever_its_size_if_the_response_promised_it() {
    // The reader gives up after the head of the response, which could not know that.
    let mut pair = Pair::limited(|limits| limits.drain = 10);
    pair.feed(CHUNKED);
    pair.want_body(true);
    assert_eq!(pair.feed("5\r\nhello\r\n"), "hello");
    pair.want_body(false);
    assert!(!pair.respond(200, &[], "").contains(CLOSE));
    for _ in 0..100 {
        assert_eq!(pair.feed("5\r\nhello\r\n"), "");
    }
    assert_eq!(pair.feed(&format!("0\r\n\r\n{GET}")), "GET /; paused");
}

#[test]
fn the_rest_of_a_body_has_the_time_of_an_idle_connection_between_two_pieces() {
    let (mut pair, _) = discarded(&known(10));
    assert_eq!(pair.events(), "");
    assert_eq!(due(&pair), Some((5000, Reason::KeepAlive)));
    pair.machine.receive(at(4000), b"12345");
    assert_eq!(pair.events(), "");
    assert_eq!(due(&pair), Some((9000, Reason::KeepAlive)));
    pair.machine.handle_timeout(at(9000));
    assert_eq!((pair.events().as_str(), pair.machine.close_state()), ("closed", CloseState::HalfClose));
    pair.machine.half_closed(at(9000));
    assert_eq!(due(&pair), Some((10_000, Reason::Linger)));
}

#[test]
fn a_lingering_close_inside_a_request_goes_on_while_bytes_arrive() {
    let (mut pair, closes) = discarded(&known(100_000));
    assert!(closes);
    pair.machine.half_closed(at(0));
    assert_eq!((pair.machine.close_state(), due(&pair)), (CloseState::Linger, Some((5000, Reason::Linger))));
    for (time, deadline) in
        [(4000, 9000), (8000, 13_000), (12_000, 17_000), (16_000, 21_000), (20_000, 25_000)]
    {
        assert_eq!(pair.machine.receive(at(time), b"12345"), 5);
        assert_eq!(due(&pair), Some((deadline, Reason::Linger)));
    }
    // Not for ever.
    for time in [24_000, 26_000, 29_000] {
        pair.machine.receive(at(time), b"12345");
    }
    assert_eq!(
        (pair.machine.close_state(), due(&pair)),
        (CloseState::Linger, Some((30_000, Reason::Linger)))
    );
    pair.machine.handle_timeout(at(30_000));
    assert_eq!(pair.machine.close_state(), CloseState::Close);
}

#[test]
fn a_lingering_close_after_a_complete_request_is_short() {
    let mut pair = Pair::new();
    pair.feed("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    pair.respond(200, &[], "x");
    pair.machine.half_closed(at(0));
    pair.machine.receive(at(500), GET.as_bytes());
    assert_eq!(due(&pair), Some((1000, Reason::Linger)));
    pair.machine.handle_timeout(at(1000));
    assert_eq!(pair.machine.close_state(), CloseState::Close);
}

#[test]
fn a_lingering_close_after_a_request_that_was_too_slow_is_short() {
    let mut pair = Pair::new();
    pair.machine.receive(at(0), b"GET / HTTP/1.1\r\n");
    assert_eq!(pair.events(), "");
    pair.machine.handle_timeout(at(10_000));
    let Event::Fault { fault, .. } = pair.machine.next_event() else { panic!() };
    pair.machine.refuse(at(10_000), StreamId::ONLY, fault, &Defaults::default()).unwrap();
    pair.written();
    pair.machine.half_closed(at(10_000));
    pair.machine.receive(at(10_500), b"host: a\r\n");
    assert_eq!(due(&pair), Some((11_000, Reason::Linger)));
}

#[test]
fn a_refused_head_lingers_as_an_unread_body_does() {
    let mut pair = Pair::new();
    pair.machine.receive(at(0), b"GET / HTTP/9.1\r\n");
    let Event::Fault { fault, .. } = pair.machine.next_event() else { panic!() };
    pair.machine.refuse(at(0), StreamId::ONLY, fault, &Defaults::default()).unwrap();
    pair.written();
    pair.machine.half_closed(at(0));
    pair.machine.receive(at(3000), b"more");
    assert_eq!(due(&pair), Some((8000, Reason::Linger)));
}

#[test]
fn a_peer_that_sends_too_much_in_a_lingering_close_is_held_back_and_not_reset() {
    let mut pair = Pair::limited(|limits| (limits.drain, limits.linger) = (0, 20));
    pair.machine.receive(at(0), known(1000).as_bytes());
    assert!(matches!(pair.machine.next_event(), Event::Request { .. }));
    pair.machine.discard_body(at(0), StreamId::ONLY);
    assert!(pair.respond(413, &[], "").contains(CLOSE));
    pair.machine.half_closed(at(0));
    assert_eq!(pair.machine.receive(at(0), b"0123456789"), 10);
    assert_eq!(pair.machine.receive(at(0), b"0123456789"), 10);
    assert_eq!((pair.machine.spare().len(), pair.machine.close_state()), (0, CloseState::Linger));
    pair.machine.handle_timeout(at(5000));
    assert_eq!(pair.machine.close_state(), CloseState::Close);
}

#[test]
fn a_shutdown_waits_for_a_request_that_may_be_on_its_way() {
    // The last response, 400 ms ago, has promised a connection that stays open.
    let mut pair = Pair::new();
    pair.feed(GET);
    assert!(!pair.respond(200, &[], "").contains(CLOSE));
    pair.machine.shutdown(at(400));
    assert_eq!((pair.machine.close_state(), due(&pair)), (CloseState::Open, Some((1000, Reason::KeepAlive))));
    pair.machine.receive(at(900), GET.as_bytes());
    assert_eq!(pair.events(), "GET /; paused");
    assert!(pair.respond(200, &[], "").contains(CLOSE));
    assert_eq!(pair.machine.close_state(), CloseState::HalfClose);

    // None comes.
    let mut pair = Pair::new();
    pair.machine.shutdown(at(400));
    assert_eq!(due(&pair), Some((1000, Reason::KeepAlive)));
    pair.machine.handle_timeout(at(1000));
    assert_eq!((pair.events().as_str(), pair.machine.close_state()), ("closed", CloseState::Close));

    // It has been idle for longer.
    let mut pair = Pair::new();
    pair.feed(GET);
    pair.respond(200, &[], "");
    pair.machine.shutdown(at(1000));
    assert_eq!((pair.events().as_str(), pair.machine.close_state()), ("closed", CloseState::Close));
}

#[test]
fn a_response_that_began_before_the_shutdown_is_not_the_last() {
    let mut pair = Pair::new();
    pair.feed(GET);
    pair.head(200, &[], Length::Known(2)).unwrap();
    pair.machine.shutdown(at(0));
    pair.send(Command::Data("hi".into())).unwrap();
    pair.send(Command::End).unwrap();
    assert!(!pair.written().contains(CLOSE));
    assert_eq!(due(&pair), Some((1000, Reason::KeepAlive)));
    pair.feed(GET);
    assert!(pair.respond(200, &[], "").contains(CLOSE));
}
