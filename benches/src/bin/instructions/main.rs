//! The cost of the request path, in instructions, compared with the recorded cost.
//!
//! ```text
//! cargo run --release -p stelo-benches --bin instructions            counts, and compares with the baseline
//! cargo run --release -p stelo-benches --bin instructions renew      writes what it counts into the baseline
//! cargo run --release -p stelo-benches --bin instructions head 1000  so many rounds of one case
//! ```
//!
//! Instructions are counted by valgrind, in user space only. They do not depend on what else the machine does, so a rise
//! of a few per cent is seen. The baseline is `benches/instructions.txt`; renew it in the commit that means to change it.

mod http2;
mod machines;
mod server;

use std::collections::BTreeMap;
use std::{env, fs};

use stelo_benches::{Result, instructions};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");
/// By how much a case may rise before it is a fault.
const TOLERANCE: f64 = 0.03;

struct Case {
    name: &'static str,
    what: &'static str,
    /// The number of rounds after which the noise of the start is negligible.
    rounds: usize,
    run: fn(usize) -> Result<()>,
}

const CASES: &[Case] = &[
    Case {
        name: "exchange",
        what: "a small request and its response, through the machine",
        rounds: 1000,
        run: machines::exchange,
    },
    Case { name: "head", what: "the same with a browser's request", rounds: 1000, run: machines::head },
    Case {
        name: "response",
        what: "the same with twelve fields in the response",
        rounds: 1000,
        run: machines::response,
    },
    Case {
        name: "h2-small",
        what: "a small request of HTTP/2 and its response, through the machine",
        rounds: 1000,
        run: http2::exchange,
    },
    Case { name: "h2-head", what: "the same with a browser's request", rounds: 1000, run: http2::head },
    Case {
        name: "routing",
        what: "a path with two parameters, out of 200 routes",
        rounds: 1000,
        run: machines::routing,
    },
    Case {
        name: "frame",
        what: "a masked WebSocket message of 64 bytes, read",
        rounds: 1000,
        run: machines::frame,
    },
    Case { name: "echo", what: "the same, and its echo", rounds: 1000, run: machines::echo },
    Case {
        name: "keep-alive",
        what: "a request to the running server, on tokio",
        rounds: 5000,
        run: server::plain,
    },
    Case { name: "json", what: "the same, answered with JSON", rounds: 5000, run: server::json },
    Case {
        name: "table",
        what: "the same, with two parameters, out of 200 routes",
        rounds: 5000,
        run: server::table,
    },
    Case {
        name: "layers",
        what: "the same as keep-alive, through ten middleware",
        rounds: 5000,
        run: server::layers,
    },
];

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [] => compare(&baseline()?),
        [word] if word == "renew" => renew(),
        [name, rounds] => {
            let case = CASES.iter().find(|case| case.name == name);
            (case.ok_or_else(|| format!("no case is called `{name}`"))?.run)(rounds.parse()?)
        }
        _ => Err("usage: instructions [renew | CASE ROUNDS]".into()),
    }
}

/// The instructions of each case in the baseline.
fn baseline() -> Result<BTreeMap<String, f64>> {
    let mut cases = BTreeMap::new();
    for line in fs::read_to_string(BASELINE)?.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(count)) = (words.next(), words.next()) else { continue };
        cases.insert(name.to_owned(), count.parse()?);
    }
    Ok(cases)
}

fn compare(baseline: &BTreeMap<String, f64>) -> Result<()> {
    let mut risen = Vec::new();
    for case in CASES {
        let count = instructions(&[case.name], case.rounds)?;
        let Some(&before) = baseline.get(case.name) else {
            return Err(format!("`{}` has no line in {BASELINE}: renew it", case.name).into());
        };
        let change = count / before - 1.0;
        println!("{:10} {count:9.0}, was {before:9.0}: {:+6.1} %  {}", case.name, change * 100.0, case.what);
        if change > TOLERANCE {
            risen.push(case.name);
        }
    }
    match risen[..] {
        [] => Ok(()),
        _ => Err(format!(
            "risen by more than 3 %: {}; where that is meant, `instructions renew`",
            risen.join(", ")
        )
        .into()),
    }
}

fn renew() -> Result<()> {
    let mut text =
        String::from("# User-space instructions a round, counted by valgrind; see src/bin/instructions.\n");
    for case in CASES {
        let count = instructions(&[case.name], case.rounds)?;
        text += &format!("{:10} {count:9.0}  {}\n", case.name, case.what);
    }
    print!("{text}");
    fs::write(BASELINE, text)?;
    Ok(())
}
