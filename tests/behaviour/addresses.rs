//! Addresses to listen on: several hosts, one port for all of them, and both families with one socket.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;

use stelo_core::app::Address;
use stelo_server::Listen;
use stelo_tests::{Client, On, Running, cases, config};
use stelo_toolkit::{App, Request, get};

use crate::folder::Folder;

cases!(
    several_hosts_share_one_port,
    sockets_of_several_kinds_are_served,
    one_socket_accepts_both_families_and_shows_ipv4_as_ipv4,
    an_ipv6_socket_can_refuse_ipv4,
    an_inherited_dual_stack_socket_shows_ipv4_as_ipv4,
);

/// Answers with the addresses of the connection.
fn addresses() -> App {
    let show = async |request: Request| format!("{:?} {:?}", request.client(), request.server());
    App::new().route("/", get(show))
}

/// Returns the port that all sockets of a server have.
fn port(server: &Running) -> u16 {
    let port = |address: &Address| match address {
        Address::Ip(address) => address.port(),
        other => panic!("not a TCP address: {other:?}"),
    };
    let ports: Vec<_> = server.addresses().iter().map(port).collect();
    assert!(ports.iter().all(|other| *other == ports[0]), "{ports:?}");
    ports[0]
}

/// Requests the addresses from `address`, and compares them with those of the client.
fn is_seen_at(address: SocketAddr) {
    let socket = TcpStream::connect(address).expect("the server listens there");
    let client = socket.local_addr().expect("it is connected");
    let answer = Client::new(socket).get("/");
    assert_eq!(answer.text(), format!("{:?} {:?}", Some(Address::Ip(client)), Some(Address::Ip(address))));
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

fn several_hosts_share_one_port(on: On) {
    let mut hosts = vec!["127.0.0.1"];
    if cfg!(target_os = "linux") {
        hosts.push("127.0.0.2"); // Other systems have one loopback address.
    }
    if has_ipv6() {
        hosts.push("::1");
    }
    let server = on.serve_with(config().hosts(hosts.clone()).threads(2), addresses());
    assert_eq!(server.addresses().len(), hosts.len());
    for host in hosts {
        is_seen_at(SocketAddr::new(host.parse().expect("an address"), port(&server)));
    }
}

fn sockets_of_several_kinds_are_served(on: On) {
    let folder = Folder::new(on, "kinds");
    let inherited = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let given = inherited.local_addr().expect("it is bound");
    let tcp = "127.0.0.1:0".parse().expect("a socket");
    let sockets = [tcp, Listen::Unix(folder.socket()), Listen::Descriptor(inherited.into_raw_fd())];
    let server = on.serve_with(config().bind(sockets), addresses());
    let [Address::Ip(chosen), Address::Unix(_), Address::Ip(_)] = server.addresses() else {
        panic!("{:?}", server.addresses())
    };
    is_seen_at(*chosen);
    is_seen_at(given);
    let client = UnixStream::connect(folder.socket()).expect("the server listens on the Unix socket");
    assert_eq!(Client::new(client).get("/").status, 200);
}

fn one_socket_accepts_both_families_and_shows_ipv4_as_ipv4(on: On) {
    if !has_ipv6() {
        return;
    }
    let server = on.serve_with(config().host("::").threads(2), addresses());
    let port = port(&server);
    assert_eq!(server.addresses(), [Address::Ip((Ipv6Addr::UNSPECIFIED, port).into())]);
    is_seen_at((Ipv4Addr::LOCALHOST, port).into());
    is_seen_at((Ipv6Addr::LOCALHOST, port).into());
}

fn an_ipv6_socket_can_refuse_ipv4(on: On) {
    if !has_ipv6() {
        return;
    }
    let server = on.serve_with(config().host("::").ipv6_only(true), addresses());
    is_seen_at((Ipv6Addr::LOCALHOST, port(&server)).into());
    let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, port(&server)));
    assert!(refused.is_err(), "it listens on IPv4");
}

fn an_inherited_dual_stack_socket_shows_ipv4_as_ipv4(on: On) {
    use std::os::fd::AsRawFd;
    if !cfg!(target_os = "linux") || !has_ipv6() {
        return; // `TcpListener` sets no option, and dual-stack is the default of Linux.
    }
    let parent = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).expect("some port is free");
    let port = parent.local_addr().expect("it is bound").port();
    let server = on.serve_with(config().fd(parent.as_raw_fd()), addresses());
    is_seen_at((Ipv4Addr::LOCALHOST, port).into());
    server.stop().expect("an ordinary end");
}
