//! The fields by which browsers protect users.

use std::time::Duration;

use stelo_toolkit::middleware::{ContentSecurityPolicy, CspNonce, SecurityHeaders};
use stelo_toolkit::{
    App, Extension, Html, HttpError, Json, Next, Request, Response, Status, TestClient, get,
};

async fn page() -> Html<&'static str> {
    Html("<p>")
}

fn client(headers: SecurityHeaders) -> TestClient {
    let own =
        || async { ([("x-content-type-options", "own"), ("content-security-policy", "own")], Html("<p>")) };
    let app = App::new()
        .middleware(headers)
        .route("/", get(page))
        .route("/json", get(async || Json(7)))
        .route("/own", get(own));
    TestClient::new(app)
}

/// The fields of the middleware in a response.
fn fields(client: &TestClient, target: &str) -> Vec<String> {
    let response = client.get(target).send();
    let own = response.headers().iter().filter(|(name, _)| !name.starts_with("content-t"));
    own.map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect()
}

#[test]
fn pages_get_every_field_and_data_only_those_that_apply() {
    let client = client(SecurityHeaders::new());
    let any = ["x-content-type-options: nosniff", "cross-origin-resource-policy: same-origin"];
    let html = [
        "referrer-policy: same-origin",
        "cross-origin-opener-policy: same-origin",
        "content-security-policy: frame-ancestors 'self'",
    ];
    assert_eq!(fields(&client, "/"), [&any[..], &html].concat());
    assert_eq!(fields(&client, "/json"), any);
    assert_eq!(fields(&client, "/nowhere"), any);
}

#[test]
fn a_field_of_the_handler_stays() {
    let response = client(SecurityHeaders::new()).get("/own").send();
    for name in ["x-content-type-options", "content-security-policy"] {
        assert_eq!(response.headers().get_all(name).collect::<Vec<_>>(), [b"own"], "{name}");
    }
}

#[test]
fn hsts_is_only_sent_over_https() {
    let headers = || SecurityHeaders::new().strict_transport_security(Duration::from_secs(3600), true);
    assert_eq!(client(headers()).get("/").send().header("strict-transport-security"), None);
    let secure = client(headers()).with_https();
    let value = Some("max-age=3600; includeSubDomains");
    assert_eq!(secure.get("/").send().header("strict-transport-security"), value);
    assert_eq!(secure.get("/json").send().header("strict-transport-security"), value);
}

#[test]
fn fields_are_set_and_left_out_by_choice() {
    let headers = SecurityHeaders::new()
        .referrer_policy("no-referrer")
        .opener_policy("same-origin-allow-popups")
        .resource_policy("cross-origin")
        .without("X-Content-Type-Options")
        .without("content-security-policy");
    let expected = [
        "cross-origin-resource-policy: cross-origin",
        "referrer-policy: no-referrer",
        "cross-origin-opener-policy: same-origin-allow-popups",
    ];
    assert_eq!(fields(&client(headers), "/"), expected);
}

#[test]
fn each_response_has_a_new_nonce_that_the_handler_sees() {
    async fn nonce(nonce: Option<Extension<CspNonce>>) -> Html<String> {
        Html(nonce.map_or("none".into(), |nonce| nonce.0.to_ascii_lowercase()))
    }
    let report = ContentSecurityPolicy::new().directive("script-src", [ContentSecurityPolicy::NONCE]);
    let headers = SecurityHeaders::new()
        .content_security_policy(ContentSecurityPolicy::strict())
        .content_security_policy_report_only(report);
    let client = TestClient::new(App::new().middleware(headers).route("/", get(nonce)));
    let (first, second) = (client.get("/").send(), client.get("/").send());
    assert_ne!(first.text(), second.text());
    let nonce = second.text();
    assert_eq!(nonce.len(), 32);
    let strict = format!(
        "script-src 'nonce-{nonce}' 'strict-dynamic'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
    );
    assert_eq!(second.header("content-security-policy"), Some(&*strict));
    let report = format!("script-src 'nonce-{nonce}'");
    assert_eq!(second.header("content-security-policy-report-only"), Some(&*report));

    let without = ContentSecurityPolicy::new().directive("default-src", ["'self'"]);
    let headers = SecurityHeaders::new().content_security_policy(without);
    let client = TestClient::new(App::new().middleware(headers).route("/", get(page)));
    let response = client.get("/").send();
    let csp = response.header("content-security-policy");
    assert_eq!(csp, Some("default-src 'self'; frame-ancestors 'self'"));
}

#[test]
fn the_page_of_an_error_has_the_nonce_of_its_response() {
    async fn broken() -> stelo_toolkit::Result<String> {
        Ok("tea".parse::<u32>()?.to_string())
    }
    // Of a handler that takes the request, too.
    async fn denied(_: Request) -> Result<String, HttpError> {
        Err(HttpError::new(Status::FORBIDDEN))
    }
    async fn error(request: Request, error: HttpError) -> (Status, Html<String>) {
        let nonce = request.extensions().get::<CspNonce>().map(ToString::to_string);
        let others = request.extensions().get::<u8>().is_some();
        (error.status, Html(format!("{} {others}", nonce.unwrap_or_default())))
    }
    async fn number(mut request: Request, next: Next) -> Response {
        request.extensions_mut().insert(7_u8);
        next.run(request).await
    }
    let headers = SecurityHeaders::new().content_security_policy(ContentSecurityPolicy::strict());
    let app = App::new().middleware(headers).middleware(number).on_error(error);
    let client = TestClient::new(app.route("/broken", get(broken)).route("/denied", get(denied)));
    let client = client.raise_server_errors(false);
    for path in ["/broken", "/denied"] {
        let response = client.get(path).send();
        let text = response.text();
        let nonce = text.strip_suffix(" false").expect("error handlers see no other extension");
        assert_eq!(nonce.len(), 32, "{path}");
        let policy = response.header("content-security-policy").expect("the page is HTML");
        assert!(policy.contains(nonce), "{path}: {policy}");
    }
}

#[test]
#[should_panic(expected = "`'self'; script-src`: a word of a content security policy")]
fn a_value_cannot_begin_another_directive() {
    let _ = ContentSecurityPolicy::new().directive("default-src", ["'self'; script-src"]);
}
