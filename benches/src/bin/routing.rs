//! The cost of a route look-up, in instructions, in tables of 100 and of 10,000 routes.
//!
//! ```text
//! cargo run --release -p stelo-benches --bin routing                    all cases, counted by valgrind
//! cargo run --release -p stelo-benches --bin routing static 100 50000   so many look-ups in one table
//! ```
//!
//! Each case runs under callgrind; what it costs to start and to build the table is left out.

use std::env;
use std::hint::black_box;

use stelo_benches::{Result, instructions};
use stelo_core::http::Method;
use stelo_core::routing::{Builder, Captures, Found, Router};

/// Kinds of tables, and how many segments the paths have that are looked up in them.
const KINDS: [(&str, u32); 3] = [("static", 3), ("params", 4), ("missing", 3)];
const SIZES: [usize; 3] = [100, 200, 10_000];
const LOOK_UPS: usize = 20_000;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [] => compare(),
        [kind, size, count] => look_up(kind, size.parse()?, count.parse()?),
        _ => Err("usage: routing [KIND SIZE COUNT]".into()),
    }
}

/// Looks up `count` paths that are spread over the table.
fn look_up(kind: &str, size: usize, count: usize) -> Result<()> {
    let router = table(kind, size)?;
    let paths: Vec<String> = (0..64).map(|i| path(kind, i * size / 64)).collect();
    let mut captures = Captures::new();
    for path in paths.iter().cycle().take(count) {
        let found = router.find("example.org", black_box(path), &Method::Get, &mut captures);
        if matches!(found, Found::Match(_)) == (kind == "missing") {
            return Err(format!("{path}: {found:?}").into());
        }
        black_box((&found, &captures));
    }
    Ok(())
}

/// The n-th resource: names of one length, so that paths are of one length in every table.
fn resource(n: usize) -> String {
    const WORDS: [&str; 10] =
        ["users", "posts", "files", "items", "order", "teams", "pages", "media", "carts", "tasks"];
    format!("{}{:04}", WORDS[n % WORDS.len()], n / WORDS.len())
}

/// A table of about `size` routes: four for each resource, or plain paths.
fn table(kind: &str, size: usize) -> Result<Router<usize>> {
    let mut builder = Builder::new();
    for n in 0..size {
        let pattern = match kind {
            "static" | "missing" => path("static", n),
            "params" => {
                let shapes = ["", "/{id:int}", "/{id:int}/posts", "/{id:int}/posts/{slug}"];
                format!("/{}{}", resource(n / shapes.len()), shapes[n % shapes.len()])
            }
            _ => return Err(format!("no table of the kind `{kind}`").into()),
        };
        builder.route(&pattern, Method::Get, n);
    }
    Ok(builder.build()?)
}

/// The path of the n-th route, or of one beside it that is missing.
fn path(kind: &str, n: usize) -> String {
    match kind {
        "params" => format!("/{}/7/posts/abc", resource(n / 4)),
        "missing" => format!("/api/{}/nothing", resource(n)),
        _ => format!("/api/{}/settings", resource(n)),
    }
}

fn compare() -> Result<()> {
    println!("{:8} {:>7} {:>13} {:>12}", "kind", "routes", "per look-up", "per segment");
    for (kind, segments) in KINDS {
        let mut costs = Vec::new();
        for size in SIZES {
            let cost = instructions(&[kind, &size.to_string()], LOOK_UPS)?;
            println!("{kind:8} {size:7} {cost:13.1} {:12.1}", cost / f64::from(segments));
            costs.push(cost);
        }
        println!("{kind:8} 10,000 routes cost {:.2} times what 100 cost", costs[2] / costs[0]);
    }
    Ok(())
}
