//! Routing: a table finds what one finds who tries its routes one by one, in order, each as a table of its own.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use stelo_core::http::Method;
use stelo_core::routing::{Builder, Captures, Found, Methods, Router};

/// What patterns and paths are made of: few words, so that many of them match.
const PIECES: [&str; 12] =
    ["/", "a", "b", "ab", "1", ".", "-", "{x}", "{n:int}", "{f:float}", "{rest:path}", "{id:uuid}"];
/// How many of them stand for themselves.
const PLAIN: usize = 7;
const HOSTS: [&str; 4] = ["a.b", "{sub}.b", "a.{top}", "{any}"];
const ASKED_HOSTS: [&str; 4] = ["", "a.b", "A.B:80", "c.b"];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    routes: Vec<Route<'a>>,
    host: u8,
    post: bool,
    path: &'a [u8],
}

#[derive(Arbitrary, Debug)]
enum Route<'a> {
    Get(&'a [u8]),
    Post(&'a [u8]),
    Any(&'a [u8]),
    Mount(&'a [u8]),
    Host(u8),
}

impl Route<'_> {
    fn declare(&self, builder: &mut Builder<usize>, value: usize) {
        match self {
            Self::Get(path) => builder.route(&text(path, &PIECES), Method::Get, value),
            Self::Post(path) => builder.route(&text(path, &PIECES), Method::Post, value),
            Self::Any(path) => builder.route(&text(path, &PIECES), Methods::ANY, value),
            Self::Mount(path) => builder.mount(&text(path, &PIECES), value),
            Self::Host(host) => builder.host(HOSTS[usize::from(*host) % HOSTS.len()], value),
        };
    }
}

fn text(bytes: &[u8], pieces: &[&str]) -> String {
    let pieces = bytes.iter().take(32).map(|&byte| pieces[usize::from(byte) % pieces.len()]);
    std::iter::once("/").chain(pieces).collect()
}

fuzz_target!(|input: Input<'_>| {
    let mut builder = Builder::new();
    let mut singles: Vec<Router<usize>> = Vec::new();
    for route in input.routes.iter().take(32) {
        let mut single = Builder::new();
        route.declare(&mut single, singles.len());
        // A pattern that is not one (the same parameter twice) is left out of both.
        if let Ok(single) = single.build() {
            route.declare(&mut builder, singles.len());
            singles.push(single);
        }
    }
    let table = builder.build().expect("each of its routes is right");

    let host = ASKED_HOSTS[usize::from(input.host) % ASKED_HOSTS.len()];
    let method = if input.post { Method::Post } else { Method::Get };
    let path = text(input.path, &PIECES[..PLAIN]);
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
});
