//! The types that extractors and variables of the environment are read into, beyond the ordinary ones.

use serde::Deserialize;
use stelo_toolkit::config::Environment;
use stelo_toolkit::request::Url;
use stelo_toolkit::{App, Path, Query, TestClient, get};

#[derive(Deserialize, Debug, PartialEq)]
struct Nothing;

#[derive(Deserialize, Debug, PartialEq)]
struct Both(u8, String);

#[derive(Deserialize, Debug, PartialEq)]
struct One(u8);

#[derive(Deserialize, Debug, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Named { id: u8 },
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[serde(default)]
    id: One,
}

#[derive(Deserialize, Debug, PartialEq)]
struct Wrapped(Strict);

#[derive(Deserialize, Debug, PartialEq)]
struct Needed {
    id: u8,
}

#[derive(Deserialize, Debug, PartialEq)]
struct Flat {
    #[serde(flatten)]
    inner: Inner,
}

#[derive(Deserialize, Debug, PartialEq)]
struct Inner {
    level: i8,
    flag: bool,
    name: String,
    other: String,
}

/// A type whose parameters depend on a value.
#[derive(Debug)]
struct Fickle;

impl<'de> Deserialize<'de> for Fickle {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*String::deserialize(deserializer)? {
            "odd" => Err(serde::de::Error::missing_field("name")),
            _ => Ok(Self),
        }
    }
}

const FLAT: &str = "Flat { inner: Inner { level: -3, flag: true, name: \"-3\", other: \"true\" } }";

impl Default for One {
    fn default() -> Self {
        Self(7)
    }
}

async fn path<T: std::fmt::Debug>(Path(value): Path<T>) -> String {
    format!("{value:?}")
}

async fn query<T: std::fmt::Debug>(Query(value): Query<T>) -> String {
    format!("{value:?}")
}

fn answers(app: App, cases: &[(&str, u16, &str)]) {
    let client = TestClient::new(app).raise_server_errors(false);
    for (target, status, text) in cases {
        let response = client.get(target).send();
        assert_eq!((response.status().code(), &*response.text()), (*status, *text), "{target}");
    }
}

#[test]
fn path_parameters_become_any_shape_that_their_number_allows() {
    let app = App::new()
        .route("/unit/{a}", get(path::<Nothing>))
        .route("/both/{a}/{b}", get(path::<Both>))
        .route("/fields/{id}", get(path::<Strict>))
        .route("/untagged/{id}", get(path::<Vec<Url>>))
        .route("/ignored/{a}", get(path::<serde::de::IgnoredAny>))
        .route("/fickle/{a}", get(path::<Fickle>))
        .route("/any/{a}", get(path::<serde_json::Value>));
    answers(
        app,
        &[
            ("/unit/1", 200, "Nothing"),
            ("/both/1/x", 200, "Both(1, \"x\")"),
            ("/both/x/x", 400, "invalid path: `a`: invalid digit found in string"),
            ("/fields/3", 200, "Strict { id: One(3) }"),
            ("/ignored/3", 200, "IgnoredAny"),
            ("/any/3", 200, "Object {\"a\": String(\"3\")}"),
            // The type asks for another parameter: a mistake of the program, which the start did not see.
            ("/fickle/odd", 500, "Internal Server Error"),
            ("/fickle/even", 200, "Fickle"),
        ],
    );
}

#[test]
fn queries_become_any_shape() {
    let app = App::new()
        .route("/unit", get(query::<Nothing>))
        .route("/option", get(query::<Option<Strict>>))
        .route("/strict", get(query::<Strict>))
        .route("/untagged", get(query::<Untagged>))
        .route("/wrapped", get(query::<Wrapped>))
        .route("/needed", get(query::<Needed>))
        .route("/flat", get(query::<Flat>))
        .route("/any", get(query::<serde_json::Value>))
        .route("/pairs", get(query::<std::collections::BTreeMap<String, Both>>))
        .route("/tuples", get(query::<std::collections::BTreeMap<String, (u8, u8)>>))
        .route("/units", get(query::<std::collections::BTreeMap<String, One>>));
    answers(
        app,
        &[
            ("/unit?a=1", 200, "Nothing"),
            ("/option?id=2", 200, "Some(Strict { id: One(2) })"),
            ("/strict?", 200, "Strict { id: One(7) }"),
            ("/untagged?id=5", 200, "Named { id: 5 }"),
            ("/wrapped?id=5", 200, "Wrapped(Strict { id: One(5) })"),
            ("/strict?name=a", 400, "invalid query: unknown field `name`"),
            ("/needed", 400, "invalid query: missing field `id`"),
            // A flattened field is a number, a flag or a text, as its type asks.
            ("/flat?level=-3&flag=true&name=-3&other=true", 200, FLAT),
            (
                "/flat?level=-3&flag=maybe&name=a&other=b",
                400,
                "invalid query: `flag`: invalid type: string \"maybe\", expected a boolean",
            ),
            (
                "/flat?level=true&flag=true&name=a&other=b",
                400,
                "invalid query: invalid type: string \"true\", expected i8",
            ),
            ("/any?a=1&a=b", 200, "Object {\"a\": Array [String(\"1\"), String(\"b\")]}"),
            ("/pairs?k=1&k=b", 200, "{\"k\": Both(1, \"b\")}"),
            ("/tuples?k=1&k=2", 200, "{\"k\": (1, 2)}"),
            ("/units?k=1", 200, "{\"k\": One(1)}"),
        ],
    );
}

#[derive(Deserialize, Debug, PartialEq)]
struct Settings {
    size: (u8, u8),
    level: One,
    home: Url,
}

#[test]
fn variables_become_any_shape() {
    let env = Environment::of([("SIZE", "1,2"), ("LEVEL", "3"), ("HOME", "https://a/b")]);
    let settings = env.load::<Settings>().expect("all variables are valid");
    assert_eq!((settings.size, settings.level), ((1, 2), One(3)));
    assert_eq!(serde_json::to_string(&settings.home).expect("a URL is text"), "\"https://a/b\"");
    assert_eq!(env.get::<(u8, u8)>("SIZE").expect("two numbers"), (1, 2));
    for (name, value, text) in [
        ("SIZE", "1", "the variable SIZE is invalid: invalid length 1, expected a tuple of size 2"),
        (
            "HOME",
            "a b",
            "the variable HOME is invalid: white space and control characters must be percent-encoded in a URL",
        ),
    ] {
        let mut env = Environment::of([("SIZE", "1,2"), ("LEVEL", "3"), ("HOME", "https://a/b")]);
        env.set(name, value).expect("the variable has not been read");
        let error = env.load::<Settings>().expect_err("an invalid variable").to_string();
        assert_eq!(error, text);
    }
}

#[derive(Deserialize, Debug)]
#[allow(dead_code, reason = "the values are rejected")]
struct Unfit {
    #[serde(default)]
    nested: Option<Needed>,
    #[serde(default)]
    positive: Option<std::num::NonZeroU8>,
}

#[test]
fn variables_that_do_not_fit_are_named_and_not_shown() {
    for (name, text) in [
        ("NESTED", "the variable NESTED is invalid: expected struct Needed"),
        ("POSITIVE", "the variable POSITIVE is invalid: expected a nonzero u8"),
    ] {
        let error = Environment::of([(name, "0")]).load::<Unfit>().expect_err("an invalid variable");
        assert_eq!(error.to_string(), text);
    }
    let error = Environment::of([("A", "secret")]).load::<u8>().expect_err("variables are no number");
    assert_eq!(error.to_string(), "the variable * is invalid: expected u8");
}
