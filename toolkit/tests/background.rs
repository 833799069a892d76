//! Background tasks: after the response, in sequence, and independent of the client.

use std::sync::mpsc::{Sender, channel};

use stelo_toolkit::request::Workers;
use stelo_toolkit::response::{Background, ResponseExt};
use stelo_toolkit::{App, IntoResponse, Next, Request, Response, State, TestClient, get};

type Log = Sender<&'static str>;

fn tell(log: &Log, word: &'static str) {
    log.send(word).expect("the test listens");
}

#[test]
fn async_and_blocking_tasks_run_after_the_response() {
    async fn asynchronous(State(log): State<Log>) -> Background<&'static str> {
        Background::new("sent", async move { tell(&log, "async") })
    }
    async fn blocking(State(log): State<Log>, workers: Workers) -> Background<&'static str> {
        Background::new("sent", workers.task(move || tell(&log, "blocking")))
    }
    let (log, words) = channel::<&'static str>();
    let app = App::new().state(log).route("/async", get(asynchronous)).route("/blocking", get(blocking));
    let client = TestClient::new(app);
    for (target, word) in [("/async", "async"), ("/blocking", "blocking")] {
        assert_eq!(client.get(target).send().text(), "sent");
        assert_eq!(words.try_iter().collect::<Vec<_>>(), [word]);
    }
}

#[test]
fn a_task_that_fails_stops_those_after_it() {
    async fn three(State(log): State<Log>) -> Response {
        let (first, last) = (log.clone(), log);
        "sent"
            .into_response()
            .background(async move { tell(&first, "first") })
            .background(async { panic!("the second fails") })
            .background(async move { tell(&last, "third") })
    }
    let (log, words) = channel::<&'static str>();
    let client = TestClient::new(App::new().state(log).route("/", get(three))).raise_server_errors(false);
    assert_eq!(client.get("/").send().text(), "sent");
    assert_eq!(words.try_iter().collect::<Vec<_>>(), ["first"]);
}

#[test]
#[should_panic(expected = "a background task panicked: the second fails")]
fn a_task_that_fails_fails_the_test() {
    async fn fails() -> Response {
        "sent".into_response().background(async { panic!("the second fails") })
    }
    TestClient::new(App::new().route("/", get(fails))).get("/").send();
}

#[test]
fn the_tasks_of_a_handler_run_before_those_of_a_middleware() {
    async fn around(State(log): State<Log>, request: Request, next: Next) -> Response {
        next.run(request).await.background(async move { tell(&log, "middleware") })
    }
    async fn handler(State(log): State<Log>) -> Response {
        "sent".into_response().background(async move { tell(&log, "handler") })
    }
    let (log, words) = channel::<&'static str>();
    let client = TestClient::new(App::new().state(log).middleware(around).route("/", get(handler)));
    assert_eq!(client.get("/").send().text(), "sent");
    assert_eq!(words.try_iter().collect::<Vec<_>>(), ["handler", "middleware"]);
}
