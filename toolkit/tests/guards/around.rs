//! Middleware in general: what it sees of the request, and what becomes of a response that it drops.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::{StreamExt, stream};
use stelo_core::app::Peer;
use stelo_core::body::Piece;
use stelo_toolkit::handler::{Endpoint, Outcome};
use stelo_toolkit::middleware::{
    BodyLimit, ConcurrencyLimit, Cors, Csrf, HttpsRedirect, Quota, RateLimit, RequestId, SecurityHeaders,
    Timeout, TraceContext, TrustedHost,
};
use stelo_toolkit::response::StreamingResponse;
use stelo_toolkit::{
    App, Extension, HttpError, Next, Request, Response, StaticFiles, Status, TestClient, WebSocket, get,
};

/// The names of layers, in the order in which a request reaches them.
type Path = Arc<Mutex<Vec<String>>>;

fn push(path: &Path, name: impl Into<String>) {
    path.lock().expect("no test panics here").push(name.into());
}

#[test]
fn a_response_that_is_ready_passes_each_layer() {
    struct Ready;
    impl Endpoint for Ready {
        fn call(&self, _: Request) -> Outcome {
            "ready".into()
        }
    }
    let app = App::new()
        .middleware(ConcurrencyLimit::new(1))
        .middleware(Timeout::new(Duration::from_secs(1)))
        .middleware(RequestId::new())
        .middleware(TraceContext::new())
        .mount("", Ready);
    let client = TestClient::new(app);
    for _ in 0..2 {
        assert_eq!(client.get("/").send().text(), "ready", "the permit is back");
    }
}

#[test]
fn a_value_of_an_outer_layer_is_seen_in_all_the_others() {
    async fn outer(mut request: Request, next: Next) -> Response {
        let path = Path::default();
        request.extensions_mut().insert(path.clone());
        let mut response = next.run(request).await;
        let names = path.lock().expect("no test panics here").join(",");
        response.headers.try_set("x-path", names).expect("names are words");
        response
    }
    async fn inner(Extension(path): Extension<Path>, request: Request, next: Next) -> Response {
        push(&path, "inner");
        let response = next.run(request).await;
        push(&path, "inner again");
        response
    }
    async fn handler(Extension(path): Extension<Path>) {
        push(&path, "handler");
    }
    let client = TestClient::new(App::new().middleware(outer).middleware(inner).route("/", get(handler)));
    assert_eq!(client.get("/").send().header("x-path"), Some("inner,handler,inner again"));
}

#[test]
fn ten_layers_are_entered_and_left_in_order_although_the_client_is_gone() {
    let path = Path::default();
    let app = (0..10).fold(App::new(), |app, number| {
        let path = path.clone();
        app.middleware(move |request: Request, next: Next| {
            let path = path.clone();
            async move {
                push(&path, format!("+{number}"));
                let response = next.run(request).await;
                assert!(response.background.is_none());
                push(&path, format!("-{number}"));
                response
            }
        })
    });
    let client = TestClient::new(app.route("/", get(async || ())));
    let response = client.get("/").peer(Peer::HalfClosed).send();
    assert_eq!((response.status(), response.bytes()), (Status::OK, &b""[..]));
    let expected = (0..10).map(|n| format!("+{n}")).chain((0..10).rev().map(|n| format!("-{n}")));
    assert_eq!(*path.lock().expect("no test panics here"), expected.collect::<Vec<_>>());
}

#[test]
fn a_client_that_is_gone_stays_gone() {
    async fn layer(request: Request, next: Next) -> Response {
        request.disconnected().await;
        next.run(request).await
    }
    async fn handler(request: Request) -> String {
        request.disconnected().await;
        request.disconnected().await;
        request.is_disconnected().to_string()
    }
    let client = TestClient::new(App::new().middleware(layer).route("/", get(handler)));
    assert_eq!(client.get("/").peer(Peer::Gone).send().text(), "true");
}

#[test]
fn another_response_replaces_that_of_the_handler() {
    async fn custom(request: Request, next: Next) -> &'static str {
        next.run(request).await;
        "custom"
    }
    let client = TestClient::new(App::new().middleware(custom).route("/", get("handler")));
    for target in ["/", "/nowhere"] {
        let response = client.get(target).send();
        assert_eq!((response.status(), &*response.text()), (Status::OK, "custom"), "{target}");
    }
}

#[test]
fn an_error_of_the_handler_becomes_another_response() {
    async fn caught(request: Request, next: Next) -> Response {
        match next.run(request).await {
            failed if failed.status.code() >= 500 => Response::text(Status::BAD_REQUEST, "TEST"),
            response => response,
        }
    }
    async fn fails() -> Result<(), HttpError> {
        Err(HttpError::new(Status::INTERNAL_SERVER_ERROR))
    }
    async fn panics() {
        panic!("as it was told to")
    }
    let app = App::new().middleware(caught).route("/fails", get(fails)).route("/panics", get(panics));
    let client = TestClient::new(app).raise_server_errors(false);
    for target in ["/fails", "/panics"] {
        let response = client.get(target).send();
        assert_eq!((response.status(), &*response.text()), (Status::BAD_REQUEST, "TEST"));
    }
}

/// Counts the values that are alive.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

struct Alive;

impl Alive {
    fn new() -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_response_that_is_dropped_ends_its_handler_and_its_stream() {
    async fn endless() -> StreamingResponse {
        let alive = Alive::new();
        let pieces = stream::repeat("piece").map(move |piece| {
            let _ = &alive;
            piece
        });
        StreamingResponse::text(pieces)
    }
    async fn hangs() {
        let _alive = Alive::new();
        std::future::pending().await
    }
    async fn custom(request: Request, next: Next) -> String {
        let mut reply = next.run(request);
        // Polled once: the handler has begun.
        let response = futures_lite::future::poll_once(&mut reply).await;
        assert_eq!(ALIVE.load(Ordering::Relaxed), 1);
        if let Some(mut response) = response {
            assert!(response.body.chunk().await.is_some_and(|piece| piece.is_ok()));
        }
        drop(reply);
        format!("{} alive", ALIVE.load(Ordering::Relaxed))
    }
    let app = App::new().middleware(custom).route("/hangs", get(hangs)).route("/endless", get(endless));
    let client = TestClient::new(app);
    assert_eq!(client.get("/hangs").send().text(), "0 alive");
    assert_eq!(client.get("/endless").send().text(), "0 alive");
}

#[test]
fn a_file_passes_as_a_range_that_a_server_can_send() {
    let folder = std::env::temp_dir().join(format!("stelo-around-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("large"), vec![7; 1 << 20]).expect("a file");
    async fn look(request: Request, next: Next) -> String {
        let mut response = next.run(request).await;
        let piece = poll_fn(|cx| response.body.poll_piece(cx)).await;
        matches!(piece, Some(Ok(Piece::Region(_)))).to_string()
    }
    let app = App::new().middleware(look).middleware(all).mount("/", StaticFiles::new(&folder));
    assert_eq!(TestClient::new(app).get("/large").send().text(), "true");
    std::fs::remove_dir_all(&folder).expect("the folder is there");
}

/// Adds a field, as most middleware does.
async fn all(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers.set("x-all", "yes");
    response
}

/// An application with every middleware of the toolkit that admits, refuses or identifies requests.
fn guarded() -> App {
    App::new()
        .middleware(RequestId::new())
        .middleware(TraceContext::new())
        .middleware(TrustedHost::new(["testserver"]))
        .middleware(HttpsRedirect)
        .middleware(Cors::new().allow_origins(["*"]))
        .middleware(SecurityHeaders::new())
        .middleware(Csrf::new())
        .middleware(RateLimit::new(Quota::per_hour(100)))
        .middleware(ConcurrencyLimit::new(10))
        .middleware(Timeout::new(Duration::from_secs(3600)))
        .middleware(BodyLimit::new(10))
}

#[test]
fn a_websocket_passes_every_middleware() {
    async fn echo(websocket: WebSocket) -> stelo_toolkit::Result<()> {
        websocket.accept().await?;
        websocket.send_text("hello").await?;
        Ok(())
    }
    let client = TestClient::new(guarded().websocket("/ws", echo)).with_https();
    let mut socket =
        client.websocket_connect("/ws").header("origin", "https://testserver").connect().unwrap();
    assert_eq!(socket.receive_text().unwrap(), "hello");
}

#[test]
fn every_middleware_works_on_a_route_and_around_a_mount() {
    let client = TestClient::new(App::new().mount("/in", guarded().route("/", get("home")))).with_https();
    let response = client.get("/in/").header("origin", "https://a.org").send();
    assert_eq!(response.text(), "home");
    for name in ["x-request-id", "access-control-allow-origin", "x-content-type-options", "ratelimit"] {
        assert!(response.header(name).is_some(), "{name}");
    }
    let route = get("home")
        .middleware(Cors::new().allow_origins(["*"]))
        .middleware(RateLimit::new(Quota::per_hour(1)));
    let client = TestClient::new(App::new().route("/", route).route("/other", get("other")));
    assert_eq!(client.get("/").header("origin", "https://a.org").send().status(), Status::OK);
    let response = client.get("/").header("origin", "https://a.org").send();
    assert_eq!((response.status().code(), response.header("access-control-allow-origin")), (429, Some("*")));
    assert_eq!(client.get("/other").send().text(), "other");
}

#[test]
fn a_middleware_shows_its_options() {
    let cors = format!("{:?}", Cors::new().allow_origins(["https://a.org"]));
    assert!(cors.starts_with(r#"Cors { allow_origins: ["https://a.org"], allow_methods: ["GET"]"#), "{cors}");
    let hosts = format!("{:?}", TrustedHost::new(["a.org"]));
    assert_eq!(hosts, r#"TrustedHost { allowed_hosts: ["a.org"], www_redirect: true }"#);
    assert_eq!(format!("{HttpsRedirect:?}"), "HttpsRedirect");
}
