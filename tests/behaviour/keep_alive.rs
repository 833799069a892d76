//! TCP keep-alive of accepted connections, as the system sees it.

use std::fs;
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_tests::{On, cases, config};

cases!(tcp_keep_alive_is_on, tcp_keep_alive_can_be_off);

struct Hello;

impl App for Hello {
    fn call(&self, _: Request) -> Reply {
        Response::new("hello").into()
    }
}

/// Returns the seconds until the first probe on an idle connection that the server has accepted. The system lists the
/// timers of connections in `/proc/net/tcp`: kind 02 is keep-alive, followed by the rest in hundredths of a second.
fn first_probe(on: On, config: stelo_server::Config) -> Option<u64> {
    let server = on.serve_with(config, Hello);
    let mut client = server.connect();
    // Once it is answered, no other timer runs.
    assert_eq!(client.get("/").text(), "hello");
    let ports = (server.address().port(), client.address().port());
    let table = fs::read_to_string("/proc/net/tcp").expect("Linux has it");
    let port = |end: &str| end.split_once(':').and_then(|(_, port)| u16::from_str_radix(port, 16).ok());
    let timer = table.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let found = (port(fields.get(1)?)?, port(fields.get(2)?)?) == ports;
        found.then(|| fields[5].to_owned())
    });
    let timer = timer.expect("the connection is open");
    let (kind, rest) = timer.split_once(':').expect("a kind and a time");
    (kind == "02").then(|| u64::from_str_radix(rest, 16).expect("a number") / 100)
}

fn tcp_keep_alive_is_on(on: On) {
    let rest = first_probe(on, config()).expect("a timer runs");
    assert!((50..=60).contains(&rest), "{rest} s");
    let rest = first_probe(on, config().tcp_keepalive(Some(Duration::from_secs(900)))).expect("a timer runs");
    assert!((880..=900).contains(&rest), "{rest} s");
}

fn tcp_keep_alive_can_be_off(on: On) {
    assert_eq!(first_probe(on, config().tcp_keepalive(None)), None);
}
