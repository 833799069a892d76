//! The forms of functions that are handlers.

use std::future::{Future, Ready, ready};
use std::pin::Pin;

use stelo_toolkit::{App, Path, TestClient, get};

async fn function() -> &'static str {
    "function"
}

/// Adds two numbers and a path parameter.
async fn sum(first: u32, second: u32, Path(third): Path<u32>) -> String {
    (first + second + third).to_string()
}

#[derive(Clone)]
struct Counter {
    step: u32,
}

impl Counter {
    async fn method(self, Path(number): Path<u32>) -> String {
        (self.step * number).to_string()
    }

    /// Makes a handler, as an object that can be called does in other languages.
    fn callable(&self) -> impl Fn(Path<u32>) -> Pin<Box<dyn Future<Output = String> + Send>> + Clone + use<> {
        let counter = self.clone();
        move |number| Box::pin(counter.clone().method(number))
    }
}

/// A stand-in that answers the same to every request.
fn stub(answer: &'static str) -> impl Fn() -> Ready<&'static str> + Clone {
    move || ready(answer)
}

#[test]
fn every_form_of_async_function_is_a_handler() {
    let counter = Counter { step: 2 };
    let bound = counter.clone();
    let partial = |second, third| sum(1, second, third);
    let app = App::new()
        .route("/function", get(function))
        .route("/closure", get(async || "closure"))
        .route("/method/{n}", get(move |number| bound.clone().method(number)))
        .route("/callable/{n}", get(counter.callable()))
        .route("/partial/{n}", get(move |third: Path<u32>| sum(1, 2, third)))
        .route("/nested/{n}", get(move |third: Path<u32>| partial(20, third)))
        .route("/stub", get(stub("stub")));
    app.build().expect("it is in order");
    let client = TestClient::new(app);
    for (target, text) in [
        ("/function", "function"),
        ("/closure", "closure"),
        ("/method/4", "8"),
        ("/callable/5", "10"),
        ("/partial/3", "6"),
        ("/nested/3", "24"),
        ("/stub", "stub"),
    ] {
        assert_eq!(client.get(target).send().text(), text, "{target}");
    }
}
