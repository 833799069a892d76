//! A whole server on tokio, asked over a socket. The client counts too, but it only writes and reads.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use futures_lite::future::block_on;
use serde::Serialize;
use stelo::request::Address;
use stelo::{App, Config, Json, Next, Path, Request, Response, Server, get};
use stelo_benches::Result;

pub(crate) fn plain(rounds: usize) -> Result<()> {
    let app = App::new().route("/plaintext", get(async || "Hello, World!"));
    serve(rounds, app, "/plaintext", "Hello, World!")
}

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

pub(crate) fn json(rounds: usize) -> Result<()> {
    let app = App::new().route("/json", get(async || Json(Message { message: "Hello, World!" })));
    serve(rounds, app, "/json", r#"{"message":"Hello, World!"}"#)
}

async fn post(Path((id, slug)): Path<(u64, String)>) -> String {
    format!("{id} {slug}")
}

pub(crate) fn table(rounds: usize) -> Result<()> {
    let route = |app: App, n| app.route(&format!("/table{n}/{{id:int}}/posts/{{slug}}"), get(post));
    let app = (0..200).fold(App::new(), route);
    serve(rounds, app, "/table150/12345/posts/hello-world", "12345 hello-world")
}

async fn layer(request: Request, next: Next) -> Response {
    next.run(request).await
}

pub(crate) fn layers(rounds: usize) -> Result<()> {
    let app = App::new().route("/plaintext", get(async || "Hello, World!"));
    let app = (0..10).fold(app, |app, _| app.middleware(layer));
    serve(rounds, app, "/plaintext", "Hello, World!")
}

/// Calls an application with the given number of requests for a target on one connection, one at a time. If several were sent
/// at once, the number that one read finds would vary, and their cost with it.
fn serve(rounds: usize, app: App, target: &str, body: &str) -> Result<()> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
    let server = Server::new(Config::new().port(0).threads(1).access_log(false));
    let handle = server.handle();
    let server = thread::spawn(move || server.run(app));
    let Some(&[Address::Ip(address)]) = block_on(handle.listening()).as_deref() else {
        return Err("the server does not listen".into());
    };

    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut response = vec![0; first(&mut stream, &request, body)?];
    for _ in 0..rounds {
        stream.write_all(request.as_bytes())?;
        stream.read_exact(&mut response)?;
    }
    if !response.ends_with(body.as_bytes()) {
        return Err("not the response".into());
    }
    drop(stream);
    handle.stop();
    server.join().map_err(|_| "the server has panicked")??;
    Ok(())
}

/// Asks for the first time; gives the length of the response.
fn first(stream: &mut TcpStream, request: &str, body: &str) -> Result<usize> {
    stream.write_all(request.as_bytes())?;
    let (mut response, mut piece) = (Vec::new(), [0; 1024]);
    while !response.ends_with(body.as_bytes()) {
        let n = stream.read(&mut piece)?;
        if n == 0 {
            return Err(format!("closed after {}", String::from_utf8_lossy(&response)).into());
        }
        response.extend_from_slice(&piece[..n]);
    }
    Ok(response.len())
}
