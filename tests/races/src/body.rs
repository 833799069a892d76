//! The channel behind a streamed body: the sender and the reader are on different threads.

use std::future::poll_fn;
use std::task::Poll;

use loom::future::block_on;
use loom::thread;
use stelo_core::body::{BodyError, Length};

use crate::explore;
use channel::{Demand, Receiver, Sender};

// Servers and applications use more of it than the scenarios.
#[expect(dead_code)]
#[path = "../../../core/src/body/channel.rs"]
mod channel;

/// `body::Frame`, as far as a channel knows it.
enum Frame {
    Data(crate::Bytes),
    #[expect(dead_code)]
    Trailers(Trailers),
}

/// Trailers, which the scenarios do not send.
enum Trailers {}

impl Trailers {
    fn held(&self) -> usize {
        match *self {}
    }
}

/// Reads to the end. Returns the length of each piece, and whether the body is complete.
fn read(mut receiver: Receiver) -> (Vec<usize>, bool) {
    block_on(async {
        let mut pieces = Vec::new();
        loop {
            match poll_fn(|cx| receiver.poll_frame(cx)).await {
                Some(Ok(Frame::Data(bytes))) => pieces.push(bytes.len()),
                Some(Ok(Frame::Trailers(trailers))) => match trailers {},
                Some(Err(_)) => return (pieces, false),
                None => return (pieces, true),
            }
        }
    })
}

fn piece(len: usize) -> Frame {
    Frame::Data(vec![0; len].into())
}

/// The reader gets every piece before the end.
pub fn the_last_piece_comes_before_the_end() {
    explore(|| {
        let (sender, receiver) = channel::new(Length::Unknown);
        let thread = thread::spawn(move || {
            assert!(sender.try_send(piece(1)).is_ok() && sender.try_send(piece(2)).is_ok());
            sender.finish();
        });
        assert_eq!(read(receiver), (vec![1, 2], true));
        thread.join().expect("it ends");
    });
}

/// The error of a sender that is dropped comes after its pieces, and is never taken for the end.
pub fn a_dropped_sender_is_no_end() {
    explore(|| {
        let (sender, receiver) = channel::new(Length::Unknown);
        let thread = thread::spawn(move || {
            assert!(sender.try_send(piece(1)).is_ok());
        });
        assert_eq!(read(receiver), (vec![1], false));
        thread.join().expect("it ends");
    });
}

/// A server that waits for the demand of its reader is woken when the reader asks.
pub fn the_first_question_wakes_the_sender() {
    explore(|| {
        let (sender, receiver) = channel::new(Length::Unknown);
        let thread = thread::spawn(move || read(receiver));
        block_on(poll_fn(|cx| match sender.poll_demand(cx) {
            Demand::Wanted => Poll::Ready(()),
            _ => Poll::Pending,
        }));
        assert!(sender.try_send(piece(1)).is_ok());
        sender.finish();
        assert_eq!(thread.join().expect("it ends"), (vec![1], true));
    });
}

/// A sender that waits for room is woken when the reader has taken a piece.
pub fn room_wakes_the_sender() {
    explore(|| {
        let (sender, receiver) = channel::new(Length::Unknown);
        assert!(sender.try_send(piece(Sender::CAPACITY)).is_ok());
        let thread = thread::spawn(move || read(receiver));
        block_on(sender.send(vec![0; 1])).expect("the reader is there");
        sender.finish();
        assert_eq!(thread.join().expect("it ends"), (vec![Sender::CAPACITY, 1], true));
    });
}

/// A sender that waits for room is woken when the reader goes.
pub fn a_reader_that_goes_wakes_the_sender() {
    explore(|| {
        let (sender, receiver) = channel::new(Length::Unknown);
        assert!(sender.try_send(piece(Sender::CAPACITY)).is_ok());
        let thread = thread::spawn(move || drop(receiver));
        assert!(block_on(sender.send(vec![0; 1])).is_err());
        thread.join().expect("it ends");
    });
}
