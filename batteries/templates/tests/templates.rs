//! Templates in an application: pages, blocks, links, errors.

use std::fs;
use std::path::{Path, PathBuf};

use stelo_templates::{Serde, TemplateError, Templates, Value, context};
use stelo_toolkit::dependencies::{Dependency, Depends, provide};
use stelo_toolkit::middleware::{ContentSecurityPolicy, SecurityHeaders, Sessions};
use stelo_toolkit::request::Parts;
use stelo_toolkit::response::Redirect;
use stelo_toolkit::sessions::Session;
use stelo_toolkit::{App, HttpError, Next, Request, Response, State, StaticFiles, Status, TestClient, get};

/// A directory that is removed at the end of its test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("stelo-templates-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory for the test");
        files.iter().for_each(|(file, text)| fs::write(path.join(file), text).expect("a file for the test"));
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn page(State(templates): State<Templates>, request: Request) -> Result<Response, HttpError> {
    let name: String = request.path_param("name")?;
    templates.response(&request, &name, context! { who => "<ada>", list => [1, 2] })
}

fn app(templates: &Templates) -> App {
    App::new().state(templates.clone()).route("/pages/{name}", get(page)).name("page")
}

fn text(templates: &Templates, target: &str) -> String {
    TestClient::new(app(templates)).get(target).send().text()
}

#[test]
fn a_template_becomes_a_page_with_links() {
    let directory = Directory::new(
        "page",
        &[("a.html", "<a href='{{ url_for('page', name='b c.html') }}'>Hello, {{ who }}</a>")],
    );
    let templates = Templates::new(&directory.0).unwrap().record();
    let response = TestClient::new(app(&templates)).get("/pages/a.html").send();
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(
        response.text().replace("&#x2f;", "/"),
        "<a href='http://testserver/pages/b%20c.html'>Hello, &lt;ada&gt;</a>"
    );
    let recorded = templates.recorded();
    assert_eq!((recorded.len(), &*recorded[0].template), (1, "a.html"));
    assert_eq!(recorded[0].context.get_attr("who").unwrap(), Value::from("<ada>"));
    assert!(templates.recorded().is_empty());
}

#[test]
fn the_name_of_a_template_decides_about_escaping() {
    let templates =
        Templates::from_sources([("a.html", "{{ who }}"), ("a.xml", "{{ who }}"), ("a.txt", "{{ who }}")])
            .unwrap();
    assert_eq!(text(&templates, "/pages/a.html"), "&lt;ada&gt;");
    assert_eq!(text(&templates, "/pages/a.xml"), "&lt;ada&gt;");
    assert_eq!(text(&templates, "/pages/a.txt"), "<ada>");
}

#[test]
fn context_processors_come_before_the_handler() {
    let templates = Templates::from_sources([(
        "a.html",
        "{{ who }} {{ site }} {{ request.query.q }} {{ request.path }}",
    )]);
    let templates = templates.unwrap().context_processor(|request| {
        context! { who => "bob", site => request.headers().get_str("host").unwrap_or_default() }
    });
    let text = text(&templates, "/pages/a.html?q=tea");
    assert_eq!(text.replace("&#x2f;", "/"), "bob testserver tea /pages/a.html");
}

#[test]
fn a_middleware_leaves_the_page_as_it_is() {
    async fn passing(request: Request, next: Next) -> Response {
        next.run(request).await
    }
    let templates = Templates::from_sources([("a.html", "{{ list | length }}")]).unwrap().record();
    let client = TestClient::new(app(&templates).middleware(passing));
    assert_eq!(client.get("/pages/a.html").send().text(), "2");
    assert_eq!(templates.recorded()[0].template, "a.html");
}

#[test]
fn the_first_directory_that_has_a_template_counts() {
    let first = Directory::new("first", &[("a.html", "first")]);
    let second =
        Directory::new("second", &[("a.html", "second"), ("b.html", "{% include 'a.html' %}, second")]);
    let templates = Templates::from_directories([&first.0, &second.0]).unwrap();
    assert_eq!(text(&templates, "/pages/a.html"), "first");
    assert_eq!(text(&templates, "/pages/b.html"), "first, second");
}

#[test]
fn an_environment_of_the_program_is_taken_as_it_is() {
    let mut environment = minijinja::Environment::new();
    environment.add_template("a.html", "{{ who | shout }}").unwrap();
    let templates = Templates::from_environment(environment);
    let templates =
        templates.configure(|environment| environment.add_filter("shout", |text: String| format!("{text}!")));
    assert_eq!(text(&templates, "/pages/a.html"), "&lt;ada&gt;!");
}

#[test]
fn a_block_is_rendered_alone() {
    let templates = Templates::from_sources([
        ("base.html", "<html>{% block list %}{% endblock %}</html>"),
        ("a.html", "{% extends 'base.html' %}{% block list %}<li>{{ n }}</li>{% endblock %}"),
    ]);
    async fn block(State(templates): State<Templates>, request: Request) -> Result<Response, HttpError> {
        templates.block(&request, "a.html", "list", context! { n => 7 })
    }
    let app = App::new().state(templates.unwrap()).route("/", get(block));
    assert_eq!(TestClient::new(app).get("/").send().text(), "<li>7</li>");
}

#[test]
fn a_static_file_has_the_hash_of_its_content() {
    let files = Directory::new("static", &[("site.css", "foobar")]);
    let templates = Templates::from_sources([
        ("a.html", "{{ static_url('site.css')|safe }}"),
        ("b.html", "{{ static_url('../x') }}"),
    ]);
    let templates = templates.unwrap().static_files("static", &files.0);
    let app = app(&templates).mount("/static", StaticFiles::new(&files.0)).name("static");
    let client = TestClient::new(app).raise_server_errors(false);
    let url = client.get("/pages/a.html").send().text();
    assert_eq!(url, "/static/site.css?v=85944171f73967e8");
    assert_eq!(client.get(&url).send().text(), "foobar");
    assert_eq!(client.get("/pages/a.html").send().text(), url, "the hash is known by now");
    assert_eq!(client.get("/pages/b.html").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn static_url_without_a_directory_says_what_to_do() {
    let templates =
        Templates::from_sources([("a.html", "{{ static_url('a.css') }}")]).expect("a valid template");
    let templates = templates.record();
    assert_eq!(format!("{templates:?}"), "Templates");
    let fault = fault(&templates, "a.html");
    assert!(fault.ends_with("static_url needs a directory: call Templates::static_files"), "{fault}");
    let function = templates.recorded()[0].context.get_attr("static_url").expect("a value of each template");
    let shown = format!("{:?}", function.as_object().expect("an object"));
    assert!(shown.contains("StaticFiles { directory: None, .. }"), "{shown}");
}

#[test]
fn the_last_100_renderings_are_recorded() {
    let templates = Templates::from_sources([("a.html", "{{ request.query.q }}")]).expect("a valid template");
    let templates = templates.record();
    let client = TestClient::new(app(&templates));
    for number in 0..102 {
        client.get(&format!("/pages/a.html?q={number}")).send();
    }
    let recorded = templates.recorded();
    let query = recorded[0].context.get_attr("request").and_then(|request| request.get_attr("query"));
    let first = query.and_then(|query| query.get_attr("q")).expect("the values of the request");
    assert_eq!((recorded.len(), first.to_string()), (100, "2".to_owned()));
}

#[test]
fn a_template_has_the_nonce_of_the_policy() {
    let templates = Templates::from_sources([("a.html", "{{ csp_nonce }}")]).unwrap();
    assert_eq!(text(&templates, "/pages/a.html"), "");
    let headers = SecurityHeaders::new().content_security_policy(ContentSecurityPolicy::strict());
    let response = TestClient::new(app(&templates).middleware(headers)).get("/pages/a.html").send();
    let policy = response.header("content-security-policy").unwrap().to_owned();
    let nonce = response.text();
    assert!(!nonce.is_empty() && policy.contains(&format!("'nonce-{nonce}'")), "{policy} {nonce}");
}

/// The error of a page that fails.
fn fault(templates: &Templates, name: &str) -> String {
    async fn show(_: Request, error: HttpError) -> String {
        std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
    }
    let app = app(templates).error_handler(Status::INTERNAL_SERVER_ERROR, show);
    TestClient::new(app).raise_server_errors(false).get(&format!("/pages/{name}")).send().text()
}

#[test]
fn a_mistake_in_a_template_is_one_line_in_the_log() {
    let directory = Directory::new(
        "faults",
        &[("a.html", "fine\n{% if %}"), ("b.html", "\n{{ 1 / 0 }}"), ("c.html", "{{ url_for('nowhere') }}")],
    );
    let templates = Templates::new(&directory.0).unwrap();
    fs::create_dir(directory.0.join("d.html")).expect("a directory in the place of a template");
    let fault = |name: &str| fault(&templates, name);
    assert!(fault("a.html").starts_with("a.html:2: syntax error: "), "{}", fault("a.html"));
    assert!(fault("b.html").starts_with("b.html:2: "), "{}", fault("b.html"));
    assert!(fault("c.html").contains("no route has the name \"nowhere\""), "{}", fault("c.html"));
    assert!(fault("d.html").contains("cannot read "), "{}", fault("d.html"));
    for name in ["nowhere.html", ".hidden", "%2e%2e"] {
        assert!(fault(name).contains("does not exist"), "{}", fault(name));
    }
    assert!(!fault("a.html").contains('\n'));
    let error = Templates::new("/nowhere/templates").unwrap_err();
    assert!(matches!(&error, TemplateError::NoDirectory(path) if path == Path::new("/nowhere/templates")));
    assert_eq!(error.to_string(), "there is no directory /nowhere/templates with templates: create it");
    assert!(std::error::Error::source(&error).is_none());
    let nameless = minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, "why");
    assert_eq!(TemplateError::from(nameless).to_string(), "invalid operation: why");
    assert!(
        Templates::from_sources([("a.html", "{% if %}")])
            .unwrap_err()
            .to_string()
            .starts_with("a.html:1: syntax error")
    );
}

#[test]
#[cfg(debug_assertions)]
fn a_changed_template_is_read_again() {
    let directory = Directory::new("reload", &[("a.html", "old")]);
    let templates = Templates::new(&directory.0).unwrap();
    assert_eq!(text(&templates, "/pages/a.html"), "old");
    fs::write(directory.0.join("a.html"), "longer").unwrap();
    let start = std::time::Instant::now();
    while text(&templates, "/pages/a.html") == "old" {
        assert!(start.elapsed().as_secs() < 10, "the change was not noticed");
    }
    assert_eq!(text(&templates, "/pages/a.html"), "longer");
}

#[test]
fn a_page_shows_the_messages_of_the_session_once() {
    const PAGE: &str =
        "{% for message in messages %}[{{ message.category }}: {{ message.message }}]{% endfor %}";
    async fn save(session: Session) -> stelo_toolkit::Result<Redirect> {
        session.flash("info", "<saved>")?;
        session.flash("warning", "twice")?;
        Ok(Redirect::see_other("/"))
    }
    async fn show(
        session: Session,
        State(templates): State<Templates>,
        request: Request,
    ) -> Result<Response, HttpError> {
        templates.response(&request, "a.html", context! { messages => Serde(session.take_flashes()) })
    }
    let templates = Templates::from_sources([("a.html", PAGE)]).expect("a valid template").record();
    let app = App::new()
        .middleware(Sessions::new("a secret of the test"))
        .state(templates.clone())
        .route("/", get(show).post(save));
    let client = TestClient::new(app);
    assert_eq!(client.post("/").send().text(), "[info: &lt;saved&gt;][warning: twice]");
    assert_eq!(client.get("/").send().text(), "");
    let recorded = templates.recorded();
    let counts: Vec<_> =
        recorded.iter().map(|it| it.context.get_attr("messages").expect("a list").len()).collect();
    assert_eq!(counts, [Some(2), Some(0)]);
}

/// The user of a request, after a login.
#[derive(Clone)]
struct User(String);

impl Dependency for User {
    type Rejection = HttpError;

    async fn resolve(_: &mut Parts) -> Result<Self, HttpError> {
        Err(HttpError::new(Status::UNAUTHORIZED))
    }
}

#[test]
fn a_test_sees_the_page_of_a_user_that_it_provides() {
    async fn home(
        Depends(user): Depends<User>,
        State(templates): State<Templates>,
        request: Request,
    ) -> Result<Response, HttpError> {
        templates.response(&request, "home.html", context! { user => user.0 })
    }
    let templates =
        Templates::from_sources([("home.html", "Hello, {{ user }}")]).expect("a valid template").record();
    let app = || App::new().state(templates.clone()).route("/", get(home));
    assert_eq!(TestClient::new(app()).get("/").send().status(), Status::UNAUTHORIZED);
    assert!(templates.recorded().is_empty());
    let replaced = App::new().middleware(provide(User("ada".into()))).mount("", app());
    assert_eq!(TestClient::new(replaced).get("/").send().text(), "Hello, ada");
    let recorded = templates.recorded();
    assert_eq!((recorded.len(), &*recorded[0].template), (1, "home.html"));
    assert_eq!(recorded[0].context.get_attr("user").expect("a value"), Value::from("ada"));
}
