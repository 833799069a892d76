//! Hang-ups that are seen without reading.

use std::future::poll_fn;
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::Poll;
use std::time::Duration;

use super::Folder;
use super::peer::{ANY_PORT, Client, PATIENCE, close, connected, read, tcp, write_all};
use crate::{Bind, Hangup, Runtime, Stream};

/// Waits for a hang-up; tells the client at the first poll that has to wait.
async fn hangup(stream: &mut impl Stream, waiting: &Sender<()>) -> Hangup {
    poll_fn(|cx| {
        let hangup = stream.poll_hangup(cx);
        if hangup.is_pending() {
            // Fails once the client has ended: it needs to hear this only once.
            let _ = waiting.send(());
        }
        hangup
    })
    .await
}

/// Returns the hang-up that is known now.
async fn known(stream: &mut impl Stream) -> Option<Hangup> {
    poll_fn(|cx| match stream.poll_hangup(cx) {
        Poll::Ready(hangup) => Poll::Ready(Some(hangup)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Waits until bytes have arrived, without reading all of them.
async fn first_byte(stream: &mut impl Stream) -> u8 {
    let mut byte = [0];
    assert_eq!(read(stream, &mut byte).await.expect("the client sends"), 1);
    byte[0]
}

async fn read_all(stream: &mut impl Stream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buf = [0; 7];
    while let n @ 1.. = read(stream, &mut buf).await.expect("the client has closed its side") {
        all.extend_from_slice(&buf[..n]);
    }
    all
}

fn wait(told: &Receiver<()>) {
    told.recv_timeout(PATIENCE).expect("the server waits for the hang-up");
}

/// A TCP client that closes is seen while there are unread bytes, which can still be read.
pub fn close_with_unread_bytes<R: Runtime>() {
    let (waiting, told) = mpsc::channel();
    let client = move |mut client: Client| {
        client.send(b"all unread bytes");
        wait(&told);
        drop(client);
    };
    connected(&tcp(ANY_PORT), client, |_: R, mut stream: R::Stream| async move {
        assert_eq!(first_byte(&mut stream).await, b'a');
        assert_eq!(hangup(&mut stream, &waiting).await, Hangup::HalfClosed);
        assert_eq!(read_all(&mut stream).await, b"ll unread bytes");
        assert_eq!(known(&mut stream).await, Some(Hangup::HalfClosed));
    });
}

/// A reset is seen while there are unread bytes.
pub fn reset_with_unread_bytes<R: Runtime>() {
    let (waiting, told) = mpsc::channel();
    let client = move |mut client: Client| {
        client.send(b"unread");
        wait(&told);
        let Client::Tcp(stream) = client else { panic!("a TCP address was bound") };
        // A close with a linger time of zero sends a reset.
        socket2::Socket::from(stream).set_linger(Some(Duration::ZERO)).expect("the socket is open");
    };
    connected(&tcp(ANY_PORT), client, |_: R, mut stream: R::Stream| async move {
        first_byte(&mut stream).await;
        assert_eq!(hangup(&mut stream, &waiting).await, Hangup::Gone);
        assert_eq!(known(&mut stream).await, Some(Hangup::Gone));
    });
}

/// A Unix client that closes is gone.
pub fn close_of_a_unix_socket<R: Runtime>() {
    let folder = Folder::new();
    let (waiting, told) = mpsc::channel();
    let client = move |mut client: Client| {
        client.send(b"unread");
        wait(&told);
        drop(client);
    };
    connected(&Bind::Unix(folder.socket()), client, |_: R, mut stream: R::Stream| async move {
        first_byte(&mut stream).await;
        assert_eq!(hangup(&mut stream, &waiting).await, Hangup::Gone);
        assert_eq!(read_all(&mut stream).await, b"nread");
    });
}

/// A client that closes its sending side is half-closed, and gets its answer.
pub fn half_close_before_the_answer<R: Runtime>() {
    let (waiting, told) = mpsc::channel();
    let client = move |mut client: Client| {
        client.send(b"question");
        wait(&told);
        client.finish();
        client.receive_all()
    };
    let (answer, ()) = connected(&tcp(ANY_PORT), client, |_: R, mut stream: R::Stream| async move {
        assert_eq!(hangup(&mut stream, &waiting).await, Hangup::HalfClosed);
        assert_eq!(read_all(&mut stream).await, b"question");
        write_all(&mut stream, b"answer").await;
        close(&mut stream).await;
    });
    assert_eq!(answer, b"answer");
}

/// Bytes that arrive are not mistaken for a hang-up, whether or not they are read.
pub fn no_false_report<R: Runtime>() {
    let client = |mut client: Client| {
        for _ in 0..10 {
            client.send(b"ping");
            assert_eq!(client.receive(4), b"pong");
        }
    };
    connected(&tcp(ANY_PORT), client, |_: R, mut stream: R::Stream| async move {
        for _ in 0..10 {
            let mut received = vec![first_byte(&mut stream).await];
            // The rest is unread at the first check, and read at the last.
            for _ in 1..4 {
                assert_eq!(known(&mut stream).await, None);
                received.push(first_byte(&mut stream).await);
            }
            assert_eq!((known(&mut stream).await, &*received), (None, &b"ping"[..]));
            write_all(&mut stream, b"pong").await;
        }
    });
}

/// A task that waits for a hang-up and for bytes gets both, in pieces of any size.
pub fn reads_go_on<R: Runtime>() {
    const TOTAL: usize = 100_000;
    let (waiting, told) = mpsc::channel();
    let client = move |mut client: Client| {
        for size in [1, 3, 4, 5, 1000, TOTAL - 1013] {
            wait(&told);
            client.send(&vec![b'x'; size]);
        }
        client.receive_all();
    };
    connected(&tcp(ANY_PORT), client, |_: R, mut stream: R::Stream| async move {
        let mut buf = [0; 4];
        let mut sum = 0;
        while sum < TOTAL {
            sum += poll_fn(|cx| {
                assert!(stream.poll_hangup(cx).is_pending());
                let result = stream.poll_read(cx, &mut buf);
                if result.is_pending() {
                    assert!(stream.poll_hangup(cx).is_pending());
                    let _ = waiting.send(());
                }
                result
            })
            .await
            .expect("the client sends");
        }
        assert_eq!(sum, TOTAL);
    });
}
