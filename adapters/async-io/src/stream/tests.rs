use std::future::poll_fn;
use std::net::TcpListener;
use std::thread;

use stelo_runtime::Stream as _;

use super::*;
use crate::io::in_both;
use crate::{Handle, block_on};

fn pair(home: &Home) -> (TcpStream, Stream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, peer) = listener.accept().unwrap();
    (client, Stream::from_tcp(server, Ends { peer, local: None }, home).unwrap())
}

async fn read(stream: &mut Stream, buf: &mut [u8]) -> io::Result<usize> {
    poll_fn(|cx| stream.poll_read(cx, buf)).await
}

#[test]
fn bytes_that_arrive_after_a_short_read_are_read() {
    in_both(async |home| {
        let (mut client, mut stream) = pair(home);
        let mut buf = [0; 8];
        for message in [b"one".as_slice(), b"two", b"eightful", b"x"] {
            client.write_all(message).unwrap();
            let n = read(&mut stream, &mut buf).await.unwrap();
            assert_eq!(&buf[..n], message);
        }
        drop(client);
        for _ in 0..2 {
            assert_eq!(read(&mut stream, &mut buf).await.unwrap(), 0);
        }
    });
}

#[test]
fn an_end_that_comes_with_the_last_bytes_is_seen() {
    in_both(async |home| {
        let (mut client, mut stream) = pair(home);
        let mut buf = [0; 8];
        // The first read waits, so that the system reports the bytes and the end in one event.
        poll_fn(|cx| {
            assert!(stream.poll_read(cx, &mut buf).is_pending());
            client.write_all(b"bye").unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            Poll::Ready(())
        })
        .await;
        assert_eq!(read(&mut stream, &mut buf).await.unwrap(), 3);
        assert_eq!(read(&mut stream, &mut buf).await.unwrap(), 0);
    });
}

#[test]
fn a_read_that_is_polled_without_a_wake_up_goes_on_waiting() {
    in_both(async |home| {
        let (mut client, mut stream) = pair(home);
        let mut buf = [0; 8];
        for _ in 0..3 {
            client.write_all(b"ping").unwrap();
            assert_eq!(read(&mut stream, &mut buf).await.unwrap(), 4);
            poll_fn(|cx| {
                for _ in 0..3 {
                    assert!(stream.poll_read(cx, &mut buf).is_pending());
                }
                Poll::Ready(())
            })
            .await;
        }
    });
}

#[test]
fn a_stream_is_read_on_another_thread() {
    block_on(async |handle| {
        let (mut client, mut stream) = pair(&handle.home());
        let reader = thread::spawn(move || {
            async_io::block_on(async {
                let mut buf = [0; 8];
                let mut sum = 0;
                while let n @ 1.. = read(&mut stream, &mut buf).await.unwrap() {
                    sum += n;
                }
                sum
            })
        });
        for _ in 0..1000 {
            client.write_all(b"ping").unwrap();
            // The reactor runs only while this waits.
            yield_now(&handle).await;
        }
        drop(client);
        while !reader.is_finished() {
            yield_now(&handle).await;
        }
        assert_eq!(reader.join().unwrap(), 4000);
    })
    .unwrap();
}

async fn yield_now(handle: &Handle) {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        handle.yield_now(cx);
        Poll::Pending
    })
    .await;
}

#[test]
fn a_stream_that_outlives_its_executor_returns_an_error() {
    let mut buf = [0; 8];
    let (_client, mut stream) = block_on(async |handle| pair(&handle.home())).unwrap();
    assert!(async_io::block_on(read(&mut stream, &mut buf)).is_err());
}

#[test]
fn a_hangup_is_seen_with_unread_bytes() {
    in_both(async |home| {
        for _ in 0..20 {
            let (mut client, mut stream) = pair(home);
            client.write_all(b"unread").unwrap();
            poll_fn(|cx| {
                assert!(stream.poll_hangup(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            let closing = thread::spawn(move || drop(client));
            assert_eq!(poll_fn(|cx| stream.poll_hangup(cx)).await, Hangup::HalfClosed);
            closing.join().unwrap();
            let mut buf = [0; 8];
            assert_eq!(read(&mut stream, &mut buf).await.unwrap(), 6);
            assert_eq!(read(&mut stream, &mut buf).await.unwrap(), 0);
        }
    });
}

#[test]
fn a_stream_connects() {
    in_both(async |home| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Ip(listener.local_addr().unwrap());
        let mut stream = Stream::connect(&address, home).unwrap();
        poll_fn(|cx| stream.poll_connected(cx)).await.unwrap();
        let (mut client, _) = listener.accept().unwrap();
        client.write_all(b"hello").unwrap();
        let mut buf = [0; 8];
        assert_eq!(read(&mut stream, &mut buf).await.unwrap(), 5);

        drop(listener);
        let refused = match Stream::connect(&address, home) {
            Ok(mut stream) => poll_fn(|cx| stream.poll_connected(cx)).await,
            Err(error) => Err(error),
        };
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_task_that_waits_for_a_hangup_hears_that_the_executor_has_ended() {
    let (_client, mut stream) = block_on(async |handle| pair(&handle.home())).unwrap();
    assert_eq!(async_io::block_on(poll_fn(|cx| stream.poll_hangup(cx))), Hangup::Gone);
}
