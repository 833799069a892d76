//! Binding, sharing, inherited sockets, and the file of a Unix socket.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::task::Poll;
use std::thread;

use super::Folder;
use super::peer::{ANY_PORT, Client, accept, connected, echo, join, tcp};
use crate::{Address, Bind, Listener, Runtime, Stream};

/// The number of clients of a shared address: enough for each socket to accept some.
const CLIENTS: usize = 64;

/// Echoes one message over a connection to `bind`.
fn echoes_once<R: Runtime>(bind: &Bind) {
    let client = |mut client: Client| {
        client.send(b"hello");
        client.finish();
        client.receive_all()
    };
    let server = |_: R, mut stream: R::Stream| async move { echo(&mut stream, 64).await };
    assert_eq!(connected(bind, client, server).0, b"hello");
}

/// Connects [`CLIENTS`] clients, and returns the number of connections that each listener has accepted.
async fn share_out<L: Listener>(address: &Address, first: &mut L, second: &mut L) -> [usize; 2] {
    let address = address.clone();
    let clients = thread::spawn(move || {
        // Held until all have been accepted: some systems discard connections that were closed before.
        (0..CLIENTS).map(|_| Client::connect(&address)).collect::<Vec<_>>()
    });
    let mut counts = [0; 2];
    poll_fn(|cx| {
        for (listener, count) in [&mut *first, second].into_iter().zip(&mut counts) {
            while let Poll::Ready(stream) = listener.poll_accept(cx) {
                stream.expect("nothing is lost");
                *count += 1;
            }
        }
        if counts.iter().sum::<usize>() == CLIENTS { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    join(clients);
    counts
}

/// The port of a bound socket.
fn ip<R: Runtime>(runtime: &R, socket: &R::Socket) -> SocketAddr {
    match runtime.local_address(socket) {
        Ok(Address::Ip(address)) => address,
        other => panic!("a TCP socket has an IP address, not {other:?}"),
    }
}

/// A socket bound to port 0 has a port before it listens.
pub fn port_zero<R: Runtime>() {
    R::block_on(|runtime: R| async move {
        let socket = runtime.bind(&tcp(ANY_PORT)).expect("some port is free");
        assert_ne!(ip(&runtime, &socket).port(), 0);
    })
    .expect("the executor starts");
}

/// IPv6, where the machine has it.
pub fn ipv6<R: Runtime>() {
    if TcpListener::bind("[::1]:0").is_ok() {
        echoes_once::<R>(&tcp("[::1]:0"));
    }
}

/// A dual-stack socket, and another that shares its address, accept clients of both families. An IPv4 client is seen
/// with its IPv4 address.
pub fn dual_stack<R: Runtime>() {
    if TcpListener::bind("[::1]:0").is_err() {
        return; // The machine has no IPv6.
    }
    R::block_on(|runtime: R| async move {
        let first = runtime.bind(&Bind::DualStack(0)).expect("some port is free");
        let port = ip(&runtime, &first).port();
        let second = runtime.share(&first).expect("it is ours to share");
        for socket in [first, second] {
            let mut listener = runtime.listen(socket, 128).expect("it is bound");
            for host in ["127.0.0.1", "::1"] {
                let address = SocketAddr::new(host.parse().expect("an address"), port);
                let Client::Tcp(client) = Client::connect(&Address::Ip(address)) else {
                    panic!("it is a TCP address")
                };
                let stream = accept(&mut listener).await.expect("nothing is lost");
                let client = client.local_addr().expect("it is connected");
                assert_eq!(stream.peer_address(), Some(Address::Ip(client)));
                assert_eq!(stream.local_address(), Some(Address::Ip(address)));
            }
        }
    })
    .expect("the executor starts");
}

/// An address with a listener is in use.
pub fn address_taken<R: Runtime>() {
    let taken = TcpListener::bind(ANY_PORT).expect("some port is free");
    let address = taken.local_addr().expect("it is bound");
    R::block_on(|runtime: R| async move {
        let result = runtime.bind(&Bind::Tcp(address));
        assert_eq!(result.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
    })
    .expect("the executor starts");
}

/// A bound socket and one that shares its address both accept connections.
pub fn shared_tcp<R: Runtime>() {
    R::block_on(|runtime: R| async move {
        let first = runtime.bind(&tcp(ANY_PORT)).expect("some port is free");
        let second = runtime.share(&first).expect("it is ours to share");
        let address = runtime.local_address(&first).expect("it is bound");
        let mut first = runtime.listen(first, 128).expect("it is bound");
        let mut second = runtime.listen(second, 128).expect("it is bound");
        let counts = share_out(&address, &mut first, &mut second).await;
        assert!(!counts.contains(&0), "{counts:?}");
    })
    .expect("the executor starts");
}

/// The file of a shared Unix socket stays until the last listener is dropped.
pub fn shared_unix<R: Runtime>() {
    let folder = Folder::new();
    let path = folder.socket();
    let bind = Bind::Unix(path.clone());
    R::block_on(|runtime: R| async move {
        let first = runtime.bind(&bind).expect("nothing is there");
        let second = runtime.share(&first).expect("it is ours to share");
        let address = runtime.local_address(&first).expect("it is bound");
        let mut first = runtime.listen(first, 128).expect("it is bound");
        let mut second = runtime.listen(second, 128).expect("it is bound");
        share_out(&address, &mut first, &mut second).await;
        drop(first);
        assert!(path.exists());
        drop(second);
        assert!(!path.exists());
    })
    .expect("the executor starts");
}

/// All connections in the queue are accepted.
pub fn accepts_many<R: Runtime>() {
    R::block_on(|runtime: R| async move {
        let socket = runtime.bind(&tcp(ANY_PORT)).expect("some port is free");
        let address = runtime.local_address(&socket).expect("it is bound");
        let mut listener = runtime.listen(socket, 128).expect("it is bound");
        let clients: Vec<_> = (0..CLIENTS).map(|_| Client::connect(&address)).collect();
        for _ in &clients {
            accept(&mut listener).await.expect("nothing is lost");
        }
    })
    .expect("the executor starts");
}

/// An inherited socket is bound by the number of its descriptor.
pub fn inherited<R: Runtime>() {
    let folder = Folder::new();
    let tcp = TcpListener::bind(ANY_PORT).expect("some port is free");
    let unix = std::os::unix::net::UnixListener::bind(folder.socket()).expect("nothing is there");
    echoes_once::<R>(&Bind::Fd(tcp.as_raw_fd()));
    echoes_once::<R>(&Bind::Fd(unix.as_raw_fd()));
    assert!(folder.socket().exists(), "the parent process has bound the file");
}

/// The file of a Unix socket is removed with its listener, and the path can be bound again.
pub fn file_removed<R: Runtime>() {
    let folder = Folder::new();
    for _ in 0..2 {
        echoes_once::<R>(&Bind::Unix(folder.socket()));
        assert!(!folder.socket().exists());
    }
}
