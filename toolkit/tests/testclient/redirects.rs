//! Redirects that the client follows.

use futures_lite::{StreamExt, stream};
use stelo_toolkit::response::{BoxError, IntoResponse, Redirect, ResponseExt, SetCookie};
use stelo_toolkit::{
    App, Body, HttpError, Method, Path, Request, Response, Status, TestClient, any, get, on,
};

use crate::panic_of;

/// Answers with what the request is.
async fn seen(mut request: Request) -> Result<String, HttpError> {
    let field = |name: &str| request.headers().get_str(name).unwrap_or("-").to_owned();
    let fields = [field("authorization"), field("content-type")].join(" ");
    let (method, url) = (request.method().clone(), request.url().to_string());
    let body = request.text().await?;
    Ok(format!("{method} {url} {fields} {body}"))
}

async fn away(Path(status): Path<u16>, request: Request) -> Redirect {
    let to = request.headers().get_str("x-to").unwrap_or("/seen").to_owned();
    Redirect::with_status(Status::new(status).expect("a status"), &to)
}

fn client() -> TestClient {
    let methods = [Method::Get, Method::Head, Method::Post, Method::Put];
    TestClient::new(
        App::new()
            .route("/seen", any(seen))
            .route("/folder/seen", any(seen))
            .route("/{status:int}", on(methods.clone(), away))
            .route("/folder/{status:int}", on(methods, away)),
    )
}

#[test]
fn redirects_are_followed_unless_the_test_says_otherwise() {
    let client = client();
    let response = client.get("/307").send();
    assert_eq!((response.status(), response.url()), (Status::OK, "http://testserver/seen"));
    let history: Vec<_> =
        response.history().iter().map(|response| (response.status().code(), response.url())).collect();
    assert_eq!(history, [(307, "http://testserver/307")]);

    assert_eq!(client.get("/307").follow_redirects(false).send().status(), Status::TEMPORARY_REDIRECT);
    let client = client.follow_redirects(false);
    assert_eq!(client.get("/307").send().status(), Status::TEMPORARY_REDIRECT);
    assert_eq!(client.get("/307").follow_redirects(true).send().status(), Status::OK);
}

#[test]
fn the_method_and_the_body_follow_from_the_status() {
    let client = client();
    for (status, method, expected) in [
        (301, Method::Post, "GET http://testserver/seen - - "),
        (301, Method::Put, "PUT http://testserver/seen - a/b 12"),
        (302, Method::Post, "GET http://testserver/seen - - "),
        (302, Method::Put, "GET http://testserver/seen - - "),
        (303, Method::Put, "GET http://testserver/seen - - "),
        (307, Method::Post, "POST http://testserver/seen - a/b 12"),
        (308, Method::Post, "POST http://testserver/seen - a/b 12"),
    ] {
        let request = client.request(method, &format!("/{status}")).header("content-type", "a/b");
        assert_eq!(request.body("12").send().text(), expected, "{status}");
    }
    let head = client.head("/303").send();
    assert_eq!((head.status(), head.history().len()), (Status::OK, 1));
}

#[test]
fn a_location_is_relative_to_the_request() {
    let client = client();
    for (location, expected) in [
        ("seen", "http://testserver/folder/seen"),
        ("./seen?a", "http://testserver/folder/seen?a"),
        ("../seen", "http://testserver/seen"),
        ("../../../seen", "http://testserver/seen"),
        ("/seen#fragment", "http://testserver/seen"),
        ("//other.org/seen", "http://other.org/seen"),
        ("https://other.org:81/seen?x=/../", "https://other.org:81/seen?x=/../"),
        ("/seen?\u{e9} x", "http://testserver/seen?%C3%A9%20x"),
    ] {
        let response = client.get("/folder/307?q").header("x-to", location).send();
        assert_eq!(response.url(), expected, "{location}");
        assert_eq!(response.status(), Status::OK, "{location}");
    }
    let mail = client.get("/307").header("x-to", "mailto:tea@example.org").send();
    assert_eq!(mail.status(), Status::TEMPORARY_REDIRECT);
}

#[test]
fn credentials_stay_at_their_origin() {
    let client = client();
    let seen = |location: &str| {
        let request = client.get("/307").basic_auth("Aladdin", "open sesame").header("x-to", location);
        request.send().text()
    };
    assert_eq!(seen("/seen"), "GET http://testserver/seen Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== - ");
    assert_eq!(
        seen("http://testserver:80/seen"),
        "GET http://testserver:80/seen Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== - "
    );
    assert_eq!(seen("http://testserver:81/seen"), "GET http://testserver:81/seen - - ");
    assert_eq!(seen("https://testserver/seen"), "GET https://testserver/seen - - ");
}

#[test]
fn cookies_of_a_redirect_are_sent_to_its_target() {
    async fn login() -> Response {
        let mut response = Redirect::see_other("/home").into_response();
        response.set_cookie(&SetCookie::new("user", "ada")).expect("a valid cookie");
        response
    }
    async fn home(request: Request) -> String {
        request.headers().get_str("cookie").unwrap_or("-").to_owned()
    }
    let client = TestClient::new(App::new().route("/login", get(login)).route("/home", get(home)));
    assert_eq!(client.get("/login").cookie("once", "1").send().text(), "user=ada");
}

#[test]
fn endless_redirects_and_lost_bodies_are_explained() {
    let client = client();
    assert_eq!(
        panic_of(|| client.get("/307").header("x-to", "/307").send()),
        "`http://testserver/307` is more than 20 redirects away: `follow_redirects(false)` returns the first one"
    );
    let body = || Body::from_stream(stream::iter(["1"]).map(Ok::<_, BoxError>));
    let message = panic_of(|| client.post("/307").stream(body()).send());
    assert!(message.contains("a stream is gone: send bytes"), "{message}");
    assert_eq!(client.post("/303").stream(body()).send().status(), Status::OK);
}

#[test]
fn each_form_of_a_location_is_resolved() {
    let client = client();
    for (to, url) in [
        ("seen", "http://testserver/folder/seen"),
        ("./x/../seen", "http://testserver/folder/seen"),
        ("/seen#part", "http://testserver/seen"),
        ("/seen?a=é&b=1", "http://testserver/seen?a=%C3%A9&b=1"),
        ("//testserver/seen", "http://testserver/seen"),
    ] {
        assert_eq!(client.get("/folder/307").header("x-to", to).send().url(), url, "{to}");
    }
}
