//! The log lines of panics and of WebSockets. These tests are a program of their own, because `tracing` caches for all
//! threads whether a subscriber wants an event.

use std::fmt;
use std::sync::{Arc, Mutex};

use stelo_toolkit::handler::{Endpoint, Outcome};
use stelo_toolkit::middleware::{RequestId, TraceContext};
use stelo_toolkit::response::BoxError;
use stelo_toolkit::websocket::{CloseCode, WebSocketError, WebSocketException};
use stelo_toolkit::{App, HttpError, Path, Request, Router, Status, TestClient, WebSocket, get};
use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps the messages of all events.
#[derive(Clone, Default)]
struct Messages(Arc<Mutex<Vec<String>>>);

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => *self.0 = format!("{value:?}"),
            "error" => {}
            name => *self.0 += &format!(" {name}={value:?}"),
        }
    }
}

impl tracing::Subscriber for Messages {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut text = String::new();
        span.record(&mut Text(&mut text));
        self.push(format!("SPAN {}{text}", span.metadata().name()));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        self.push(format!("{} {text}", event.metadata().level()));
    }

    fn enter(&self, _: &span::Id) {
        self.push("enter".to_owned());
    }

    fn exit(&self, _: &span::Id) {
        self.push("exit".to_owned());
    }
}

impl Messages {
    fn push(&self, message: String) {
        self.0.lock().expect("no test panics while it writes").push(message);
    }
}

/// Returns the lines that are logged while `work` runs.
fn logged(work: impl FnOnce()) -> Vec<String> {
    let messages = Messages::default();
    tracing::subscriber::with_default(messages.clone(), work);
    let messages = messages.0.lock().expect("nobody panics while writing");
    messages.clone()
}

async fn panics(Path(id): Path<u32>) -> &'static str {
    assert_ne!(id, 13, "unlucky");
    "lucky"
}

#[test]
fn a_panic_is_answered_with_500_and_logged_with_its_route() {
    let messages = logged(|| {
        let client = TestClient::new(App::new().mount("/api", Router::new().route("/n/{id}", get(panics))))
            .raise_server_errors(false);
        let response = client.get("/api/n/13").send();
        assert_eq!(response.status(), Status::INTERNAL_SERVER_ERROR);
        assert_eq!(response.text(), "Internal Server Error");
        assert_eq!(client.get("/api/n/12").send().text(), "lucky");
    });
    let expected =
        "ERROR panic in /api/n/{id}: assertion `left != right` failed: unlucky\n  left: 13\n right: 13";
    assert_eq!(messages, [expected]);
}

/// Ends in the way that its path says, before it is accepted or after.
async fn ends(Path((time, way)): Path<(String, String)>, websocket: WebSocket) -> Result<(), BoxError> {
    if time == "after" {
        websocket.accept().await?;
    }
    match &*way {
        "well" => Ok(()),
        "left" => Ok(websocket.receive().await.map(|_| ())?),
        "misuse" => {
            Ok(websocket.send_denial_response(()).and_then(|()| websocket.close(CloseCode(4000), ""))?)
        }
        "malformed" => Err(WebSocketError::ExpectedText.into()),
        "exception" => Err(WebSocketException::new(CloseCode(4000)).into()),
        "http" => Err(HttpError::new(Status::NOT_FOUND).into()),
        "other" => Err("out of tea".into()),
        _ => panic!("no such way"),
    }
}

#[test]
fn of_a_websocket_only_what_is_no_fault_of_the_client_is_logged() {
    let client = TestClient::new(App::new().websocket("/{time}/{way}", ends)).raise_server_errors(false);
    let log = |target: &str| {
        logged(|| {
            let _ = client.websocket_connect(target).connect();
        })
    };
    let quiet: [&str; 0] = [];
    for target in ["/after/well", "/after/left", "/after/malformed", "/after/exception"] {
        assert_eq!(log(target), quiet, "{target}");
    }
    for target in ["/before/exception", "/before/http"] {
        assert_eq!(log(target), quiet, "{target}");
    }
    let handler = "the WebSocket handler of /{time}/{way}";
    let [answered, closed] = [
        "the handshake has been answered: accept, close or deny a WebSocket once",
        "the WebSocket has been closed by this side: nothing can follow",
    ];
    for (target, expected) in [
        ("/before/well", vec![format!("ERROR {handler} returned without completing the handshake")]),
        ("/before/misuse", vec![format!("ERROR {handler} failed: {closed}")]),
        ("/before/other", vec!["ERROR a handler failed: out of tea".into()]),
        ("/before/panic", vec!["ERROR panic in /{time}/{way}: no such way".into()]),
        ("/after/misuse", vec![format!("ERROR {handler} failed: {answered}")]),
        ("/after/http", vec![format!("ERROR {handler} failed: 404: Not Found")]),
        (
            "/after/other",
            vec![
                "ERROR a handler failed: out of tea".into(),
                format!("ERROR {handler} failed, too late for an answer of 500"),
            ],
        ),
        ("/after/panic", vec!["ERROR panic in /{time}/{way}: no such way".into()]),
    ] {
        assert_eq!(log(target), expected, "{target}");
    }
}

#[test]
fn an_unknown_error_is_logged_once_with_its_sources() {
    async fn unknown() -> stelo_toolkit::Result<()> {
        let number: u8 = "x".parse().map_err(|error| Outer(Box::new(error)))?;
        unreachable!("{number}");
    }
    async fn passed_on(_: Request, error: HttpError) -> HttpError {
        error
    }
    async fn known() -> Result<(), HttpError> {
        Err(HttpError::new(Status::NOT_FOUND).with_source("the client is to blame"))
    }
    let app = || App::new().route("/unknown", get(unknown)).route("/known", get(known));
    for app in
        [app(), app().error_handler(Status::INTERNAL_SERVER_ERROR, passed_on), app().on_error(passed_on)]
    {
        let client = TestClient::new(app).raise_server_errors(false);
        let messages = logged(|| {
            assert_eq!(client.get("/unknown").send().status(), Status::INTERNAL_SERVER_ERROR);
            assert_eq!(client.get("/known").send().status(), Status::NOT_FOUND);
        });
        assert_eq!(messages, ["ERROR a handler failed: cannot start: invalid digit found in string"]);
    }
}

#[derive(Debug)]
struct Outer(BoxError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot start")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

#[test]
fn the_lines_of_a_request_are_in_a_span_with_its_identifiers() {
    async fn handler() -> &'static str {
        tracing::info!("before");
        futures_lite::future::yield_now().await;
        tracing::info!("after");
        "done"
    }
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let app = |middleware: RequestId| App::new().middleware(middleware).route("/", get(handler));
    let messages = logged(|| {
        let client = TestClient::new(app(RequestId::new().trust(|_| true)));
        assert_eq!(client.get("/").header("x-request-id", "abc").send().text(), "done");
    });
    assert_eq!(messages[0], "SPAN request request_id=\"abc\"");
    let lines = ["enter", "INFO before", "exit", "enter", "INFO after", "exit"];
    assert!(messages.windows(lines.len()).any(|window| window == lines), "{messages:?}");

    let messages = logged(|| {
        let app = App::new().middleware(TraceContext::new()).route("/", get(handler));
        TestClient::new(app).get("/").header("traceparent", parent).send();
    });
    let span = "SPAN request trace_id=0af7651916cd43dd8448eb211c80319c span_id=";
    assert!(messages[0].starts_with(span), "{messages:?}");
}

#[test]
fn a_handler_that_returns_at_once_runs_in_the_span_too() {
    struct Ready;
    impl Endpoint for Ready {
        fn call(&self, _: Request) -> Outcome {
            tracing::info!("handled");
            "ready".into()
        }
    }
    let lines = logged(|| {
        let client = TestClient::new(App::new().middleware(RequestId::new()).mount("", Ready));
        assert_eq!(client.get("/").send().text(), "ready");
    });
    assert_eq!(lines[1..], ["enter", "INFO handled", "exit"], "{lines:?}");
}
