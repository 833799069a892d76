//! The lines of the log about requests name them. The subscriber is that of the whole process, so each test has paths of
//! its own.

use std::fmt::Debug;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, Once};
use std::task::Poll;
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::body::Body;
use stelo_core::http::Status;
use stelo_server::{Config, Server};
use stelo_sim::{Client, Network, Sim, Simulation};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Collects the messages of the server.
struct Collector;

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == stelo_server::log::SERVER
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        LINES.lock().expect("no test panics here").push(message.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Returns the lines that contain a text.
fn lines(text: &str) -> Vec<String> {
    let lines = LINES.lock().expect("no test panics here");
    lines.iter().filter(|line| line.contains(text)).cloned().collect()
}

/// Fails in the way that its path names.
struct Faulty(Sim);

impl App for Faulty {
    fn call(&self, request: Request) -> Reply {
        match request.head().path() {
            "/panic" => panic!("on purpose"),
            "/status" => Response::empty(Status::CONTINUE).into(),
            "/cut-off" => Response::new(failing()).into(),
            "/background" => {
                let mut response = Response::empty(Status::OK);
                response.background = Some(Box::pin(async { panic!("on purpose") }));
                response.into()
            }
            "/blocks" => {
                self.0.block(Duration::from_millis(150));
                Response::empty(Status::OK).into()
            }
            "/blocks-later" => {
                let (sim, mut slept) = (self.0.clone(), self.0.pause(Duration::from_secs(1)));
                Reply::future(async move {
                    (&mut slept).await;
                    sim.block(Duration::from_millis(150));
                    poll_fn(|cx| {
                        cx.waker().wake_by_ref();
                        Poll::Ready(())
                    })
                    .await;
                    Response::empty(Status::OK)
                })
            }
            "/quick" => {
                self.0.block(Duration::from_millis(50));
                Response::empty(Status::OK).into()
            }
            _ => Response::empty(Status::NOT_FOUND).into(),
        }
    }
}

/// Returns a body that fails before its first piece.
fn failing() -> Body {
    let (sender, body) = Body::channel(stelo_core::body::Length::Unknown);
    drop(sender);
    body
}

/// Sends requests, each on a connection of its own. Returns the addresses of the clients.
fn ask(config: &Config, requests: &[String]) -> Vec<String> {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| tracing::subscriber::set_global_default(Collector).expect("it is the first"));
    let run = async |sim: Sim| {
        let server = Server::new(config.clone().port(0).threads(1));
        let handle = server.handle();
        let serving = sim.start(server.serve_on(sim.clone(), Arc::new(Faulty(sim.clone()))));
        let address = handle.listening().await.expect("it starts").remove(0);
        let mut clients = Vec::new();
        for request in requests {
            let mut client = Client::connect(&sim, &address).await.expect("it listens");
            clients.push(client.address().expect("a client has an address").to_string());
            client.send(request).await.expect("it is open");
            // A response can be cut off.
            let _ = client.answer().await;
        }
        handle.stop();
        serving.await.expect("it ends");
        clients
    };
    Simulation::new(7).network(Network::perfect()).run(run).expect("it ends").output
}

fn get(path: &str) -> String {
    format!("GET {path}?secret=1 HTTP/1.1\r\nhost: a\r\n\r\n")
}

#[test]
fn a_line_about_a_request_names_method_path_and_client() {
    for (path, before, after) in [
        ("/panic", "Panic in the application", "on purpose"),
        ("/status", "Invalid response", ""),
        ("/cut-off", "Response cut off", ""),
        ("/background", "A background task panicked", "on purpose"),
    ] {
        let clients = ask(&Config::new(), &[get(path)]);
        let lines = lines(&format!("GET {path} "));
        let start = format!("{before}, GET {path} from {}: {after}", clients[0]);
        assert!(lines.len() == 1 && lines[0].starts_with(&start), "{lines:?}");
    }
}

#[test]
fn lines_about_invalid_requests_name_the_client_and_are_limited() {
    let requests = vec!["GET /invalid HTTP/1.1\r\nhost : a\r\n\r\n".to_owned(); 100];
    let clients = ask(&Config::new(), &requests);
    let all = lines("Invalid HTTP request received from ");
    // The simulated clients take less than a second.
    assert_eq!(all.len(), 10, "{all:#?}");
    assert!(all[0].starts_with(&format!("Invalid HTTP request received from {}: ", clients[0])), "{all:#?}");
    assert_eq!(
        lines("about invalid requests were left out"),
        ["90 more line(s) about invalid requests were left out"]
    );
}

#[test]
fn a_handler_that_holds_its_thread_is_named() {
    let advice = "call blocking code with `run_blocking`";
    for path in ["/blocks", "/blocks-later"] {
        let clients = ask(&Config::new(), &[get(path)]);
        let expected =
            format!("A handler held its thread for 150ms, GET {path} from {}: {advice}", clients[0]);
        assert_eq!(lines(&format!("GET {path} ")), [expected]);
    }
    ask(&Config::new(), &[get("/quick")]);
    assert_eq!(lines("GET /quick "), [""; 0]);
    ask(&Config::new().log_blocking(Duration::from_millis(40)), &[get("/quick")]);
    assert_eq!(lines("GET /quick ").len(), 1);
    ask(&Config::new().log_blocking(Duration::ZERO), &[get("/blocks")]);
    assert_eq!(lines("GET /blocks ").len(), 1);
}
