//! Clients that keep the rules: whatever they ask is answered rightly, or the connection ends.

use std::time::Duration;

use stelo_sim::{Answer, Broken, Client, Sim};

use crate::app::pattern;
use crate::scenario::Scene;

/// What can be asked; `app.rs` says what each means.
const KINDS: [(&str, &str); 12] = [
    ("GET", "plain"),
    ("GET", "big"),
    ("GET", "broken"),
    ("GET", "slow"),
    ("GET", "blocking"),
    ("GET", "background"),
    ("GET", "panic"),
    ("HEAD", "head"),
    ("POST", "echo"),
    ("POST", "sink"),
    ("POST", "handed"),
    ("POST", "unread"),
];

/// A request, and what is expected of its answer.
struct Ask {
    id: u64,
    kind: &'static str,
    size: usize,
    /// The bytes to send.
    bytes: Vec<u8>,
}

impl Ask {
    fn draw(scene: &Scene, sim: &Sim) -> Self {
        let (method, kind) = KINDS[sim.number(0..KINDS.len() as u64) as usize];
        let has_body = method == "POST";
        let id = scene.number();
        let size = match kind {
            "slow" => sim.number(0..3000),
            "unread" => sim.number(1..scene.large / 8),
            _ if sim.chance(0.3) => sim.number(2..scene.large),
            // A body of none or one byte has no half.
            "broken" => sim.number(2..1000),
            _ => sim.number(0..1000),
        };
        let mut head = format!("{method} /{kind}/{id}/{size} HTTP/1.1\r\nhost: sim\r\n");
        if has_body && sim.chance(0.3) {
            head += "expect: 100-continue\r\n";
        }
        let mut bytes;
        let body = pattern(id, size as usize);
        if has_body && sim.chance(0.5) {
            bytes = (head + "transfer-encoding: chunked\r\n\r\n").into_bytes();
            let mut rest = &body[..];
            while !rest.is_empty() {
                let (chunk, more) = rest.split_at(rest.len().min(sim.number(1..4000) as usize));
                bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
                rest = more;
            }
            bytes.extend(b"0\r\n\r\n");
        } else if has_body {
            bytes = (head + &format!("content-length: {size}\r\n\r\n")).into_bytes();
            bytes.extend(body);
        } else {
            bytes = (head + "\r\n").into_bytes();
        }
        Self { id, kind, size: size as usize, bytes }
    }

    /// Whether the answer is the right one; else what is wrong.
    fn check(&self, answer: &Answer) -> Result<(), String> {
        let (id, kind) = (self.id, self.kind);
        let expected = match kind {
            "echo" | "big" => pattern(id, self.size),
            "sink" | "handed" => format!("{} true", self.size).into_bytes(),
            "head" => Vec::new(),
            "panic" => b"Internal Server Error".to_vec(),
            _ => format!("{kind} {id}").into_bytes(),
        };
        let status = if kind == "panic" { 500 } else { 200 };
        let tag = (kind != "panic").then(|| id.to_string());
        if answer.status != status || answer.field("x-id") != tag.as_deref() {
            return Err(format!("{} with id {:?}", answer.status, answer.field("x-id")));
        }
        if answer.body != expected {
            let n = answer.body.iter().zip(&expected).take_while(|(a, b)| a == b).count();
            return Err(format!("a body of {} bytes, wrong from byte {n} on", answer.body.len()));
        }
        Ok(())
    }
}

/// A few connections, each with a few requests, sent ahead or one by one.
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
    for _ in 0..sim.number(1..4) {
        let asks: Vec<Ask> = (0..sim.number(1..5)).map(|_| Ask::draw(scene, sim)).collect();
        for ask in &asks {
            client.queue(&ask.bytes);
        }
        for ask in &asks {
            let answer = match ask.kind {
                "head" => client.answer_to_head().await,
                _ => client.answer().await,
            };
            let name = format!("{} {}", ask.kind, ask.id);
            match answer {
                Ok(answer) => {
                    if let Err(wrong) = ask.check(&answer) {
                        // The server may refuse what it has no time or room for, but not say anything wrong.
                        let refused = matches!(answer.status, 408 | 503) && answer.closes();
                        assert!(refused, "request {name}: {wrong}");
                        scene.excused(|| format!("request {name}: {}", answer.status));
                    }
                    scene.answered();
                    if answer.closes() {
                        return;
                    }
                }
                Err(Broken::Framing(rule)) => panic!("request {name}: not a response: {rule}"),
                // The end that cuts an answer off may take those before it along.
                Err(_) if asks.iter().any(|ask| ask.kind == "broken") => return,
                Err(broken) => return scene.excused(|| format!("request {name}: {broken}")),
            }
        }
        sim.pause(sim.duration(Duration::ZERO..Duration::from_secs(2))).await;
    }
}

/// Leaves HTTP, and says something that the other side repeats, the first bytes of it ahead of the answer.
async fn tunnel(scene: &Scene, sim: &Sim, mut client: Client) {
    let id = scene.number();
    let said = pattern(id, sim.number(1..scene.large) as usize);
    let ahead = sim.number(0..said.len() as u64) as usize;
    let upgrade = "connection: upgrade\r\nupgrade: echo\r\n";
    client.queue(format!("GET /tunnel/{id}/0 HTTP/1.1\r\nhost: sim\r\n{upgrade}\r\n"));
    client.queue(&said[..ahead]);
    match client.answer().await {
        Ok(answer) if answer.status == 101 => {}
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
    // Our end is the end of the tunnel.
    if client.finish().await.is_ok() {
        assert_eq!(client.drain().await, 0, "tunnel {id}: more bytes came back");
    }
}

/// Sends no body before it is asked to.
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
        Ok(answer) if answer.text() == format!("{size} true") => scene.answered(),
        other => scene.excused(|| format!("request {id}: {other:?}")),
    }
}

/// A client that is in the middle of something when the server is stopped, and gets its answer all the same.
pub(crate) async fn last(scene: Scene, sim: Sim, id: u64) {
    let mut client = Client::connect(&sim, &scene.address).await.expect("the server listens");
    client.queue(format!("GET /slow/{id}/2000 HTTP/1.1\r\nhost: sim\r\n\r\n"));
    let answer = client.answer().await.expect("a stopping server answers what it has begun");
    assert!(answer.text() == format!("slow {id}") && answer.closes(), "{answer:?}");
    scene.answered();
}
