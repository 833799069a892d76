//! The application of the scenarios: a route for each part of the toolkit, and a record of what begins and ends.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_lite::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stelo_toolkit::body::Frame;
use stelo_toolkit::dependencies::{Dependency, Depends};
use stelo_toolkit::events::{Event, EventStream};
use stelo_toolkit::forms::{FormData, FormLimits};
use stelo_toolkit::json_lines::JsonLines;
use stelo_toolkit::middleware::{Compression, Cors, Sessions};
use stelo_toolkit::request::{Executor, Parts};
use stelo_toolkit::response::{Background, BoxError, Redirect, ResponseExt, StreamingResponse};
use stelo_toolkit::sessions::Session;
use stelo_toolkit::websocket::WebSocketError;
use stelo_toolkit::{
    App, Bytes, Form, Headers, HttpError, IntoResponse, Json, Request, Response, Router, State, StaticFiles,
    Status, WebSocket, any, get, post,
};

/// The origin that CORS allows.
pub(crate) const ORIGIN: &str = "https://example.org";

/// The limit of a body that is collected, in bytes.
pub(crate) const BODY_LIMIT: usize = 10_000;

/// The pieces of `/endless`.
pub(crate) const PIECE: &str = "a piece of a stream without an end\n";

/// The events of `/events`, the values of `/lines`.
pub(crate) const COUNT: u32 = 20;

/// A folder with the files that are served, and an empty one for uploads. Dropping it removes it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("stelo-scenarios-{}-{number}", std::process::id()));
        for folder in ["static", "uploads"] {
            fs::create_dir_all(path.join(folder)).expect("a folder can be made");
        }
        fs::write(path.join("static/text.txt"), text()).expect("the folder is ours");
        Self(path)
    }

    /// Returns the number of files of uploads, including those that are open without a name.
    pub(crate) fn uploads(&self) -> usize {
        let uploads = self.0.join("uploads");
        let named = fs::read_dir(&uploads).expect("the folder is there").count();
        let Ok(descriptors) = fs::read_dir("/proc/self/fd") else { return named };
        let open = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        named + open.filter(|path| path.starts_with(&uploads)).count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind does not make a test fail.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A text of some kilobytes, in which each position can be told from the others.
pub(crate) fn text() -> String {
    (0..400).map(|line| format!("line {line}\n")).collect()
}

/// The counts of what begins and of what ends.
#[derive(Clone, Default)]
pub(crate) struct Record(Arc<Counts>);

#[derive(Default)]
struct Counts {
    running: AtomicUsize,
    resolved: AtomicUsize,
    cleaned: AtomicUsize,
    background: AtomicUsize,
}

impl Record {
    /// Counts a handler or a stream until the guard is dropped.
    fn runs(&self) -> Running {
        self.0.running.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }

    /// Returns the number of handlers and streams that live.
    pub(crate) fn running(&self) -> usize {
        self.0.running.load(Ordering::Relaxed)
    }

    /// Returns the number of dependencies whose work after the response has not run.
    pub(crate) fn unclean(&self) -> usize {
        self.0.resolved.load(Ordering::Relaxed) - self.0.cleaned.load(Ordering::Relaxed)
    }

    /// Returns the number of background tasks that have run.
    pub(crate) fn background(&self) -> usize {
        self.0.background.load(Ordering::Relaxed)
    }
}

struct Running(Record);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) count: u32,
}

async fn increment(Json(item): Json<Item>) -> Json<Item> {
    Json(Item { count: item.count + 1, ..item })
}

async fn form(Form(item): Form<Item>) -> Json<Item> {
    Json(item)
}

/// Answers with size and content of each file. Its handler counts while it has the files.
async fn upload(State(record): State<Record>, form: FormData) -> Result<Json<Value>, HttpError> {
    let _running = record.runs();
    let mut answer = json!({});
    for (name, value) in form.iter() {
        answer[name] = match (value.as_text(), value.as_file()) {
            (Some(text), _) => json!(text),
            (_, Some(file)) => json!([file.filename(), file.size(), file.text().await.unwrap_or_default()]),
            _ => Value::Null,
        };
    }
    Ok(Json(answer))
}

#[derive(Deserialize)]
struct Login {
    user: String,
}

async fn login(session: Session, Form(login): Form<Login>) -> Result<Redirect, HttpError> {
    session.cycle();
    session.insert("user", login.user).map_err(|_| HttpError::new(Status::INTERNAL_SERVER_ERROR))?;
    Ok(Redirect::see_other("/me"))
}

async fn me(session: Session) -> Result<String, HttpError> {
    session.get("user").ok_or(HttpError::new(Status::UNAUTHORIZED))
}

async fn logout(session: Session) -> &'static str {
    session.flush();
    "bye"
}

async fn events(State(record): State<Record>, executor: Executor) -> EventStream {
    let running = record.runs();
    let events = stream::iter(0..COUNT).map(move |n| {
        let _running = &running;
        Event::data(format!("event {n}\nsecond line")).name("tick").id(n)
    });
    EventStream::new(executor, events)
}

async fn lines() -> JsonLines {
    JsonLines::new(stream::iter(0..COUNT).map(|n| json!({ "n": n })))
}

async fn echo_messages(State(record): State<Record>, websocket: WebSocket) -> Result<(), WebSocketError> {
    let _running = record.runs();
    websocket.accept().await?;
    loop {
        let message = websocket.receive().await?;
        websocket.send(message).await?;
    }
}

async fn fails() -> stelo_toolkit::Result<&'static str> {
    Err("out of tea".into())
}

async fn later(State(record): State<Record>) -> Background<&'static str> {
    Background::new("soon", async move {
        record.0.background.fetch_add(1, Ordering::Relaxed);
    })
}

/// Echoes a body piece by piece.
async fn echo(State(record): State<Record>, mut request: Request) -> Response {
    let (running, body) = (record.runs(), request.stream());
    let pieces = stream::unfold(body, move |mut body| {
        let _running = &running;
        async move {
            let frame = body.frame().await?;
            let piece = frame.map(|frame| match frame {
                Frame::Data(data) => data,
                Frame::Trailers(_) => Bytes::new(),
            });
            Some((piece.map_err(BoxError::from), body))
        }
    });
    StreamingResponse::fallible(pieces).into_response()
}

async fn endless(State(record): State<Record>) -> StreamingResponse {
    let running = record.runs();
    StreamingResponse::text(stream::repeat_with(move || {
        let _running = &running;
        PIECE
    }))
}

async fn hints(request: Request) -> Result<Response, HttpError> {
    request.send_early_hints(["</a.css>; rel=preload"]).await?;
    let response = StreamingResponse::text(stream::iter(["one", "two"])).into_response();
    Ok(response.trailers(async {
        let mut fields = Headers::new();
        fields.set("x-checksum", "abc");
        fields
    }))
}

/// A dependency with work after the response.
#[derive(Clone)]
struct Connection;

impl Dependency for Connection {
    type Rejection = HttpError;

    async fn resolve(parts: &mut Parts) -> Result<Self, HttpError> {
        let record = parts.state::<Record>().expect("the application has one").clone();
        record.0.resolved.fetch_add(1, Ordering::Relaxed);
        parts.after_response(async move {
            record.0.cleaned.fetch_add(1, Ordering::Relaxed);
        })?;
        Ok(Self)
    }
}

async fn depends(Depends(_): Depends<Connection>) -> String {
    text()
}

/// Creates the application.
pub(crate) fn app(record: &Record, folder: &Folder) -> App {
    let sessions = Router::new()
        .middleware(Sessions::new("a secret of more than sixteen bytes"))
        .route("/login", post(login))
        .route("/me", get(me))
        .route("/logout", post(logout));
    App::new()
        .state(record.clone())
        .middleware(Cors::new().allow_origins([ORIGIN]).allow_methods(["POST"]))
        .middleware(Compression::new())
        .body_limit(BODY_LIMIT)
        .form_limits(FormLimits::new().spool_max_size(1000).spool_directory(folder.0.join("uploads")))
        .route("/", get("hello"))
        .route("/json", post(increment))
        .route("/form", post(form))
        .route("/upload", post(upload))
        .include("", sessions)
        .route("/old", any(async || Redirect::to("/json")))
        .mount("/files", StaticFiles::new(folder.0.join("static")))
        .route("/text", get(async || text()))
        .route("/events", get(events))
        .route("/lines", get(lines))
        .websocket("/ws", echo_messages)
        .route("/fails", get(fails))
        .route("/later", get(later))
        .route("/echo", post(echo))
        .route("/endless", get(endless))
        .route("/hints", get(hints))
        .route("/depends", get(depends))
}
