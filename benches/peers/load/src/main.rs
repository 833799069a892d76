//! A load generator that is cheap enough for the server to be the bottleneck: one thread, one epoll set, requests
//! prepared once, answers counted by their length, which is learned from the first one.
//!
//! ```text
//! load closed    PORT PATH [conns=64] [idle=0] [depth=1] [body=0] [ms=2000] [count=N] [header=FIELD] [cookie=1] [parse=1]
//! load upload    PORT PATH [size=1073741824] [ms=2000] [count=N]
//! load fresh     PORT PATH [conns=16] [ms=2000]
//! load rate      PORT PATH [conns=64] [rate=10000] [ms=2000]
//! load websocket PORT PATH payload=FILE [deflated=FILE] [conns=32] [depth=1] [ms=2000]
//! load idle      PORT PATH [conns=5000] [websocket=1]
//! ```
//!
//! | mode | load |
//! |---|---|
//! | `closed` | each connection asks again when it has been answered; `depth` requests at a time; `idle` others stay open; `cookie` sends the cookie of a first answer, `parse` counts answers of varying length |
//! | `upload` | one connection sends a multipart form with a file of that size, again and again |
//! | `fresh` | each request on a connection of its own, which the server closes |
//! | `rate` | requests at a fixed rate; latency counts from when a request was due |
//! | `websocket` | each connection sends `depth` messages and waits for their echo |
//! | `idle` | each connection asks once and stays |
//!
//! When all connections are open it prints `ready` and waits for a line on its standard input; after the load it prints
//! `key=value` pairs and waits for the end of the input, so that the caller can look at the server in between.

mod client;
mod engine;
mod histogram;
mod modes;
mod responses;
mod upload;
mod websocket;

use std::collections::HashMap;
use std::str::FromStr;

/// The words of the command line.
struct Args {
    port: u16,
    path: String,
    named: HashMap<String, String>,
}

impl Args {
    fn text(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }

    fn number<T: FromStr>(&self, name: &str, default: T) -> T {
        match self.text(name).map(str::parse) {
            None => default,
            Some(number) => number.unwrap_or_else(|_| panic!("`{name}` wants a number")),
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mode, port, path, named @ ..] = &words[..] else { panic!("load MODE PORT PATH [NAME=VALUE...]") };
    let named = named.iter().map(|word| word.split_once('=').expect("NAME=VALUE"));
    let args = Args {
        port: port.parse().expect("a port"),
        path: path.clone(),
        named: named.map(|(name, value)| (name.into(), value.into())).collect(),
    };
    match mode.as_str() {
        "closed" => modes::closed(&args),
        "upload" => upload::upload(&args),
        "fresh" => modes::fresh(&args),
        "rate" => modes::rate(&args),
        "websocket" => modes::websocket(&args),
        "idle" => modes::idle(&args),
        other => panic!("no mode `{other}`"),
    }
}
