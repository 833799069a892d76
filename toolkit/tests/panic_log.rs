//! What the log says of a panic. Alone in its program: whether an event is of interest to a subscriber is remembered for
//! all threads.

use std::fmt;
use std::sync::{Arc, Mutex};

use stelo_toolkit::{App, Path, Router, Status, TestClient, get};
use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps the messages of all events.
#[derive(Clone, Default)]
struct Messages(Arc<Mutex<Vec<String>>>);

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            *self.0 = format!("{value:?}");
        }
    }
}

impl tracing::Subscriber for Messages {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        self.0
            .lock()
            .expect("nobody panics while writing")
            .push(format!("{} {text}", event.metadata().level()));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

async fn panics(Path(id): Path<u32>) -> &'static str {
    assert_ne!(id, 13, "unlucky");
    "lucky"
}

#[test]
fn a_panic_is_answered_with_500_and_logged_with_its_route() {
    let messages = Messages::default();
    tracing::subscriber::with_default(messages.clone(), || {
        let client = TestClient::new(App::new().mount("/api", Router::new().route("/n/{id}", get(panics))));
        let response = client.get("/api/n/13").send();
        assert_eq!(response.status(), Status::INTERNAL_SERVER_ERROR);
        assert_eq!(response.text(), "Internal Server Error");
        assert_eq!(client.get("/api/n/12").send().text(), "lucky");
    });
    let messages = messages.0.lock().unwrap();
    let expected =
        "ERROR panic in /api/n/{id}: assertion `left != right` failed: unlucky\n  left: 13\n right: 13";
    assert_eq!(*messages, [expected]);
}
