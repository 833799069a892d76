//! Authentication: backends, scopes, redirects to the login, credentials and other typed header fields.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use stelo_toolkit::authentication::{
    AuthCredentials, AuthenticationBackend, AuthenticationError, BasicBackend, BearerBackend, SimpleUser,
    User,
};
use stelo_toolkit::extract::{
    Authorization, Basic, Bearer, ContentLength, ContentType, Header, IfModifiedSince, Origin, Referer,
    TypedHeader, UserAgent,
};
use stelo_toolkit::middleware::{Authentication, requires};
use stelo_toolkit::request::Parts;
use stelo_toolkit::{
    App, HttpError, Json, Request, Router, Status, TestClient, WebSocket, get, header, websocket,
};

/// Admits any name and password, as the test of Starlette does.
struct Anybody;

impl AuthenticationBackend for Anybody {
    type User = SimpleUser;

    async fn authenticate(
        &self,
        parts: &mut Parts,
    ) -> Result<Option<(AuthCredentials, SimpleUser)>, AuthenticationError> {
        use stelo_toolkit::extract::OptionalFromRequestParts;
        let found = <Authorization<Basic> as OptionalFromRequestParts>::from_request_parts(parts).await;
        let found = found.map_err(|_| AuthenticationError::new("Invalid basic auth credentials"))?;
        Ok(found.map(|Authorization(basic)| {
            (AuthCredentials::new(["authenticated"]), SimpleUser { username: basic.username })
        }))
    }
}

async fn view(user: Option<User<SimpleUser>>) -> Json<Value> {
    let name = user.as_ref().map(|User(user)| &*user.username);
    Json(json!({"authenticated": name.is_some(), "user": name.unwrap_or_default()}))
}

async fn socket(user: Option<User<SimpleUser>>, websocket: WebSocket) -> stelo_toolkit::Result<()> {
    websocket.accept().await?;
    Ok(websocket.send_json(&view(user).await.0).await?)
}

/// `user:pw`
const USER: &str = "Basic dXNlcjpwdw==";
const BAD: &str = "basic foobar";

fn client() -> TestClient {
    let guard = || requires(["authenticated"]);
    TestClient::new(
        App::new()
            .middleware(Authentication::new(Anybody))
            .route("/", get(view))
            .name("home")
            .route("/dashboard", get(view).middleware(guard()))
            .route("/admin", get(view).middleware(requires(["authenticated", "admin"]).redirect("home")))
            .route("/hidden", get(view).middleware(guard().status(Status::NOT_FOUND)))
            .route("/ws", websocket(socket).middleware(guard().redirect("home")))
            .mount("/inside", Router::new().middleware(guard()).route("/", get(view)))
            .include("/rd", Router::new().route("", get(view).middleware(guard().redirect("home")))),
    )
}

#[test]
fn a_request_without_a_user_is_anonymous() {
    let client = client();
    let user = |request: stelo_toolkit::testing::TestRequest<'_>| request.send().json::<Value>().unwrap();
    assert_eq!(user(client.get("/")), json!({"authenticated": false, "user": ""}));
    let ada = client.get("/").header("authorization", USER);
    assert_eq!(user(ada), json!({"authenticated": true, "user": "user"}));
}

#[test]
fn a_route_that_requires_a_scope_admits_only_requests_that_have_it() {
    let client = client();
    for target in ["/dashboard", "/inside/"] {
        assert_eq!(client.get(target).send().status(), Status::FORBIDDEN, "{target}");
        let response = client.get(target).header("authorization", USER).send();
        assert_eq!(response.json::<Value>().unwrap(), json!({"authenticated": true, "user": "user"}));
        let response = client.get(target).header("authorization", BAD).send();
        assert_eq!(
            (response.status(), &*response.text()),
            (Status::BAD_REQUEST, "Invalid basic auth credentials")
        );
    }
    assert_eq!(client.get("/hidden").send().status(), Status::NOT_FOUND);
}

#[test]
fn a_websocket_that_requires_a_scope_is_denied_without_it() {
    let client = client();
    let denied = |request: stelo_toolkit::testing::TestHandshake<'_>| request.connect().unwrap_err().status();
    assert_eq!(denied(client.websocket_connect("/ws")), Status::FORBIDDEN);
    let bad = client.websocket_connect("/ws").header("authorization", BAD);
    assert_eq!(denied(bad), Status::BAD_REQUEST);
    let mut socket = client.websocket_connect("/ws").header("authorization", USER).connect().unwrap();
    let text = socket.receive_text().unwrap();
    let user: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(user, json!({"authenticated": true, "user": "user"}));
}

#[test]
fn a_redirect_to_the_login_names_the_page() {
    let client = client();
    let response = client.get("/rd?a=1&b=c%20d").follow_redirects(false).send();
    assert_eq!(response.status(), Status::SEE_OTHER);
    let location = "http://testserver/?next=http%3A%2F%2Ftestserver%2Frd%3Fa%3D1%26b%3Dc%2520d";
    assert_eq!(response.header("location"), Some(location));
    assert_eq!(client.get("/rd").header("authorization", USER).send().status(), Status::OK);
    let response = client.get("/admin").header("authorization", USER).follow_redirects(false).send();
    assert_eq!(response.status(), Status::SEE_OTHER, "one scope of two is missing");
}

#[test]
fn the_application_can_answer_bad_credentials_itself() {
    let own = Authentication::new(Anybody).on_error(|parts, error: AuthenticationError| {
        let body = json!({"error": error.to_string(), "path": parts.path()});
        (Status::UNAUTHORIZED, Json(body))
    });
    let client = TestClient::new(App::new().middleware(own).route("/", get(view)));
    let response = client.get("/").header("authorization", BAD).send();
    assert_eq!(response.status(), Status::UNAUTHORIZED);
    let body = json!({"error": "Invalid basic auth credentials", "path": "/"});
    assert_eq!(response.json::<Value>().unwrap(), body);
}

#[test]
fn bad_credentials_go_to_the_error_handlers() {
    async fn handler(_: Request, error: HttpError) -> (Status, String) {
        (error.status, format!("handled: {}", error.detail))
    }
    let app = App::new()
        .middleware(Authentication::new(Anybody))
        .error_handler(Status::BAD_REQUEST, handler)
        .error_handler(Status::FORBIDDEN, handler)
        .route("/", get(view).middleware(requires(["authenticated"])));
    let client = TestClient::new(app);
    let response = client.get("/").header("authorization", BAD).send();
    assert_eq!(response.text(), "handled: Invalid basic auth credentials");
    assert_eq!(client.get("/").send().text(), "handled: Forbidden");
}

#[test]
fn a_fixed_list_of_passwords_or_tokens_is_enough_for_a_small_site() {
    async fn who(User(user): User<SimpleUser>, credentials: AuthCredentials) -> String {
        format!("{} {:?}", user.username, credentials.scopes().collect::<Vec<_>>())
    }
    let basic = BasicBackend::new().user("ada", "pw").user("user", "pw");
    let client = TestClient::new(App::new().middleware(Authentication::new(basic)).route("/", get(who)));
    assert_eq!(client.get("/").header("authorization", USER).send().text(), "user [\"authenticated\"]");
    for field in ["Basic dXNlcjpwdzI=", "Basic Ym9iOnB3", BAD] {
        let response = client.get("/").header("authorization", field).send();
        assert_eq!(response.status(), Status::UNAUTHORIZED);
        assert!(response.header("www-authenticate").unwrap().starts_with("Basic realm="), "{field}");
    }
    let response = client.get("/").send();
    assert_eq!(response.status(), Status::UNAUTHORIZED, "the handler needs a user");
    assert!(response.header("www-authenticate").unwrap().starts_with("Basic realm="));
    let bearer = BearerBackend::new().token("abc", "ada").token("def", "bob");
    let client = TestClient::new(App::new().middleware(Authentication::new(bearer)).route("/", get(who)));
    assert_eq!(
        client.get("/").header("authorization", "bearer def").send().text(),
        "bob [\"authenticated\"]"
    );
    let response = client.get("/").header("authorization", "Bearer ab").send();
    assert_eq!(response.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    assert_eq!(
        client.get("/").header("authorization", USER).send().header("www-authenticate"),
        Some("Bearer")
    );
}

#[test]
fn a_user_without_a_challenge_is_403_and_without_the_middleware_500() {
    async fn who(User(user): User<SimpleUser>) -> String {
        user.username
    }
    let app = App::new().middleware(Authentication::new(Anybody)).route("/", get(who));
    assert_eq!(TestClient::new(app).get("/").send().status(), Status::FORBIDDEN);
    let app = App::new().route("/", get(who)).route("/guarded", get("").middleware(requires(["a"])));
    let client = TestClient::new(app).raise_server_errors(false);
    assert_eq!(client.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
    assert_eq!(client.get("/guarded").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_redirect_to_a_route_that_does_not_exist_is_an_error() {
    let app = App::new()
        .middleware(Authentication::new(Anybody))
        .route("/", get(view).middleware(requires(["authenticated"]).redirect("nowhere")));
    let client = TestClient::new(app).raise_server_errors(false);
    assert_eq!(client.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn credentials_are_an_argument_of_their_own() {
    async fn basic(Authorization(basic): Authorization<Basic>) -> String {
        format!("{} {} {basic:?}", basic.username, basic.matches("user", "pw"))
    }
    async fn maybe(bearer: Option<Authorization<Bearer>>) -> String {
        format!("{:?}", bearer.map(|Authorization(bearer)| (bearer.matches("abc"), bearer)))
    }
    let client = TestClient::new(App::new().route("/basic", get(basic)).route("/maybe", get(maybe)));
    assert_eq!(client.get("/basic").header("authorization", USER).send().text(), "user true Basic(\"user\")");
    let response = client.get("/basic").send();
    assert_eq!(response.status(), Status::UNAUTHORIZED);
    assert!(response.header("www-authenticate").is_some());
    assert_eq!(client.get("/basic").header("authorization", BAD).send().status(), Status::UNAUTHORIZED);
    let twice = client.get("/basic").header("authorization", USER).add_header("authorization", USER);
    assert_eq!(twice.send().status(), Status::UNAUTHORIZED);
    let bytes = client.get("/basic").header("authorization", [b'\xff']);
    assert_eq!(bytes.send().status(), Status::UNAUTHORIZED);
    assert_eq!(client.get("/maybe").send().text(), "None");
    assert_eq!(client.get("/maybe").header("authorization", USER).send().text(), "None");
    let bearer = client.get("/maybe").header("authorization", "Bearer  abc");
    assert_eq!(bearer.send().text(), "Some((true, Bearer(..)))");
    assert_eq!(client.get("/maybe").header("authorization", "Bearer").send().status(), Status::UNAUTHORIZED);
}

#[test]
fn header_fields_are_typed_arguments() {
    async fn all(
        Header(UserAgent(agent)): Header<UserAgent>,
        Header(ContentType(kind)): Header<ContentType>,
        Header(ContentLength(length)): Header<ContentLength>,
        origin: Option<Header<Origin>>,
        referer: Option<Header<Referer>>,
        since: Option<Header<IfModifiedSince>>,
    ) -> String {
        let since = since.map(|Header(IfModifiedSince(time))| time);
        assert!(since.is_none_or(|time| time == UNIX_EPOCH + Duration::from_secs(784_111_777)));
        let origin = origin.map(|Header(Origin(origin))| origin).unwrap_or_default();
        let referer = referer.map(|Header(Referer(referer))| referer).unwrap_or_default();
        format!("{agent} {kind} {length} {origin} {referer}")
    }
    let client = TestClient::new(App::new().route("/", get(all).post(all)));
    let request =
        || client.post("/").header("user-agent", "a").header("content-type", "text/plain").body("12345");
    assert_eq!(request().send().text(), "a text/plain 5  ");
    let full = request()
        .header("origin", "http://a")
        .header("referer", "/b")
        .header("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(full.send().text(), "a text/plain 5 http://a /b");
    for (response, text) in [
        (
            request().header(header::IF_MODIFIED_SINCE.as_str(), "soon").send(),
            "the header `if-modified-since` is invalid",
        ),
        (request().add_header("user-agent", "b").send(), "the header `user-agent` is there twice"),
        (request().without_header("user-agent").send(), "the header `user-agent` is missing"),
        (request().header("origin", [0xff]).send(), "the header `origin` is invalid"),
    ] {
        assert_eq!((response.status(), &*response.text()), (Status::BAD_REQUEST, text));
    }
    assert_eq!(ContentLength::parse("+5"), None);
}

#[test]
fn an_error_of_a_backend_keeps_its_source() {
    let error = HttpError::new(Status::SERVICE_UNAVAILABLE).with_source("the pool is empty");
    let error = AuthenticationError::from(error);
    assert_eq!(
        std::error::Error::source(&error).map(ToString::to_string).as_deref(),
        Some("the pool is empty")
    );
    assert!(std::error::Error::source(&AuthenticationError::new("why")).is_none());
    assert_eq!(format!("{:?}", Authentication::new(Anybody)), "Authentication");
}
