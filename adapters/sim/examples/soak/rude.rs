//! Clients that break the rules, are slow, or leave. Their connections end in time, and all answers are valid.

use std::time::Duration;

use stelo_core::h1::Timeouts;
use stelo_runtime::Runtime;
use stelo_sim::{Answer, Broken, Client, Sim};

use crate::leaving;
use crate::scenario::Scene;

/// The sum of all timeouts of one exchange, and some time for the network.
fn patience(scene: &Scene) -> Duration {
    let Timeouts { head, keep_alive, body, write, linger, .. } = scene.timeouts;
    head + keep_alive + body + write + linger + Duration::from_secs(90)
}

/// Runs one client, chosen by the seed.
pub(crate) async fn run(scene: Scene, sim: Sim) {
    let Ok(mut client) = Client::connect(&sim, &scene.address).await else {
        return scene.excused(|| "no connection".into());
    };
    let id = scene.number();
    let get = |kind: &str, size: u64| format!("GET /{kind}/{id}/{size} HTTP/1.1\r\nhost: sim\r\n\r\n");
    let post = |fields: &str| format!("POST /sink/{id}/0 HTTP/1.1\r\nhost: sim\r\n{fields}\r\n");
    // Sending fails once the server has closed the connection, which it may.
    match sim.number(0..20) {
        0 => idle(&scene, &sim, client, scene.timeouts.head).await,
        // Sends a head byte by byte.
        1 => {
            let mut answer = None;
            for byte in get("plain", 0).bytes() {
                client.queue([byte]);
                answer = sim.timeout(Duration::from_secs(1), client.answer()).await;
                if answer.is_some() {
                    break;
                }
            }
            gone(&scene, &sim, &mut client).await;
            let answer = answer.and_then(Result::ok);
            scene.calmly(answer, |answer| answer.status == 408, "a slow head");
        }
        // Stops in the middle of a body.
        2 => {
            let _ = client.send(post("content-length: 1000\r\n") + "abc").await;
            let answer = end(&scene, &sim, &mut client).await;
            scene.calmly(answer, |answer| answer.status == 408, "a body that stops");
        }
        // Does not read a large answer.
        3 => {
            let _ = client.send(get("big", 2 * scene.large)).await;
            sim.pause(patience(&scene)).await;
            gone(&scene, &sim, &mut client).await;
        }
        // Sends bytes that are not HTTP.
        4 => {
            let junk: Vec<u8> = (0..sim.number(1..5000)).map(|_| sim.number(0..256) as u8).collect();
            let _ = client.send(junk).await;
            let _ = client.finish().await;
            let finished = sim.now();
            let _ = end(&scene, &sim, &mut client).await;
            scene.prompt(sim.now() - finished);
        }
        // Closes the sending side after the request: the answer still comes.
        5 => {
            let _ = client.send(get("slow", sim.number(0..3000))).await;
            let _ = client.finish().await;
            let finished = sim.now();
            let answer = end(&scene, &sim, &mut client).await;
            scene.prompt(sim.now() - finished);
            scene.calmly(
                answer,
                |answer| answer.field("x-id") == Some(&id.to_string()),
                "a half-closed client",
            );
        }
        // Closes in the middle of a body.
        6 => {
            let _ = client.send(post("transfer-encoding: chunked\r\n") + "ff\r\nabc").await;
            let _ = client.finish().await;
            let finished = sim.now();
            let _ = end(&scene, &sim, &mut client).await;
            scene.prompt(sim.now() - finished);
        }
        // Leaves at a random time.
        7 => {
            let kind = ["slow", "big", "background", "blocking"][sim.number(0..4) as usize];
            let _ = client.send(get(kind, 3000)).await;
            sim.pause(sim.duration(Duration::ZERO..Duration::from_secs(2))).await;
            if sim.chance(0.5) {
                client.reset();
            }
        }
        // Sends a head without an end.
        8 => {
            let mut head = String::from("GET / HTTP/1.1\r\nhost: sim\r\n");
            (0..200).for_each(|n| head += &format!("x-field-{n}: {}\r\n", "y".repeat(400)));
            client.queue(head);
            let answer = end(&scene, &sim, &mut client).await;
            scene.calmly(answer, |answer| answer.status == 431, "an endless head");
        }
        // Sends more than the body, in one write.
        9 => {
            let requests = sim.number(20..200);
            (0..requests).for_each(|_| {
                client.queue(format!("GET /plain/{}/0 HTTP/1.1\r\nhost: sim\r\n\r\n", scene.number()));
            });
            let mut last = 0;
            let mut answers = 0;
            while let Some(Ok(answer)) = sim.timeout(patience(&scene), client.answer()).await {
                let id: u64 = answer.field("x-id").and_then(|id| id.parse().ok()).unwrap_or(u64::MAX);
                assert!(id > last || answer.status == 503, "answer {id} after answer {last}");
                last = id;
                answers += 1;
                if answer.closes() {
                    break;
                }
            }
            scene.excused_unless(answers == requests, || format!("{answers} of {requests} sent ahead"));
        }
        // Sends a malformed request, and then bytes without an end.
        10 => {
            let _ = client.send("GET / HTTP/1.1\r\nhost : sim\r\n\r\n").await;
            for _ in 0..100 {
                if client.send([b'x'; 1000]).await.is_err() {
                    break;
                }
                sim.pause(Duration::from_millis(30)).await;
            }
            gone(&scene, &sim, &mut client).await;
        }
        // Sends a body that the application does not read, and that is too large to be discarded.
        11 => {
            let size = 4 * scene.large;
            client
                .queue(format!("POST /plain/{id}/0 HTTP/1.1\r\nhost: sim\r\ncontent-length: {size}\r\n\r\n"));
            client.queue(vec![b'x'; size as usize]);
            let answer = end(&scene, &sim, &mut client).await;
            scene.calmly(answer, |answer| answer.status == 200, "a body that nobody wants");
        }
        // Stops in a body for which the application waits.
        12 => {
            let _ = client.send(get("watch", 0)).await;
            sim.pause(Duration::from_secs(1)).await;
            let _ = client.finish().await;
            let answer = sim.timeout(Duration::from_secs(10), client.answer()).await;
            let answer = answer.and_then(Result::ok);
            scene.calmly(answer, |answer| answer.status == 200, "a client that ends its side");
        }
        // Stays silent after an answer.
        13 => {
            client.queue(get("plain", 0));
            let answer = sim.timeout(patience(&scene), client.answer()).await;
            if answer.is_some_and(|answer| answer.is_ok()) {
                idle(&scene, &sim, client, scene.timeouts.keep_alive).await;
            }
        }
        // Pipelines requests, and reads no answer.
        14 => {
            let mut requests = String::new();
            for _ in 0..scene.large / 50 {
                requests += &format!("GET /plain/{}/0 HTTP/1.1\r\nhost: sim\r\n\r\n", scene.number());
            }
            let _ = sim.timeout(patience(&scene), client.send(requests)).await;
            sim.pause(patience(&scene)).await;
            gone(&scene, &sim, &mut client).await;
        }
        15..=18 => leaving::run(&scene, &sim, client, id).await,
        // Sends a chunk size line without an end.
        _ => {
            client.queue(post("transfer-encoding: chunked\r\n") + "1;" + &"x".repeat(2000));
            let _ = end(&scene, &sim, &mut client).await;
        }
    }
}

/// Sends nothing: the server closes the connection without an answer, after `timeout`.
async fn idle(scene: &Scene, sim: &Sim, mut client: Client, timeout: Duration) {
    let start = sim.now();
    gone(scene, sim, &mut client).await;
    let took = sim.now() - start;
    assert!(took < timeout + Duration::from_secs(10), "an idle connection lives {took:?}");
}

/// Expects at most one answer, and then the end. On a calm network it returns the answer.
async fn end(scene: &Scene, sim: &Sim, client: &mut Client) -> Option<Answer> {
    let answer = sim.timeout(patience(scene), client.answer()).await;
    match answer {
        Some(Err(Broken::Framing(rule))) => panic!("not a response: {rule}"),
        None => panic!("neither an answer nor an end"),
        Some(answer) => {
            gone(scene, sim, client).await;
            answer.ok()
        }
    }
}

/// Expects that the server closes the connection in time.
async fn gone(scene: &Scene, sim: &Sim, client: &mut Client) {
    let end = sim.timeout(patience(scene), client.drain()).await;
    assert!(end.is_some(), "the server keeps a connection open");
}
