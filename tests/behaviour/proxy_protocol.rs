//! The PROXY protocol: the addresses of the client, and connections that are refused.

use stelo_core::app::Address;
use stelo_server::ProxyProtocol;
use stelo_tests::{Client, Closed, On, Running, cases, config};
use stelo_toolkit::{App, Request, get};

use crate::folder::Folder;

cases!(
    a_line_gives_the_addresses_of_the_client,
    a_binary_header_gives_the_addresses_of_the_client,
    a_header_may_come_byte_by_byte,
    a_proxy_that_connects_for_itself_is_the_client,
    a_connection_without_a_header_is_closed,
    a_peer_that_is_not_allowed_is_closed,
    the_client_of_the_header_is_not_a_trusted_proxy,
    a_proxy_on_a_unix_socket_is_allowed,
    a_connection_without_a_header_does_not_delay_the_shutdown,
);

/// Answers with the addresses of the connection.
fn shows() -> App {
    App::new().route("/", get(show))
}

async fn show(request: Request) -> String {
    let text = |address: Option<&Address>| address.map(ToString::to_string).unwrap_or_default();
    format!("{} {}", text(request.client()), text(request.server()))
}

fn serve(on: On, protocol: ProxyProtocol) -> Running {
    on.serve_with(config().proxy_protocol(protocol), shows())
}

const LINE: &str = "PROXY TCP4 192.0.2.1 203.0.113.7 51234 443\r\n";
const REQUEST: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const SEEN: &str = "192.0.2.1:51234 203.0.113.7:443";

/// Returns a header with the addresses of [`LINE`].
fn binary(command: u8) -> Vec<u8> {
    let addresses = [192, 0, 2, 1, 203, 0, 113, 7, 200, 34, 1, 187];
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, 0x11, 0, 12][..], &addresses].concat()
}

#[track_caller]
fn is_closed(mut client: Client) {
    let (bytes, _) = client.rest();
    assert_eq!(bytes, b"", "there is no response");
}

fn a_line_gives_the_addresses_of_the_client(on: On) {
    for protocol in [ProxyProtocol::V1, ProxyProtocol::Any] {
        let server = serve(on, protocol);
        let mut client = server.connect();
        client.send(format!("{LINE}{REQUEST}"));
        assert_eq!(client.answer().text(), SEEN);
        client.send(REQUEST);
        assert_eq!(client.answer().text(), SEEN, "the header comes once");
    }
}

fn a_binary_header_gives_the_addresses_of_the_client(on: On) {
    for protocol in [ProxyProtocol::V2, ProxyProtocol::Any] {
        let server = serve(on, protocol);
        let mut client = server.connect();
        client.send([&binary(0x21), REQUEST.as_bytes()].concat());
        assert_eq!(client.answer().text(), SEEN);
    }
}

fn a_header_may_come_byte_by_byte(on: On) {
    let server = serve(on, ProxyProtocol::Any);
    for header in [LINE.as_bytes(), &binary(0x21)] {
        let mut client = server.connect();
        client.send_one_by_one([header, REQUEST.as_bytes()].concat());
        assert_eq!(client.answer().text(), SEEN);
    }
}

fn a_proxy_that_connects_for_itself_is_the_client(on: On) {
    let server = serve(on, ProxyProtocol::Any);
    for header in [b"PROXY UNKNOWN\r\n".to_vec(), binary(0x20)] {
        let mut client = server.connect();
        let own = client.address();
        client.send([&header, REQUEST.as_bytes()].concat());
        assert_eq!(client.answer().text(), format!("{own} {}", server.address()));
    }
}

fn a_connection_without_a_header_is_closed(on: On) {
    let server = serve(on, ProxyProtocol::V2);
    for bytes in [REQUEST, LINE, "\r\n\r\n\0\r\nQUIT\nxxxx", "x"] {
        let mut client = server.connect();
        client.send(bytes);
        is_closed(client);
    }
    // A health check connects and leaves.
    let mut client = server.connect();
    client.half_close();
    assert_eq!(client.rest(), (Vec::new(), Closed::Ended));
}

fn a_peer_that_is_not_allowed_is_closed(on: On) {
    let allowed = "10.0.0.0/8".parse().expect("a network");
    let server =
        on.serve_with(config().proxy_protocol(ProxyProtocol::Any).proxy_allow_from(allowed), shows());
    let mut client = server.connect();
    // The server may close before all bytes are sent.
    let _ = client.try_send(LINE);
    is_closed(client);
}

fn the_client_of_the_header_is_not_a_trusted_proxy(on: On) {
    let request = "GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 198.51.100.1\r\n\r\n";
    let server = serve(on, ProxyProtocol::V1);
    let mut client = server.connect();
    client.send(format!("{LINE}{request}"));
    assert_eq!(client.answer().text(), SEEN);
    let trusted = "192.0.2.1".parse().expect("an address");
    let server =
        on.serve_with(config().proxy_protocol(ProxyProtocol::V1).forwarded_allow_ips(trusted), shows());
    let mut client = server.connect();
    client.send(format!("{LINE}{request}"));
    assert_eq!(client.answer().text(), "198.51.100.1:0 203.0.113.7:443");
}

fn a_proxy_on_a_unix_socket_is_allowed(on: On) {
    let folder = Folder::new(on, "proxy-protocol");
    let server = on.serve_with(config().proxy_protocol(ProxyProtocol::V1).uds(folder.socket()), shows());
    let mut client = server.connect_unix(&folder.socket());
    client.send(format!("{LINE}{REQUEST}"));
    assert_eq!(client.answer().text(), SEEN);
}

fn a_connection_without_a_header_does_not_delay_the_shutdown(on: On) {
    let server = serve(on, ProxyProtocol::V1);
    let mut accepted = server.connect();
    accepted.send(format!("{LINE}{REQUEST}"));
    assert_eq!(accepted.answer().status, 200);
    let mut client = server.connect();
    client.send("PROXY ");
    server.stop().expect("an ordinary end");
    is_closed(client);
}
