//! The functions that handlers can use on each executor: the table of the guide's page "Your executor in handlers".

use std::time::Duration;

use stelo::server::{Config, Server};
use stelo::{App, Path, Request, Status, get};

/// A use of an executor by a handler.
async fn used(Path(what): Path<String>, request: Request) -> stelo::Result<&'static str> {
    let wait = Duration::from_millis(1);
    match &*what {
        "tokio::spawn" => tokio::spawn(async {}).await?,
        "tokio::time" => tokio::time::sleep(wait).await,
        "tokio::spawn_blocking" => tokio::task::spawn_blocking(|| ()).await?,
        "tokio::block_in_place" => tokio::task::block_in_place(|| ()),
        "tokio::spawn_local" => tokio::task::spawn_local(async {}).await?,
        "tokio::sync" => {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let _ = sender.send(());
            receiver.await?;
        }
        "smol::spawn" => smol::spawn(async {}).await,
        "smol::Timer" => drop(smol::Timer::after(wait).await),
        "smol::unblock" => smol::unblock(|| ()).await,
        "async_std::spawn" => async_std::task::spawn(async {}).await,
        "async_std::sleep" => async_std::task::sleep(wait).await,
        "Request::spawn" => request.spawn(async {}),
        "Request::sleep" => request.sleep(wait).await,
        "Request::run_blocking" => request.run_blocking(|| ()).await,
        _ => return Err("no such use".into()),
    }
    Ok("works")
}

/// Asks a server on this executor for each use. Returns those that were answered with 500.
fn broken(executor: &'static str) -> Vec<&'static str> {
    let uses = [
        "tokio::spawn",
        "tokio::time",
        "tokio::spawn_blocking",
        "tokio::block_in_place",
        "tokio::spawn_local",
        "tokio::sync",
        "smol::spawn",
        "smol::Timer",
        "smol::unblock",
        "async_std::spawn",
        "async_std::sleep",
        "Request::spawn",
        "Request::sleep",
        "Request::run_blocking",
    ];
    let server = Server::new(Config::new().port(0).threads(1).executor(executor));
    let handle = server.handle();
    let client = std::thread::spawn(move || {
        let addresses = futures_lite::future::block_on(handle.listening());
        let address = addresses.and_then(|all| all.first().map(ToString::to_string)).expect("it listens");
        let broken = uses.into_iter().filter(|what| status(&address, what) != Status::OK);
        let broken = broken.collect();
        handle.stop();
        broken
    });
    server.run(App::new().route("/{what}", get(used))).expect("it serves");
    client.join().expect("the client does not panic")
}

/// Returns the status of the answer to a request for `/what`.
fn status(address: &str, what: &str) -> Status {
    use std::io::{Read, Write};

    let mut stream = std::net::TcpStream::connect(address).expect("the server listens");
    let head = format!("GET /{what} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    let code = answer.get(9..12).and_then(|code| code.parse().ok()).and_then(Status::new);
    code.unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

#[test]
fn on_tokio_all_but_two_work() {
    assert_eq!(broken("tokio"), ["tokio::block_in_place", "tokio::spawn_local"]);
}

const OF_TOKIO: [&str; 4] = ["tokio::spawn", "tokio::time", "tokio::spawn_blocking", "tokio::spawn_local"];

#[test]
fn on_smol_what_needs_tokio_fails() {
    assert_eq!(broken("smol"), OF_TOKIO);
}

#[test]
fn on_async_std_what_needs_tokio_fails() {
    assert_eq!(broken("async-std"), OF_TOKIO);
}
