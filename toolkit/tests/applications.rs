//! Mounts, names and states of an application, as Starlette's tests have them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use stelo_core::app::{App as CoreApp, BoxFuture, Executor, Reply};
use stelo_toolkit::response::BoxError;
use stelo_toolkit::{
    App, HttpError, Next, Request, Response, Router, State, StaticFiles, Status, TestClient, get, post,
};

#[test]
fn a_router_at_the_root_answers_every_path() {
    let inner = Router::new().route("/", get("home")).route("/users", get("users"));
    let client = TestClient::new(App::new().mount("", inner));
    assert_eq!(client.get("/").send().text(), "home");
    assert_eq!(client.get("/users").send().text(), "users");
    assert_eq!(client.get("/none").send().status(), Status::NOT_FOUND);
}

async fn link(request: Request) -> Result<String, HttpError> {
    let url =
        request.url_for("outer:inner:item", &[("id", &7)]).map_err(|_| Status::INTERNAL_SERVER_ERROR)?;
    Ok(url.to_string())
}

async fn mark(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers.set("x-mark", "yes");
    response
}

fn nested() -> App {
    let inner = Router::new().route("/items/{id:int}", get("an item")).name("item");
    let outer = Router::new().middleware(mark).mount("/inner", inner).name("inner");
    App::new().mount("/outer", outer).name("outer").route("/", get(link))
}

#[test]
fn urls_lead_through_mounts_with_middleware() {
    let client = TestClient::new(nested());
    assert_eq!(client.get("/").send().text(), "http://testserver/outer/inner/items/7");
    let response = client.get("/outer/inner/items/7").send();
    assert_eq!((response.text().as_str(), response.header("x-mark")), ("an item", Some("yes")));
    assert_eq!(client.get("/").send().header("x-mark"), None);
}

#[test]
fn urls_begin_with_the_root_path() {
    let client = TestClient::new(nested()).with_root_path("/proxy");
    for target in ["/", "/proxy/"] {
        assert_eq!(
            client.get(target).send().text(),
            "http://testserver/proxy/outer/inner/items/7",
            "{target}"
        );
    }
}

#[test]
fn static_files_can_be_mounted() {
    let directory = std::env::temp_dir().join(format!("stelo-applications-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::write(directory.join("example.txt"), "<file content>").expect("a file");
    let client = TestClient::new(App::new().mount("/static", StaticFiles::new(&directory)));
    assert_eq!(client.get("/static/example.txt").send().text(), "<file content>");
    assert_eq!(client.post("/static/example.txt").send().status(), Status::METHOD_NOT_ALLOWED);
    std::fs::remove_dir_all(&directory).expect("it is there");
}

#[test]
fn the_state_of_a_lifespan_is_cloned_for_each_request_and_shares_what_is_in_an_arc() {
    #[derive(Clone)]
    struct Counter {
        own: u32,
        shared: Arc<AtomicU32>,
    }
    async fn count(State(mut counter): State<Counter>) -> String {
        counter.own += 1;
        let shared = counter.shared.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{} {shared}", counter.own)
    }
    let open = || async { Ok::<_, BoxError>(Counter { own: 0, shared: Arc::default() }) };
    let app = App::new().lifespan(open, async |_| ()).route("/", get(count));
    let outer = App::new().mount("/in", app);
    let client = TestClient::new(outer);
    assert_eq!(client.get("/in/").send().text(), "1 1");
    assert_eq!(client.get("/in/").send().text(), "1 2");
}

#[test]
fn an_encoded_slash_separates_no_segments() {
    async fn name(request: Request) -> Result<String, HttpError> {
        Ok(format!("{} of {}", request.path_param::<String>("name")?, request.head().path()))
    }
    let client = TestClient::new(App::new().route("/he/{name}", get(name)).route("/{name}", get(name)));
    assert_eq!(client.get("/he%2Fllo").send().text(), "he/llo of /he%2Fllo");
    assert_eq!(client.get("/he/llo").send().text(), "llo of /he/llo");
}

#[test]
fn a_path_with_another_slash_is_404_without_redirects() {
    let app = App::new().redirect_slashes(false).route("/a/", post("a"));
    let client = TestClient::new(app);
    assert_eq!(client.post("/a").send().status(), Status::NOT_FOUND);
    assert_eq!(client.post("/a/").send().text(), "a");
}

#[test]
fn routes_can_be_added_after_a_mount() {
    let inner = Router::new().route("/", get(async || "mounted"));
    let app = App::new().mount("/app", inner.route("/late", get(async || "late inside")));
    let app = app.route("/app/hidden", get(async || "hidden")).route("/after", get(async || "after"));
    let client = TestClient::new(app);
    for (target, text) in [
        ("/app/", "mounted"),
        ("/app/late", "late inside"),
        ("/after", "after"),
        // The mount answers everything below its prefix.
        ("/app/hidden", "Not Found"),
    ] {
        assert_eq!(client.get(target).send().text(), text, "{target}");
    }
}

/// An application of its own type, which counts the requests to the one inside.
struct Counted {
    inner: App,
    count: Arc<AtomicU32>,
}

impl CoreApp for Counted {
    fn call(&self, request: stelo_core::app::Request) -> Reply {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.inner.call(request)
    }

    fn startup(&self, executor: Arc<dyn Executor>) -> BoxFuture<Result<(), BoxError>> {
        self.inner.startup(executor)
    }

    fn shutdown(&self) -> BoxFuture<Result<(), BoxError>> {
        self.inner.shutdown()
    }
}

#[test]
fn a_type_around_an_application_runs_its_hooks_and_its_routes() {
    let (count, stopped) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let at_the_end = stopped.clone();
    let close = move |_: Greeting| async move {
        at_the_end.fetch_add(1, Ordering::Relaxed);
    };
    #[derive(Clone)]
    struct Greeting(&'static str);
    async fn greet(State(greeting): State<Greeting>) -> &'static str {
        greeting.0
    }
    let open = async || Ok::<_, BoxError>(Greeting("hello"));
    let inner = App::new().lifespan(open, close).route("/", get(greet));
    let client = TestClient::new(Counted { inner, count: count.clone() });
    assert_eq!(client.get("/").send().text(), "hello");
    assert_eq!((count.load(Ordering::Relaxed), stopped.load(Ordering::Relaxed)), (1, 0));
    client.close().expect("the hook does not fail");
    assert_eq!(stopped.load(Ordering::Relaxed), 1);
}
