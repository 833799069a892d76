//! `HttpEndpoint`, and the method QUERY.

use stelo_toolkit::handler::HttpEndpoint;
use stelo_toolkit::routing::{endpoint, query};
use stelo_toolkit::{
    App, HttpError, IntoResponse, Method, Request, Response, Result, Status, TestClient, get,
};

#[derive(Clone)]
struct Greeter;

impl HttpEndpoint for Greeter {
    const METHODS: &'static [Method] = &[Method::Get, Method::Query];

    async fn get(&self, request: Request) -> Result<Response> {
        match request.path_param::<String>("name") {
            Ok(name) => Ok(format!("Hello, {name}!").into_response()),
            Err(_) => Ok("Hello!".into_response()),
        }
    }

    async fn query(&self, mut request: Request) -> Result<Response> {
        Ok(format!("{}?", request.text().await?).into_response())
    }
}

#[derive(Clone)]
struct Own;

impl HttpEndpoint for Own {
    const METHODS: &'static [Method] = &[Method::Get, Method::Head, Method::Post, Method::Delete];

    async fn get(&self, _: Request) -> Result<Response> {
        Ok("get".into_response())
    }

    async fn head(&self, _: Request) -> Result<Response> {
        Ok(([("x-head", "own")], "").into_response())
    }

    async fn delete(&self, _: Request) -> Result<Response> {
        Err(HttpError::new(Status::CONFLICT).into())
    }
}

fn client() -> TestClient {
    let app = App::new().route("/{name}", endpoint(Greeter)).route("/own/", endpoint(Own));
    TestClient::new(app).raise_server_errors(false)
}

#[test]
fn an_endpoint_answers_by_the_method() {
    let client = client();
    assert_eq!(client.get("/ada").send().text(), "Hello, ada!");
    let response = client.query("/ada").body("name=a").send();
    assert_eq!((response.status(), response.text().as_str()), (Status::OK, "name=a?"));
}

#[test]
fn other_methods_are_405_with_allow() {
    let client = client();
    for method in ["POST", "PUT", "DELETE", "DISPATCH", "_x", "get"] {
        let method = Method::from_bytes(method.as_bytes()).expect("a token");
        let response = client.request(method, "/ada").send();
        assert_eq!(response.status(), Status::METHOD_NOT_ALLOWED);
        assert_eq!(response.header("allow"), Some("GET, HEAD, QUERY"));
    }
}

#[test]
fn head_is_answered_by_head_or_else_by_get() {
    let client = client();
    let response = client.head("/ada").send();
    assert_eq!((response.status(), response.text().as_str()), (Status::OK, ""));
    assert_eq!(client.head("/own/").send().header("x-head"), Some("own"));
}

#[test]
fn a_method_that_fails_is_answered_by_its_error() {
    assert_eq!(client().delete("/own/").send().status(), Status::CONFLICT);
}

#[test]
fn a_method_of_the_list_that_is_missing_is_500() {
    assert_eq!(client().post("/own/").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn query_is_a_method_as_others() {
    async fn search(text: String) -> String {
        format!("found {text}")
    }
    let client =
        TestClient::new(App::new().route("/", query(search)).route("/both", get("get").query(search)));
    assert_eq!(client.query("/").body("tea").send().text(), "found tea");
    let refused = client.get("/").send();
    assert_eq!((refused.status(), refused.header("allow")), (Status::METHOD_NOT_ALLOWED, Some("QUERY")));
    assert_eq!(client.post("/both").send().header("allow"), Some("GET, HEAD, QUERY"));
    // Without a body, as of a client that sends `content-length: 0`.
    assert_eq!(client.query("/both").send().text(), "found ");
}

/// Promises all methods and defines none.
#[derive(Clone)]
struct Promises;

impl HttpEndpoint for Promises {
    const METHODS: &'static [Method] = &[
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
        Method::Options,
        Method::Query,
        Method::Trace,
    ];
}

#[test]
fn a_method_in_the_list_without_a_function_is_500() {
    let client = TestClient::new(App::new().route("/", endpoint(Promises))).raise_server_errors(false);
    for method in Promises::METHODS {
        let response = client.request(method.clone(), "/").send();
        assert_eq!(response.status(), Status::INTERNAL_SERVER_ERROR, "{method}");
    }
}
