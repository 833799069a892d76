//! The scenarios: what a client does, and what it must see. Each is a function of the client, which may be connected to the
//! application in memory, over a simulated network or over sockets.
//!
//! A response counts only if it is whole. A broken connection ends a scenario with [`Lost`], which the caller judges.

use std::future::Future;
use std::pin::Pin;

use futures_lite::future::zip;
use serde_json::{Value, json};
use stelo_core::body::{BodyError, Frame, Length};
use stelo_toolkit::testing::{Part, TestEvent, TestRequest, TestResponse};
use stelo_toolkit::websocket::{CloseCode, Message};
use stelo_toolkit::{Body, Method, Status, TestClient};
use zlib_rs::{Inflate, InflateFlush};

use crate::app::{BODY_LIMIT, COUNT, Item, ORIGIN, PIECE, text};

/// The connection to the server has broken.
#[derive(Debug)]
pub(crate) struct Lost;

type Outcome = Result<(), Lost>;

/// A scenario with its name.
pub(crate) type Case =
    (&'static str, for<'a> fn(&'a TestClient) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>);

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        pub(crate) const CASES: &[Case] = &[$((stringify!($case), |client| Box::pin($case(client)))),*];
    };
}

cases!(
    json_comes_and_goes,
    forms_are_read,
    uploads_arrive_whole,
    a_login_lasts_until_the_logout,
    redirects_are_followed,
    files_have_ranges_and_validators,
    bodies_are_compressed,
    a_preflight_is_answered,
    events_come_in_order,
    lines_of_json_come_in_order,
    a_websocket_echoes,
    errors_have_their_status,
    background_tasks_run,
    bodies_stream_both_ways,
    head_has_no_body,
    hints_come_before_and_trailers_behind,
    work_follows_the_response,
    a_stream_without_an_end_is_left,
    an_upload_is_given_up,
);

/// Sends a request, and returns the answer if all of it has come.
async fn whole(request: TestRequest<'_>) -> Result<TestResponse, Lost> {
    let response = request.await;
    match response.status() == Status::BAD_GATEWAY || response.body_error().is_some() {
        true => Err(Lost),
        false => Ok(response),
    }
}

async fn json_comes_and_goes(client: &TestClient) -> Outcome {
    for count in 0..3 {
        let item = Item { name: "grüner Tee".into(), count };
        let response = whole(client.post("/json").json(&item)).await?;
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.json::<Item>().expect("JSON"), Item { count: count + 1, ..item });
    }
    Ok(())
}

async fn forms_are_read(client: &TestClient) -> Outcome {
    let response = whole(client.post("/form").form(&[("name", "a & b"), ("count", "7")])).await?;
    assert_eq!(response.json::<Item>().expect("JSON"), Item { name: "a & b".into(), count: 7 });
    Ok(())
}

async fn uploads_arrive_whole(client: &TestClient) -> Outcome {
    let parts = [
        Part::text("title", "two files"),
        Part::file("large", "large.txt", text()),
        Part::file("small", "small.txt", "small"),
    ];
    let response = whole(client.post("/upload").multipart(&parts)).await?;
    let expected = json!({
        "title": "two files",
        "large": ["large.txt", text().len(), text()],
        "small": ["small.txt", 5, "small"],
    });
    assert!(response.json::<Value>().expect("JSON") == expected, "{}", response.text());
    Ok(())
}

async fn a_login_lasts_until_the_logout(client: &TestClient) -> Outcome {
    assert_eq!(whole(client.get("/me")).await?.status(), Status::UNAUTHORIZED);
    let response = whole(client.post("/login").form(&[("user", "ada")])).await?;
    assert_eq!(
        (response.status(), response.text().as_str(), response.history().len()),
        (Status::OK, "ada", 1)
    );
    assert_eq!(whole(client.get("/me")).await?.text(), "ada");
    assert_eq!(whole(client.post("/logout")).await?.text(), "bye");
    assert_eq!(whole(client.get("/me")).await?.status(), Status::UNAUTHORIZED);
    Ok(())
}

async fn redirects_are_followed(client: &TestClient) -> Outcome {
    let item = Item { name: "again".into(), count: 1 };
    let response = whole(client.post("/old").json(&item)).await?;
    assert_eq!(response.json::<Item>().expect("JSON").count, 2);
    let first = whole(client.post("/old").json(&item).follow_redirects(false)).await?;
    assert_eq!((first.status(), first.header("location")), (Status::TEMPORARY_REDIRECT, Some("/json")));
    Ok(())
}

async fn files_have_ranges_and_validators(client: &TestClient) -> Outcome {
    let text = text();
    let response = whole(client.get("/files/text.txt")).await?;
    assert!(response.text() == text);
    let etag = response.header("etag").expect("a validator").to_owned();
    let part = whole(client.get("/files/text.txt").header("range", "bytes=1000-1999")).await?;
    assert_eq!((part.status(), part.text().as_str()), (Status::PARTIAL_CONTENT, &text[1000..2000]));
    let parts = whole(client.get("/files/text.txt").header("range", "bytes=0-3,-5")).await?;
    assert_eq!(parts.status(), Status::PARTIAL_CONTENT);
    assert!(parts.text().contains("\r\n\r\nline\r\n--") && parts.text().contains("\r\n\r\n 399\n\r\n--"));
    let known = whole(client.get("/files/text.txt").header("if-none-match", etag)).await?;
    assert_eq!((known.status(), known.bytes().len()), (Status::NOT_MODIFIED, 0));
    let beyond = whole(client.get("/files/text.txt").header("range", "bytes=99999-")).await?;
    assert_eq!(beyond.status(), Status::RANGE_NOT_SATISFIABLE);
    Ok(())
}

async fn bodies_are_compressed(client: &TestClient) -> Outcome {
    let response = whole(client.get("/text").header("accept-encoding", "gzip")).await?;
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    let (mut inflate, mut out) = (Inflate::new(true, 31), vec![0; 1 << 20]);
    inflate.decompress(response.bytes(), &mut out, InflateFlush::Finish).expect("gzip");
    out.truncate(inflate.total_out() as usize);
    assert!(out == text().as_bytes());
    Ok(())
}

async fn a_preflight_is_answered(client: &TestClient) -> Outcome {
    let ask = |origin| {
        let request = client.request(Method::Options, "/json");
        request.header("origin", origin).header("access-control-request-method", "POST")
    };
    let response = whole(ask(ORIGIN)).await?;
    assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(whole(ask("https://other.org")).await?.status(), Status::BAD_REQUEST);
    Ok(())
}

async fn events_come_in_order(client: &TestClient) -> Outcome {
    let mut events = client.get("/events").open_async().await;
    if events.status() == Status::BAD_GATEWAY {
        return Err(Lost);
    }
    for n in 0..COUNT {
        let Some(event) = events.event_async().await else {
            assert!(events.body_error().is_some(), "the stream ends at {n}");
            return Err(Lost);
        };
        let TestEvent { event, data, id, .. } = event;
        assert_eq!((event, data, id), ("tick".into(), format!("event {n}\nsecond line"), n.to_string()));
    }
    assert_eq!(events.event_async().await, None);
    Ok(())
}

async fn lines_of_json_come_in_order(client: &TestClient) -> Outcome {
    let response = whole(client.get("/lines")).await?;
    let text = response.text();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    assert!(lines.eq((0..COUNT).map(|n| json!({ "n": n }))), "{text}");
    Ok(())
}

async fn a_websocket_echoes(client: &TestClient) -> Outcome {
    let mut socket = match client.websocket_connect("/ws").await {
        Ok(socket) => socket,
        Err(response) if response.status() == Status::BAD_GATEWAY => return Err(Lost),
        Err(response) => panic!("denied: {response:?}"),
    };
    for message in [Message::from("tea"), vec![0, 255].into(), text().into(), "".into()] {
        socket.send(message.clone()).await;
        let Ok(received) = socket.receive().await else { return Err(Lost) };
        assert!(received == message, "{received:?}");
    }
    socket.close(CloseCode::NORMAL_CLOSURE, "").await;
    Ok(())
}

async fn errors_have_their_status(client: &TestClient) -> Outcome {
    assert_eq!(whole(client.get("/nowhere")).await?.status(), Status::NOT_FOUND);
    let response = whole(client.delete("/json")).await?;
    assert_eq!((response.status(), response.header("allow")), (Status::METHOD_NOT_ALLOWED, Some("POST")));
    let large =
        client.post("/json").header("content-type", "application/json").body(vec![b' '; BODY_LIMIT + 1]);
    assert_eq!(whole(large).await?.status(), Status::CONTENT_TOO_LARGE);
    let invalid = client.post("/json").json(&json!({ "name": "tea" }));
    assert_eq!(whole(invalid).await?.status(), Status::UNPROCESSABLE_CONTENT);
    let response = whole(client.get("/fails")).await?;
    assert_eq!(response.text(), "Internal Server Error");
    Ok(())
}

async fn background_tasks_run(client: &TestClient) -> Outcome {
    assert_eq!(whole(client.get("/later")).await?.text(), "soon");
    Ok(())
}

async fn bodies_stream_both_ways(client: &TestClient) -> Outcome {
    let (sender, body) = Body::channel(Length::Unknown);
    let pieces: Vec<String> = (0..30).map(|n| format!("piece {n} {}", "x".repeat(n * 20))).collect();
    let sent = async {
        for piece in &pieces {
            if sender.send(piece.clone()).await.is_err() {
                return;
            }
        }
        sender.finish();
    };
    let ((), response) = zip(sent, whole(client.post("/echo").stream(body))).await;
    assert!(response?.text() == pieces.concat());
    Ok(())
}

async fn head_has_no_body(client: &TestClient) -> Outcome {
    let response = whole(client.head("/text")).await?;
    assert_eq!((response.status(), response.bytes().len()), (Status::OK, 0));
    // The connection is in order for the next request.
    assert_eq!(whole(client.get("/")).await?.text(), "hello");
    Ok(())
}

async fn hints_come_before_and_trailers_behind(client: &TestClient) -> Outcome {
    let response = whole(client.get("/hints")).await?;
    let [(status, fields)] = response.interim() else { panic!("not one hint: {:?}", response.interim()) };
    assert_eq!((*status, fields.get_str("link")), (Status::EARLY_HINTS, Some("</a.css>; rel=preload")));
    assert_eq!(response.text(), "onetwo");
    assert_eq!(response.trailers().get_str("x-checksum"), Some("abc"));
    Ok(())
}

async fn work_follows_the_response(client: &TestClient) -> Outcome {
    assert!(whole(client.get("/depends")).await?.text() == text());
    Ok(())
}

/// Reads the beginning of a stream. Its end must reach the handler, which the caller checks.
async fn a_stream_without_an_end_is_left(client: &TestClient) -> Outcome {
    let mut stream = client.get("/endless").open_async().await;
    let mut received = Vec::new();
    while received.len() < 3 * PIECE.len() {
        let Some(piece) = stream.chunk_async().await else { return Err(Lost) };
        received.extend_from_slice(&piece);
    }
    let expected = PIECE.repeat(received.len() / PIECE.len() + 1);
    assert!(stream.status() == Status::BAD_GATEWAY || expected.as_bytes().starts_with(&received));
    Ok(())
}

/// Sends the beginning of a file. Nothing of it may remain, which the caller checks.
async fn an_upload_is_given_up(client: &TestClient) -> Outcome {
    let (sender, body) = Body::channel(Length::Unknown);
    let head = "--B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";
    let sent = async {
        for piece in [head.to_owned(), text(), text()] {
            if sender.try_send(Frame::Data(piece.into())).is_err() {
                break;
            }
        }
        sender.fail(BodyError::Disconnected);
    };
    let request = client.post("/upload").header("content-type", "multipart/form-data; boundary=B");
    let ((), response) = zip(sent, request.stream(body).into_future()).await;
    assert!(response.status() != Status::OK, "half of a form is taken");
    Ok(())
}
