//! The client of methods, paths and JSON, and the gateway.

mod common;

use std::sync::Arc;
use std::time::Duration;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::body::{Body, Frame, Length};
use stelo_core::http::{Headers, Status};
use stelo_runtime::{Address, Runtime as _};
use stelo_server::Config;
use stelo_sim::{Broken, Client, Network, Sim, Simulation};

use crate::common::serve;

const SECOND: Duration = Duration::from_secs(1);

/// Answers by path.
struct Site {
    sim: Sim,
}

impl App for Site {
    fn call(&self, request: Request) -> Reply {
        let path = request.head().path().to_owned();
        let sim = self.sim.clone();
        match path.as_str() {
            // The request, in JSON.
            "/shown" => {
                let interim = request.interim();
                let (head, body, _) = request.into_parts();
                Reply::future(async move {
                    let (mut all, mut trailers, mut body) = (Vec::new(), Headers::new(), body);
                    while let Some(frame) = body.frame().await {
                        match frame {
                            Ok(Frame::Data(data)) => all.extend_from_slice(&data),
                            Ok(Frame::Trailers(fields)) => trailers = fields,
                            Err(_) => return Response::empty(Status::BAD_REQUEST),
                        }
                    }
                    let mut hints = Headers::new();
                    hints.try_append("link", "</a.css>").expect("a constant is valid");
                    let _ = interim.send(Status::EARLY_HINTS, hints).await;
                    let kind = head.headers().get_str("content-type").unwrap_or("-").to_owned();
                    let last = trailers.get_str("x-last").unwrap_or("-").to_owned();
                    let body = String::from_utf8_lossy(&all).into_owned();
                    let shown = [head.method().to_string(), kind, body, last];
                    Response::new(serde_json::to_vec(&shown).expect("strings"))
                })
            }
            "/close" => {
                let mut response = Response::new("bye");
                response.headers.try_append("connection", "close").expect("a constant is valid");
                response.into()
            }
            "/slow" => Reply::future(async move {
                sim.pause(10 * SECOND).await;
                Response::new("slow")
            }),
            "/pieces" => {
                let (sender, body) = Body::channel(Length::Unknown);
                self.sim.start(async move {
                    for piece in ["one", "two", "three"] {
                        if sender.send(piece).await.is_err() {
                            return;
                        }
                        sim.pause(SECOND).await;
                    }
                    sender.finish();
                });
                Response::new(body).into()
            }
            // The port of the client tells connections apart.
            _ => {
                let client = request.context().client().expect("a client has an address").to_string();
                Response::new(client).into()
            }
        }
    }
}

/// Runs a server, and `main` with a client of it, on networks without faults.
fn run(main: impl AsyncFn(Sim, Client) + Sync) {
    for seed in 0..20 {
        let network = if seed % 2 == 0 { Network::perfect() } else { Network::default() };
        let app = |sim: &Sim| Site { sim: sim.clone() };
        let simulation = Simulation::new(seed).network(network);
        serve(simulation, &Config::new(), app, async |sim, _: Arc<Site>, address: Address| {
            let client = Client::connect(&sim, &address).await.expect("it listens");
            main(sim, client).await;
        });
    }
}

/// The answer of `/shown`: method, content type, body and trailer.
type Shown = [String; 4];

#[test]
fn methods_bodies_and_trailers_arrive() {
    run(async |_, mut client| {
        let mut shown = async |request: &str| -> Shown {
            let client = &mut client;
            let request = match request {
                "json" => client.post("/shown").json(&["tea", "milk"]),
                "form" => client.put("/shown").form(&[("a b", "ü&"), ("c", "")]),
                "body" => client.patch("/shown").header("content-type", "text/plain").body("text"),
                "chunks" => client.post("/shown").chunks(["one", "", "two"], SECOND).trailer("x-last", "yes"),
                _ => client.delete("/shown"),
            };
            let answer = request.send().await.expect("nothing breaks");
            assert_eq!(answer.interim, [(103, vec![("link".to_owned(), "</a.css>".to_owned())])]);
            answer.json().expect("JSON")
        };
        assert_eq!(shown("json").await, ["POST", "application/json", r#"["tea","milk"]"#, "-"]);
        let form = ["PUT", "application/x-www-form-urlencoded", "a+b=%C3%BC%26&c=", "-"];
        assert_eq!(shown("form").await, form);
        assert_eq!(shown("body").await, ["PATCH", "text/plain", "text", "-"]);
        assert_eq!(shown("chunks").await, ["POST", "-", "onetwo", "yes"]);
        assert_eq!(shown("").await, ["DELETE", "-", "", "-"]);
    });
}

#[test]
fn a_connection_is_kept_until_the_server_closes_it() {
    run(async |sim, mut client| {
        let mut port = async |target: &str| client.get(target).send().await.expect("nothing breaks").text();
        let first = port("/").await;
        assert_eq!(port("/").await, first);
        assert_eq!(port("/close").await, "bye");
        let second = port("/").await;
        assert_ne!(second, first);
        // Beyond the keep-alive timeout.
        sim.pause(20 * SECOND).await;
        assert_ne!(port("/").await, second);
        let head = client.head("/").send().await.expect("nothing breaks");
        assert!(head.body.is_empty() && head.field("content-length").is_some());
        assert_eq!(client.get("/").send().await.expect("nothing breaks").status, 200);
    });
}

#[test]
fn an_answer_that_comes_too_late_is_a_timeout_in_virtual_time() {
    run(async |sim, mut client| {
        let start = sim.unix_time();
        let late = client.get("/slow").timeout(3 * SECOND).send().await;
        assert_eq!(late.expect_err("it takes 10 s"), Broken::Timeout);
        let took = sim.unix_time() - start;
        assert!(took >= 3 * SECOND && took < 4 * SECOND, "{took:?}");
        // The next request has a connection of its own.
        let answer = client.get("/slow").timeout(12 * SECOND).send().await;
        assert_eq!(answer.expect("it takes 10 s").text(), "slow");
    });
}

#[test]
fn an_answer_is_read_piece_by_piece() {
    run(async |sim, mut client| {
        let mut incoming = client.get("/pieces").open().await.expect("nothing breaks");
        assert_eq!(incoming.answer().status, 200);
        let mut pieces = Vec::new();
        while let Some(piece) = incoming.piece().await.expect("nothing breaks") {
            pieces.push(piece);
        }
        assert_eq!(pieces.concat(), b"onetwothree");
        assert!(pieces.len() > 1, "it comes in pieces");
        // An answer that is left, and the next request.
        {
            let mut incoming = client.get("/pieces").open().await.expect("nothing breaks");
            incoming.piece().await.expect("nothing breaks");
        }
        assert_eq!(client.get("/close").send().await.expect("nothing breaks").text(), "bye");
        // The task that sends the pieces notices it.
        sim.pause(5 * SECOND).await;
    });
}

#[test]
fn a_server_that_is_gone_is_an_error() {
    let report = Simulation::new(1).run(async |sim| {
        let address = Address::Ip(([127, 0, 0, 1], 80).into());
        Client::connect(&sim, &address).await.expect_err("no socket listens").kind()
    });
    assert_eq!(report.expect("it ends").output, std::io::ErrorKind::ConnectionRefused);
}
