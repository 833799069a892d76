//! Dependencies: made once per request, with work after the response.

use std::future::pending;
use std::sync::mpsc::{Receiver, Sender, channel};

use stelo_toolkit::dependencies::{Dependency, Depends, provide};
use stelo_toolkit::extract::FromRequestParts;
use stelo_toolkit::request::Parts;
use stelo_toolkit::response::ResponseExt;
use stelo_toolkit::websocket::WebSocketError;
use stelo_toolkit::{
    App, HttpError, IntoResponse, Next, Request, Response, Router, State, Status, TestClient, WebSocket, get,
};

type Log = Sender<&'static str>;

fn tell(parts: &Parts, word: &'static str) {
    parts.state::<Log>().expect("the test gives one").send(word).expect("the test listens");
}

/// Tells when it is made, and after the response.
#[derive(Clone)]
struct Connection;

impl Dependency for Connection {
    type Rejection = HttpError;

    async fn resolve(parts: &mut Parts) -> Result<Self, HttpError> {
        tell(parts, "connect");
        let log = parts.state::<Log>().expect("the test gives one").clone();
        parts.after_response(async move { log.send("disconnect").expect("the test listens") })?;
        Ok(Self)
    }
}

/// Begins on a [`Connection`]. Rejects a request to `/rejected`.
#[derive(Clone)]
struct Transaction;

impl Dependency for Transaction {
    type Rejection = HttpError;

    async fn resolve(parts: &mut Parts) -> Result<Self, HttpError> {
        let Depends(Connection) = Depends::from_request_parts(parts).await?;
        if parts.path() == "/rejected" {
            return Err(HttpError::new(Status::CONFLICT));
        }
        tell(parts, "begin");
        let log = parts.state::<Log>().expect("the test gives one").clone();
        parts.after_response(async move { log.send("end").expect("the test listens") })?;
        Ok(Self)
    }
}

fn app(router: Router) -> (TestClient, Receiver<&'static str>) {
    let (log, words) = channel();
    (TestClient::new(App::new().state(log).merge(router)).raise_server_errors(false), words)
}

fn words(receiver: &Receiver<&'static str>) -> String {
    receiver.try_iter().collect::<Vec<_>>().join(" ")
}

async fn both(Depends(_): Depends<Connection>, _: Depends<Transaction>, request: Request) -> Response {
    tell(&request, "handler");
    let log = request.state::<Log>().expect("the test gives one").clone();
    "ok".into_response().background(async move { log.send("task").expect("the test listens") })
}

const ALL: &str = "connect begin handler task end disconnect";

#[test]
fn a_dependency_is_made_once_and_cleaned_up_in_the_reverse_order() {
    async fn middleware(_: Depends<Transaction>, request: Request, next: Next) -> Response {
        next.run(request).await
    }
    let plain = Router::new().route("/", get(both));
    let around_route = Router::new().route("/", get(both).middleware(middleware));
    let around_router = Router::new().route("/", get(both)).middleware(middleware);
    let mounted = Router::new().mount("", Router::new().route("/", get(both)).middleware(middleware));
    for router in [plain, around_route, around_router, mounted] {
        let (client, receiver) = app(router);
        for _ in 0..2 {
            assert_eq!(client.get("/").send().status(), Status::OK);
            assert_eq!(words(&receiver), ALL);
        }
    }
}

#[test]
fn work_after_the_response_runs_after_errors_panics_and_rejections() {
    async fn fails(_: Depends<Transaction>) -> Result<(), HttpError> {
        Err(HttpError::new(Status::IM_A_TEAPOT))
    }
    async fn panics(_: Depends<Transaction>) {
        panic!("no more")
    }
    async fn rejected(_: Depends<Transaction>) {}
    let (client, receiver) = app(Router::new()
        .route("/fails", get(fails))
        .route("/panics", get(panics))
        .route("/rejected", get(rejected)));
    for (target, status, expected) in [
        ("/fails", Status::IM_A_TEAPOT, "connect begin end disconnect"),
        ("/panics", Status::INTERNAL_SERVER_ERROR, "connect begin end disconnect"),
        ("/rejected", Status::CONFLICT, "connect disconnect"),
    ] {
        assert_eq!(client.get(target).send().status(), status);
        assert_eq!(words(&receiver), expected, "{target}");
    }
}

#[test]
fn work_after_the_response_runs_if_the_handler_is_dropped() {
    async fn hangs(_: Depends<Transaction>) {
        pending().await
    }
    let (client, receiver) = app(Router::new().route("/hangs", get(hangs)).route("/", get("hello")));
    futures_lite::future::block_on(async {
        let mut request = Box::pin(client.get("/hangs").into_future());
        assert!(futures_lite::future::poll_once(&mut request).await.is_none());
        drop(request);
        // The tasks of the application run during the next request.
        client.get("/").await;
    });
    assert_eq!(words(&receiver), "connect begin end disconnect");
}

#[test]
fn a_panic_of_the_work_does_not_keep_the_rest_from_running() {
    #[derive(Clone)]
    struct Bad;
    impl Dependency for Bad {
        type Rejection = HttpError;
        async fn resolve(parts: &mut Parts) -> Result<Self, HttpError> {
            parts.after_response(async { panic!("no more") })?;
            Ok(Self)
        }
    }
    async fn handler(_: Depends<Connection>, _: Depends<Bad>) {}
    let (client, receiver) = app(Router::new().route("/", get(handler)));
    assert_eq!(client.get("/").send().status(), Status::OK);
    assert_eq!(words(&receiver), "connect disconnect");
}

#[test]
fn the_work_of_a_websocket_runs_at_its_end() {
    async fn echo(_: Depends<Connection>, websocket: WebSocket) -> Result<(), WebSocketError> {
        websocket.accept().await?;
        let message = websocket.receive().await?;
        websocket.send(message).await?;
        tell(&websocket, "echo");
        Ok(())
    }
    let (client, receiver) = app(Router::new().websocket("/", echo));
    let mut socket = client.websocket_connect("/").connect().unwrap();
    assert_eq!(words(&receiver), "connect");
    socket.send_text("hello");
    assert_eq!(socket.receive_text().unwrap(), "hello");
    socket.receive_closed();
    drop(socket);
    assert_eq!(words(&receiver), "echo disconnect");
}

#[test]
fn work_that_would_not_run_is_an_error() {
    async fn handler(request: Request) -> Result<(), HttpError> {
        request.after_response(async {})
    }
    let (client, _receiver) = app(Router::new().route("/", get(handler)));
    assert_eq!(client.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn the_state_that_a_dependency_needs_is_checked_at_start_up() {
    #[derive(Clone)]
    struct Table;
    #[derive(Clone)]
    struct Rows;
    impl Dependency for Rows {
        type Rejection = HttpError;
        async fn resolve(parts: &mut Parts) -> Result<Self, HttpError> {
            let State(Table) = State::from_request_parts(parts).await?;
            Ok(Self)
        }
        fn describe(operation: &mut stelo_toolkit::describe::Operation) {
            State::<Table>::describe(operation);
        }
    }
    async fn rows(_: Depends<Rows>) {}
    let app = || App::new().route("/", get(rows));
    assert!(app().build().is_err());
    assert!(app().state(Table).build().is_ok());
}

#[test]
fn a_test_can_replace_a_dependency() {
    /// Takes the dependency in a middleware, in a handler and in another dependency.
    async fn around(Depends(Connection): Depends<Connection>, request: Request, next: Next) -> Response {
        next.run(request).await
    }
    async fn handler(
        Depends(Connection): Depends<Connection>,
        Depends(Transaction): Depends<Transaction>,
    ) -> &'static str {
        "done"
    }
    let router = || Router::new().route("/", get(handler)).middleware(around);
    let (client, made) = app(router());
    assert_eq!(client.get("/").send().text(), "done");
    assert_eq!(words(&made), "connect begin end disconnect");
    let (client, made) = app(Router::new().mount("", router()).middleware(provide(Connection)));
    assert_eq!(client.get("/").send().text(), "done");
    assert_eq!(words(&made), "begin end");
}

#[test]
fn work_that_is_registered_after_the_response_runs_at_once() {
    async fn handler(_: Depends<Connection>, State(log): State<Log>, request: Request) -> &'static str {
        let request = std::sync::Arc::new(request);
        let later = request.clone();
        let work = async move {
            let late = async move { log.send("late").expect("the test listens") };
            later.after_response(late).expect("an argument has said so");
        };
        request.after_response(work).expect("an argument has said so");
        "done"
    }
    let (client, receiver) = app(Router::new().route("/", get(handler)));
    assert_eq!(client.get("/").send().text(), "done");
    let mut all: Vec<_> = receiver.try_iter().collect();
    all.sort_unstable();
    assert_eq!(all, ["connect", "disconnect", "late"]);
}
