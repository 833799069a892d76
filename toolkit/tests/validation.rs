//! Rules for the values of extractors, with the feature `validation`.
#![cfg(feature = "validation")]

use garde::Validate;
use serde::Deserialize;
use stelo_toolkit::extract::Valid;
use stelo_toolkit::{App, Form, HttpError, Json, Path, Query, Request, Status, TestClient, get, post};

#[derive(Deserialize, Validate)]
struct Order {
    #[garde(length(min = 2, max = 5), ascii)]
    name: String,
    #[garde(dive)]
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Deserialize, Validate)]
struct Item {
    #[garde(range(min = 1, max = 9))]
    count: u32,
}

async fn json(Valid(Json(order)): Valid<Json<Order>>) -> String {
    format!("{} {}", order.name, order.items.len())
}

async fn form(Valid(Form(item)): Valid<Form<Item>>) -> String {
    item.count.to_string()
}

async fn query(Valid(Query(item)): Valid<Query<Item>>) -> String {
    item.count.to_string()
}

async fn path(Valid(Path(item)): Valid<Path<Item>>) -> String {
    item.count.to_string()
}

fn app() -> App {
    App::new()
        .route("/json", post(json))
        .route("/form", post(form))
        .route("/query", get(query))
        .route("/{count}", get(path))
}

#[test]
fn every_field_that_breaks_a_rule_is_named() {
    let client = TestClient::new(app());
    let send = |body: &'static str| {
        client.post("/json").header("content-type", "application/json").body(body).send()
    };
    assert_eq!(send(r#"{"name": "ada", "items": [{"count": 1}]}"#).text(), "ada 1");
    let response = send(r#"{"name": "é", "items": [{"count": 1}, {"count": 0}]}"#);
    assert_eq!(response.status(), Status::UNPROCESSABLE_CONTENT);
    assert_eq!(response.header("content-type"), Some("application/problem+json"));
    let text = response.text();
    for part in [
        r#"{"detail":"lower than 1","pointer":"/items/1/count"}"#,
        r#"{"detail":"not ascii","pointer":"/name"}"#,
        r#""status":422"#,
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn all_rules_that_a_field_breaks_are_named_at_once() {
    let client = TestClient::new(app());
    let text = client.post("/json").json(&serde_json::json!({"name": "é".repeat(6)})).send().text();
    assert!(text.contains(r#"{"detail":"length is greater than 5; not ascii","pointer":"/name"}"#), "{text}");
}

#[test]
fn a_value_that_is_not_of_the_type_is_rejected_as_without_rules() {
    let client = TestClient::new(app());
    assert_eq!(client.post("/json").body("{}").send().status(), Status::UNSUPPORTED_MEDIA_TYPE);
    let response = client.post("/json").header("content-type", "application/json").body("{").send();
    assert_eq!(response.status(), Status::BAD_REQUEST);
    assert_eq!(client.get("/query?count=tea").send().status(), Status::BAD_REQUEST);
}

#[test]
fn forms_queries_and_paths_have_rules() {
    let client = TestClient::new(app());
    assert_eq!(client.post("/form").form(&[("count", "3")]).send().text(), "3");
    assert_eq!(client.get("/query?count=3").send().text(), "3");
    assert_eq!(client.get("/3").send().text(), "3");
    for response in [
        client.post("/form").form(&[("count", "10")]).send(),
        client.get("/query?count=10").send(),
        client.get("/10").send(),
    ] {
        assert_eq!(response.status(), Status::UNPROCESSABLE_CONTENT);
        assert!(response.text().contains(r#"{"detail":"greater than 9","pointer":"/count"}"#));
    }
}

#[test]
fn an_error_handler_sees_the_broken_rules() {
    async fn invalid(_: Request, error: HttpError) -> String {
        format!("{} {}", error.detail, error.problem().is_some())
    }
    let client = TestClient::new(app().error_handler(Status::UNPROCESSABLE_CONTENT, invalid));
    assert_eq!(client.get("/10").send().text(), "`/count`: greater than 9 true");
}

#[derive(Clone, Default)]
struct Most(u32);

#[derive(Deserialize, Validate)]
#[garde(context(Most))]
struct Limited {
    #[garde(custom(at_most))]
    count: u32,
}

fn at_most(count: &u32, most: &Most) -> garde::Result {
    if *count <= most.0 { Ok(()) } else { Err(garde::Error::new(format!("more than {}", most.0))) }
}

#[test]
fn the_context_of_rules_is_a_state() {
    async fn limited(Valid(Query(limited)): Valid<Query<Limited>>) -> String {
        limited.count.to_string()
    }
    let app = || App::new().route("/", get(limited));
    assert_eq!(TestClient::new(app().state(Most(5))).get("/?count=5").send().text(), "5");
    assert!(TestClient::new(app()).get("/?count=5").send().text().contains("more than 0"));
}
