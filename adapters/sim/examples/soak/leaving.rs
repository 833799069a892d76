//! Clients that leave while the application waits, at any point and with any amount sent ahead. Nothing of the application
//! outlives them by more than the timer.

use std::time::Duration;

use stelo_sim::{Client, Sim};

use crate::scenario::Scene;

/// The kinds of work that never ends by itself: see `app.rs`.
const KINDS: [&str; 4] = ["stuck", "quiet", "quiet-websocket", "stuck-tunnel"];

/// The time for what is on its way when the client leaves, on the slowest network.
const IN_FLIGHT: Duration = Duration::from_secs(30);

/// A close frame of 1000, masked with zeros.
const CLOSE: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8];

/// A binary message of 1000 bytes, masked with zeros.
fn message() -> Vec<u8> {
    [&[0x82, 0xfe, 0x03, 0xe8, 0, 0, 0, 0][..], &[7; 1000]].concat()
}

/// Asks for work that never ends, sends ahead, leaves, and checks that the work has ended in time.
pub(crate) async fn run(scene: &Scene, sim: &Sim, mut client: Client, id: u64) {
    let kind = KINDS[sim.number(0..KINDS.len() as u64) as usize];
    let fields = match kind {
        "quiet-websocket" => {
            "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        }
        "stuck-tunnel" => "connection: upgrade\r\nupgrade: echo\r\n",
        _ => "",
    };
    let upload = fields.is_empty() && sim.chance(0.3);
    let size = sim.number(0..scene.large) as usize;
    let head = match upload {
        true => format!("POST /{kind}/{id}/0 HTTP/1.1\r\nhost: sim\r\ncontent-length: {size}\r\n\r\n"),
        false => format!("GET /{kind}/{id}/0 HTTP/1.1\r\nhost: sim\r\n{fields}\r\n"),
    };
    client.queue(head);
    if sim.chance(0.7) {
        let ahead = match kind {
            "quiet-websocket" => message().repeat(size / 1000),
            _ if upload => vec![b'x'; size],
            _ => "GET /plain/0/0 HTTP/1.1\r\nhost: sim\r\n\r\n".repeat(size / 40).into_bytes(),
        };
        client.queue(ahead);
    }
    if kind == "quiet-websocket" && sim.chance(0.4) {
        client.queue(CLOSE);
    }
    // At any point: before, while or after the bytes are sent, and after the answer.
    let time = sim.duration(Duration::ZERO..Duration::from_secs(6));
    let _ = sim.timeout(time, client.answer_to_connect()).await;
    match sim.number(0..3) {
        0 => client.reset(),
        1 => drop(client),
        _ => {
            let _ = sim.timeout(Duration::from_secs(2), client.finish()).await;
            let _ = sim.timeout(scene.half_closed, client.drain()).await;
            drop(client);
        }
    }
    let most = if kind == "stuck-tunnel" { scene.tunnel_idle } else { scene.half_closed };
    sim.pause(most + IN_FLIGHT).await;
    assert!(!scene.witness.is_living(id), "the work of request {id} ({kind}) has outlived its client");
}
