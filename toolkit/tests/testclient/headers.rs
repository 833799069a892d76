//! The parts of a request: fields, URL, address, credentials and form.

use serde_json::{Value, json};
use stelo_toolkit::extract::ClientAddress;
use stelo_toolkit::forms::{FormData, FormValue};
use stelo_toolkit::testing::Part;
use stelo_toolkit::{App, Json, Request, TestClient, any, get, post};

async fn fields(request: Request) -> Json<Vec<String>> {
    let field = |(name, value): (&str, &[u8])| format!("{name}: {}", String::from_utf8_lossy(value));
    Json(request.headers().iter().map(field).collect())
}

async fn url(request: Request) -> String {
    format!("{} {}", request.url(), request.root_path())
}

#[test]
fn requests_have_the_fields_of_the_client_and_their_own() {
    let client = TestClient::new(App::new().route("/", get(fields)));
    let sent = |client: &TestClient| client.get("/").send().json::<Vec<String>>().unwrap();
    assert_eq!(sent(&client), ["host: testserver", "accept: */*", "user-agent: testclient"]);
    let client = client.with_header("User-Agent", "tea").with_header("x-a", "1");
    assert_eq!(sent(&client), ["host: testserver", "accept: */*", "user-agent: tea", "x-a: 1"]);
    let request = client.get("/").header("x-a", "2").add_header("x-a", "3").without_header("accept");
    let own = request.header("host", "example.org").send().json::<Vec<String>>().unwrap();
    assert_eq!(own, ["user-agent: tea", "x-a: 2", "x-a: 3", "host: example.org"]);
}

#[test]
fn targets_are_relative_to_the_base_url() {
    let app = || App::new().route("/{path:path}", get(url));
    for (base, target, expected) in [
        ("http://testserver", "/tea", "http://testserver/tea "),
        ("http://testserver/", "/tea", "http://testserver/tea "),
        ("https://example.org:81/api", "/tea?a=b", "https://example.org:81/api/tea?a=b "),
        ("http://example.org/api/v1/", "/", "http://example.org/api/v1/ "),
        ("http://example.org/api", "https://other.org", "https://other.org/ "),
        ("http://user@example.org", "/%20?", "http://example.org/%20? "),
    ] {
        let client = TestClient::new(app()).with_base_url(base);
        assert_eq!(client.get(target).send().text(), expected, "{base} {target}");
    }
    let client = TestClient::new(app()).with_root_path("/root");
    assert_eq!(client.get("/root/tea").send().text(), "http://testserver/root/tea /root");
    let message = crate::panic_of(|| TestClient::new(app()).with_base_url("example.org"));
    assert!(message.starts_with("`example.org` is not a base URL: write `https://example.org`"), "{message}");
}

#[test]
fn parameters_are_added_to_the_query() {
    let client = TestClient::new(App::new().route("/", get(url)));
    let sent = |target, parameters| client.get(target).query(parameters).send().text();
    assert_eq!(sent("/", &[("a", "1")]), "http://testserver/?a=1 ");
    assert_eq!(sent("/?x", &[("a b", "ü&"), ("a b", "")]), "http://testserver/?x&a+b=%C3%BC%26&a+b= ");
}

#[test]
fn the_address_of_the_client_can_be_set() {
    async fn address(address: Option<ClientAddress>) -> String {
        address.map_or_else(|| "-".to_owned(), |ClientAddress(address)| address.to_string())
    }
    let client = || TestClient::new(App::new().route("/", get(address)));
    assert_eq!(client().get("/").send().text(), "127.0.0.1:50000");
    let address = "192.168.0.1:3000".parse().unwrap();
    assert_eq!(client().with_client_address(Some(address)).get("/").send().text(), "192.168.0.1:3000");
    assert_eq!(client().with_client_address(None).get("/").send().text(), "-");
}

#[test]
fn credentials_are_fields() {
    let client = TestClient::new(App::new().route("/", get(fields)));
    for (request, expected) in [
        (client.get("/").basic_auth("a", "ü:b"), "authorization: Basic YTrDvDpi"),
        (client.get("/").bearer_auth("t.o-k"), "authorization: Bearer t.o-k"),
    ] {
        let fields: Vec<String> = request.send().json().unwrap();
        assert_eq!(fields.last().map(String::as_str), Some(expected));
    }
}

#[test]
fn multipart_forms_have_texts_and_files() {
    async fn form(form: FormData) -> Json<Vec<Value>> {
        let mut all = Vec::new();
        for (name, value) in form.iter() {
            all.push(match value {
                FormValue::Text(text) => json!([name, text]),
                FormValue::File(file) => {
                    json!([name, file.filename(), file.content_type(), file.text().await.expect("text")])
                }
            });
        }
        Json(all)
    }
    let client = TestClient::new(App::new().route("/", post(form)));
    let parts = [
        Part::text("title", "a\r\nb"),
        Part::file("plain", "a.txt", "--stelo-test-boundary-0--"),
        Part::file("image", "b.png", ""),
        Part::file("other", "c", "1").content_type("x/y"),
    ];
    assert_eq!(
        client.post("/").multipart(&parts).send().json::<Value>().unwrap(),
        json!([
            ["title", "a\r\nb"],
            ["plain", "a.txt", "text/plain", "--stelo-test-boundary-0--"],
            ["image", "b.png", "image/png", ""],
            ["other", "c", "x/y", "1"],
        ])
    );
}

#[test]
fn a_request_has_the_path_as_sent() {
    async fn path(request: Request) -> String {
        request.head().path().to_owned()
    }
    let client = TestClient::new(App::new().route("/{path}", get(path)));
    let response = client.get("/hello%2Dworld").query(&[("foo", "bar")]).send();
    assert_eq!(response.text(), "/hello%2Dworld");
}

#[test]
fn each_method_has_a_shortcut() {
    async fn method(request: Request) -> String {
        request.method().to_string()
    }
    let client = TestClient::new(App::new().route("/", any(method)));
    for (request, method) in [
        (client.get("/"), "GET"),
        (client.post("/"), "POST"),
        (client.put("/"), "PUT"),
        (client.patch("/"), "PATCH"),
        (client.query("/"), "QUERY"),
        (client.delete("/"), "DELETE"),
        (client.options("/"), "OPTIONS"),
    ] {
        assert!(format!("{request:?}").contains("client: TestClient, "), "{request:?}");
        assert_eq!(request.send().text(), method);
    }
}
