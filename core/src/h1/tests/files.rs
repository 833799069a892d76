//! Bodies in files: sent in order with other bytes, and framed alike.

use alloc::string::String;
use alloc::vec::Vec;

use super::{GET, Pair};
use crate::body::Length;
use crate::body::tests::region;
use crate::fault::FaultKind;
use crate::proto::{Command, HttpMachine, Machine, StreamId};

/// Returns all output, written `step` bytes at a time. Bytes from a file are in brackets.
fn sent(pair: &mut Pair, step: usize) -> String {
    let mut all = Vec::new();
    loop {
        let mut slices = [&[][..]; 3];
        let transmit = pair.machine.poll_transmit(&mut slices);
        let mut bytes = slices[..transmit.slices].concat();
        if let Some(file) = transmit.region {
            bytes.extend(file.read().unwrap());
        }
        bytes.truncate(step);
        if bytes.is_empty() {
            return String::from_utf8(all).unwrap();
        }
        pair.machine.transmitted(pair.now, bytes.len());
        all.extend(bytes);
    }
}

#[test]
fn files_are_sent_in_order_for_each_size_of_write() {
    for step in [1, 2, 7, 50, 1000] {
        let mut pair = Pair::new();
        pair.feed(&GET.repeat(2));
        pair.head(200, &[], Length::Known(9)).unwrap();
        for what in [
            Command::Data("<".into()),
            Command::Region(region(b"abcdefg", 1, 5)),
            Command::Region(region(b"xyz", 0, 3)),
        ] {
            pair.send(what).unwrap();
        }
        pair.send(Command::End).unwrap();
        assert_eq!(pair.events(), "GET /; paused");
        pair.head(200, &[], Length::Unknown).unwrap();
        pair.send(Command::Region(region(b"abcdefghijkl", 0, 11))).unwrap();
        pair.send(Command::Region(region(b"abc", 3, 0))).unwrap();
        pair.send(Command::Data("!".into())).unwrap();
        pair.send(Command::End).unwrap();
        assert_eq!(
            sent(&mut pair, step),
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<bcdefxyz\
             HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\nabcdefghijk\r\n1\r\n!\r\n0\r\n\r\n"
        );
        assert!(pair.machine.release().is_some());
    }
}

#[test]
fn a_file_is_not_sent_in_a_response_to_head() {
    let mut pair = Pair::new();
    pair.feed("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
    pair.head(200, &[], Length::Known(3)).unwrap();
    pair.send(Command::Region(region(b"abc", 0, 3))).unwrap();
    pair.send(Command::End).unwrap();
    assert_eq!(sent(&mut pair, 1000), "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
}

#[test]
fn a_range_beyond_the_announced_length_is_refused() {
    let mut pair = Pair::new();
    pair.feed(GET);
    pair.head(200, &[], Length::Known(2)).unwrap();
    assert_eq!(pair.send(Command::Region(region(b"abc", 0, 3))), Err(FaultKind::BodyTooLong));
}

/// Not in memory, but queued: the next piece has to wait.
#[test]
fn a_file_uses_capacity_and_no_memory() {
    let mut pair = Pair::new();
    pair.feed(GET);
    pair.head(200, &[], Length::Known(1 << 30)).unwrap();
    let held = pair.machine.held();
    assert!(pair.machine.capacity(StreamId::ONLY) > 0);
    pair.send(Command::Region(region(b"", 0, 1 << 30))).unwrap();
    assert_eq!((pair.machine.capacity(StreamId::ONLY), pair.machine.held()), (0, held));
    let head = {
        let mut slices = [&[][..]; 2];
        pair.machine.poll_transmit(&mut slices);
        slices[0].len()
    };
    pair.machine.transmitted(pair.now, head + (1 << 30) - 1);
    assert!(pair.machine.capacity(StreamId::ONLY) > 0);
}
