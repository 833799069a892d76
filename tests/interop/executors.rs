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

/// Asks a server on threads of this executor for each use. Returns those that were answered with 500.
fn broken(executor: &'static str) -> Vec<&'static str> {
    let config = Config::new().port(0).threads(1).executor(executor);
    broken_where(config, |server, app| server.run(app).map(drop).expect("it serves"))
}

/// As `broken`, for a server that `serve` runs.
fn broken_where(config: Config, serve: impl FnOnce(Server, App)) -> Vec<&'static str> {
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
    let server = Server::new(config);
    let handle = server.handle();
    let client = std::thread::spawn(move || {
        let addresses = futures_lite::future::block_on(handle.listening());
        let address = addresses.and_then(|all| all.first().map(ToString::to_string)).expect("it listens");
        let broken = uses.into_iter().filter(|what| status(&address, what) != Status::OK);
        let broken = broken.collect();
        handle.stop();
        broken
    });
    serve(server, App::new().route("/{what}", get(used)));
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

/// Serves inside a runtime of the program until the client has all answers.
fn broken_in(runtime: &tokio::runtime::Runtime) -> Vec<&'static str> {
    broken_where(Config::new().port(0), |server, app| {
        runtime.block_on(server.serve(app)).map(drop).expect("it serves");
    })
}

#[test]
fn in_a_runtime_of_several_threads_code_can_block_in_place() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let broken = broken_in(&runtime.expect("the system has threads"));
    assert!(!broken.contains(&"tokio::spawn") && !broken.contains(&"tokio::time"), "{broken:?}");
    assert_eq!(broken, ["tokio::spawn_local"]);
}

#[test]
fn in_a_runtime_of_one_thread_the_same_works_as_on_threads_of_the_server() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let broken = broken_in(&runtime.expect("the system has memory"));
    assert_eq!(broken, ["tokio::block_in_place", "tokio::spawn_local"]);
}

/// The log goes to the streams of the process, so the test starts itself as another one.
#[test]
fn a_server_on_an_executor_of_the_program_logs() {
    const SERVES: &str = "STELO_TEST_SERVES";
    if std::env::var_os(SERVES).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let serving = async {
            let server = Server::new(Config::new().port(0));
            let handle = server.handle();
            let stopping = async {
                handle.listening().await.expect("it listens");
                handle.stop();
            };
            let executor = <stelo_tokio::Tokio as stelo::runtime::Runtime>::current().expect("it is inside");
            futures_lite::future::zip(server.serve_on(executor, App::new()), stopping).await.0
        };
        runtime.expect("the system has memory").block_on(serving).expect("it serves");
        return;
    }
    let program = std::env::current_exe().expect("a test is a program");
    let mut command = std::process::Command::new(program);
    command.args(["--exact", "executors::a_server_on_an_executor_of_the_program_logs", "--nocapture"]);
    let output = command.env(SERVES, "").output().expect("the program can be started");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    assert!(log.contains("INFO:     Stelo running on http://127.0.0.1:"), "{log}");
    assert!(log.contains("INFO:     Finished server process"), "{log}");
}
