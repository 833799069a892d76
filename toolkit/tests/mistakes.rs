//! Mistakes that are found when an application is built: routes that hide each other, patterns of other frameworks,
//! path parameters that do not suit, missing directories.

use std::collections::HashMap;

use serde::Deserialize;
use stelo_toolkit::routing::{head, options};
use stelo_toolkit::{App, HttpError, Path, Router, StaticFiles, Status, TestClient, WebSocket, any, get};

/// The text of the error, with the lines of the source code replaced by `N`.
fn error(app: &App) -> String {
    without_lines(&app.build().expect_err("a mistake").to_string())
}

fn without_lines(text: &str) -> String {
    let mut parts = text.split("mistakes.rs:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "mistakes.rs:N" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

fn warnings(app: &App) -> Vec<String> {
    app.build().expect("no error");
    app.warnings().iter().map(|warning| without_lines(warning)).collect()
}

#[test]
fn a_route_that_is_declared_twice_is_an_error_that_names_both_places() {
    let app = App::new().route("/users/{id}", get("a")).route("/users/{name}", get("b"));
    assert_eq!(
        error(&app),
        "GET `/users/{name}` (toolkit/tests/mistakes.rs:N) is never reached: GET `/users/{id}` \
         (toolkit/tests/mistakes.rs:N) answers the same requests; remove either, or change its pattern or method"
    );
    let items = || Router::new().route("", get("items"));
    let twice = [
        App::new().route("/", get("a").get("b")),
        App::new().route("/", any("a")).route("/", get("b")),
        App::new().route("/", get("a")).route("/", head("b")),
        App::new().include("/items", items()).include("/items", items()),
        App::new().mount("/items", items()).mount("/items/", items()),
        App::new().host("example.org", items()).host("Example.org", items()),
        App::new().websocket("/ws", async |_: WebSocket| {}).websocket("/ws", async |_: WebSocket| {}),
        App::new().mount("/outer", Router::new().route("/", get("a")).route("/", get("b"))),
    ];
    for app in twice {
        let error = error(&app);
        assert!(error.contains("is never reached") && error.matches("mistakes.rs:N").count() == 2, "{error}");
    }
}

#[test]
fn routes_that_share_a_pattern_are_no_mistake() {
    let app = App::new()
        .route("/", get("a").post("b"))
        .route("/", options("c"))
        .route("/", any("d").websocket(async |_: WebSocket| {}))
        .route("/{id:int}", get("e"))
        .route("/{name}", get("f"))
        .route("/{name}", head("f").post("g"))
        .mount("/m", Router::new().route("", get("h")));
    let error = error(&app);
    // GET answers HEAD too.
    assert!(error.starts_with("HEAD `/{name}`"), "{error}");
    let app = App::new()
        .route("/", head("a").get("b"))
        .route("/m", get("point"))
        .route("/{id:int}", get("e"))
        .route("/{name}", get("f"))
        .mount("/m", Router::new().route("", get("h")).route("/", get("i")))
        .mount("/", Router::new());
    assert_eq!(warnings(&app), <[String; 0]>::default());
}

#[test]
fn a_route_that_a_wider_one_hides_is_a_warning() {
    let app = App::new()
        .route("/users/{name}", get("a"))
        .route("/users/me", get("b"))
        .mount("/static", Router::new())
        .route("/static/logo.png", get("c"));
    let later = |route: &str, earlier: &str| {
        format!(
            "{route} (toolkit/tests/mistakes.rs:N) is never reached: {earlier} (toolkit/tests/mistakes.rs:N) \
             matches its paths first; declare it before that route"
        )
    };
    let expected = [
        later("GET `/users/me`", "GET `/users/{name}`"),
        later("GET `/static/logo.png`", "the mount `/static`"),
    ];
    assert_eq!(warnings(&app), expected);
    assert_eq!(TestClient::new(app).get("/users/me").send().text(), "a");
}

#[test]
fn a_pattern_of_another_framework_is_a_mistake() {
    let at = |pattern: &str| error(&App::new().route(pattern, get("a")));
    assert_eq!(
        at("/files/{*rest}"),
        "the pattern `/files/{*rest}` (toolkit/tests/mistakes.rs:N) contains `{*rest}`, which is literal text: \
         write `{rest:path}`"
    );
    assert!(at("/users/<int:id>").contains("write `{id:int}`"));
    let at = |pattern: &str| warnings(&App::new().route(pattern, get("a"))).concat();
    assert!(at("/users/:id").ends_with("write `{id}`"));
    assert!(at("/users/*").ends_with("write `{rest:path}`"));
    assert!(at("/{id?}").contains("`{name:convertor}`"));
    assert!(at("/a}").ends_with("`{name}` or `{name:convertor}` for a parameter, `}}` for a brace"));
    assert_eq!(at("/{{x}}/{{{id}}}"), "");
    assert_eq!(at("/users/{id:int}:activate"), "");
    assert!(error(&App::new().include("/<a>", Router::new())).contains("`{a}`"));
    assert!(error(&App::new().mount("/{*a}", Router::new())).contains("`{a:path}`"));
}

#[derive(Deserialize)]
struct Post {
    id: u64,
    slug: String,
}

#[test]
fn path_parameters_that_do_not_suit_the_handler_are_an_error() {
    async fn pair(Path((a, b)): Path<(u32, u32)>) -> String {
        format!("{a} {b}")
    }
    async fn one(Path(a): Path<u32>) -> String {
        a.to_string()
    }
    async fn named(Path(post): Path<Post>) -> String {
        format!("{} {}", post.id, post.slug)
    }
    let message = error(&App::new().route("/x/{a}", get(pair)));
    assert_eq!(
        message,
        "`mistakes::path_parameters_that_do_not_suit_the_handler_are_an_error::pair` does not suit the route \
         `/x/{a}`: `Path<(u32, u32)>`: it asks for 2 path parameters, and the route has 1; change the pattern or the \
         argument"
    );
    let message = error(&App::new().route("/x/{id}/{name}", get(named)));
    assert!(message.contains("missing field `slug`"), "{message}");
    let message = error(&App::new().route("/x", get(one)));
    assert!(message.contains("asks for 1 path parameters, and the route has 0"), "{message}");
    let message = error(&App::new().mount("/{a}", Router::new().route("/{b}", get(one))));
    assert!(message.contains("the route has 2"), "{message}");
    let message = error(&App::new().websocket("/{a}", async |Path(_): Path<(u32, u32)>, _: WebSocket| {}));
    assert!(message.contains("the route has 1"), "{message}");
}

#[test]
fn path_parameters_that_may_suit_are_no_mistake() {
    #[derive(Deserialize)]
    struct Even(#[serde(deserialize_with = "even")] u32);

    fn even<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let number = u32::deserialize(deserializer)?;
        let error = || serde::de::Error::custom("an odd number");
        (number % 2 == 0 && number > 0).then_some(number).ok_or_else(error)
    }
    #[derive(Deserialize)]
    struct Lenient {
        #[serde(default)]
        missing: u8,
    }
    type Pair = Path<(u32, u32)>;
    async fn rejected(pair: Result<Pair, HttpError>) -> String {
        pair.is_ok().to_string()
    }
    let app = App::new()
        .route("/even/{n}", get(async |Path(Even(n)): Path<Even>| n.to_string()))
        .route("/lenient/{n}", get(async |Path(it): Path<Lenient>| it.missing.to_string()))
        .route("/map/{n}", get(async |Path(map): Path<HashMap<String, String>>| map.len().to_string()))
        .route("/none", get(async |path: Option<Path<u32>>| path.is_some().to_string()))
        .route("/rejected/{n}", get(rejected));
    let client = TestClient::new(app);
    assert_eq!(client.get("/even/4").send().text(), "4");
    let odd = client.get("/even/5").send();
    assert_eq!((odd.status(), &*odd.text()), (Status::BAD_REQUEST, "invalid path: an odd number"));
    assert_eq!(client.get("/lenient/4").send().text(), "0");
    assert_eq!(client.get("/map/4").send().text(), "1");
    assert_eq!(client.get("/none").send().text(), "false");
}

#[test]
fn a_missing_directory_is_a_warning() {
    let app = App::new().mount("/static", StaticFiles::new("no/such/directory"));
    let warning = "`/static`: the directory `no/such/directory` does not exist: create it, or name another";
    assert_eq!(warnings(&app), [warning]);
    assert!(App::new().mount("/static", StaticFiles::new(".")).warnings().is_empty());
}

#[test]
fn an_invalid_pattern_is_the_source_of_the_mistake() {
    use std::error::Error;
    let mistake = App::new().route("/{a:number}", get("a")).build().unwrap_err();
    assert!(mistake.source().is_some(), "{mistake}");
    let mistake = App::new().route("/a", get("a")).route("/a", get("b")).build().unwrap_err();
    assert!(mistake.source().is_none(), "{mistake}");
}
