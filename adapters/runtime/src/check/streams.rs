//! Reading, writing, the ends of a connection.

use std::fs::{self, File};
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::os::fd::AsFd;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::Folder;
use super::peer::{ANY_PORT, Client, PATIENCE, close, connected, echo, read, tcp, write_all, write_vectored};
use crate::{Address, Bind, Runtime, Stream};

/// Echoes messages of sizes around that of the buffer, each before the next is sent.
fn echoes<R: Runtime>(bind: &Bind) {
    const BUFFER: usize = 256;
    let client = |mut client: Client| {
        for size in [1, 2, BUFFER - 1, BUFFER, BUFFER + 1, 2 * BUFFER, 10_000, 1] {
            let message: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            client.send(&message);
            assert_eq!(client.receive(size), message);
        }
        client.finish();
        assert_eq!(client.receive_all(), b"");
    };
    connected(bind, client, |_: R, mut stream| async move { echo(&mut stream, BUFFER).await });
}

/// An echo over TCP.
pub fn echo_tcp<R: Runtime>() {
    echoes::<R>(&tcp(ANY_PORT));
}

/// An echo over a Unix socket.
pub fn echo_unix<R: Runtime>() {
    let folder = Folder::new();
    echoes::<R>(&Bind::Unix(folder.socket()));
}

/// Several slices, some of them empty, leave in one write and in order.
pub fn vectored_write<R: Runtime>() {
    let client = |mut client: Client| client.receive_all();
    let (received, written) = connected(&tcp(ANY_PORT), client, |_: R, mut stream: R::Stream| async move {
        let slices = [b"one ".as_slice(), b"", b"two ", b"three"].map(IoSlice::new);
        write_vectored(&mut stream, &slices).await.expect("the client reads")
    });
    assert_eq!(received, b"one two three");
    assert_eq!(written, received.len());
}

/// Once the peer has closed its side, every read returns 0, and writes still reach it.
pub fn half_close<R: Runtime>() {
    let client = |mut client: Client| {
        client.send(b"question");
        client.finish();
        client.receive_all()
    };
    let (received, ()) = connected(&tcp(ANY_PORT), client, |_: R, mut stream: R::Stream| async move {
        let mut buf = [0; 64];
        let mut question = Vec::new();
        loop {
            match read(&mut stream, &mut buf).await.expect("the client sends") {
                0 => break,
                n => question.extend_from_slice(&buf[..n]),
            }
        }
        assert_eq!(question, b"question");
        assert_eq!(read(&mut stream, &mut buf).await.expect("the end stays the end"), 0);
        write_all(&mut stream, b"answer").await;
    });
    assert_eq!(received, b"answer");
}

/// The peer sees that the server has closed its side, and its bytes are still read.
pub fn own_close<R: Runtime>() {
    let client = |mut client: Client| {
        assert_eq!(client.receive_all(), b"bye");
        client.send(b"last words");
    };
    connected(&tcp(ANY_PORT), client, |_: R, mut stream: R::Stream| async move {
        write_all(&mut stream, b"bye").await;
        close(&mut stream).await;
        let mut buf = [0; 64];
        let mut heard = Vec::new();
        while let n @ 1.. = read(&mut stream, &mut buf).await.expect("the client sends") {
            heard.extend_from_slice(&buf[..n]);
        }
        assert_eq!(heard, b"last words");
    });
}

/// A reset ends a read that waits, with an error.
pub fn peer_reset<R: Runtime>() {
    let (waiting, told) = mpsc::channel();
    let client = move |client: Client| {
        let Client::Tcp(stream) = client else { panic!("a TCP address was bound") };
        told.recv_timeout(PATIENCE).expect("the server comes to its read");
        let socket = socket2::Socket::from(stream);
        socket.set_linger(Some(Duration::ZERO)).expect("a socket that is open");
    };
    let ((), error) = connected(&tcp(ANY_PORT), client, |_: R, mut stream: R::Stream| async move {
        let mut buf = [0; 64];
        poll_fn(|cx| {
            let result = stream.poll_read(cx, &mut buf);
            if result.is_pending() {
                // Fails after the first time, because the client has ended.
                let _ = waiting.send(());
            }
            result
        })
        .await
        .expect_err("the connection was reset")
    });
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// While the peer does not read, writes wait. Once it reads, they go on, and nothing is lost.
pub fn back_pressure<R: Runtime>() {
    const TOTAL: usize = 32 << 20;
    let (stuck, told) = mpsc::channel();
    let client = move |mut client: Client| {
        told.recv_timeout(PATIENCE).expect("the buffers of the system are smaller than what is sent");
        client.receive_all()
    };
    let (received, ()) = connected(&tcp(ANY_PORT), client, |_: R, mut stream: R::Stream| async move {
        let piece: Vec<u8> = (0..64 << 10).map(|i| (i % 251) as u8).collect();
        let mut written = 0;
        while written < TOTAL {
            let rest = &piece[written % piece.len()..];
            written += poll_fn(|cx| {
                let result = stream.poll_write(cx, rest);
                if result.is_pending() {
                    // Fails after the first time: the client needs one message.
                    let _ = stuck.send(());
                }
                result
            })
            .await
            .expect("the client reads in the end");
        }
    });
    assert_eq!(received.len(), TOTAL);
    assert!(received.iter().enumerate().all(|(i, byte)| *byte == ((i % (64 << 10)) % 251) as u8));
}

/// A file is sent from any offset, after the bytes before it, up to its end. While the peer does not read, that waits.
/// On Linux.
pub fn sent_file<R: Runtime>() {
    const SIZE: usize = 32 << 20;
    if cfg!(not(target_os = "linux")) {
        return; // `send_file` uses no call of other systems.
    }
    let folder = Folder::new();
    let path = folder.path().join("file");
    let content: Arc<[u8]> = (0..SIZE).map(|i| (i % 251) as u8).collect();
    fs::write(&path, &content).expect("the folder is ours");
    let file = File::open(&path).expect("it was written");
    for bind in [tcp(ANY_PORT), Bind::Unix(folder.socket())] {
        let (stuck, told) = mpsc::channel();
        let expected = content.clone();
        let client = move |mut client: Client| {
            told.recv_timeout(PATIENCE).expect("the buffers of the system are smaller than the file");
            let received = client.receive_all();
            assert!(received.starts_with(b"before") && received[6..] == expected[1..]);
        };
        let file = &file;
        connected(&bind, client, |_: R, mut stream: R::Stream| async move {
            let before = [b"be".as_slice(), b"fore"].map(IoSlice::new);
            let mut sent = 0;
            while sent < before.len() * 3 + SIZE - 1 {
                let (rest, offset) = if sent == 0 { (&before[..], 1) } else { (&[][..], sent - 5) };
                let n = poll_fn(|cx| {
                    // A length beyond the end of the file.
                    let result = stream.poll_send_file(cx, rest, file.as_fd(), offset as u64, SIZE);
                    if result.is_pending() {
                        // Fails after the first time: the client needs one message.
                        let _ = stuck.send(());
                    }
                    result
                });
                sent += n.await.expect("the client reads in the end");
            }
            let end = poll_fn(|cx| stream.poll_send_file(cx, &[], file.as_fd(), SIZE as u64, 1)).await;
            assert_eq!(end.expect("the client still reads"), 0);
        });
    }
}

/// A connection knows its two addresses.
pub fn addresses<R: Runtime>() {
    let client = |mut client: Client| {
        client.receive_all();
        let Client::Tcp(stream) = &client else { panic!("a TCP address was bound") };
        let ends = (stream.local_addr(), stream.peer_addr());
        (Address::Ip(ends.0.expect("it is connected")), Address::Ip(ends.1.expect("it is connected")))
    };
    let (theirs, ours) = connected(&tcp(ANY_PORT), client, |_: R, stream: R::Stream| async move {
        (stream.peer_address(), stream.local_address())
    });
    assert_eq!(ours, (Some(theirs.0), Some(theirs.1)));

    let folder = Folder::new();
    let path = folder.socket();
    // The client stays until the server has looked.
    let client = |mut client: Client| client.receive_all();
    let (_, ours) = connected(&Bind::Unix(path.clone()), client, |_: R, stream: R::Stream| async move {
        (stream.peer_address(), stream.local_address())
    });
    assert_eq!(ours, (None, Some(Address::Unix(path.to_string_lossy().into()))));
}
