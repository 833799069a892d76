//! Outgoing connections, and name resolution.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use super::Folder;
use super::peer::{ANY_PORT, Client, close, join, read, write_all};
use crate::{Address, Runtime, Stream};

/// Connects to a server that echoes, and sends it a message.
fn echoes<R: Runtime>(address: &Address, server: impl FnOnce() -> Client + Send + 'static) {
    let server = thread::spawn(move || {
        let mut client = server();
        let message = client.receive_all();
        client.send(&message);
    });
    R::block_on(|runtime: R| async move {
        let mut stream = runtime.connect(address).await.expect("the server listens");
        assert_eq!(stream.peer_address().as_ref(), Some(address));
        write_all(&mut stream, b"hello").await;
        close(&mut stream).await;
        let mut message = Vec::new();
        let mut buf = [0; 64];
        while let n @ 1.. = read(&mut stream, &mut buf).await.expect("the server answers") {
            message.extend_from_slice(&buf[..n]);
        }
        assert_eq!(message, b"hello");
    })
    .expect("the executor starts");
    join(server);
}

/// A TCP connection to a server.
pub fn connect_tcp<R: Runtime>() {
    let listener = TcpListener::bind(ANY_PORT).expect("some port is free");
    let address = Address::Ip(listener.local_addr().expect("it is bound"));
    echoes::<R>(&address, move || Client::Tcp(listener.accept().expect("the client connects").0));
}

/// A Unix connection to a server.
pub fn connect_unix<R: Runtime>() {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.socket()).expect("the folder is empty");
    let address = Address::Unix(folder.socket().to_string_lossy().into());
    echoes::<R>(&address, move || Client::Unix(listener.accept().expect("the client connects").0));
}

/// Attempts without a listener fail with their reasons.
pub fn connect_refused<R: Runtime>() {
    let folder = Folder::new();
    drop(UnixListener::bind(folder.socket()).expect("the folder is empty"));
    let missing = folder.path().join("missing");
    // Held, so that no other program takes the port; it does not listen.
    let bound = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    bound.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("some port is free");
    let port = bound.local_addr().expect("it is bound").as_socket().expect("it is IPv4");
    let unix = |path: std::path::PathBuf| Address::Unix(path.to_string_lossy().into());
    R::block_on(|runtime: R| async move {
        for (address, kind) in [
            (Address::Ip(port), ErrorKind::ConnectionRefused),
            (unix(folder.socket()), ErrorKind::ConnectionRefused),
            (unix(missing), ErrorKind::NotFound),
        ] {
            let error = runtime.connect(&address).await.err().expect("nothing listens there");
            assert_eq!(error.kind(), kind, "{address}");
        }
    })
    .expect("the executor starts");
}

/// An attempt that gets no answer waits, and is gone once it is dropped. On Linux, which drops the first packet of a
/// connection while the queue of the listener is full, and lists the attempts.
pub fn connect_dropped<R: Runtime>() {
    if cfg!(not(target_os = "linux")) {
        return;
    }
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("some port is free");
    listener.listen(0).expect("it is bound");
    let address = listener.local_addr().expect("it is bound").as_socket().expect("it is IPv4");
    let _queued = std::net::TcpStream::connect(address).expect("the queue has room for one");
    // The remote port and the state SYN_SENT, as /proc/net/tcp has them.
    let attempts = || {
        let sockets = std::fs::read_to_string("/proc/self/net/tcp").expect("Linux has it");
        let remote = format!(":{:04X}", address.port());
        let is_attempt = |line: &&str| {
            let mut fields = line.split_ascii_whitespace().skip(2);
            fields.next().is_some_and(|field| field.ends_with(&remote)) && fields.next() == Some("02")
        };
        sockets.lines().filter(is_attempt).count()
    };
    R::block_on(|runtime: R| async move {
        let mut connecting = Box::pin(runtime.connect(&Address::Ip(address)));
        // Long enough for a connection on this machine to be made.
        let mut patience = pin!(runtime.sleep(runtime.now() + Duration::from_millis(20)));
        poll_fn(|cx| {
            assert!(connecting.as_mut().poll(cx).is_pending(), "the queue of the listener is full");
            patience.as_mut().poll(cx)
        })
        .await;
        assert_eq!(attempts(), 1);
        drop(connecting);
        assert_eq!(attempts(), 0);
    })
    .expect("the executor starts");
}

/// `localhost` is this machine, and a literal address is itself.
pub fn resolve_localhost<R: Runtime>() {
    R::block_on(|runtime: R| async move {
        let addresses = runtime.resolve("localhost", 80).await.expect("every machine has it");
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
        assert!(!addresses.is_empty());
        let literal = [("192.0.2.1", "192.0.2.1:81"), ("2001:db8::1", "[2001:db8::1]:81")];
        for (host, address) in literal {
            let addresses = runtime.resolve(host, 81).await.expect("it is an address");
            assert_eq!(addresses, [address.parse().expect("a constant that is an address")]);
        }
    })
    .expect("the executor starts");
}

/// A name that cannot exist is an error.
pub fn resolve_failure<R: Runtime>() {
    R::block_on(|runtime: R| async move {
        // A label has at most 63 octets (RFC 1035, section 2.3.4), so no server is asked.
        for host in ["x".repeat(300), "a\0b".to_owned()] {
            assert!(runtime.resolve(&host, 80).await.is_err());
        }
    })
    .expect("the executor starts");
}

/// A lookup that is dropped does no harm.
pub fn resolve_dropped<R: Runtime>() {
    R::block_on(|runtime: R| async move {
        let mut lookup = Box::pin(runtime.resolve("localhost", 80));
        poll_fn(|cx| {
            let _ = lookup.as_mut().poll(cx);
            Poll::Ready(())
        })
        .await;
        drop(lookup);
        assert!(runtime.resolve("localhost", 80).await.is_ok());
    })
    .expect("the executor starts");
}
