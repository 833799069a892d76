//! Routes for WebSockets: paths shared with HTTP, mounts, hosts, names, middleware, arguments, endpoints.

use std::sync::{Arc, Mutex};

use serde::Deserialize;
use stelo_toolkit::app::BuildError;
use stelo_toolkit::request::Cookies;
use stelo_toolkit::response::BoxError;
use stelo_toolkit::routing::Foreign;
use stelo_toolkit::websocket::{
    CloseCode, FromMessage, Message, WebSocketEndpoint, WebSocketError, WebSocketException,
};
use stelo_toolkit::{
    App, Bytes, Extension, Headers, HttpError, IntoResponse, Json, Next, Path, Query, Request, Response,
    Router, State, Status, TestClient, WebSocket, any, get, websocket,
};

type Outcome = Result<(), WebSocketError>;

/// Says one thing, and goes.
async fn say(ws: &WebSocket, text: String) -> Outcome {
    ws.accept().await?;
    ws.send_text(text).await
}

fn said(client: &TestClient, target: &str) -> String {
    let mut socket = client.websocket_connect(target).connect().expect("it is accepted");
    socket.receive_text().expect("it says something")
}

fn denied(client: &TestClient, target: &str) -> Status {
    client.websocket_connect(target).connect().expect_err("it is denied").status()
}

#[test]
fn a_path_is_shared_with_http() {
    async fn hello(ws: WebSocket) -> Outcome {
        say(&ws, "by WebSocket".into()).await
    }
    let app = App::new()
        .route("/shared", get(async || "by GET").websocket(hello))
        .route("/apart", any(async || "any"))
        .websocket("/apart", hello)
        .websocket("/ws", hello)
        .route("/http", get(async || "http"))
        .fallback(async || "fallback");
    let client = TestClient::new(app);
    assert_eq!(said(&client, "/shared"), "by WebSocket");
    assert_eq!(client.get("/shared").send().text(), "by GET");
    assert_eq!(client.post("/shared").send().status(), Status::METHOD_NOT_ALLOWED);
    assert_eq!(said(&client, "/apart"), "by WebSocket");
    assert_eq!(client.get("/apart").send().text(), "any");
    assert_eq!(client.get("/ws").send().text(), "fallback");
    for target in ["/http", "/nowhere", "/ws/", "/shared/"] {
        assert_eq!(denied(&client, target), Status::FORBIDDEN, "{target}");
    }
    let refused = client.websocket_connect("/http").connect().unwrap_err();
    assert!(refused.bytes().is_empty() && refused.headers().is_empty(), "{refused:?}");
}

#[test]
fn the_first_route_that_matches_wins() {
    async fn any(Path(name): Path<String>, ws: WebSocket) -> Outcome {
        say(&ws, name).await
    }
    async fn number(Path(id): Path<u32>, ws: WebSocket) -> Outcome {
        say(&ws, format!("number {id}")).await
    }
    let app = App::new().websocket("/{id:int}", number).websocket("/{name}", any);
    let client = TestClient::new(app);
    assert_eq!(said(&client, "/7"), "number 7");
    assert_eq!(said(&client, "/se%C3%B1or"), "señor");
}

#[test]
fn arguments_are_taken_before_the_handshake_is_answered() {
    #[derive(Deserialize)]
    struct Who {
        name: String,
    }
    #[derive(Clone)]
    struct Greeting(&'static str);

    async fn greet(
        State(greeting): State<Greeting>,
        Path((room, seat)): Path<(String, u8)>,
        Query(who): Query<Who>,
        headers: Headers,
        cookies: Cookies,
        ws: WebSocket,
    ) -> Outcome {
        let agent = headers.get_str("user-agent").unwrap();
        let cookie = cookies.get("theme").unwrap().to_owned();
        assert_eq!(ws.headers().get_str("host"), Some("testserver"));
        assert_eq!(ws.cookies().get("theme"), Some("dark"));
        assert_eq!(ws.query_params().get("name"), Some("Ada"));
        assert_eq!(ws.path_param::<u8>("seat").unwrap(), seat);
        assert_eq!(ws.path_params().next(), Some(("room", "tea")));
        assert_eq!(ws.state::<Greeting>().unwrap().0, greeting.0);
        assert_eq!(ws.matched_path(), Some("/{room}/{seat:int}"));
        assert_eq!(ws.client().unwrap().to_string(), "127.0.0.1:50000");
        say(&ws, format!("{} {}: {room} {seat}, {agent}, {cookie}", greeting.0, who.name)).await
    }
    let app = App::new().state(Greeting("Hello")).websocket("/{room}/{seat:int}", greet);
    let client = TestClient::new(app);
    let mut socket =
        client.websocket_connect("/tea/3?name=Ada").header("cookie", "theme=dark").connect().unwrap();
    assert_eq!(socket.receive_text().unwrap(), "Hello Ada: tea 3, testclient, dark");

    let answer = client.websocket_connect("/tea/999?name=Ada").connect().unwrap_err();
    assert_eq!(answer.status(), Status::BAD_REQUEST);
    assert!(answer.text().contains("`seat`"), "{}", answer.text());
    let answer = client.websocket_connect("/tea/3").connect().unwrap_err();
    assert!(answer.text().contains("name"), "{}", answer.text());

    let stateless = App::new().websocket("/{room}/{seat:int}", greet);
    assert!(
        matches!(stateless.build(), Err(BuildError::MissingState { route, .. }) if route == "/{room}/{seat:int}")
    );
}

#[test]
fn urls_have_the_scheme_of_their_route() {
    async fn urls(ws: WebSocket) -> Outcome {
        let page = ws.url_for("page", &[]).unwrap();
        let room = ws.url_for("in:room", &[("name", &"a b")]).unwrap();
        let (url, base) = (ws.url(), ws.base_url());
        say(&ws, format!("{url} {base} {page} {room}")).await
    }
    async fn page(request: Request) -> Result<String, HttpError> {
        let url = request.url_for("in:room", &[("name", &"x")]);
        Ok(url.map_err(|_| Status::INTERNAL_SERVER_ERROR)?.to_string())
    }
    let app = || {
        let rooms = Router::new().websocket("/{name}", urls).name("room");
        App::new().route("/", get(page)).name("page").mount("/rooms", rooms).name("in")
    };
    let client = TestClient::new(app());
    assert_eq!(
        said(&client, "/rooms/z?q=1"),
        "ws://testserver/rooms/z?q=1 ws://testserver/ http://testserver/ ws://testserver/rooms/a%20b"
    );
    assert_eq!(client.get("/").send().text(), "ws://testserver/rooms/x");
    let client = TestClient::new(app()).with_https();
    assert_eq!(
        said(&client, "/rooms/z"),
        "wss://testserver/rooms/z wss://testserver/ https://testserver/ wss://testserver/rooms/a%20b"
    );
}

#[test]
fn mounts_hosts_and_applications_pass_handshakes_on() {
    async fn place(ws: WebSocket) -> Outcome {
        let text = format!("{} {}", ws.root_path(), ws.route_path());
        say(&ws, text).await
    }
    /// An application that knows only the core.
    struct Raw;
    impl stelo_core::app::App for Raw {
        fn call(&self, request: stelo_core::app::Request) -> stelo_core::app::Reply {
            if !request.is_websocket() {
                return Response::new("no WebSocket").into();
            }
            let path = request.head().path().to_owned();
            Response::websocket(async move |socket: stelo_core::app::WebSocket| {
                let _ = socket.send(path).await;
            })
            .into()
        }
    }
    let inner = App::new().websocket("/ws", place);
    let app = App::new()
        .host("api.example.org", Router::new().websocket("/ws", place))
        .mount("/a", Router::new().mount("/b", inner))
        .mount("/raw", Foreign(Raw))
        .websocket("/a/b/c", place);
    let client = TestClient::new(app);
    assert_eq!(said(&client, "/a/b/ws"), "/a/b /ws");
    assert_eq!(denied(&client, "/a/b/c"), Status::FORBIDDEN);
    assert_eq!(denied(&client, "/ws"), Status::FORBIDDEN);
    let mut socket = client.websocket_connect("/ws").header("host", "api.example.org").connect().unwrap();
    assert_eq!(socket.receive_text().unwrap(), " /ws");
    assert_eq!(said(&client, "/raw/x/y"), "/x/y");
    assert_eq!(client.get("/raw/x").send().text(), "no WebSocket");
}

#[test]
fn middleware_goes_around_handshakes() {
    async fn mark(request: Request, next: Next) -> Response {
        assert!(request.is_websocket() && request.scheme() == "ws");
        let mut response = next.run(request).await;
        let status = response.status.code().to_string();
        response.headers.try_set("x-status", status).unwrap();
        response
    }
    async fn guard(mut request: Request, next: Next) -> Result<Response, HttpError> {
        let user = request.query_params().get("user").map(str::to_owned);
        let user = user.ok_or(HttpError::new(Status::UNAUTHORIZED))?;
        request.extensions_mut().insert(user);
        Ok(next.run(request).await)
    }
    async fn hello(Extension(user): Extension<String>, ws: WebSocket) -> Outcome {
        say(&ws, format!("hello {user}")).await
    }
    let app = App::new()
        .middleware(mark)
        .route("/ws", websocket(hello).middleware(guard))
        .route("/both", get(async || "page").websocket(hello).middleware(guard));
    let client = TestClient::new(app);
    for path in ["/ws", "/both"] {
        let mut socket = client.websocket_connect(&format!("{path}?user=ada")).connect().unwrap();
        assert_eq!(socket.headers().get_str("x-status"), Some("200"));
        assert_eq!(socket.receive_text().unwrap(), "hello ada");
        let answer = client.websocket_connect(path).connect().unwrap_err();
        assert_eq!((answer.status(), answer.header("x-status")), (Status::UNAUTHORIZED, Some("401")));
    }
    assert_eq!(client.websocket_connect("/x").connect().unwrap_err().header("x-status"), Some("403"));
}

#[test]
fn error_handlers_answer_what_is_not_accepted() {
    #[derive(Debug)]
    struct SoldOut;
    impl std::fmt::Display for SoldOut {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("sold out")
        }
    }
    impl std::error::Error for SoldOut {}
    impl IntoResponse for SoldOut {
        fn into_response(self) -> Response {
            Status::CONFLICT.into_response()
        }
    }
    async fn status(_: WebSocket) -> Result<(), BoxError> {
        Err(HttpError::new(Status::UNAUTHORIZED))?
    }
    async fn sold_out(ws: WebSocket) -> Result<(), SoldOut> {
        if ws.query_params().get("late").is_some() {
            ws.accept().await.unwrap();
        }
        Err(SoldOut)
    }
    async fn boxed(_: WebSocket) -> Result<(), BoxError> {
        Err(SoldOut)?
    }
    async fn undecided(_: WebSocket) {}
    async fn broken(_: Request, _: HttpError) -> (Status, &'static str) {
        (Status::INTERNAL_SERVER_ERROR, "we are looking into it")
    }
    async fn unauthorized(request: Request, error: HttpError) -> (Status, Json<String>) {
        (error.status, Json(request.url().to_string()))
    }
    async fn on_sold_out(_: Request, _: SoldOut) -> (Status, &'static str) {
        (Status::GONE, "sold out")
    }
    let app = App::new()
        .websocket("/status", status)
        .websocket("/sold", sold_out)
        .websocket("/boxed", boxed)
        .websocket("/undecided", undecided)
        .error_handler(Status::UNAUTHORIZED, unauthorized)
        .error_handler(Status::INTERNAL_SERVER_ERROR, broken)
        .on_error(on_sold_out);
    let client = TestClient::new(app).raise_server_errors(false);
    let answer = client.websocket_connect("/status").connect().unwrap_err();
    assert_eq!(answer.status(), Status::UNAUTHORIZED);
    assert_eq!(answer.text(), "\"ws://testserver/status\"");
    for path in ["/sold", "/boxed"] {
        let answer = client.websocket_connect(path).connect().unwrap_err();
        assert_eq!((answer.status(), answer.text().as_str()), (Status::GONE, "sold out"), "{path}");
    }
    let answer = client.websocket_connect("/undecided").connect().unwrap_err();
    assert_eq!(answer.text(), "we are looking into it");
    let mut socket = client.websocket_connect("/sold?late").connect().unwrap();
    assert_eq!(socket.receive_closed().code, CloseCode::INTERNAL_ERROR);
}

/// The messages that an endpoint has received, and the code with which it ended.
type Log = Arc<Mutex<Vec<String>>>;

/// An endpoint that reads messages as `T`.
struct Reads<T> {
    log: Log,
    count: u32,
    kind: std::marker::PhantomData<fn(T)>,
}

impl<T> Clone for Reads<T> {
    fn clone(&self) -> Self {
        Self { log: self.log.clone(), count: self.count, kind: self.kind }
    }
}

impl<T: FromMessage + std::fmt::Debug + Send + 'static> WebSocketEndpoint for Reads<T> {
    type Data = T;

    async fn on_receive(&mut self, ws: &WebSocket, data: T) -> Result<(), BoxError> {
        self.count += 1;
        let line = format!("{} {data:?}", self.count);
        match &*line {
            "2 \"fail\"" => Err("a failure")?,
            "2 \"leave\"" => Err(WebSocketException::new(CloseCode(4000)).with_reason("left"))?,
            "2 \"close\"" => Ok(ws.close(CloseCode(4001), "")?),
            _ => Ok(ws.send_text(line).await?),
        }
    }

    async fn on_disconnect(&mut self, _: &WebSocket, code: CloseCode) {
        self.log.lock().expect("no panic under the lock").push(code.to_string());
    }
}

fn reads<T: FromMessage + std::fmt::Debug + Send + 'static>() -> (TestClient, Log) {
    let log = Log::default();
    let endpoint = Reads::<T> { log: log.clone(), count: 0, kind: std::marker::PhantomData };
    (TestClient::new(App::new().websocket("/ws", endpoint)).raise_server_errors(false), log)
}

#[test]
fn endpoints_read_every_encoding() {
    let (client, log) = reads::<String>();
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    socket.send_text("a");
    assert_eq!(socket.receive_text().unwrap(), "1 \"a\"");
    socket.send_bytes(b"b");
    assert_eq!(socket.receive_closed().code, CloseCode::UNSUPPORTED_DATA);
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    socket.send_text("c");
    assert_eq!(socket.receive_text().unwrap(), "1 \"c\"", "each WebSocket has its own");
    socket.close(CloseCode(3001), "");
    assert_eq!(*log.lock().unwrap(), ["1003", "3001"]);

    let (client, _) = reads::<Bytes>();
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    socket.send_bytes(b"b");
    assert_eq!(socket.receive_text().unwrap(), "1 b\"b\"");
    socket.send_text("a");
    assert_eq!(socket.receive_closed().code, CloseCode::UNSUPPORTED_DATA);

    let (client, _) = reads::<Json<u8>>();
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    socket.send_text("7");
    assert_eq!(socket.receive_text().unwrap(), "1 Json(7)");
    socket.send_bytes(b"8");
    assert_eq!(socket.receive_text().unwrap(), "2 Json(8)");
    socket.send_text("999");
    assert_eq!(socket.receive_closed().code, CloseCode::UNSUPPORTED_DATA);

    let (client, _) = reads::<Message>();
    let mut socket = client.websocket_connect("/ws").connect().unwrap();
    socket.send_text("");
    assert_eq!(socket.receive_text().unwrap(), "1 Text(\"\")");
    socket.send_bytes(b"");
    assert_eq!(socket.receive_text().unwrap(), "2 Binary(b\"\")");
}

#[test]
fn endpoints_hear_how_it_ended() {
    let (client, log) = reads::<String>();
    for (word, code) in [("fail", "1011"), ("leave", "4000"), ("close", "4001")] {
        let mut socket = client.websocket_connect("/ws").connect().unwrap();
        socket.send_text("first");
        socket.send_text(word);
        assert_eq!(socket.receive_text().unwrap(), "1 \"first\"");
        assert_eq!(socket.receive_closed().code.to_string(), code);
    }
    assert_eq!(*log.lock().unwrap(), ["1011", "4000", "4001"]);
}

#[test]
fn an_endpoint_may_deny() {
    #[derive(Clone)]
    struct Closed(Log);
    impl WebSocketEndpoint for Closed {
        type Data = Message;

        async fn on_connect(&mut self, _: &WebSocket) -> Result<(), BoxError> {
            Err(HttpError::new(Status::SERVICE_UNAVAILABLE))?
        }

        async fn on_receive(&mut self, _: &WebSocket, _: Message) -> Result<(), BoxError> {
            unreachable!("it has denied")
        }

        async fn on_disconnect(&mut self, _: &WebSocket, code: CloseCode) {
            self.0.lock().unwrap().push(code.to_string());
        }
    }
    let log = Log::default();
    let client = TestClient::new(App::new().websocket("/ws", Closed(log.clone())));
    assert_eq!(denied(&client, "/ws"), Status::SERVICE_UNAVAILABLE);
    assert!(log.lock().unwrap().is_empty());
}

#[test]
fn an_application_of_one_websocket_answers_that_path_alone() {
    async fn name(Path(name): Path<String>, ws: WebSocket) -> Outcome {
        say(&ws, name).await
    }
    let client = TestClient::new(App::new().websocket("/ws/{name}", name));
    assert_eq!(said(&client, "/ws/tom"), "tom");
    for target in ["/", "/invalid", "/ws/tom/more"] {
        assert_eq!(denied(&client, target), Status::FORBIDDEN, "{target}");
    }
    assert_eq!(client.get("/ws/tom").send().status(), Status::NOT_FOUND);
}

#[test]
fn an_endpoint_need_not_notice_the_end() {
    #[derive(Clone)]
    struct Echo;
    impl WebSocketEndpoint for Echo {
        type Data = String;

        async fn on_receive(&mut self, ws: &WebSocket, text: String) -> Result<(), BoxError> {
            Ok(ws.send_text(text).await?)
        }
    }
    let client = TestClient::new(App::new().websocket("/ws", Echo));
    let mut socket = client.websocket_connect("/ws").connect().expect("accepted");
    socket.send_text("tea");
    assert_eq!(socket.receive_text().expect("the same"), "tea");
    socket.close(CloseCode::NORMAL_CLOSURE, "");
}
