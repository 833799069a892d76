//! Sessions: in signed and encrypted cookies and in a store, from the request to the next one.
#![cfg(feature = "sessions")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use stelo_toolkit::middleware::{Csrf, Sessions};
use stelo_toolkit::response::SameSite;
use stelo_toolkit::sessions::{
    Digest, MemoryStore, Session, SessionError, SessionId, SessionRecord, SessionStore, StoreFuture,
};
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{App, Json, Path, Router, Status, TestClient, WebSocket, get, post};

const SECRET: &str = "0123456789abcdef";

async fn view(session: Session) -> Json<Map<String, Value>> {
    Json(session.to_map())
}

async fn update(
    session: Session,
    Json(values): Json<Map<String, Value>>,
) -> stelo_toolkit::Result<Json<Map<String, Value>>> {
    for (key, value) in values {
        session.insert(key, value)?;
    }
    Ok(Json(session.to_map()))
}

async fn change(
    Path(what): Path<String>,
    session: Session,
) -> stelo_toolkit::Result<Json<Map<String, Value>>> {
    match &*what {
        "clear" => session.clear(),
        "cycle" => session.cycle(),
        "flush" => session.flush(),
        "big" => session.insert("big", "x".repeat(100_000))?,
        _ => return Err("no such change".into()),
    }
    Ok(Json(session.to_map()))
}

fn routes() -> Router {
    Router::new()
        .route("/", get(view).post(update))
        .route("/do/{what}", post(change))
        .route("/other", get("other"))
}

/// A client with the cookie of a session, as a browser has it.
struct Browser {
    client: TestClient,
    cookie: Mutex<Option<String>>,
}

impl Browser {
    fn new(sessions: Sessions) -> Self {
        let app = App::new().middleware(sessions).include("", routes());
        Self { client: TestClient::new(app).raise_server_errors(false), cookie: Mutex::new(None) }
    }

    fn cookie(&self) -> Option<String> {
        self.cookie.lock().expect("no test panics with it").clone()
    }

    fn with_cookie(self, cookie: &str) -> Self {
        *self.cookie.lock().expect("no test panics with it") = Some(cookie.to_owned());
        self
    }

    fn send(&self, method: &str, target: &str, body: Option<Value>) -> TestResponse {
        let request = match method {
            "GET" => self.client.get(target),
            _ => self.client.post(target),
        };
        let request = match self.cookie() {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let response = match body {
            Some(body) => request.json(&body).send(),
            None => request.send(),
        };
        if let Some(field) = response.header("set-cookie") {
            let pair = field.split(';').next().unwrap_or_default().to_owned();
            *self.cookie.lock().expect("no test panics with it") =
                (!field.contains("=null; ")).then_some(pair);
        }
        response
    }

    fn view(&self) -> Value {
        self.send("GET", "/", None).json().expect("the values are JSON")
    }

    fn update(&self, values: Value) -> TestResponse {
        self.send("POST", "/", Some(values))
    }

    fn change(&self, what: &str) -> TestResponse {
        self.send("POST", &format!("/do/{what}"), None)
    }
}

/// Every place for the values.
fn places() -> Vec<Sessions> {
    vec![
        Sessions::new(SECRET),
        Sessions::with_digest(Digest::Sha256, SECRET),
        Sessions::stored(MemoryStore::new()),
        #[cfg(feature = "encrypted-cookies")]
        Sessions::encrypted(SECRET),
    ]
}

/// A clock that the test moves.
fn clock() -> (Arc<AtomicU64>, impl Fn() -> SystemTime + Send + Sync + Clone + 'static) {
    let seconds = Arc::new(AtomicU64::new(1_700_000_000));
    let read = seconds.clone();
    (seconds, move || UNIX_EPOCH + Duration::from_secs(read.load(Ordering::Relaxed)))
}

#[test]
fn a_session_lives_from_its_first_value_until_it_is_cleared() {
    for sessions in places() {
        let browser = Browser::new(sessions);
        assert_eq!(browser.view(), json!({}));
        assert_eq!(browser.cookie(), None, "an empty session needs no cookie");
        let response = browser.update(json!({"some": "data"}));
        assert_eq!(response.json::<Value>().unwrap(), json!({"some": "data"}));
        let field = response.header("set-cookie").unwrap();
        assert!(field.ends_with("; path=/; Max-Age=1209600; httponly; samesite=lax"), "{field}");
        assert_eq!(browser.view(), json!({"some": "data"}));
        let response = browser.change("clear");
        let gone = "session=null; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT; httponly; samesite=lax";
        assert_eq!(response.header("set-cookie"), Some(gone));
        assert_eq!(browser.view(), json!({}));
        assert_eq!(browser.change("clear").header("set-cookie"), None, "there is nothing to clear");
    }
}

#[test]
fn the_cookie_is_the_one_of_starlette() {
    let (_, clock) = clock();
    let browser = Browser::new(Sessions::new("secret").clock(clock.clone()));
    browser.update(json!({"user": "tom"}));
    let response = browser.update(json!({"n": 1}));
    let value = "eyJ1c2VyIjogInRvbSIsICJuIjogMX0=.ZVPxAA.Ns6dGg60UoBTYqzalVts5s92vEU";
    let field = format!("session={value}; path=/; Max-Age=1209600; httponly; samesite=lax");
    assert_eq!(response.header("set-cookie"), Some(&*field));
}

#[test]
fn every_attribute_of_the_cookie_can_be_set() {
    let sessions = Sessions::new(SECRET)
        .session_cookie("sid")
        .max_age(None)
        .path("/second_app")
        .same_site(SameSite::Strict)
        .https_only(true)
        .domain(".example.com")
        .partitioned(true);
    let app = App::new().mount("/second_app", Router::new().middleware(sessions).include("", routes()));
    let response = TestClient::new(app).post("/second_app/").json(&json!({"some": "data"})).send();
    let field = response.header("set-cookie").unwrap();
    assert!(field.starts_with("sid="), "{field}");
    let attributes =
        "; path=/second_app; httponly; samesite=strict; secure; domain=.example.com; partitioned";
    assert!(field.ends_with(attributes), "{field}");
}

#[test]
fn a_cookie_of_the_host_has_the_prefix_by_default_on_https() {
    let browser = Browser::new(Sessions::stored(MemoryStore::new()).https_only(true));
    browser.update(json!({"some": "data"}));
    assert!(browser.cookie().unwrap().starts_with("__Host-session="));
    let browser = Browser::new(Sessions::new(SECRET).https_only(true));
    browser.update(json!({"some": "data"}));
    assert!(browser.cookie().unwrap().starts_with("session="), "as Starlette names it");
}

#[test]
fn an_expired_cookie_is_an_empty_session() {
    for sessions in places() {
        let (seconds, clock) = clock();
        let browser = Browser::new(sessions.max_age(Duration::from_secs(60)).clock(clock));
        browser.update(json!({"some": "data"}));
        let cookie = browser.cookie().unwrap();
        seconds.fetch_add(59, Ordering::Relaxed);
        assert_eq!(browser.view(), json!({"some": "data"}));
        seconds.fetch_add(2, Ordering::Relaxed);
        let response = browser.with_cookie(&cookie).send("GET", "/", None);
        assert_eq!(response.text(), "{}");
        assert!(response.header("set-cookie").unwrap().starts_with("session=null;"), "it is deleted");
    }
}

#[test]
fn a_forged_cookie_is_an_empty_session_and_is_deleted() {
    for cookie in ["invalid", "a.b.c", "", "e30=.ZVPxAA.AAAA", "\u{e9}", &"x".repeat(5000)] {
        for sessions in places() {
            let browser = Browser::new(sessions).with_cookie(&format!("session={cookie}"));
            let response = browser.send("GET", "/other", None);
            assert_eq!(response.header("set-cookie"), None, "the session is not looked at");
            assert_eq!(browser.view(), json!({}));
            assert_eq!(browser.cookie(), None, "{cookie}");
        }
    }
}

#[test]
fn signed_text_that_is_no_session_is_an_empty_session() {
    let signer = stelo_toolkit::sessions::Signer::new(SECRET);
    for text in ["", "!", "bnVsbA==", "WzFd", "eyJhIjogTmFOfQ=="] {
        let cookie = format!("session={}", signer.sign(text, SystemTime::now()));
        assert_eq!(Browser::new(Sessions::new(SECRET)).with_cookie(&cookie).view(), json!({}), "{text}");
    }
}

#[test]
fn only_a_change_sets_the_cookie() {
    for sessions in places() {
        let browser = Browser::new(sessions);
        browser.update(json!({"some": "data"}));
        assert_eq!(browser.send("GET", "/", None).header("set-cookie"), None);
    }
}

#[test]
fn the_response_varies_by_cookie_if_the_session_is_used() {
    for sessions in places() {
        let browser = Browser::new(sessions);
        assert_eq!(browser.update(json!({"some": "data"})).header("vary"), Some("Cookie"));
        assert_eq!(browser.send("GET", "/", None).header("vary"), Some("Cookie"));
        assert_eq!(browser.send("GET", "/other", None).header("vary"), None);
    }
}

#[test]
fn changes_are_noticed_also_inside_values() {
    async fn observe(Path(what): Path<String>, session: Session) -> stelo_toolkit::Result<String> {
        match &*what {
            "insert" => session.insert("c", "3")?,
            "same" => session.insert("a", json!([1]))?,
            "remove" => assert_eq!(session.remove("a"), Some(vec![1])),
            "remove-missing" => assert_eq!(session.remove::<u32>("missing"), None),
            "clear" => session.clear(),
            "default-missing" => assert_eq!(session.get_or_insert("b", 2)?, 2),
            "default-present" => assert_eq!(session.get_or_insert("a", vec![9])?, [1]),
            "inside" => session.update(|values| values["a"][0] = 2.into())?,
            "update-nothing" => session.update(|values| assert_eq!(values.len(), 1))?,
            "drop" => session.update(Map::clear)?,
            "read" => {
                assert_eq!((session.len(), session.is_empty(), session.contains("a")), (1, false, true));
                assert_eq!(session.get::<String>("a"), None, "it has another type");
            }
            _ => return Err("no such change".into()),
        }
        Ok(format!("{}", session.is_modified()))
    }
    for (what, changed) in [
        ("insert", true),
        ("same", true),
        ("remove", true),
        ("remove-missing", false),
        ("clear", true),
        ("default-missing", true),
        ("default-present", false),
        ("inside", true),
        ("update-nothing", false),
        ("drop", true),
        ("read", false),
    ] {
        let app = App::new()
            .middleware(Sessions::new(SECRET))
            .include("", routes())
            .route("/x/{what}", get(observe));
        let client = TestClient::new(app);
        let first = client.post("/").json(&json!({"a": [1]})).send();
        let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap();
        let response = client.get(&format!("/x/{what}")).header("cookie", cookie).send();
        assert_eq!(response.text(), changed.to_string(), "{what}");
        assert_eq!(response.header("set-cookie").is_some(), changed, "{what}");
    }
}

#[test]
fn a_session_beyond_the_limit_of_its_store_is_an_error() {
    let browser = Browser::new(Sessions::stored(MemoryStore::new()).max_stored_bytes(20));
    assert_eq!(browser.update(json!({"a": "short"})).status(), Status::OK);
    assert_eq!(browser.update(json!({"b": "too long"})).status(), Status::INTERNAL_SERVER_ERROR);
    assert_eq!(browser.view(), json!({"a": "short"}));
}

#[test]
fn two_extractors_have_the_same_session() {
    async fn both(first: Session, second: Session) -> stelo_toolkit::Result<String> {
        first.insert("a", 1)?;
        Ok(format!("{second:?}"))
    }
    let app = App::new().middleware(Sessions::new(SECRET)).route("/", get(both));
    assert_eq!(TestClient::new(app).get("/").send().text(), "Session(1 values)");
}

#[test]
fn an_id_in_the_store_is_a_hash_in_hexadecimal_digits() {
    let store = Arc::new(Counting::default());
    let browser = Browser::new(Sessions::stored(store.clone()));
    browser.update(json!({"some": "data"}));
    let id = store.created.lock().expect("no test panics with it").expect("the session was created");
    let text = id.to_string();
    let bytes = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((text.len(), &text), (64, &bytes));
    assert_eq!(format!("{id:?}"), format!("SessionId({text})"));
    assert!(!browser.cookie().expect("a cookie").contains(&text), "the client has another token");
}

#[test]
fn a_cookie_beyond_the_limit_of_browsers_is_an_error() {
    for sessions in places() {
        let browser = Browser::new(sessions);
        let response = browser.change("big");
        assert_eq!(response.status(), Status::INTERNAL_SERVER_ERROR);
        assert_eq!(response.header("set-cookie"), None);
    }
    let browser = Browser::new(Sessions::new(SECRET));
    let fits = |bytes: usize| browser.update(json!({"a": "x".repeat(bytes)})).status() == Status::OK;
    assert!(fits(3030) && !fits(3031));
}

#[test]
fn a_new_secret_signs_and_the_old_one_verifies() {
    let rotated = |sessions: fn(&str) -> Sessions| {
        let old = Browser::new(sessions("the old long secret"));
        old.update(json!({"some": "data"}));
        let cookie = old.cookie().unwrap();
        let forgotten = Browser::new(sessions("a new long secret")).with_cookie(&cookie);
        assert_eq!(forgotten.view(), json!({}));
        let new = sessions("a new long secret").previous_secret("the old long secret");
        let new = Browser::new(new).with_cookie(&cookie);
        assert_eq!(new.view(), json!({"some": "data"}));
        new.update(json!({"n": 1}));
        let cookie = new.cookie().unwrap();
        let newest = Browser::new(sessions("a new long secret")).with_cookie(&cookie);
        assert_eq!(newest.view(), json!({"some": "data", "n": 1}));
    };
    rotated(|secret| Sessions::new(secret));
    #[cfg(feature = "encrypted-cookies")]
    rotated(|secret| Sessions::encrypted(secret));
}

#[cfg(feature = "encrypted-cookies")]
#[test]
fn an_encrypted_cookie_shows_nothing_and_belongs_to_its_name() {
    use base64::Engine as _;
    let browser = Browser::new(Sessions::encrypted(SECRET));
    browser.update(json!({"some": "data"}));
    let cookie = browser.cookie().unwrap();
    let value = cookie.strip_prefix("session=").unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(value).unwrap();
    assert!(!bytes.windows(4).any(|window| window == b"data" || window == b"some"));
    let other = Browser::new(Sessions::encrypted(SECRET).session_cookie("other"));
    assert_eq!(other.with_cookie(&format!("other={value}")).view(), json!({}));
}

#[test]
fn a_login_gets_a_new_id_and_a_logout_ends_the_session_on_the_server() {
    let store = Arc::new(MemoryStore::new());
    let browser = Browser::new(Sessions::stored(store.clone()));
    browser.update(json!({"some": "data"}));
    let planted = browser.cookie().unwrap();
    browser.change("cycle");
    let cookie = browser.cookie().unwrap();
    assert_ne!(cookie, planted);
    assert_eq!((browser.view(), store.len()), (json!({"some": "data"}), 1));
    let thief = Browser::new(Sessions::stored(store.clone())).with_cookie(&planted);
    assert_eq!(thief.view(), json!({}));
    assert!(browser.change("flush").header("set-cookie").unwrap().starts_with("session=null"));
    let thief = Browser::new(Sessions::stored(store.clone())).with_cookie(&cookie);
    assert_eq!((thief.view(), store.len()), (json!({}), 0));
}

#[test]
fn an_id_of_the_client_is_not_taken_over() {
    let browser = Browser::new(Sessions::stored(MemoryStore::new())).with_cookie("session=chosen");
    browser.update(json!({"some": "data"}));
    let cookie = browser.cookie().unwrap();
    // 43 characters of Base64: 256 bits.
    assert_eq!((cookie.len(), cookie.contains("chosen")), ("session=".len() + 43, false));
}

#[test]
fn a_session_in_a_store_ends_when_it_is_idle_or_old() {
    let day = 24 * 3600;
    let (seconds, clock) = clock();
    let sessions = Sessions::stored(MemoryStore::new())
        .idle_timeout(Duration::from_secs(3600))
        .max_age(Duration::from_secs(day))
        .clock(clock);
    let browser = Browser::new(sessions);
    browser.update(json!({"some": "data"}));
    for _ in 0..24 {
        assert_eq!(browser.view(), json!({"some": "data"}));
        seconds.fetch_add(3599, Ordering::Relaxed);
    }
    assert_eq!(browser.view(), json!({"some": "data"}), "uses without a change keep it");
    seconds.fetch_add(3599, Ordering::Relaxed);
    assert_eq!(browser.view(), json!({}), "it is a day old");
    browser.update(json!({"some": "data"}));
    seconds.fetch_add(3601, Ordering::Relaxed);
    assert_eq!(browser.view(), json!({}), "it was idle for an hour");
}

/// A store that counts its calls, and fails on request.
#[derive(Default)]
struct Counting {
    inner: MemoryStore,
    calls: Mutex<Vec<&'static str>>,
    is_broken: std::sync::atomic::AtomicBool,
    /// The id of the last session that was created.
    created: Mutex<Option<SessionId>>,
}

impl Counting {
    fn call<'a, T>(&self, name: &'static str, call: StoreFuture<'a, T>) -> StoreFuture<'a, T>
    where
        T: Send + 'a,
    {
        self.calls.lock().expect("no test panics with it").push(name);
        match self.is_broken.load(Ordering::Relaxed) {
            true => Box::pin(std::future::ready(Err("no connection".into()))),
            false => call,
        }
    }

    fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().expect("no test panics with it"))
    }
}

impl SessionStore for Counting {
    fn load<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, Option<SessionRecord>> {
        self.call("load", self.inner.load(id))
    }
    fn create<'a>(&'a self, id: &'a SessionId, record: SessionRecord) -> StoreFuture<'a, ()> {
        *self.created.lock().expect("no test panics with it") = Some(*id);
        self.call("create", self.inner.create(id, record))
    }
    fn update<'a>(&'a self, id: &'a SessionId, record: SessionRecord) -> StoreFuture<'a, bool> {
        self.call("update", self.inner.update(id, record))
    }
    fn remove<'a>(&'a self, id: &'a SessionId) -> StoreFuture<'a, ()> {
        self.call("remove", self.inner.remove(id))
    }
}

#[test]
fn the_store_is_asked_only_for_what_a_handler_needs() {
    let store = Arc::new(Counting::default());
    let browser = Browser::new(Sessions::stored(store.clone()));
    browser.send("GET", "/other", None);
    browser.view();
    assert_eq!(store.calls(), [""; 0], "there is no cookie");
    browser.update(json!({"some": "data"}));
    assert_eq!(store.calls(), ["create"]);
    browser.send("GET", "/other", None);
    assert_eq!(store.calls(), [""; 0], "the handler does not take the session");
    browser.view();
    assert_eq!(store.calls(), ["load"]);
    browser.update(json!({"n": 1}));
    assert_eq!(store.calls(), ["load", "update"]);
    browser.change("cycle");
    assert_eq!(store.calls(), ["load", "remove", "create"]);
    browser.change("clear");
    assert_eq!(store.calls(), ["load", "remove"]);
}

#[test]
fn a_store_that_fails_is_answered_with_503() {
    let store = Arc::new(Counting::default());
    let browser = Browser::new(Sessions::stored(store.clone()));
    browser.update(json!({"some": "data"}));
    store.is_broken.store(true, Ordering::Relaxed);
    assert_eq!(browser.send("GET", "/", None).status(), Status::SERVICE_UNAVAILABLE);
    let new = Browser::new(Sessions::stored(store));
    assert_eq!(new.update(json!({"some": "data"})).status(), Status::SERVICE_UNAVAILABLE);
}

#[test]
fn messages_are_shown_once() {
    async fn save(session: Session) -> stelo_toolkit::Result<()> {
        session.flash("success", "saved")?;
        Ok(session.flash("error", "but not sent")?)
    }
    async fn show(session: Session) -> String {
        session
            .take_flashes()
            .iter()
            .map(|flash| format!("{}: {}\n", flash.category, flash.message))
            .collect()
    }
    let app = App::new().middleware(Sessions::new(SECRET)).route("/", get(show).post(save));
    let client = TestClient::new(app);
    let first = client.post("/").send();
    let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap();
    let second = client.get("/").header("cookie", cookie).send();
    assert_eq!(second.text(), "success: saved\nerror: but not sent\n");
    assert!(second.header("set-cookie").unwrap().starts_with("session=null"));
    assert_eq!(client.get("/").send().text(), "");
}

#[test]
fn a_websocket_reads_its_session_and_saves_what_it_changes_before_it_accepts() {
    async fn socket(session: Session, websocket: WebSocket) -> stelo_toolkit::Result<()> {
        session.insert("seen", true)?;
        websocket.accept().await?;
        assert!(matches!(session.insert("late", 1), Err(SessionError::TooLate)));
        websocket.send_text(session.get::<String>("user").unwrap_or_default()).await?;
        Ok(())
    }
    let app = App::new().middleware(Sessions::new(SECRET)).include("", routes()).websocket("/ws", socket);
    let client = TestClient::new(app);
    let first = client.post("/").json(&json!({"user": "ada"})).send();
    let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap();
    let mut socket = client.websocket_connect("/ws").header("cookie", cookie).connect().unwrap();
    assert_eq!(socket.receive_text().unwrap(), "ada");
    let field = String::from_utf8_lossy(socket.headers().get("set-cookie").unwrap()).into_owned();
    let cookie = field.split(';').next().unwrap();
    let values: Value = client.get("/").header("cookie", cookie).send().json().unwrap();
    assert_eq!(values, json!({"user": "ada", "seen": true}));
}

#[test]
fn requests_of_other_sites_are_rejected_unless_the_application_says_otherwise() {
    let status = |sessions: Sessions, origin: &str| {
        let client = TestClient::new(App::new().middleware(sessions).include("", routes()));
        client.post("/").header("origin", origin).json(&json!({})).send().status()
    };
    let evil = "https://evil.example";
    assert_eq!(status(Sessions::new(SECRET), evil), Status::FORBIDDEN);
    assert_eq!(status(Sessions::new(SECRET), "http://testserver"), Status::OK);
    assert_eq!(status(Sessions::new(SECRET).csrf(Csrf::new().trust_origins([evil])), evil), Status::OK);
    assert_eq!(status(Sessions::new(SECRET).without_csrf(), evil), Status::OK);
    async fn socket(websocket: WebSocket) -> stelo_toolkit::Result<()> {
        Ok(websocket.accept().await?)
    }
    let client = TestClient::new(App::new().middleware(Sessions::new(SECRET)).websocket("/", socket));
    let denied = client.websocket_connect("/").header("origin", evil).connect().unwrap_err();
    assert_eq!(denied.status(), Status::FORBIDDEN);
}

#[test]
fn a_session_without_the_middleware_is_an_error_that_names_it() {
    let client = TestClient::new(App::new().include("", routes())).raise_server_errors(false);
    assert_eq!(client.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_mistake_in_the_settings_stops_the_start() {
    let error =
        |sessions| App::new().middleware(sessions).route("/", get("")).build().unwrap_err().to_string();
    let text = error(Sessions::new(""));
    assert!(
        text.contains("Sessions`: the session secret has 0 bytes: use at least 16 random bytes"),
        "{text}"
    );
    let text = error(Sessions::new(SECRET).session_cookie("__Host-a"));
    assert!(text.contains("session cookie `__Host-a`: a cookie named `__Host-` must be secure"), "{text}");
    let stored = Sessions::stored(MemoryStore::new()).previous_secret("short");
    assert!(App::new().middleware(stored).build().is_ok(), "a store needs no secret");
    let text = error(Sessions::new(SECRET).idle_timeout(Duration::ZERO));
    assert!(text.contains("`idle_timeout` needs a store"), "{text}");
}

#[test]
fn two_middleware_keep_two_sessions() {
    let outer = Sessions::new(SECRET).session_cookie("outer");
    let inner = Router::new().middleware(Sessions::new(SECRET).session_cookie("inner")).include("", routes());
    let client =
        TestClient::new(App::new().middleware(outer).include("/outer", routes()).mount("/inner", inner));
    for name in ["outer", "inner"] {
        let target = format!("/{name}/");
        let response = client.post(&target).json(&json!({"a": 1})).send();
        let fields: Vec<_> = response.headers().get_all("set-cookie").collect();
        assert_eq!(fields.len(), 1);
        assert!(fields[0].starts_with(name.as_bytes()));
    }
}
