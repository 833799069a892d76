//! Bodies from files, on a network with faults. The simulator cannot send files, so the server reads them.

mod common;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use stelo_core::app::{App, BoxError, Reply, Request, Response};
use stelo_core::body::Length;
use stelo_core::body::{Body, BodyError, File, Frame, Piece, Region};
use stelo_server::Config;
use stelo_sim::{Client, Network, Sim, Simulation};

use crate::common::serve;

/// The size of the file, in bytes.
const SIZE: usize = 300_000;

struct Memory(Vec<u8>);

impl File for Memory {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, BoxError> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

/// Answers with a file between two texts. For `/short`, the region is a byte longer than the file.
struct Files(Arc<Memory>);

struct Pieces(VecDeque<Piece>);

impl Stream for Pieces {
    type Item = Result<Piece, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

impl App for Files {
    fn call(&self, request: Request) -> Reply {
        let more = usize::from(request.head().path() == "/short");
        let text = |text: &'static str| Piece::Frame(Frame::Data(text.into()));
        let region = |offset, len| Piece::Region(Region::new(self.0.clone(), offset as u64, len));
        let half = SIZE / 2;
        let pieces = [text("<"), region(0, half), region(half, half + more), text(">")];
        let length = Length::Known((SIZE + more + 2) as u64);
        Response::new(Body::from_pieces(Pieces(pieces.into()), length)).into()
    }
}

#[test]
fn files_arrive_complete_or_are_cut_off() {
    let content: Vec<u8> = (0..SIZE).map(|i| (i % 251) as u8).collect();
    let expected = [b"<", &*content, b">"].concat();
    for seed in 0..20 {
        let network = Network { partial: 0.5, late: 0.1, window: 10_000, ..Network::perfect() };
        let app = |_: &Sim| Files(Arc::new(Memory(content.clone())));
        serve(Simulation::new(seed).network(network), &Config::new(), app, async |sim, _, address| {
            let mut client = Client::connect(&sim, &address).await.expect("it listens");
            client.queue("GET /file HTTP/1.1\r\nhost: a\r\n\r\n".repeat(2));
            client.queue("GET /short HTTP/1.1\r\nhost: a\r\n\r\n");
            for _ in 0..2 {
                assert!(client.answer().await.expect("nothing breaks").body == expected);
            }
            assert!(client.answer().await.is_err(), "a byte is missing");
        });
    }
}
