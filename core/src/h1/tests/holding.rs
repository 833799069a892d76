//! The memory of a connection, and back-pressure.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec;

use super::{GET, Pair, at};
use crate::Bytes;
use crate::body::Length;
use crate::http::RequestHead;
use crate::proto::Reason;
use crate::proto::{Command, Event, HttpMachine, Machine, StreamId};

#[test]
fn back_pressure_both_ways() {
    // The next request is not parsed, and no more is read than fits.
    let mut pair = Pair::new();
    let many = GET.repeat(1000);
    assert!(pair.feed(&many).ends_with("full"));
    assert!(pair.machine.spare().is_empty() && pair.machine.held() < 20_000);

    let mut pair = Pair::new();
    pair.feed(GET);
    pair.head(200, &[], Length::Unknown).unwrap();
    let before = pair.machine.capacity(StreamId::ONLY);
    pair.send(Command::Data(Bytes::from(vec![0; before]))).unwrap();
    assert_eq!(pair.machine.capacity(StreamId::ONLY), 0);
}

#[test]
fn a_returned_head_is_reused_unless_it_is_still_held() {
    let mut pair = Pair::new();
    let mut next = |name: &str, back: Option<Arc<RequestHead>>| {
        back.into_iter().for_each(|head| pair.machine.reuse(head));
        let request = format!("GET /{name} HTTP/1.1\r\nhost: a\r\nof-{name}: value\r\n\r\n");
        pair.machine.receive(pair.now, request.as_bytes());
        let Event::Request { head, .. } = pair.machine.next_event() else { panic!("no request") };
        pair.respond(200, &[], "");
        head
    };
    let first = next("the-first", None);
    let place = Arc::as_ptr(&first);
    let second = next("2", Some(first));
    assert_eq!((Arc::as_ptr(&second), second.target(), second.headers().len()), (place, "/2", 2));
    let third = next("3", Some(second.clone()));
    assert_eq!((second.target(), third.target()), ("/2", "/3"));
    assert_eq!(third.headers().get("of-2"), None);
}

/// A client that sends requests and reads no response.
#[test]
fn answers_that_are_not_read_hold_up_the_next_request() {
    let mut pair = Pair::new();
    let many = GET.repeat(100_000) + "GET";
    let mut rest = many.as_bytes();
    let mut answers = 0;
    while !pair.machine.is_held_up() {
        let taken = pair.machine.receive(pair.now, rest);
        rest = &rest[taken..];
        assert_eq!(pair.events(), "GET /; paused");
        pair.head(200, &[], Length::Known(1000)).unwrap();
        pair.send(Command::Data(Bytes::from_static(&[b'x'; 1000]))).unwrap();
        pair.send(Command::End).unwrap();
        answers += 1;
    }
    assert!((50..70).contains(&answers), "{answers} answers");
    assert_eq!(pair.events(), "paused");
    while pair.machine.receive(pair.now, rest) > 0 {}
    let held = pair.machine.held();
    assert!(held < 200_000, "{held} bytes");

    assert_eq!(pair.written().matches("HTTP/1.1 200 OK").count(), answers);
    assert_eq!(pair.events(), "GET /; paused");
}

#[test]
fn a_request_that_is_held_up_has_its_time_afterwards() {
    let mut pair = Pair::limited(|limits| limits.write_buffer = 1);
    assert_eq!(pair.feed(&(GET.to_owned() + "GE")), "GET /; paused");
    pair.head(200, &[], Length::None).unwrap();
    pair.send(Command::End).unwrap();
    assert_eq!(pair.events(), "paused");
    assert_eq!(pair.machine.poll_timeout(), Some((at(30_000), Reason::Write)));
    pair.now = at(20_000);
    pair.written();
    assert_eq!(pair.events(), "");
    assert_eq!(pair.machine.poll_timeout(), Some((at(30_000), Reason::Head)));
}

#[test]
fn memory_can_be_taken_from_an_idle_connection() {
    let mut pair = Pair::new();
    pair.feed(GET);
    assert!(pair.machine.release().is_none());
    pair.respond(200, &[], "x");
    assert!(!pair.machine.is_bare());
    let buffers = pair.machine.release().unwrap();
    assert_eq!((pair.machine.held(), pair.machine.is_bare()), (0, true));
    pair.machine.adopt(buffers);
    let held = pair.machine.held();
    assert_eq!(pair.feed(GET), "GET /; paused");
    pair.respond(200, &[], "x");
    assert_eq!(pair.machine.held(), held, "nothing new was needed");
}

/// The input buffer of a connection whose client sends a body of this length as fast as it can: before the body, at most,
/// and after it.
fn input_of_upload(head: &str, body: &[u8]) -> [usize; 3] {
    let mut pair = Pair::new();
    pair.machine.receive(at(0), head.as_bytes());
    assert!(matches!(pair.machine.next_event(), Event::Request { .. }));
    pair.want_body(true);
    let before = pair.machine.held();
    let (mut rest, mut received, mut most) = (body, 0, before);
    loop {
        match pair.machine.next_event() {
            Event::Data { data, .. } => {
                let (data, len) = (data.to_vec(), data.len());
                assert_eq!(*pair.machine.take_data(len), data);
                received += len;
            }
            Event::NeedData => {
                let sent = pair.machine.receive(at(0), rest);
                rest = &rest[sent..];
            }
            Event::End { .. } => break,
            other => panic!("{other:?}"),
        }
        most = most.max(pair.machine.held());
    }
    assert!(received > body.len() - 100, "{received} bytes");
    [before, most, pair.machine.held()]
}

#[test]
fn a_large_body_is_read_into_a_large_buffer_which_is_freed_at_its_end() {
    let body = vec![b'x'; 1 << 20];
    let known = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1048576\r\n\r\n";
    let chunked = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"100000\r\n", &body[..], b"\r\n0\r\n\r\n"].concat();
    for (head, body) in [(known, &body), (chunked, &chunk)] {
        let [before, most, after] = input_of_upload(head, body);
        assert!((128 << 10..144 << 10).contains(&most), "{most} bytes");
        assert!(after <= before, "{after} bytes");
    }
    let small = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n";
    let [before, most, _] = input_of_upload(small, &body[..100_000]);
    assert_eq!(before, most);
}

#[test]
fn a_body_is_reported_only_while_it_is_wanted() {
    let mut pair = Pair::new();
    pair.machine.receive(at(0), b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc");
    assert!(matches!(pair.machine.next_event(), Event::Request { .. }));
    assert!(matches!(pair.machine.next_event(), Event::Paused));
    pair.want_body(true);
    assert_eq!(pair.events(), "abc");
    assert_eq!(pair.machine.poll_timeout().map(|(_, reason)| reason), Some(Reason::Body));
    // A peer that is held back is not late.
    pair.want_body(false);
    assert_eq!(pair.machine.poll_timeout(), None);
    assert_eq!(pair.feed("def"), "paused");
    pair.want_body(true);
    assert_eq!(pair.events(), "def; end; paused");
    // What one request wanted does not count for the next.
    pair.respond(200, &[], "");
    pair.machine.receive(at(0), b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx");
    assert!(matches!(pair.machine.next_event(), Event::Request { .. }));
    assert!(matches!(pair.machine.next_event(), Event::Paused));
}

#[test]
fn a_response_that_was_held_back_becomes_writable_once() {
    let mut pair = Pair::limited(|limits| limits.write_buffer = 10);
    pair.feed(GET);
    pair.head(200, &[], Length::Unknown).unwrap();
    assert_eq!((pair.machine.capacity(StreamId::ONLY), pair.events().as_str()), (0, "paused"));
    pair.written();
    assert_eq!(pair.events(), "writable; paused");
    assert!(pair.machine.capacity(StreamId::ONLY) > 0);
    pair.send(Command::Data("0123456789".into())).unwrap();
    pair.written();
    assert_eq!(pair.events(), "writable; paused");
    // The end of the response leaves nothing to write.
    pair.send(Command::Data("0123456789".into())).unwrap();
    pair.send(Command::End).unwrap();
    pair.written();
    assert_eq!(pair.events(), "");
}

#[test]
fn a_body_that_has_come_whole_is_taken_without_an_invitation() {
    let head = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n";
    let mut pair = Pair::new();
    pair.machine.receive(at(0), format!("{head}abc{GET}").as_bytes());
    assert!(matches!(pair.machine.next_event(), Event::Request { .. }));
    assert_eq!(pair.machine.take_body(StreamId::ONLY).as_deref(), Some(&b"abc"[..]));
    assert_eq!(pair.machine.take_body(StreamId::ONLY), None);
    assert!(!pair.respond(200, &[], "").contains("100 Continue"));
    assert_eq!(pair.events(), "GET /; paused");

    let mut pair = Pair::new();
    pair.machine.receive(at(0), format!("{head}ab").as_bytes());
    assert!(matches!(pair.machine.next_event(), Event::Request { .. }));
    assert_eq!(pair.machine.take_body(StreamId::ONLY), None);
    pair.want_body(true);
    assert_eq!(pair.feed("c"), "abc; end; paused");
}
