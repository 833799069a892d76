//! Routing: compares the compiled table with a search through its routes.

use stelo_core::http::Method;
use stelo_core::routing::{Builder, Captures, Found, Methods, Router};

use crate::source::Source;

/// The parts of patterns and paths. They are few, so that many paths match.
const PIECES: [&str; 12] =
    ["/", "a", "b", "ab", "1", ".", "-", "{x}", "{n:int}", "{f:float}", "{rest:path}", "{id:uuid}"];
/// The number of parts that are literal.
const PLAIN: usize = 7;
const HOSTS: [&str; 4] = ["a.b", "{sub}.b", "a.{top}", "{any}"];
const ASKED_HOSTS: [&str; 4] = ["", "a.b", "A.B:80", "c.b"];

/// Checks that a table finds the same route as a linear search through tables with one route each.
///
/// The input: the number of routes; for each route a digit for its kind, and its pattern; then host, method and path of
/// a request.
pub fn routing(input: &[u8]) {
    let mut source = Source::new(input);
    let mut builder = Builder::new();
    let mut singles: Vec<Router<usize>> = Vec::new();
    for _ in 0..source.byte() & 31 {
        let kind = source.pick(&["GET", "POST", "any", "mount", "host"]);
        let pattern = source.bytes();
        let declare = |builder: &mut Builder<usize>, value: usize| {
            match kind {
                "GET" => builder.route(&text(pattern, &PIECES), Method::Get, value),
                "POST" => builder.route(&text(pattern, &PIECES), Method::Post, value),
                "mount" => builder.mount(&text(pattern, &PIECES), value),
                "host" => builder.host(HOSTS[pattern.len() % HOSTS.len()], value),
                _ => builder.route(&text(pattern, &PIECES), Methods::ANY, value),
            };
        };
        let mut single = Builder::new();
        declare(&mut single, singles.len());
        // Skips an invalid pattern, such as one with a repeated parameter.
        if let Ok(single) = single.build() {
            declare(&mut builder, singles.len());
            singles.push(single);
        }
    }
    let table = builder.build().expect("each of its routes is valid");

    let host = source.pick(&ASKED_HOSTS);
    let method = if source.flag() { Method::Post } else { Method::Get };
    let path = text(source.bytes(), &PIECES[..PLAIN]);
    let mut captures = Captures::new();
    let found = table.find(host, &path, &method, &mut captures);

    let mut allowed = Methods::new();
    let mut redirect = None;
    for single in &singles {
        let mut expected_captures = Captures::new();
        match single.find(host, &path, &method, &mut expected_captures) {
            Found::Match(expected) => {
                let Found::Match(found) = found else { panic!("{path}: {found:?} is not {expected:?}") };
                assert_eq!((found.value, found.part), (expected.value, expected.part), "{path}");
                assert!(captures.ranges().eq(expected_captures.ranges()), "{path}");
                return;
            }
            Found::MethodNotAllowed { allow } => allowed.merge(&allow),
            Found::Redirect(slash) => redirect = Some(slash),
            Found::NotFound => {}
        }
    }
    let expected = match redirect {
        _ if !allowed.is_empty() => Found::MethodNotAllowed { allow: allowed },
        Some(slash) => Found::Redirect(slash),
        None => Found::NotFound,
    };
    assert_eq!(found, expected, "{path}");
}

fn text(bytes: &[u8], pieces: &[&str]) -> String {
    let pieces = bytes.iter().map(|&byte| pieces[usize::from(byte.wrapping_sub(b'0')) % pieces.len()]);
    std::iter::once("/").chain(pieces).collect()
}
