//! The attacks: what is sent, by how many, and for how long.
//!
//! An attack that a time-out answers lasts a little longer than the default of that time-out.

use std::time::Duration;

use crate::attacker::Attack;

/// The beginning of a head.
const HEAD: &str = "GET /plaintext HTTP/1.1\r\nhost: localhost\r\n";
const GET: &str = "GET /plaintext HTTP/1.1\r\nhost: localhost\r\n\r\n";
const LAST: &str = "GET /plaintext HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// A byte now and then.
const SLOW: Duration = Duration::from_secs(5);

/// As many connections as the files that may be open allow.
const MANY: usize = 10_000;

/// As many as the system has socket buffers for, where all of them are full.
const SOME: usize = 50;

/// As many as send all they can.
const FEW: usize = 8;

/// The paths of the server under attack, besides `GET /plaintext`.
pub(crate) struct Targets {
    /// Answers with a body that no buffer of the system holds.
    pub(crate) large: Option<String>,
    /// Reads the body of a `POST`.
    pub(crate) upload: String,
    /// The server is ours, with handlers that wait.
    pub(crate) ours: bool,
}

/// All attacks, in the order of the table.
pub(crate) fn all(targets: &Targets) -> Vec<Attack> {
    let post = format!("POST {} HTTP/1.1\r\nhost: localhost\r\n", targets.upload);
    let known = post.clone() + "content-length: 100000\r\n\r\n";
    let chunked = post + "transfer-encoding: chunked\r\n\r\n";
    let mut attacks = vec![
        Attack { name: "none", seconds: 5, ..Attack::default() },
        Attack { name: "silent", attackers: MANY, seconds: 13, ..Attack::default() },
        Attack { name: "idle", attackers: MANY, seconds: 9, first: GET.into(), ..Attack::default() },
        Attack {
            name: "half-closed",
            attackers: MANY,
            seconds: 4,
            first: GET.into(),
            half_closes: true,
            ..Attack::default()
        },
        Attack {
            name: "slow-head",
            attackers: MANY,
            seconds: 14,
            first: [HEAD, "x: "].concat().into(),
            again: b"x".into(),
            every: SLOW,
            ..Attack::default()
        },
        Attack {
            name: "slow-body",
            attackers: MANY,
            seconds: 14,
            first: known.clone().into(),
            again: b"x".into(),
            every: SLOW,
            ..Attack::default()
        },
        Attack {
            name: "stalled-body",
            attackers: MANY,
            seconds: 14,
            first: known.into(),
            ..Attack::default()
        },
        Attack { name: "pipeline", attackers: 4, first: (GET.repeat(99_999) + LAST).into(), ..flood() },
        Attack { name: "endless-head", first: HEAD.into(), again: "x: y\r\n".repeat(100).into(), ..flood() },
        Attack {
            name: "endless-field",
            first: [HEAD, "x: "].concat().into(),
            again: "y".repeat(1000).into(),
            ..flood()
        },
        Attack {
            name: "chunk-extensions",
            first: chunked.clone().into(),
            again: format!("1;{}\r\nx\r\n", "y".repeat(200)).into(),
            ..flood()
        },
        Attack {
            name: "endless-trailers",
            first: (chunked + "0\r\n").into(),
            again: "x: y\r\n".repeat(100).into(),
            ..flood()
        },
        Attack { name: "churn", first: LAST.into(), ..flood() },
        Attack {
            name: "unread-answers",
            attackers: SOME,
            seconds: 38,
            again: GET.repeat(100).into(),
            deaf: true,
            ..Attack::default()
        },
    ];
    if targets.ours {
        attacks.extend(leaving());
    }
    if let Some(target) = &targets.large {
        let first = GET.replace("/plaintext", target).into();
        attacks.push(Attack {
            name: "never-read",
            attackers: SOME,
            seconds: 33,
            first,
            deaf: true,
            ..Attack::default()
        });
    }
    attacks
}

/// Clients that leave while a handler waits, and tunnels that stay.
fn leaving() -> [Attack; 3] {
    let upgrade = |path: &str, to: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: {to}\r\n")
    };
    let websocket = upgrade("/ws/quiet", "websocket")
        + "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    [
        Attack {
            name: "ask-and-leave",
            attackers: MANY,
            seconds: 18,
            first: GET.replace("/plaintext", "/sleep/60000").into(),
            leaves: Some(Duration::from_millis(50)),
            ..Attack::default()
        },
        Attack {
            name: "quiet-websocket",
            attackers: MANY,
            seconds: 20,
            first: websocket.into(),
            leaves: Some(Duration::from_secs(2)),
            ..Attack::default()
        },
        Attack {
            name: "tunnels",
            attackers: SOME,
            seconds: 5,
            first: (upgrade("/tunnel", "echo") + "\r\n").into(),
            limit: Some("10"),
            ..Attack::default()
        },
    ]
}

/// A few clients that send at full speed, and reconnect when they are cut off.
fn flood() -> Attack {
    Attack { attackers: FEW, seconds: 4, returns: true, ..Attack::default() }
}
