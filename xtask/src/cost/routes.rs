//! `cargo xtask cost routes`: the growth of the build time of a program with its routes.

use std::fmt::Write;

use super::program::{Features, Program};
use crate::run::{Outcome, root};

/// The numbers of routes. The growth between the first and the second predicts the last.
const SIZES: [usize; 4] = [30, 300, 100, 600];

/// The largest ratio of the time for 600 routes to that which grows by a straight line from 30 to 300.
const LIMIT: f64 = 1.3;

/// Builds programs of 30 to 600 routes, after their dependencies, and prints the CPU time. Fails if it grows faster than
/// the routes.
pub(crate) fn routes(profile: &str) -> Outcome {
    let dependencies = "serde = { version = \"1\", features = [\"derive\"] }\n";
    let program = Program::new(root(), Features::Default, dependencies, &source(1)?)?;
    program.build(profile)?;
    let mut seconds = [0.0; SIZES.len()];
    for (size, seconds) in SIZES.into_iter().zip(&mut seconds) {
        program.set_main(&source(size)?)?;
        *seconds = program.build(profile)?;
    }
    let mut rows: Vec<_> = SIZES.into_iter().zip(seconds).collect();
    rows.sort_by_key(|&(size, _)| size);
    println!("| routes | seconds ({profile}) | milliseconds a route |\n|--:|--:|--:|");
    for (size, seconds) in rows {
        println!("| {size} | {seconds:.1} | {:.0} |", seconds * 1000.0 / size as f64);
    }
    let ratio = seconds[3] / expected(seconds[0], seconds[1]);
    println!("\n600 routes take {ratio:.2} of what a straight line from 30 to 300 predicts.");
    match ratio > LIMIT {
        true => {
            Err(format!("600 routes take {ratio:.2} of the linear expectation, above the limit of {LIMIT}"))
        }
        false => Ok(()),
    }
}

/// Returns the time for 600 routes by the straight line through those for 30 and 300.
fn expected(few: f64, many: f64) -> f64 {
    many + (many - few) / 270.0 * 300.0
}

/// Returns a program whose routes have handlers and types of their own, in one chain of calls.
fn source(routes: usize) -> Result<String, String> {
    let mut text = String::from(
        "use serde::{Deserialize, Serialize};\nuse stelo::{App, Json, Path, Query, State, get};\n\n\
         #[derive(Clone)]\nstruct Shop(&'static str);\n",
    );
    for n in 0..routes {
        write!(
            text,
            r#"
#[derive(Deserialize)]
struct Query{n} {{ first: u32, text: Option<String> }}

#[derive(Deserialize)]
struct Order{n} {{ name: String, count: u32 }}

#[derive(Serialize)]
struct Item{n} {{ id: u32, name: String, note: Option<String> }}

async fn show{n}(State(shop): State<Shop>, Path(id): Path<u32>, Query(query): Query<Query{n}>) -> Json<Item{n}> {{
    Json(Item{n} {{ id: id + query.first, name: shop.0.into(), note: query.text }})
}}

async fn order{n}(Path(id): Path<u32>, Json(order): Json<Order{n}>) -> Json<Item{n}> {{
    Json(Item{n} {{ id: id + order.count, name: order.name, note: None }})
}}
"#
        )
        .map_err(|error| error.to_string())?;
    }
    text.push_str("\nfn main() -> std::process::ExitCode {\n    stelo::run(App::new().state(Shop(\"tea\"))");
    for n in 0..routes {
        write!(text, "\n        .route(\"/shop/{n}/{{id}}\", get(show{n}).post(order{n}))")
            .map_err(|error| error.to_string())?;
    }
    text.push_str(")\n}\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expectation_is_on_the_straight_line() {
        assert!((expected(3.0 + 1.0, 30.0 + 1.0) - 61.0).abs() < 1e-9);
    }
}
