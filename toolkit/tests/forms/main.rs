//! Forms: urlencoded and multipart, as fields, as a struct, and as a stream of parts.

mod fields;
mod limits;
mod stream;
mod typed;
mod uploads;

use serde_json::{Value, json};
use stelo_toolkit::forms::{FormData, FormLimits, FormValue};
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{App, HttpError, Json, Request, TestClient, post};

/// A part of a form with the boundary `B`.
fn part(headers: &str, data: &str) -> String {
    format!("--B\r\n{headers}\r\n\r\n{data}\r\n")
}

fn field(name: &str, data: &str) -> String {
    part(&format!("Content-Disposition: form-data; name=\"{name}\""), data)
}

fn file(name: &str, filename: &str, data: &str) -> String {
    let disposition = format!("Content-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"");
    part(&format!("{disposition}\r\nContent-Type: text/plain"), data)
}

/// Sends a multipart form of these parts.
fn send(client: &TestClient, target: &str, parts: &[String]) -> TestResponse {
    send_body(client, target, parts.concat() + "--B--\r\n")
}

fn send_body(client: &TestClient, target: &str, body: impl Into<Vec<u8>>) -> TestResponse {
    client.post(target).header("content-type", "multipart/form-data; boundary=B").body(body.into()).send()
}

async fn show(value: &FormValue) -> Result<Value, HttpError> {
    Ok(match value {
        FormValue::Text(text) => json!(text),
        FormValue::File(file) => json!({
            "filename": file.filename(),
            "size": file.size(),
            "content": file.text().await.expect("text"),
            "content_type": file.content_type(),
        }),
    })
}

/// Answers with the last value of each name.
async fn last(mut request: Request) -> Result<Json<Value>, HttpError> {
    let form = request.form().await?;
    let mut answer = json!({});
    for (name, value) in form.iter() {
        answer[name] = show(value).await?;
    }
    Ok(Json(answer))
}

/// Answers with all values of each name.
async fn all(form: FormData) -> Result<Json<Value>, HttpError> {
    let mut answer = json!({});
    for (name, _) in form.iter() {
        let mut values = Vec::new();
        for value in form.get_all(name) {
            values.push(show(value).await?);
        }
        answer[name] = values.into();
    }
    Ok(Json(answer))
}

/// A client of an application that shows forms.
fn client() -> TestClient {
    with(FormLimits::new())
}

fn with(limits: FormLimits) -> TestClient {
    TestClient::new(App::new().route("/", post(last)).route("/all", post(all)).form_limits(limits))
}

/// The answer to a form with a status of 200.
#[track_caller]
fn shown(response: &TestResponse) -> Value {
    assert_eq!(response.status().code(), 200, "{}", response.text());
    response.json().expect("JSON")
}
