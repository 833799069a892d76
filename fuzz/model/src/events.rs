//! Server-sent events (HTML, section 9.2.6).

use std::convert::Infallible;
use std::time::Duration;

use futures_lite::{future::block_on, stream};
use stelo_core::body::Body;
use stelo_toolkit::events::Event;
use stelo_toolkit::testing::TestEvent;
use stelo_toolkit::{App, Request, Response, TestClient, post};

use crate::peer::{Cut, alike};
use crate::source::Source;

/// The maximum length of a stream in bytes, which the client reads one by one.
const LONGEST: usize = 100;

/// The parts of an event that a client reads: its name, its data and its id.
type Heard = (String, String, String);

thread_local! {
    static CLIENT: TestClient = TestClient::new(App::new().route("/", post(async |mut request: Request| Response::new(request.stream()))));
}

/// Checks that events are unchanged after a round trip through a client. Any stream has the same events for the test
/// client and the reference, in pieces of any size.
///
/// The input: two sizes of pieces; the number of events; the kind and two texts of each; then a stream of events.
pub fn events(input: &[u8]) {
    let mut source = Source::new(input);
    let sizes = [source.byte(), source.byte()];
    let (mut text, mut expected, mut last_id) = (String::new(), Vec::new(), String::new());
    for _ in 0..source.byte() & 7 {
        let kind = source.pick(&["data", "name", "id", "comment", "retry"]);
        let mut next = || String::from_utf8_lossy(source.bytes()).into_owned();
        let (data, other) = (next(), next());
        let event = match kind {
            "comment" => Event::comment(&data),
            "retry" => Event::retry_after(Duration::from_millis(data.len() as u64)),
            _ => Event::data(&data),
        };
        let line: String = other.chars().filter(|char| !"\r\n\0".contains(*char)).collect();
        let (event, name) = match kind {
            "name" => (event.name(&other), line),
            "id" => {
                last_id = line;
                (event.id(&other), String::new())
            }
            _ => (event, String::new()),
        };
        text.push_str(event.as_str());
        if !matches!(kind, "comment" | "retry") {
            let name = if name.is_empty() { "message".into() } else { name };
            expected.push((name, data.replace("\r\n", "\n").replace('\r', "\n"), last_id.clone()));
        }
    }
    assert_eq!(parse(text.as_bytes()), expected, "{text:?}");
    assert_eq!(heard(text.as_bytes(), Cut::Not), expected, "{text:?}");
    let stream = source.rest();
    let stream = &stream[..stream.len().min(LONGEST)];
    assert_eq!(alike(sizes, |cut| heard(stream, cut)), parse(stream), "{}", stream.escape_ascii());
}

/// The events that the test client reads.
fn heard(text: &[u8], cut: Cut) -> Vec<Heard> {
    let pieces: Vec<_> =
        cut.pieces(text).into_iter().map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
    CLIENT.with(|client| {
        block_on(async {
            let request = client.post("/").stream(Body::from_stream(stream::iter(pieces)));
            let (mut stream, mut heard) = (request.open_async().await, Vec::new());
            while let Some(TestEvent { event, data, id, .. }) = stream.event_async().await {
                heard.push((event, data, id));
            }
            heard
        })
    })
}

/// Reads a whole stream as the standard does, line by line. An event without the blank line at its end is lost.
fn parse(text: &[u8]) -> Vec<Heard> {
    let text = String::from_utf8_lossy(text).replace("\r\n", "\n").replace('\r', "\n");
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (mut events, mut id) = (Vec::new(), String::new());
    let mut blocks: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        match line {
            "" => blocks.push(Vec::new()),
            line => blocks.last_mut().expect("it is never empty").push(line),
        }
    }
    blocks.pop();
    for block in blocks {
        let fields: Vec<_> =
            block.into_iter().map(|line| line.split_once(':').unwrap_or((line, ""))).collect();
        let values = |name: &'static str| {
            let values = fields.iter().filter(move |field| field.0 == name);
            values.map(|field| field.1.strip_prefix(' ').unwrap_or(field.1))
        };
        if let Some(last) = values("id").rfind(|id| !id.contains('\0')) {
            id = last.to_owned();
        }
        if values("data").next().is_some() {
            let name = values("event").next_back().filter(|name| !name.is_empty()).unwrap_or("message");
            events.push((name.to_owned(), values("data").collect::<Vec<_>>().join("\n"), id.clone()));
        }
    }
    events
}
