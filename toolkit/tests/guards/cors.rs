//! Cross-origin requests: preflights, the fields of other responses, and `vary`.

use std::time::Duration;

use stelo_toolkit::middleware::Cors;
use stelo_toolkit::testing::{TestRequest, TestResponse};
use stelo_toolkit::{App, HttpError, Method, Status, TestClient, any, get};

const ORIGIN: &str = "https://example.org";

fn client(cors: Cors) -> TestClient {
    let varied = get(async || ([("vary", "Accept-Encoding")], "varied"));
    let app = App::new().middleware(cors).route("/", any("home")).route("/varied", varied);
    TestClient::new(app)
}

fn preflight<'a>(client: &'a TestClient, origin: &str, method: &str, headers: &str) -> TestRequest<'a> {
    let request =
        client.options("/").header("origin", origin).header("access-control-request-method", method);
    if headers.is_empty() { request } else { request.header("access-control-request-headers", headers) }
}

/// The status and the text of a response, and its fields about origins.
fn outcome(response: &TestResponse) -> (u16, String, String) {
    let mut fields = String::new();
    for (name, value) in response.headers().iter() {
        if let Some(name) = name.strip_prefix("access-control-").or(Some(name).filter(|name| *name == "vary"))
        {
            fields.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value)));
        }
    }
    (response.status().code(), response.text(), fields)
}

fn all() -> Cors {
    Cors::new().allow_origins(["*"]).allow_methods(["*"]).allow_headers(["*"])
}

#[test]
fn everything_with_credentials_names_the_origin() {
    let client = client(all().allow_credentials(true).expose_headers(["X-Status"]));
    let (status, text, fields) = outcome(&preflight(&client, ORIGIN, "GET", "X-Example").send());
    assert_eq!((status, &*text), (200, "OK"));
    assert_eq!(
        fields,
        "vary: Origin\nallow-methods: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY\nmax-age: 600\n\
         allow-credentials: true\nallow-origin: https://example.org\nallow-headers: X-Example\n"
    );
    let simple = "allow-origin: https://example.org\nallow-credentials: true\nexpose-headers: X-Status\nvary: Origin\n";
    let request = || client.get("/").header("origin", ORIGIN);
    assert_eq!(outcome(&request().send()), (200, "home".into(), simple.into()));
    assert_eq!(outcome(&request().header("cookie", "a=b").send()), (200, "home".into(), simple.into()));
    assert_eq!(outcome(&client.get("/").send()), (200, "home".into(), String::new()), "the same origin");
}

#[test]
fn everything_without_credentials_is_a_star() {
    let client = client(all().expose_headers(["X-Status"]));
    let (status, text, fields) = outcome(&preflight(&client, ORIGIN, "POST", "X-Example").send());
    assert_eq!((status, &*text), (200, "OK"));
    assert!(fields.starts_with("allow-origin: *\n") && fields.ends_with("allow-headers: X-Example\n"));
    let simple = "allow-origin: *\nexpose-headers: X-Status\n";
    assert_eq!(
        outcome(&client.get("/").header("origin", ORIGIN).send()),
        (200, "home".into(), simple.into())
    );
    assert_eq!(outcome(&client.get("/").send()).2, "");
}

#[test]
fn a_listed_origin_may_send_listed_fields() {
    let client = client(Cors::new().allow_origins([ORIGIN]).allow_headers(["X-Example", "Content-Type"]));
    let (status, text, fields) =
        outcome(&preflight(&client, ORIGIN, "GET", "x-example, Content-Type").send());
    assert_eq!((status, &*text), (200, "OK"));
    assert_eq!(
        fields,
        "vary: Origin\nallow-methods: GET\nmax-age: 600\n\
         allow-headers: Accept, Accept-Language, Content-Language, Content-Type, X-Example\n\
         allow-origin: https://example.org\n"
    );
    let simple = "allow-origin: https://example.org\nvary: Origin\n";
    assert_eq!(
        outcome(&client.get("/").header("origin", ORIGIN).send()),
        (200, "home".into(), simple.into())
    );
}

#[test]
fn a_rejected_preflight_names_every_reason_once() {
    let client = client(Cors::new().allow_origins([ORIGIN]).allow_headers(["X-Example"]));
    let (status, text, fields) =
        outcome(&preflight(&client, "https://other.org", "POST", "X-Nope, X-Example").send());
    assert_eq!((status, &*text), (400, "Disallowed CORS origin, method, headers"));
    assert!(!fields.contains("allow-origin"), "{fields}");
    let (status, text, fields) = outcome(&preflight(&client, ORIGIN, "GET", "X-Nope-1, X-Nope-2").send());
    assert_eq!((status, &*text), (400, "Disallowed CORS headers"));
    assert!(fields.contains("allow-origin: https://example.org\n"), "{fields}");
    for (method, headers, text) in [
        ("get", "", "Disallowed CORS method"),
        ("GET", ",", "Disallowed CORS headers"),
        ("GET", "ACCEPT", "OK"),
    ] {
        assert_eq!(preflight(&client, ORIGIN, method, headers).send().text(), text, "{method} {headers}");
    }
    let defaults =
        outcome(&preflight(&self::client(Cors::new()), ORIGIN, "POST", "X-A, Content-Type").send());
    let fields = "vary: Origin\nallow-methods: GET\nmax-age: 600\n\
                  allow-headers: Accept, Accept-Language, Content-Language, Content-Type\n";
    assert_eq!(defaults, (400, "Disallowed CORS origin, method, headers".into(), fields.into()));
}

#[test]
fn a_preflight_of_any_origin_with_credentials_names_the_origin() {
    let client = client(Cors::new().allow_origins(["*"]).allow_methods(["POST"]).allow_credentials(true));
    let response = preflight(&client, ORIGIN, "POST", "").send();
    assert_eq!((response.status(), response.header("vary")), (Status::OK, Some("Origin")));
    assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
}

#[test]
fn all_methods_are_allowed_by_a_star() {
    let client = client(Cors::new().allow_origins(["*"]).allow_methods(["*"]));
    for method in ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY"] {
        assert_eq!(preflight(&client, ORIGIN, method, "").send().status(), Status::OK, "{method}");
        let request = client.request(Method::from_bytes(method.as_bytes()).expect("a token"), "/");
        let response = request.header("origin", ORIGIN).send();
        assert_eq!(response.header("access-control-allow-origin"), Some("*"), "{method}");
    }
    assert_eq!(preflight(&client, ORIGIN, "PURGE", "").send().text(), "Disallowed CORS method");
}

#[test]
fn a_function_decides_about_the_whole_origin() {
    let cors = Cors::new().allow_headers(["X-Example"]).allow_credentials(true).allow_origin_if(|origin| {
        let host = origin.strip_prefix("https://").unwrap_or_default();
        host == "example.org" || host.ends_with(".example.org")
    });
    let client = client(cors);
    for origin in ["https://example.org", "https://sub.example.org"] {
        let response = preflight(&client, origin, "GET", "x-example").send();
        assert_eq!(response.text(), "OK");
        assert_eq!(response.header("access-control-allow-origin"), Some(origin));
        let response = client.get("/").header("origin", origin).send();
        assert_eq!(response.header("access-control-allow-origin"), Some(origin));
    }
    for origin in ["http://example.org", "https://sub.example.org.hacker.com", "null", ""] {
        let response = client.get("/").header("origin", origin).send();
        assert_eq!((response.text(), response.header("access-control-allow-origin")), ("home".into(), None));
        assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(preflight(&client, origin, "GET", "").send().text(), "Disallowed CORS origin");
    }
}

#[test]
fn vary_is_merged_if_the_response_names_the_origin() {
    let vary = |cors: Cors| {
        let client = client(cors);
        client.get("/varied").header("origin", ORIGIN).send().header("vary").map(str::to_owned)
    };
    let any = || Cors::new().allow_origins(["*"]);
    assert_eq!(vary(Cors::new().allow_origins([ORIGIN])).as_deref(), Some("Accept-Encoding, Origin"));
    assert_eq!(vary(any().allow_credentials(true)).as_deref(), Some("Accept-Encoding, Origin"));
    assert_eq!(vary(any()).as_deref(), Some("Accept-Encoding"));
    assert_eq!(vary(Cors::new()).as_deref(), Some("Accept-Encoding"), "an origin that is not allowed");
}

#[test]
fn the_origin_of_a_request_does_not_leak_into_the_next() {
    let client = client(Cors::new().allow_origins([ORIGIN, "https://another.org"]));
    for origin in [ORIGIN, "https://another.org", ORIGIN] {
        let response = preflight(&client, origin, "GET", "").send();
        assert_eq!(response.header("access-control-allow-origin"), Some(origin));
    }
    assert_eq!(
        preflight(&client, "https://evil.org", "GET", "").send().header("access-control-allow-origin"),
        None
    );
}

#[test]
fn a_private_network_must_be_allowed() {
    let ask = |cors: Cors| {
        let client = client(cors.allow_origins(["*"]));
        let request = preflight(&client, ORIGIN, "GET", "");
        let response = request.header("access-control-request-private-network", "true").send();
        let field = response.header("access-control-allow-private-network").map(str::to_owned);
        (response.text(), field)
    };
    assert_eq!(ask(Cors::new().allow_private_network(true)), ("OK".into(), Some("true".into())));
    assert_eq!(ask(Cors::new()), ("Disallowed CORS private-network".into(), None));
    let client = client(Cors::new().allow_origins(["*"]).allow_private_network(true));
    let response = preflight(&client, ORIGIN, "GET", "").send();
    assert_eq!(response.header("access-control-allow-private-network"), None, "not asked for");
}

#[test]
fn options_without_a_method_reaches_the_handler() {
    let client = client(all());
    let response = client.options("/").header("origin", ORIGIN).send();
    assert_eq!((response.text(), response.header("access-control-allow-origin")), ("home".into(), Some("*")));
}

#[test]
fn errors_have_the_fields_too() {
    async fn panics() -> &'static str {
        panic!("as it was told to")
    }
    async fn fails() -> Result<(), HttpError> {
        Err(HttpError::new(Status::CONFLICT))
    }
    let app = App::new().middleware(all()).route("/panics", get(panics)).route("/fails", get(fails));
    let client = TestClient::new(app).raise_server_errors(false);
    for (target, status) in [("/panics", 500), ("/fails", 409), ("/nowhere", 404)] {
        let response = client.get(target).header("origin", ORIGIN).send();
        assert_eq!(response.status().code(), status);
        assert_eq!(response.header("access-control-allow-origin"), Some("*"), "{target}");
    }
}

#[test]
fn fields_of_the_handler_are_replaced() {
    let handler = async || ([("access-control-allow-origin", "https://stale.org")], "home");
    let client = TestClient::new(App::new().middleware(all()).route("/", get(handler)));
    let response = client.get("/").header("origin", ORIGIN).send();
    assert_eq!(response.headers().get_all("access-control-allow-origin").collect::<Vec<_>>(), [b"*"]);
}

#[test]
fn browsers_remember_a_preflight_for_the_time_that_is_set() {
    for (cors, seconds) in [(all(), "600"), (all().max_age(Duration::from_secs(5)), "5")] {
        let response = preflight(&client(cors), ORIGIN, "GET", "").send();
        assert_eq!(response.header("access-control-max-age"), Some(seconds));
    }
}

#[test]
#[should_panic(expected = "CORS: [\"a\\nb\"]: ")]
fn a_name_with_a_line_break_is_a_mistake() {
    let _ = Cors::new().expose_headers(["a\nb"]);
}
