//! Trusted proxies: the client, the scheme and the host that the application sees.

use stelo_server::{Config, ProxyHeaders};
use stelo_tests::{On, Running, cases, config};
use stelo_toolkit::{App, Request, get};

use crate::folder::Folder;

cases!(
    a_trusted_proxy_gives_client_and_scheme,
    a_proxy_that_is_not_trusted_is_the_client,
    each_request_of_a_proxy_has_its_own_client,
    the_host_of_forwarded_reaches_the_application,
    proxy_headers_can_be_switched_off,
    a_proxy_on_a_unix_socket_can_be_trusted,
    an_https_target_on_a_plain_connection_is_421,
);

/// Answers with the client and the URL of a request.
fn shows() -> App {
    let show = async |request: Request| {
        let client = request.client().map(ToString::to_string).unwrap_or_default();
        format!("{client} {}", request.url())
    };
    App::new().route("/", get(show))
}

fn trusting(on: On, trusted: &str, settings: impl FnOnce(Config) -> Config) -> Running {
    let trusted = trusted.parse().expect("a list of addresses");
    on.serve_with(settings(config().forwarded_allow_ips(trusted)), shows())
}

fn request(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nhost: a.org\r\n{fields}\r\n")
}

const FORWARDED: &str = "x-forwarded-for: 192.0.2.1\r\nx-forwarded-proto: https\r\n";

fn a_trusted_proxy_gives_client_and_scheme(on: On) {
    let server = on.serve(shows());
    let mut client = server.connect();
    client.send(request(FORWARDED));
    assert_eq!(client.answer().text(), "192.0.2.1:0 https://a.org/");
}

fn a_proxy_that_is_not_trusted_is_the_client(on: On) {
    let server = trusting(on, "10.0.0.0/8", |config| config);
    let mut client = server.connect();
    let own = client.address();
    for _ in 0..2 {
        client.send(request(FORWARDED));
        assert_eq!(client.answer().text(), format!("{own} http://a.org/"));
    }
}

fn each_request_of_a_proxy_has_its_own_client(on: On) {
    let server = trusting(on, "127.0.0.1,10.0.0.1", |config| config);
    let mut client = server.connect();
    let own = format!("{} http://a.org/", client.address());
    for (fields, expected) in [
        ("x-forwarded-for: 6.6.6.6, 192.0.2.1, 10.0.0.1\r\n", "192.0.2.1:0 http://a.org/"),
        ("x-forwarded-for: 192.0.2.1\r\n", "192.0.2.1:0 http://a.org/"),
        ("x-forwarded-for: [2001:db8::1]:9\r\nx-forwarded-proto: wss\r\n", "2001:db8::1:9 https://a.org/"),
        ("x-forwarded-for: unknown\r\n", "unknown http://a.org/"),
        ("", &own),
    ] {
        client.send(request(fields));
        assert_eq!(client.answer().text(), expected, "{fields}");
    }
}

fn the_host_of_forwarded_reaches_the_application(on: On) {
    let server = trusting(on, "127.0.0.1", |config| config.proxy_headers(ProxyHeaders::Forwarded));
    let mut client = server.connect();
    client.send(request("forwarded: for=\"192.0.2.1:5\";proto=https;host=shop.example\r\n"));
    assert_eq!(client.answer().text(), "192.0.2.1:5 https://shop.example/");
    client.send(request(FORWARDED));
    assert!(client.answer().text().ends_with(" http://a.org/"), "the other fields are ignored");
}

fn proxy_headers_can_be_switched_off(on: On) {
    let server = trusting(on, "*", |config| config.proxy_headers(ProxyHeaders::Off));
    let mut client = server.connect();
    client.send(request(FORWARDED));
    assert_eq!(client.answer().text(), format!("{} http://a.org/", client.address()));
}

fn a_proxy_on_a_unix_socket_can_be_trusted(on: On) {
    let folder = Folder::new(on, "proxied");
    let server = trusting(on, "unix:", |config| config.uds(folder.socket()));
    let mut client = server.connect_unix(&folder.socket());
    client.send(request(FORWARDED));
    assert_eq!(client.answer().text(), "192.0.2.1:0 https://a.org/");
    let folder = Folder::new(on, "doubted");
    let server = trusting(on, "127.0.0.1", |config| config.uds(folder.socket()));
    let mut client = server.connect_unix(&folder.socket());
    client.send(request(FORWARDED));
    assert_eq!(client.answer().text(), " http://a.org/");
}

fn an_https_target_on_a_plain_connection_is_421(on: On) {
    let target = |scheme: &str| format!("GET {scheme}://a.org/ HTTP/1.1\r\nhost: a.org\r\n\r\n");
    let server = trusting(on, "10.0.0.1", |config| config);
    let mut client = server.connect();
    for (scheme, status) in [("http", 200), ("https", 421), ("HTTPS", 421), ("http", 200)] {
        client.send(target(scheme));
        assert_eq!(client.answer().status, status, "{scheme}");
    }
    let server = trusting(on, "127.0.0.1", |config| config);
    let mut client = server.connect();
    client.send(target("https"));
    assert_eq!(client.answer().status, 200, "a trusted proxy has ended TLS");
}
