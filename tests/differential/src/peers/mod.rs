//! The servers that are compared: each answers an accepted request with an [`Account`](crate::account::Account) of it.
//!
//! They inherit a listening socket, so no test waits for them to start: the kernel queues earlier connections.

mod actix;
mod h11;
mod hyper;
mod stelo;
mod trillium;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;

/// A server that runs until this value is dropped, or the program ends.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// The package that it is, with its version, and the one that reads for it, if that is another.
    pub(crate) version: String,
    pub(crate) address: SocketAddr,
    /// Holds the process, if it is one.
    pub(crate) _process: Option<h11::Python>,
}

/// Starts all of them, ours first.
pub(crate) fn start() -> Result<Vec<Peer>, String> {
    [
        in_a_thread("Stelo", &["stelo-server"], stelo::serve),
        in_a_process("h11", h11::start),
        in_a_thread("hyper", &["hyper"], hyper::serve),
        in_a_thread("trillium", &["trillium", "trillium-http"], trillium::serve),
        in_a_thread("actix-web", &["actix-web", "actix-http"], actix::serve),
    ]
    .into_iter()
    .collect()
}

fn listen(name: &str) -> Result<(TcpListener, SocketAddr), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener
        .and_then(|listener| Ok((listener.local_addr()?, listener)))
        .map(|(address, listener)| (listener, address))
        .map_err(|error| format!("{name}: cannot listen: {error}"))
}

fn in_a_thread(
    name: &'static str,
    packages: &[&str],
    serve: fn(TcpListener) -> io::Result<()>,
) -> Result<Peer, String> {
    let (listener, address) = listen(name)?;
    thread::spawn(move || {
        if let Err(error) = serve(listener) {
            eprintln!("{name}: {error}");
        }
    });
    let versions: Option<Vec<_>> = packages.iter().map(|package| locked(package)).collect();
    let version = versions.ok_or("Cargo.lock has no such package")?.join(", ");
    Ok(Peer { name, version, address, _process: None })
}

fn in_a_process(
    name: &'static str,
    start: fn(TcpListener) -> io::Result<h11::Python>,
) -> Result<Peer, String> {
    let (listener, address) = listen(name)?;
    let process = start(listener).map_err(|error| format!("{name}: {error}"))?;
    let version = include_str!("requirements.txt").trim().replace("==", " ");
    Ok(Peer { name, version, address, _process: Some(process) })
}

/// A package that this program was built with, and its version.
fn locked(package: &str) -> Option<String> {
    let mut lines = include_str!("../../Cargo.lock").lines();
    lines.find(|line| *line == format!("name = \"{package}\""))?;
    let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(format!("{package} {version}"))
}
