//! A whole server on tokio, asked over a socket. The client counts too, but it only writes and reads.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use futures_lite::future::block_on;
use stelo::{Address, App, Config, Server, get};
use stelo_benches::Result;

const REQUEST: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
const BODY: &[u8] = b"Hello, World!";

/// So many requests on one connection, one at a time. Of several at once, how many the server finds in one read is a
/// matter of chance, and so is what they cost.
pub(crate) fn keep_alive(rounds: usize) -> Result<()> {
    let server = Server::new(Config::new().port(0).threads(1).access_log(false));
    let handle = server.handle();
    let app = App::new().route("/plaintext", get(async || "Hello, World!"));
    let server = thread::spawn(move || server.run(app));
    let Some(&[Address::Ip(address)]) = block_on(handle.listening()).as_deref() else {
        return Err("the server does not listen".into());
    };

    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut response = vec![0; first(&mut stream)?];
    for _ in 0..rounds {
        stream.write_all(REQUEST)?;
        stream.read_exact(&mut response)?;
    }
    if !response.ends_with(BODY) {
        return Err("not the response".into());
    }
    drop(stream);
    handle.stop();
    server.join().map_err(|_| "the server has panicked")??;
    Ok(())
}

/// Asks for the first time; gives the length of the response.
fn first(stream: &mut TcpStream) -> Result<usize> {
    stream.write_all(REQUEST)?;
    let (mut response, mut piece) = (Vec::new(), [0; 1024]);
    while !response.ends_with(BODY) {
        let n = stream.read(&mut piece)?;
        if n == 0 {
            return Err("closed without a response".into());
        }
        response.extend_from_slice(&piece[..n]);
    }
    Ok(response.len())
}
