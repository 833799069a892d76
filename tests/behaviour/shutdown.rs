//! Start and shutdown: hooks, their failures, and open connections.

use std::future::Ready;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use stelo_core::body::Length;
use stelo_runtime::Runtime;
use stelo_server::{ServeError, Server, Stopped};
use stelo_tests::{Client, Closed, Gate, News, On, Running, cases, config};
use stelo_tokio::Tokio;
use stelo_toolkit::response::{BoxError, ResponseExt};
use stelo_toolkit::{App, Body, IntoResponse, Request, Response, State, get};

use crate::apps;

cases!(
    hooks_run_in_order,
    a_failed_start_ends_the_server,
    hooks_that_have_started_are_undone_if_a_later_one_fails,
    hooks_that_have_started_are_undone_if_a_later_one_is_interrupted,
    a_shutdown_hook_that_panics_does_not_keep_others_from_running,
    a_failed_shutdown_is_an_error,
    a_wrong_application_does_not_start,
    an_address_in_use_is_an_error,
    an_idle_connection_is_closed,
    a_silent_connection_is_closed,
    a_request_that_is_being_answered_is_answered,
    a_request_that_has_begun_is_answered,
    a_response_that_streams_is_completed,
    an_upload_is_completed,
    pipelined_requests_end_with_the_first,
    new_connections_are_refused,
    background_tasks_are_waited_for,
    the_graceful_timeout_cuts_off_requests,
    the_graceful_timeout_drops_background_tasks,
    several_threads_stop,
    a_server_can_be_stopped_twice,
);

/// Returns a hook that tells a word.
fn tell(news: &News, word: &'static str) -> impl FnOnce() -> Ready<()> + Send + use<> {
    let news = news.clone();
    move || {
        news.tell(word);
        std::future::ready(())
    }
}

fn hooks_run_in_order(on: On) {
    let news = News::new();
    let tell = |word| tell(&news, word);
    let app = App::new()
        .on_startup(tell("start one"))
        .on_startup(tell("start two"))
        .on_shutdown(tell("stop one"))
        .on_shutdown(tell("stop two"))
        .state(news.clone())
        .route("/", get(async |State(news): State<News>| news.tell("request")));
    let server = on.serve(app);
    server.connect().get("/");
    assert_eq!(server.stop().expect("an ordinary end"), Stopped::Request);
    for word in ["start one", "start two", "request", "stop two", "stop one"] {
        news.expect(word);
    }
    news.expect_silence();
}

fn a_failed_start_ends_the_server(on: On) {
    let app = App::new().on_startup(async || Err::<(), BoxError>("no database".into()));
    let error = on.try_serve(config(), app).expect_err("a failed start");
    assert!(matches!(error, ServeError::Startup(_)));
    assert_eq!(
        (error.to_string().as_str(), error.exit_code()),
        ("the start-up of the application failed: no database", 3)
    );
}

/// Returns an application with two states, and `last` as a further start-up hook.
fn opened<Fut>(news: &News, last: impl FnOnce() -> Fut + Send + 'static) -> App
where
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let (first, second) = (news.clone(), news.clone());
    App::new()
        .lifespan(async || Ok::<_, BoxError>(1), async move |_: i32| first.tell("close one"))
        .lifespan(async || Ok::<_, BoxError>("two"), async move |_: &str| second.tell("close two"))
        .on_startup(last)
        .on_shutdown(tell(news, "never opened"))
}

fn hooks_that_have_started_are_undone_if_a_later_one_fails(on: On) {
    let fails = || std::future::ready(Err("no database".into()));
    let panics = async || panic!("no database");
    let panics_at_once = || -> Ready<Result<(), BoxError>> { panic!("no database") };
    let news = News::new();
    for (app, why) in [
        (opened(&news, fails), "no database"),
        (opened(&news, panics), "panic: no database"),
        (opened(&news, panics_at_once), "panic: no database"),
    ] {
        let error = on.try_serve(config(), app).expect_err("a failed start");
        assert_eq!(error.to_string(), format!("the start-up of the application failed: {why}"));
        assert_eq!(error.exit_code(), 3);
        news.expect("close two");
        news.expect("close one");
        news.expect_silence();
    }
}

fn hooks_that_have_started_are_undone_if_a_later_one_is_interrupted(on: On) {
    let news = News::new();
    let app = opened(&news, {
        let news = news.clone();
        async move || {
            news.tell("hangs");
            std::future::pending().await
        }
    });
    let (handle, thread) = on.start(config(), app);
    news.expect("hangs");
    handle.stop();
    assert_eq!(thread.join().expect("no panic").expect("an ordinary end"), Stopped::Request);
    news.expect("close two");
    news.expect("close one");
    news.expect_silence();
}

fn a_shutdown_hook_that_panics_does_not_keep_others_from_running(on: On) {
    let news = News::new();
    let app = App::new()
        .on_shutdown(tell(&news, "last"))
        .on_shutdown(|| -> Ready<()> { panic!("not saved") })
        .on_shutdown(tell(&news, "first"));
    let error = on.serve(app).stop().expect_err("a failed shutdown");
    assert_eq!(error.to_string(), "the shutdown of the application failed: panic: not saved");
    news.expect("first");
    news.expect("last");
}

#[test]
fn a_task_of_tokio_is_told_to_serve_instead_of_running() {
    let run = || Server::new(config()).run::<Tokio>(Arc::new(App::new()));
    let error = Tokio::block_on(async |_| run()).expect("it starts").expect_err("a task cannot wait");
    let line = "tokio already runs the caller: use `Server::serve(app).await` there, or make `main` an ordinary `fn`";
    assert_eq!((error.to_string().as_str(), error.exit_code()), (line, 3));
}

fn a_failed_shutdown_is_an_error(on: On) {
    let app = App::new().on_shutdown(async || Err::<(), BoxError>("not saved".into()));
    let error = on.serve(app).stop().expect_err("a failed shutdown");
    assert_eq!(error.to_string(), "the shutdown of the application failed: not saved");
}

fn a_wrong_application_does_not_start(on: On) {
    let app = App::new().route("no-slash", get(async || ""));
    let error = on.try_serve(config(), app).expect_err("a failed start");
    assert!(matches!(error, ServeError::Startup(_)), "{error}");
}

fn an_address_in_use_is_an_error(on: On) {
    let first = on.serve(apps::reader());
    let port = first.address().port();
    let error = on.try_serve(config().port(port), apps::reader()).expect_err("the port is in use");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on 127.0.0.1:{port}: the address is in use; stop the other program or choose another --port"
        )
    );
}

fn an_idle_connection_is_closed(on: On) {
    let server = on.serve(apps::reader());
    let mut client = server.connect();
    client.get("/");
    server.ask_to_stop();
    client.expect_end();
}

fn a_silent_connection_is_closed(on: On) {
    let server = on.serve(apps::reader());
    let mut client = server.connect();
    // Accepted before the connection that is answered.
    server.connect().get("/");
    server.ask_to_stop();
    client.expect_end();
}

/// Tells a word, waits for a gate, and answers.
async fn wait(State(news): State<News>, State(gate): State<Gate>) -> &'static str {
    news.tell("called");
    gate.pass().await;
    "waited"
}

fn waiting(news: &News, gate: &Gate) -> App {
    apps::reader().state(news.clone()).state(gate.clone()).route("/wait", get(wait))
}

/// Asks the server to stop while a handler waits. Returns the client that has sent the requests.
fn stop_during(server: &Running, news: &News, requests: &str) -> Client {
    let (mut client, mut idle) = (server.connect(), server.connect());
    idle.get("/");
    client.send(requests);
    news.expect("called");
    server.ask_to_stop();
    idle.expect_end();
    client
}

fn a_request_that_is_being_answered_is_answered(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let server = on.serve(waiting(&news, &gate));
    let mut client = stop_during(&server, &news, "GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
    gate.open();
    let answer = client.answer();
    assert!(answer.says_close() && answer.text() == "waited");
    client.expect_end();
    server.wait().expect("an ordinary end");
}

fn a_request_that_has_begun_is_answered(on: On) {
    let server = on.serve(apps::reader());
    let (mut client, mut idle) = (server.connect(), server.connect());
    client.send("GET / HTTP/1.1\r\nhost");
    // The response shows that the server has read the earlier bytes.
    idle.get("/");
    idle.get("/");
    server.ask_to_stop();
    idle.expect_end();
    client.send(": a\r\n\r\n");
    let answer = client.answer();
    assert!(answer.says_close() && answer.text() == "hello");
    client.expect_end();
}

fn a_response_that_streams_is_completed(on: On) {
    async fn stream(State(gate): State<Gate>, request: Request) -> Response {
        let (sender, body) = Body::channel(Length::Unknown);
        request.spawn(async move {
            let _ = sender.send("one").await;
            gate.pass().await;
            let _ = sender.send("two").await;
            sender.finish();
        });
        Response::new(body)
    }
    let gate = Gate::new();
    let server = on.serve(apps::reader().state(gate.clone()).route("/stream", get(stream)));
    let (mut client, mut idle) = (server.connect(), server.connect());
    idle.get("/");
    client.send("GET /stream HTTP/1.1\r\nhost: a\r\n\r\n");
    let head = client.head().expect("an answer");
    server.ask_to_stop();
    idle.expect_end();
    gate.open();
    assert_eq!(client.body_of(head).text(), "onetwo");
    client.expect_end();
}

fn an_upload_is_completed(on: On) {
    let server = on.serve(apps::reader());
    let (mut client, mut idle) = (server.connect(), server.connect());
    client.send("POST /read HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    assert_eq!(client.answer().status, 100);
    client.send("hel");
    idle.get("/");
    server.ask_to_stop();
    idle.expect_end();
    client.send("lo");
    let answer = client.answer();
    assert!(answer.says_close() && answer.text() == "5");
    client.expect_end();
}

fn pipelined_requests_end_with_the_first(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let server = on.serve(waiting(&news, &gate));
    let mut client =
        stop_during(&server, &news, "GET /wait HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n");
    gate.open();
    assert!(client.answer().says_close(), "so the client knows that the second was not answered");
    client.expect_end();
}

fn new_connections_are_refused(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let server = on.serve(waiting(&news, &gate));
    let mut client = stop_during(&server, &news, "GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
    // The server closes the listening socket and idle connections together, in any order.
    let refused = (0..10_000).any(|_| {
        std::thread::yield_now();
        TcpStream::connect(server.address()).is_err()
    });
    assert!(refused, "a server that stops still accepts connections");
    gate.open();
    assert_eq!(client.answer().text(), "waited");
}

fn background_tasks_are_waited_for(on: On) {
    async fn answer(State(news): State<News>, State(gate): State<Gate>) -> Response {
        "answered".into_response().background(async move {
            gate.pass().await;
            news.tell("task");
        })
    }
    let (news, gate) = (News::new(), Gate::new());
    let app = waiting(&news, &gate).route("/task", get(answer));
    let server = on.serve(app.on_shutdown(tell(&news, "hook")));
    let mut client = server.connect();
    assert_eq!(client.get("/task").text(), "answered");
    server.ask_to_stop();
    client.expect_end();
    gate.open();
    server.wait().expect("an ordinary end");
    news.expect("task");
    news.expect("hook");
}

fn the_graceful_timeout_cuts_off_requests(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let app = waiting(&news, &gate).on_shutdown(tell(&news, "hook"));
    let deadline = Duration::from_millis(50);
    let server = on.serve_with(config().timeout_graceful_shutdown(deadline), app);
    let mut client = server.connect();
    client.send("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
    news.expect("called");
    server.stop().expect("an ordinary end");
    // The gate was never opened.
    let (rest, closed) = client.rest();
    assert_eq!(rest, b"");
    assert!(matches!(closed, Closed::Ended | Closed::Reset));
    news.expect("hook");
}

fn the_graceful_timeout_drops_background_tasks(on: On) {
    async fn answer(State(news): State<News>, State(gate): State<Gate>) -> Response {
        "answered".into_response().background(async move {
            let _told = news.last_word("dropped");
            gate.pass().await;
        })
    }
    let (news, gate) = (News::new(), Gate::new());
    let app = waiting(&news, &gate).route("/task", get(answer));
    let server = on.serve_with(config().timeout_graceful_shutdown(Duration::from_millis(50)), app);
    assert_eq!(server.connect().get("/task").text(), "answered");
    server.stop().expect("an ordinary end");
    news.expect("dropped");
}

fn several_threads_stop(on: On) {
    let (news, gate) = (News::new(), Gate::new());
    let server = on.serve_with(config().threads(3), waiting(&news, &gate));
    let mut busy: Vec<_> = (0..10).map(|_| server.connect()).collect();
    let mut idle: Vec<_> = (0..10).map(|_| server.connect()).collect();
    for client in &mut busy {
        client.send("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
        news.expect("called");
    }
    for client in &mut idle {
        client.get("/");
    }
    server.ask_to_stop();
    idle.iter_mut().for_each(|client| client.expect_end());
    gate.open();
    for client in &mut busy {
        assert!(client.answer().says_close());
        client.expect_end();
    }
    server.wait().expect("an ordinary end");
}

fn a_server_can_be_stopped_twice(on: On) {
    let server = on.serve(apps::reader());
    server.ask_to_stop();
    server.stop().expect("an ordinary end");
}
