//! Responses that the test reads while the application produces them.

use std::sync::{Arc, Mutex};

use futures_lite::future::block_on;
use futures_lite::{StreamExt, stream};
use stelo_toolkit::body::{Frame, Length};
use stelo_toolkit::request::Executor;
use stelo_toolkit::response::{BoxError, ResponseExt, StreamingResponse};
use stelo_toolkit::{App, Body, Bytes, Headers, HttpError, Request, Response, Status, TestClient, get, post};

use crate::panic_of;

type Log = Arc<Mutex<Vec<&'static str>>>;

/// Notes that it was dropped.
struct Noted(Log, &'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.lock().expect("no thread panics").push(self.1);
    }
}

/// Streams numbers without end, and notes in the log how it ends.
fn endless(log: &Log) -> App {
    let log = log.clone();
    let handler = move |executor: Executor, request: Request| {
        let log = log.clone();
        async move {
            let (noted, left, background) = (Noted(log.clone(), "dropped"), log.clone(), log);
            executor.spawn(async move {
                request.disconnected().await;
                left.lock().expect("no thread panics").push("disconnected");
            });
            let numbers = stream::iter(0_u64..).map(move |number| {
                let _ = &noted;
                format!("{number} ")
            });
            let response = Response::new(Body::from_stream(numbers.map(Ok::<_, BoxError>)));
            response
                .background(async move { background.lock().expect("no thread panics").push("background") })
        }
    };
    App::new().route("/", get(handler))
}

#[test]
fn dropping_a_stream_cancels_the_handler() {
    let log = Log::default();
    let client = TestClient::new(endless(&log));
    let mut stream = client.get("/").open();
    assert_eq!(stream.status(), Status::OK);
    assert_eq!(stream.chunk().as_deref(), Some(&b"0 "[..]));
    assert_eq!(stream.chunk().as_deref(), Some(&b"1 "[..]));
    assert_eq!(*log.lock().expect("no thread panics"), [""; 0]);
    drop(stream);
    let mut ended = log.lock().expect("no thread panics").clone();
    ended.sort_unstable();
    assert_eq!(ended, ["background", "disconnected", "dropped"]);
}

#[test]
fn streams_can_be_awaited() {
    let log = Log::default();
    let client = TestClient::new(endless(&log));
    block_on(async {
        let mut stream = client.get("/").open_async().await;
        assert_eq!(stream.chunk_async().await.as_deref(), Some(&b"0 "[..]));
        drop(stream);
    });
    assert!(log.lock().expect("no thread panics").contains(&"dropped"));
}

#[test]
fn both_directions_stream() {
    async fn doubled(mut request: Request) -> StreamingResponse {
        let body = request.stream();
        StreamingResponse::fallible(stream::unfold(body, async |mut body: Body| {
            let chunk = body.chunk().await?.map(|chunk| Bytes::from([&chunk[..], &chunk[..]].concat()));
            Some((chunk.map_err(BoxError::from), body))
        }))
    }
    let client = TestClient::new(App::new().route("/", post(doubled)));
    let sent = Arc::new(Mutex::new(0));
    let counted = sent.clone();
    let upload = stream::iter(["a", "b", "c"]).map(move |piece| {
        *counted.lock().expect("no thread panics") += 1;
        Ok::<_, BoxError>(piece)
    });
    let mut stream = client.post("/").stream(Body::from_stream(upload)).open();
    for (number, expected) in [(1, "aa"), (2, "bb"), (3, "cc")] {
        assert_eq!(stream.chunk().as_deref(), Some(expected.as_bytes()));
        assert_eq!(*sent.lock().expect("no thread panics"), number);
    }
    assert_eq!(stream.chunk(), None);
    assert_eq!(stream.chunk(), None);
}

#[test]
fn the_end_of_a_stream_runs_the_background_task() {
    let log = Log::default();
    let noted = log.clone();
    let handler = move || {
        let log = noted.clone();
        async move {
            Response::text(Status::OK, "tea")
                .background(async move { log.lock().expect("no thread panics").push("ran") })
        }
    };
    let client = TestClient::new(App::new().route("/", get(handler)));
    let mut stream = client.get("/").open();
    assert_eq!(stream.header("content-length"), None);
    assert_eq!(stream.chunk().as_deref(), Some(&b"tea"[..]));
    assert_eq!((stream.chunk(), &**log.lock().expect("no thread panics")), (None, &["ran"][..]));
}

#[test]
fn failures_are_raised_when_they_are_read() {
    async fn fails() -> stelo_toolkit::Result<()> {
        Err("out of tea".into())
    }
    async fn cut_off() -> StreamingResponse {
        StreamingResponse::fallible(stream::iter([Ok("begun"), Err(BoxError::from("the disk is gone"))]))
    }
    let app = || App::new().route("/fails", get(fails)).route("/cut-off", get(cut_off));
    let client = TestClient::new(app());
    assert!(panic_of(|| client.get("/fails").open()).contains("out of tea"));
    let mut stream = client.get("/cut-off").open();
    assert!(stream.chunk().is_some());
    assert!(panic_of(|| stream.chunk()).contains("the body is cut off: the disk is gone"));

    let client = TestClient::new(app()).raise_server_errors(false);
    assert_eq!(client.get("/fails").open().status(), Status::INTERNAL_SERVER_ERROR);
    let mut stream = client.get("/cut-off").open();
    assert!(stream.chunk().is_some());
    assert_eq!(stream.chunk(), None);
    assert_eq!(stream.body_error().unwrap().to_string(), "the disk is gone");
}

#[test]
fn events_are_read_as_by_a_browser() {
    /// The stream, cut at every place.
    async fn events() -> StreamingResponse {
        let text = "\u{feff}: comment\ndata: a\n\nevent: tea\r\ndata:b\r\ndata\r\ndata:  c\r\nid: 7\r\n\r\n\
                    id: x\0\nretry: 5\rdata: d\r\rretry: x\nevent: lost\n\ndata: e\n\ndata: unfinished\n";
        StreamingResponse::new(stream::iter(text.bytes()).map(|byte| vec![byte]))
            .content_type("text/event-stream")
    }
    let client = TestClient::new(App::new().route("/", get(events)));
    let mut stream = client.get("/").open();
    let mut all = Vec::new();
    while let Some(event) = stream.event() {
        all.push((event.event, event.data, event.id, event.retry));
    }
    let event = |event: &str, data: &str, id: &str, retry| (event.into(), data.into(), id.into(), retry);
    assert_eq!(
        all,
        [
            event("message", "a", "", None),
            event("tea", "b\n\n c", "7", None),
            event("message", "d", "7", Some(5)),
            event("message", "e", "7", None),
        ]
    );
    let first = block_on(async { client.get("/").open_async().await.event_async().await });
    assert_eq!(first.unwrap().data, "a");
}

#[test]
fn a_stream_has_interim_responses_and_trailers() {
    async fn both(request: Request) -> Result<Response, HttpError> {
        request.send_early_hints(["</a.css>; rel=preload"]).await?;
        let mut trailers = Headers::new();
        trailers.append("x-sum", "7");
        let frames = [Ok(Frame::Data("tea".into())), Ok(Frame::Trailers(trailers))];
        Ok(Response::new(Body::from_frames(stream::iter(frames), Length::Unknown)))
    }
    let client = TestClient::new(App::new().route("/", get(both)));
    let mut stream = client.get("/").open();
    assert_eq!(format!("{stream:?}"), "TestStream(`GET /`)");
    let hints: Vec<_> = stream.interim().iter().map(|(status, _)| *status).collect();
    assert_eq!((hints, stream.trailers().is_empty()), (vec![Status::EARLY_HINTS], true));
    while stream.chunk().is_some() {}
    assert_eq!(stream.trailers().get_str("x-sum"), Some("7"));
}

#[test]
fn a_response_of_500_without_a_failure_can_be_read() {
    let app = App::new().route("/", get(async || (Status::INTERNAL_SERVER_ERROR, "on purpose")));
    let client = TestClient::new(app);
    let mut stream = client.get("/").open();
    assert_eq!(stream.status(), Status::INTERNAL_SERVER_ERROR);
    assert_eq!(stream.chunk().as_deref(), Some(&b"on purpose"[..]));
}

#[test]
fn a_test_that_fails_does_not_wait_for_the_application() {
    let log = Log::default();
    let client = TestClient::new(endless(&log));
    let message = panic_of(|| {
        let _stream = client.get("/").open();
        panic!("the test fails");
    });
    assert_eq!(message, "the test fails");
    assert!(!log.lock().expect("no thread panics").contains(&"background"));
}
