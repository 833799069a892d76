//! Compares the tree of routes with a plain loop that tries each route in order.
//!
//! The loop and its matcher are simple, not fast. Tables, paths and hosts are built from few parts, so that most
//! look-ups match, often several routes.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;
use stelo_core::http::Method;
use stelo_core::routing::{Builder, Captures, Convertor, Found, Matched, Methods, Slash};

/// A part of a pattern.
#[derive(Clone, Debug)]
enum Piece {
    Literal(&'static str),
    /// The name of a convertor.
    Param(&'static str),
}

#[derive(Clone, Debug)]
enum Declared {
    Route(Vec<Piece>, Vec<Method>),
    Mount(Vec<Piece>),
    Host(Vec<Piece>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Outcome {
    /// The index of the route, its captures, and the length of the prefix of a mount.
    Match(usize, Vec<String>, Option<usize>),
    Allow(Vec<String>),
    Redirect(String),
    Nothing,
}

/// One or two letters.
struct Letters;

impl Convertor for Letters {
    fn matches(&self, text: &str) -> bool {
        (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase())
    }
}

fn takes(convertor: &str, text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    match convertor {
        "str" => !text.is_empty() && !text.contains('/'),
        "path" => true,
        "int" => digits(text) && text.len() <= 20 && text.parse::<u64>().is_ok(),
        "float" => match text.split_once('.') {
            Some((whole, fraction)) => digits(whole) && digits(fraction),
            None => digits(text),
        },
        "uuid" => {
            let digits: String = text.split('-').collect();
            let hyphens = text.match_indices('-').enumerate().map(|(earlier, (at, _))| at - earlier);
            let places: Vec<_> = hyphens.collect();
            digits.len() == 32
                && digits.chars().all(|c| c.is_ascii_hexdigit())
                && places.iter().all(|place| [8, 12, 16, 20].contains(place))
                && places.is_sorted_by(|a, b| a < b)
        }
        "letters" => Letters.matches(text),
        other => panic!("no convertor {other}"),
    }
}

const UUID: &str = "ec38df32-ceda-4cfa-9b4a-1aeb94ad551a";

/// Matches the parts, greedily and with backtracking. `done` checks the rest of the text. Returns the captures and
/// the length of the match.
fn matches(pieces: &[Piece], text: &str, done: &dyn Fn(&str) -> bool) -> Option<(Vec<String>, usize)> {
    let Some((first, others)) = pieces.split_first() else {
        return done(text).then_some((Vec::new(), 0));
    };
    for end in (0..=text.len()).rev().filter(|&end| text.is_char_boundary(end)) {
        let (taken, rest) = text.split_at(end);
        let captured = match first {
            Piece::Literal(literal) if *literal == taken => None,
            Piece::Param(convertor) if takes(convertor, taken) => Some(taken.to_owned()),
            _ => continue,
        };
        if let Some((captures, length)) = matches(others, rest, done) {
            return Some((captured.into_iter().chain(captures).collect(), end + length));
        }
    }
    None
}

/// The plain loop, and a search for a redirect if nothing matches.
fn expected(table: &[Declared], host: &str, path: &str, method: &Method) -> Outcome {
    let outcome = first_match(table, host, path, method);
    let other = match path.strip_suffix('/') {
        _ if outcome != Outcome::Nothing || path == "/" => return outcome,
        Some(_) => path.trim_end_matches('/').to_owned(),
        None => format!("{path}/"),
    };
    let paths: Vec<_> = table.iter().filter(|entry| !matches!(entry, Declared::Host(_))).cloned().collect();
    match first_match(&paths, host, &other, method) {
        Outcome::Nothing => Outcome::Nothing,
        _ => Outcome::Redirect(other),
    }
}

/// The plain loop.
fn first_match(table: &[Declared], host: &str, path: &str, method: &Method) -> Outcome {
    let mut allow = Vec::new();
    for (index, declared) in table.iter().enumerate() {
        match declared {
            Declared::Route(pieces, methods) => {
                let Some((captures, _)) = matches(pieces, path, &str::is_empty) else { continue };
                let head = (*method == Method::Head).then_some(Method::Get);
                if methods.contains(method) || head.is_some_and(|get| methods.contains(&get)) {
                    return Outcome::Match(index, captures, None);
                }
                allow.extend(methods.iter().map(Method::to_string));
                allow.extend(methods.contains(&Method::Get).then(|| "HEAD".to_owned()));
            }
            Declared::Mount(pieces) => {
                if let Some((captures, length)) = matches(pieces, path, &|rest| rest.starts_with('/')) {
                    return Outcome::Match(index, captures, Some(length));
                }
            }
            Declared::Host(pieces) => {
                let host = host.trim_end_matches(":80").to_lowercase();
                let host = host.strip_suffix('.').unwrap_or(&host);
                if let Some((captures, _)) = matches(pieces, host, &str::is_empty) {
                    return Outcome::Match(index, captures, None);
                }
            }
        }
    }
    allow.sort();
    allow.dedup();
    if allow.is_empty() { Outcome::Nothing } else { Outcome::Allow(allow) }
}

/// Formats a pattern, with a letter as the name of each parameter.
fn pattern(pieces: &[Piece]) -> String {
    let part = |(piece, name): (&Piece, char)| match piece {
        Piece::Literal(text) => (*text).to_owned(),
        Piece::Param(convertor) => format!("{{{name}:{convertor}}}"),
    };
    pieces.iter().zip('a'..).map(part).collect()
}

fn piece(
    convertors: &'static [&'static str],
    literals: &'static [&'static str],
) -> impl Strategy<Value = Piece> {
    prop_oneof![
        3 => select(literals).prop_map(Piece::Literal),
        2 => select(convertors).prop_map(Piece::Param),
    ]
}

fn path_pieces() -> impl Strategy<Value = Vec<Piece>> {
    const CONVERTORS: &[&str] = &["str", "str", "int", "path", "float", "letters", "uuid"];
    const LITERALS: &[&str] = &["/", "/", "/a", "/b/", "a", "ab", "1", ".", "é", "/é/"];
    prop::collection::vec(piece(CONVERTORS, LITERALS), 0..6).prop_map(|pieces| {
        // A custom convertor is rejected in some positions. A slash on both sides is always accepted.
        let mut all = vec![Piece::Literal("/")];
        for piece in pieces {
            let custom = matches!(piece, Piece::Param("letters"));
            all.extend(custom.then_some(Piece::Literal("/")));
            all.push(piece);
            all.extend(custom.then_some(Piece::Literal("/")));
        }
        all
    })
}

fn host_pieces() -> impl Strategy<Value = Vec<Piece>> {
    prop::collection::vec(piece(&["str", "int"], &["a", "b", ".", "1", "a.b"]), 1..4)
}

fn method() -> impl Strategy<Value = Method> {
    let others = Method::from_bytes(b"PURGE").into_iter();
    let known = [Method::Get, Method::Get, Method::Head, Method::Post, Method::Put];
    select(known.into_iter().chain(others).collect::<Vec<_>>())
}

fn declared() -> impl Strategy<Value = Declared> {
    prop_oneof![
        8 => (path_pieces(), prop::collection::vec(method(), 1..3)).prop_map(|(p, m)| Declared::Route(p, m)),
        1 => path_pieces().prop_map(Declared::Mount),
        1 => host_pieces().prop_map(Declared::Host),
    ]
}

fn path() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &["/", "/", "/", "a", "b", "ab", ".", "1", "12", "1.5", "é", UUID];
    prop::collection::vec(select(PIECES), 0..10).prop_map(|pieces| format!("/{}", pieces.concat()))
}

/// The entry and the values from which a path is built, or a random path.
fn values() -> impl Strategy<Value = Option<(Index, Vec<Index>)>> {
    prop::option::weighted(0.7, (any::<Index>(), prop::collection::vec(any::<Index>(), 6)))
}

/// Builds a path for an entry of the table, unless it is a host.
fn instance(table: &[Declared], (entry, values): &(Index, Vec<Index>)) -> Option<String> {
    let (pieces, end) = match entry.get(table) {
        Declared::Route(pieces, _) => (pieces, ""),
        Declared::Mount(pieces) => (pieces, "/a"),
        Declared::Host(_) => return None,
    };
    let mut values = values.iter();
    let part = |piece: &Piece| match piece {
        Piece::Literal(text) => *text,
        Piece::Param(convertor) => {
            let choice: &[&str] = match *convertor {
                "int" => &["1", "12", "007", "18446744073709551616"],
                "float" => &["1", "1.5", "12.", "1.1.1"],
                "letters" => &["a", "ab", "abc"],
                "uuid" => &[UUID, "EC38DF32CEDA4CFA9B4A1AEB94AD551A"],
                "path" => &["", "a", "a/b", "/1/a/b/"],
                _ => &["a", "1", "ab.1", "é"],
            };
            values.next().map_or("a", |value| *value.get(choice))
        }
    };
    Some(pieces.iter().map(part).chain([end]).collect())
}

fn host() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &["a", "A", "b", ".", "1", "a.b"];
    let name = prop::collection::vec(select(PIECES), 0..5).prop_map(|pieces| pieces.concat());
    (name, select(&["", ":80"][..])).prop_map(|(name, port)| name + port)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_tree_finds_what_a_loop_finds(
        table in prop::collection::vec(declared(), 1..12),
        requests in prop::collection::vec((host(), path(), method(), values()), 1..12),
    ) {
        let mut table = table;
        let mut builder = Builder::new();
        builder.convertor("letters", Letters);
        for (index, declared) in table.iter_mut().enumerate() {
            match declared {
                Declared::Route(pieces, methods) => {
                    builder.route(&pattern(pieces), methods.iter().cloned().collect::<Methods>(), index);
                }
                Declared::Mount(pieces) => {
                    // Slashes at the end of a prefix are ignored.
                    let prefix = pattern(pieces);
                    while let Some(Piece::Literal(last)) = pieces.last_mut() {
                        *last = last.trim_end_matches('/');
                        if !last.is_empty() {
                            break;
                        }
                        pieces.pop();
                    }
                    builder.mount(&prefix, index);
                }
                Declared::Host(pieces) => {
                    builder.host(&pattern(pieces), index);
                    // So is the dot at the end of an absolute name.
                    if let Some(Piece::Literal(last)) = pieces.last_mut() {
                        *last = last.strip_suffix('.').unwrap_or(last);
                    }
                }
            }
        }
        let router = builder.build().unwrap();
        let unreachable = router.unreachable();
        let mut captures = Captures::new();
        for (host, path, method, values) in &requests {
            let path = &values.as_ref().and_then(|values| instance(&table, values)).unwrap_or_else(|| path.clone());
            let outcome = match router.find(host, path, method, &mut captures) {
                Found::Match(found) => {
                    prop_assert_eq!(*found.value, found.route.index());
                    prop_assert!(unreachable.iter().all(|it| it.route != found.route));
                    let (text, prefix) = match found.part {
                        Matched::Path => (path, None),
                        Matched::Prefix { length } => (path, Some(length)),
                        Matched::Host => (host, None),
                    };
                    let lower = found.part == Matched::Host;
                    let value = |text: &str| if lower { text.to_lowercase() } else { text.to_owned() };
                    let captures = captures.ranges().map(|range| value(&text[range])).collect();
                    Outcome::Match(found.route.index(), captures, prefix)
                }
                Found::MethodNotAllowed { allow } => {
                    Outcome::Allow(allow.names().into_iter().map(str::to_owned).collect())
                }
                Found::Redirect(slash) => {
                    prop_assert_eq!(slash == Slash::Remove, path.ends_with('/'));
                    Outcome::Redirect(slash.apply(path).into_owned())
                }
                Found::NotFound => Outcome::Nothing,
            };
            prop_assert_eq!(outcome, expected(&table, host, path, method), "{} {} {}", method, host, path);
        }
    }
}
