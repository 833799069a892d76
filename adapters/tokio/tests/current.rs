//! Runtimes that the program has made.

use std::future::poll_fn;
use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use stelo_runtime::{Address, Bind, Hangup, Listener, Runtime, Stream};
use stelo_tokio::Tokio;
use tokio::runtime::Builder;

#[test]
fn a_runtime_of_many_threads_is_used_from_outside() {
    let multi = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("it starts");
    let runtime = multi.block_on(async { Tokio::current() }).expect("a task is running");

    // This thread is not one of the runtime: sockets and timers find it through the handle.
    let bind = Bind::Tcp(([127, 0, 0, 1], 0).into());
    let socket = runtime.bind(&bind).expect("some port is free");
    let _listener = runtime.listen(socket, 8).expect("it is bound");
    let sleep = runtime.sleep(runtime.now() + Duration::from_millis(1));
    let (send, receive) = mpsc::channel();
    runtime.spawn(async move {
        sleep.await;
        let _ = send.send(());
    });
    assert_eq!(receive.recv_timeout(Duration::from_secs(20)), Ok(()));
}

#[test]
fn without_a_runtime_current_fails() {
    assert!(Tokio::current().is_err());
}

/// Events are noted on one thread while a task on another removes notes: none may get lost.
#[test]
fn hangups_and_bytes_are_seen_on_a_runtime_of_many_threads() {
    let multi = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("it starts");
    let runtime = multi.block_on(async { Tokio::current() }).expect("a task is running");
    let socket = runtime.bind(&Bind::Tcp(([127, 0, 0, 1], 0).into())).expect("some port is free");
    let address = runtime.local_address(&socket).expect("it is bound");
    let mut listener = runtime.listen(socket, 8).expect("it is bound");
    let (send, receive) = mpsc::channel();
    runtime.spawn(async move {
        while let Ok(mut stream) = poll_fn(|cx| listener.poll_accept(cx)).await {
            let mut sum = 0;
            let hangup = poll_fn(|cx| {
                if let Poll::Ready(hangup) = stream.poll_hangup(cx) {
                    return Poll::Ready(hangup);
                }
                while let Poll::Ready(n) = stream.poll_read(cx, &mut [0; 3]) {
                    match n.expect("the client sends") {
                        0 => return Poll::Ready(Hangup::HalfClosed),
                        n => sum += n,
                    }
                }
                // Bytes that come after the check above and before the reads wake this task too.
                stream.poll_hangup(cx)
            })
            .await;
            while let n @ 1.. =
                poll_fn(|cx| stream.poll_read(cx, &mut [0; 3])).await.expect("it is half-closed")
            {
                sum += n;
            }
            let _ = send.send((hangup, sum));
        }
    });
    let Address::Ip(address) = address else { panic!("a TCP address was bound") };
    for _ in 0..200 {
        let mut client = TcpStream::connect(address).expect("the server listens");
        for _ in 0..5 {
            client.write_all(b"piece").expect("the server reads");
        }
        drop(client);
        assert_eq!(receive.recv_timeout(Duration::from_secs(20)), Ok((Hangup::HalfClosed, 25)));
    }
}
