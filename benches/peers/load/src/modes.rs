//! The kinds of load.

use std::io::{Read, Write, stdin, stdout};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Args;
use crate::client::{answer_length, connect, cookie, request};
use crate::engine::{Answer, Engine};
use crate::histogram::Histogram;
use crate::websocket;

/// Each connection asks again when it has been answered. Others may stay open beside them that have been used once.
pub fn closed(args: &Args) {
    let mut fields = args.text("header").map_or_else(String::new, |field| format!("{field}\r\n"));
    if args.number("cookie", 0) > 0 {
        fields += &format!("Cookie: {}\r\n", cookie(args.port, &request(&args.path, &fields, 0)));
    }
    let request = request(&args.path, &fields, args.number("body", 0));
    let depth = args.number("depth", 1);
    let length = answer_length(args.port, &request);
    let _idle = used(args.port, &request, length, args.number("idle", 0));
    let answer = match args.number("parse", 0) {
        0 => Answer::Bytes(length * depth),
        _ => Answer::Responses(depth),
    };
    let engine = Engine::new(connections(args, 64), request.repeat(depth), answer);
    repeat(args, engine, depth, |_, _| {});
}

/// Each request on a connection of its own, which the server closes.
pub fn fresh(args: &Args) {
    let request = request(&args.path, "Connection: close\r\n", 0);
    let answer = Answer::BytesAndEnd(answer_length(args.port, &request));
    let engine = Engine::new(connections(args, 16), request, answer);
    repeat(args, engine, 1, |engine, i| engine.replace(i, connect(args.port)));
}

/// Each connection sends messages and waits for their echo.
pub fn websocket(args: &Args) {
    let file = |name: &str| args.text(name).map(|path| std::fs::read(path).expect("the payload can be read"));
    let payload = file("payload").expect("payload=FILE");
    let deflated = file("deflated");
    let depth = args.number("depth", 1);
    let (frame, answer) = match &deflated {
        Some(deflated) => (websocket::frame(deflated, true), Answer::Messages(depth)),
        None => {
            let echo = websocket::echo_length(args.port, &args.path, &payload);
            (websocket::frame(&payload, false), Answer::Bytes(echo * depth))
        }
    };
    let open = |_| {
        let (stream, agreed) = websocket::open(args.port, &args.path, deflated.is_some());
        assert_eq!(agreed, deflated.is_some(), "compression is agreed on where it is offered");
        stream
    };
    let streams = (0..args.number("conns", 32)).map(open).collect();
    repeat(args, Engine::new(streams, frame.repeat(depth), answer), depth, |_, _| {});
}

/// Requests at a fixed rate, whatever the server makes of it.
pub fn rate(args: &Args) {
    let request = request(&args.path, "", 0);
    let answer = Answer::Bytes(answer_length(args.port, &request));
    let mut engine = Engine::new(connections(args, 64), request, answer);
    let gap = Duration::from_secs(1) / args.number("rate", 10_000);
    let start = ready();
    let end = start + duration(args);
    let (mut times, mut answers, mut next, mut turn) = (Histogram::new(), 0, start, 0);
    loop {
        let now = Instant::now();
        if now >= end {
            break;
        }
        while next <= now {
            match &mut engine.conns[turn] {
                conn if conn.expected > 0 => conn.due.push_back(next),
                _ => engine.send(turn, next),
            }
            turn = (turn + 1) % engine.conns.len();
            next += gap;
        }
        engine.turn(0, |engine, i| {
            times.add(engine.conns[i].since.elapsed());
            answers += 1;
            if let Some(due) = engine.conns[i].due.pop_front() {
                engine.send(i, due);
            }
        });
    }
    for conn in engine.conns.iter().filter(|conn| conn.expected > 0) {
        times.add(conn.since.elapsed()); // no answer yet: the time so far is a lower bound
        conn.due.iter().for_each(|due| times.add(due.elapsed()));
    }
    report(answers, start, &times);
}

/// Connections that have been used once and stay open.
pub fn idle(args: &Args) {
    let streams: Vec<TcpStream> = match args.number("websocket", 0) {
        0 => {
            let request = request(&args.path, "", 0);
            used(args.port, &request, answer_length(args.port, &request), args.number("conns", 5000))
        }
        _ => {
            (0..args.number("conns", 5000)).map(|_| websocket::open(args.port, &args.path, true).0).collect()
        }
    };
    say(&format!("idle={}", streams.len()));
    wait_for_the_end();
}

fn connections(args: &Args, default: usize) -> Vec<TcpStream> {
    (0..args.number("conns", default)).map(|_| connect(args.port)).collect()
}

/// This number of connections, each used once.
fn used(port: u16, request: &[u8], length: usize, conns: usize) -> Vec<TcpStream> {
    let asked = |_| {
        let mut stream = connect(port);
        stream.write_all(request).expect("the server reads");
        stream
    };
    let mut streams: Vec<TcpStream> = (0..conns).map(asked).collect();
    let mut answer = vec![0; length];
    for stream in &mut streams {
        stream.read_exact(&mut answer).expect("the server answers");
    }
    streams
}

pub fn duration(args: &Args) -> Duration {
    Duration::from_millis(args.number("ms", 2000))
}

/// The time after the end of the load in which answers are still accepted.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keeps all connections busy for the given time, or until the given number of requests is answered. Then waits for the
/// pending answers, which are part of the server's work. `between` is called before a connection sends again.
fn repeat(args: &Args, mut engine: Engine, depth: usize, mut between: impl FnMut(&mut Engine, usize)) {
    let count = args.number("count", usize::MAX);
    let start = ready();
    let end = start + duration(args);
    let (mut times, mut answers, mut busy) = (Histogram::new(), 0, engine.conns.len());
    for i in 0..engine.conns.len() {
        engine.send(i, start);
    }
    let mut now = start;
    while busy > 0 && now < end + PATIENCE {
        engine.turn(100, |engine, i| {
            times.add(engine.conns[i].since.elapsed());
            answers += depth;
            if now < end && answers < count {
                between(engine, i);
                engine.send(i, Instant::now());
            } else {
                engine.leave(i);
                busy -= 1;
            }
        });
        now = Instant::now();
    }
    report(answers, start, &times);
}

/// Says that the load may begin, and waits for leave.
pub fn ready() -> Instant {
    say("ready");
    stdin().read_line(&mut String::new()).expect("the input can be read");
    Instant::now()
}

pub fn report(answers: usize, start: Instant, times: &Histogram) {
    let seconds = start.elapsed().as_secs_f64();
    let [p50, p90, p99] = [0.5, 0.9, 0.99].map(|share| times.quantile(share));
    say(&format!("requests={answers} seconds={seconds:.6} p50={p50:.1} p90={p90:.1} p99={p99:.1}"));
    wait_for_the_end();
}

fn say(line: &str) {
    println!("{line}");
    stdout().flush().expect("the output can be written");
}

/// The connections stay until the caller has looked at the server.
fn wait_for_the_end() {
    stdin().read_to_end(&mut Vec::new()).expect("the input can be read");
}
