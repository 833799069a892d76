//! The `Debug` form of applications, routers and routes.

use stelo_toolkit::handler::{Endpoint, Outcome};
use stelo_toolkit::routing::Foreign;
use stelo_toolkit::{App, Method, Request, Router, StaticFiles, WebSocket, any, get, on, websocket};

async fn home() {}
async fn save() {}
async fn talk(_: WebSocket) {}

struct Files;

impl Endpoint for Files {
    fn call(&self, _: Request) -> Outcome {
        "a file".into()
    }
}

#[test]
fn a_route_shows_its_pattern_its_name_and_its_handlers() {
    let router = Router::new().route("/welcome/{id:int}", get(home).post(save)).name("welcome");
    assert_eq!(
        format!("{router:?}"),
        "Router { routes: [Route { path: \"/welcome/{id:int}\", name: \"welcome\", GET: shown::home, \
         POST: shown::save }], .. }"
    );
    let set = on([Method::Put, Method::Delete], home);
    assert_eq!(format!("{set:?}"), "MethodRouter { DELETE, PUT: shown::home, .. }");
}

#[test]
fn a_route_of_every_method_shows_that() {
    let shown = format!("{:?}", Router::new().route("/", any(home)));
    assert_eq!(shown, "Router { routes: [Route { path: \"/\", any method: shown::home }], .. }");
}

#[test]
fn a_route_of_a_websocket_shows_that() {
    let shown = format!("{:?}", Router::new().websocket("/ws", talk));
    assert_eq!(shown, "Router { routes: [Route { path: \"/ws\", WebSocket: shown::talk }], .. }");
    assert_eq!(format!("{:?}", websocket(talk)), "MethodRouter { WebSocket: shown::talk, .. }");
}

#[test]
fn a_mount_shows_the_routes_behind_its_prefix() {
    let inner = || Router::new().route("/", get(home));
    let routes = "routes: [Route { path: \"/\", GET: shown::home }] }";
    let shown = format!("{:?}", Router::new().mount("/app", inner()));
    assert_eq!(shown, format!("Router {{ routes: [Mount {{ path: \"/app\", {routes}], .. }}"));
    let shown = format!("{:?}", Router::new().mount("/app", App::new().merge(inner())).name("app"));
    let expected = "Mount { path: \"/app\", name: \"app\", routes: [Include { path: \"\", ";
    assert!(shown.contains(expected) && shown.contains(routes), "{shown}");
    let others = Router::new()
        .mount("/files", Files)
        .mount("/static", StaticFiles::new("."))
        .name("static")
        .mount("/old", Foreign(App::new()));
    assert_eq!(
        format!("{others:?}"),
        "Router { routes: [Mount { path: \"/files\", .. }, Mount { path: \"/static\", name: \"static\", .. }, \
         Mount { path: \"/old\", .. }], .. }"
    );
}

#[test]
fn a_host_shows_the_routes_behind_it() {
    let inner = || Router::new().route("/", get(home));
    let routes = "routes: [Route { path: \"/\", GET: shown::home }] }";
    let shown = format!("{:?}", Router::new().host("example.org", inner()));
    assert_eq!(shown, format!("Router {{ routes: [Host {{ host: \"example.org\", {routes}], .. }}"));
    let shown = format!("{:?}", Router::new().host("{sub}.example.org", inner()).name("sub"));
    assert!(shown.contains("Host { host: \"{sub}.example.org\", name: \"sub\", "), "{shown}");
}

#[test]
fn an_application_lists_its_routes_before_and_after_it_is_built() {
    let app = App::new()
        .route("/", get(home))
        .name("home")
        .include("/items", Router::new().route("", get(home).post(save)))
        .websocket("/ws", talk);
    let before = format!("{app:?}");
    assert_eq!(
        before,
        "App { routes: [Route { path: \"/\", name: \"home\", GET: shown::home }, Include { path: \"/items\", routes: \
         [Route { path: \"\", GET: shown::home, POST: shown::save }] }, Route { path: \"/ws\", WebSocket: shown::talk }\
         ], .. }"
    );
    app.build().expect("it is in order");
    assert_eq!(format!("{app:?}"), before);
}

#[test]
fn an_application_with_a_mistake_shows_it() {
    let app = App::new().route("no-slash", get(home));
    let error = app.build().expect_err("the slash is missing").to_string();
    assert_eq!(format!("{app:?}"), format!("App {{ error: {error}, .. }}"));
}
