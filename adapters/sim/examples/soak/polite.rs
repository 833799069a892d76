//! Clients that follow the rules: each request gets the correct answer, or the connection ends.

use std::time::Duration;

use stelo_sim::{Answer, Broken, Client, Sim};

use crate::app::pattern;
use crate::scenario::Scene;

const OLD: &str = "HTTP/1.0";

/// The kinds of GET and HEAD requests, and of POST requests: see `app.rs`.
const GETS: [&str; 8] = ["plain", "big", "broken", "slow", "blocking", "background", "panic", "plain"];
const POSTS: [&str; 4] = ["echo", "sink", "handed", "unread"];

/// A request, and the answer that is expected.
struct Ask {
    id: u64,
    method: &'static str,
    kind: &'static str,
    size: usize,
    /// The trailer field after the body, if there is one.
    last: Option<String>,
    /// The bytes to send.
    bytes: Vec<u8>,
}

impl Ask {
    fn draw(scene: &Scene, sim: &Sim, version: &str) -> Self {
        let has_body = sim.chance(0.4);
        let (method, kinds) = match has_body {
            true => ("POST", &POSTS[..]),
            false if sim.chance(0.2) => ("HEAD", &GETS[..]),
            false => ("GET", &GETS[..]),
        };
        let kind = kinds[sim.number(0..kinds.len() as u64) as usize];
        let id = scene.number();
        let size = match kind {
            "slow" => sim.number(0..3000),
            "unread" => sim.number(1..scene.large / 8),
            _ if sim.chance(0.3) => sim.number(2..scene.large),
            // A body of at most one byte cannot be cut in half.
            "broken" => sim.number(2..1000),
            _ => sim.number(0..1000),
        };
        let mut head = format!("{method} /{kind}/{id}/{size} {version}\r\nhost: sim\r\n");
        if version == OLD && sim.chance(0.7) {
            head += "connection: keep-alive\r\n";
        }
        if has_body && sim.chance(0.3) {
            head += "expect: 100-continue\r\n";
        }
        let chunked = has_body && version != OLD && sim.chance(0.5);
        let last = (chunked && sim.chance(0.3)).then(|| id.to_string());
        let body = pattern(id, size as usize);
        let bytes = match has_body {
            true if chunked => [
                (head + "transfer-encoding: chunked\r\n\r\n").into_bytes(),
                chunks(sim, &body),
                last.iter().flat_map(|last| format!("x-last: {last}\r\n").into_bytes()).collect(),
                b"\r\n".to_vec(),
            ]
            .concat(),
            true => [(head + &format!("content-length: {size}\r\n\r\n")).into_bytes(), body].concat(),
            false => (head + "\r\n").into_bytes(),
        };
        Self { id, method, kind, size: size as usize, last, bytes }
    }

    /// Returns the body of the correct answer.
    fn body(&self) -> Vec<u8> {
        let (id, kind) = (self.id, self.kind);
        match kind {
            _ if self.method == "HEAD" => Vec::new(),
            "echo" | "big" => pattern(id, self.size),
            // In HTTP/1.0 a body that is cut off looks complete.
            "broken" => pattern(id, self.size / 2),
            "sink" | "handed" => {
                format!("{} true {}", self.size, self.last.as_deref().unwrap_or("-")).into_bytes()
            }
            "panic" => b"Internal Server Error".to_vec(),
            _ => format!("{kind} {id}").into_bytes(),
        }
    }

    /// Checks the answer.
    ///
    /// # Errors
    /// Returns what is wrong.
    fn check(&self, answer: &Answer) -> Result<(), String> {
        let (id, kind, expected) = (self.id, self.kind, self.body());
        let status = if kind == "panic" { 500 } else { 200 };
        let tag = (kind != "panic").then(|| id.to_string());
        if answer.status != status || answer.field("x-id") != tag.as_deref() {
            return Err(format!("{} with id {:?}", answer.status, answer.field("x-id")));
        }
        if answer.body != expected {
            let n = answer.body.iter().zip(&expected).take_while(|(a, b)| a == b).count();
            return Err(format!("a body of {} bytes, wrong from byte {n} on", answer.body.len()));
        }
        // An echo returns the trailer too.
        let last =
            self.last.iter().filter(|_| kind == "echo").map(|last| ("x-last".to_owned(), last.clone()));
        if answer.trailers != last.collect::<Vec<_>>() {
            return Err(format!("the trailers {:?}", answer.trailers));
        }
        Ok(())
    }
}

/// Encodes a body in chunks of random sizes, with the last chunk.
fn chunks(sim: &Sim, mut body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !body.is_empty() {
        let (chunk, more) = body.split_at(body.len().min(sim.number(1..4000) as usize));
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
        body = more;
    }
    bytes.extend(b"0\r\n");
    bytes
}

/// Opens a few connections with a few requests each, pipelined or one by one.
pub(crate) async fn run(scene: Scene, sim: Sim) {
    for _ in 0..sim.number(1..4) {
        match Client::connect(&sim, &scene.address).await {
            Ok(client) if sim.chance(0.1) => tunnel(&scene, &sim, client).await,
            Ok(client) if sim.chance(0.1) => patient(&scene, &sim, client).await,
            Ok(client) => connection(&scene, &sim, client).await,
            Err(error) => scene.excused(|| format!("no connection: {error}")),
        }
    }
}

async fn connection(scene: &Scene, sim: &Sim, mut client: Client) {
    let version = if sim.chance(0.15) { OLD } else { "HTTP/1.1" };
    for _ in 0..sim.number(1..4) {
        let asks: Vec<Ask> = (0..sim.number(1..5)).map(|_| Ask::draw(scene, sim, version)).collect();
        for ask in &asks {
            client.queue(&ask.bytes);
        }
        for ask in &asks {
            let answer = match ask.method {
                "HEAD" => client.answer_to_head().await,
                _ => client.answer().await,
            };
            let name = format!("{} {} {}", ask.method, ask.kind, ask.id);
            match answer {
                Ok(answer) => {
                    if let Err(wrong) = ask.check(&answer) {
                        // The server may reject a request for lack of time or room, but not answer incorrectly. If the
                        // end of the connection ends the body, a client cannot see that it was cut off.
                        let refused = matches!(answer.status, 408 | 503) && answer.closes();
                        let cut = version == OLD && answer.field("content-length").is_none();
                        let cut = cut && ask.body().starts_with(&answer.body);
                        assert!(refused || cut, "request {name}: {wrong}");
                        scene.excused(|| format!("request {name}: {}", answer.status));
                    }
                    scene.answered();
                    if answer.closes() {
                        return;
                    }
                }
                Err(Broken::Framing(rule)) => panic!("request {name}: not a response: {rule}"),
                // A reset that cuts one answer off may discard earlier answers too.
                Err(_) if asks.iter().any(|ask| ask.kind == "broken") => return,
                Err(broken) => return scene.excused(|| format!("request {name}: {broken}")),
            }
        }
        sim.pause(sim.duration(Duration::ZERO..Duration::from_secs(2))).await;
    }
}

/// Opens a tunnel that echoes, and sends the first bytes before the answer.
async fn tunnel(scene: &Scene, sim: &Sim, mut client: Client) {
    let id = scene.number();
    let said = pattern(id, sim.number(1..scene.large) as usize);
    let ahead = sim.number(0..said.len() as u64) as usize;
    let connect = sim.chance(0.5);
    client.queue(match connect {
        true => format!("CONNECT {id}.sim:1 HTTP/1.1\r\nhost: {id}.sim:1\r\n\r\n"),
        false => {
            let upgrade = "connection: upgrade\r\nupgrade: echo\r\n";
            format!("GET /tunnel/{id}/0 HTTP/1.1\r\nhost: sim\r\n{upgrade}\r\n")
        }
    });
    client.queue(&said[..ahead]);
    let (answer, status) = match connect {
        true => (client.answer_to_connect().await, 200),
        false => (client.answer().await, 101),
    };
    match answer {
        Ok(answer) if answer.status == status => {}
        Ok(answer) => return scene.excused(|| format!("tunnel {id}: {}", answer.status)),
        Err(Broken::Framing(rule)) => panic!("tunnel {id}: not a response: {rule}"),
        Err(broken) => return scene.excused(|| format!("tunnel {id}: {broken}")),
    }
    client.queue(&said[ahead..]);
    match client.bytes(said.len()).await {
        Ok(heard) => assert!(heard == said, "tunnel {id}: other bytes came back"),
        Err(broken) => return scene.excused(|| format!("tunnel {id}: {broken}")),
    }
    scene.answered();
    // Closing the sending side ends the tunnel.
    if client.finish().await.is_ok() {
        assert_eq!(client.drain().await, 0, "tunnel {id}: more bytes came back");
    }
}

/// Waits for `100 Continue` before it sends a body.
async fn patient(scene: &Scene, sim: &Sim, mut client: Client) {
    let id = scene.number();
    let body = pattern(id, sim.number(1..scene.large) as usize);
    let (path, size) = (format!("/sink/{id}/0"), body.len());
    client.queue(format!(
        "POST {path} HTTP/1.1\r\nhost: sim\r\nexpect: 100-continue\r\ncontent-length: {size}\r\n\r\n"
    ));
    match client.asked().await {
        Ok(true) => client.queue(body),
        other => return scene.excused(|| format!("request {id}: not asked for its body: {other:?}")),
    }
    match client.answer().await {
        Ok(answer) if answer.text() == format!("{size} true -") => scene.answered(),
        other => scene.excused(|| format!("request {id}: {other:?}")),
    }
}

/// Has a request in progress while the server stops, and gets its answer.
pub(crate) async fn last(scene: Scene, sim: Sim, id: u64) {
    let mut client = Client::connect(&sim, &scene.address).await.expect("the server listens");
    client.queue(format!("GET /slow/{id}/2000 HTTP/1.1\r\nhost: sim\r\n\r\n"));
    let answer = client.answer().await.expect("a stopping server answers what it has begun");
    assert!(answer.text() == format!("slow {id}") && answer.closes(), "{answer:?}");
    scene.answered();
}
