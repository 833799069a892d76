//! Parts as a stream.

use stelo_toolkit::forms::{FormLimits, Multipart};
use stelo_toolkit::{App, Body, HttpError, TestClient, post};

use super::{field, file, send, send_body};

fn client(limits: FormLimits) -> TestClient {
    async fn parts(mut form: Multipart) -> Result<String, HttpError> {
        let mut answer = String::new();
        while let Some(mut part) = form.next_part().await? {
            let (name, filename) = (part.name().to_owned(), part.filename().map(str::to_owned));
            let kind = part.content_type().map(str::to_owned);
            answer += &format!("{name} {filename:?} {kind:?} {:?}\n", part.text().await?);
            assert_eq!(part.chunk().await?, None, "the end stays");
        }
        assert!(form.next_part().await?.is_none(), "the end stays");
        Ok(answer)
    }
    async fn names(mut form: Multipart) -> Result<String, HttpError> {
        let mut answer = String::new();
        while let Some(mut part) = form.next_part().await? {
            answer += part.name();
            // A part that is not read to its end is skipped.
            part.chunk().await?;
        }
        Ok(answer)
    }
    TestClient::new(App::new().route("/", post(parts)).route("/names", post(names)).form_limits(limits))
}

#[test]
fn parts_come_one_by_one() {
    let parts = [field("a", "1"), file("b", "f.txt", "line\r\nline"), field("c", "")];
    let expected =
        "a None None \"1\"\nb Some(\"f.txt\") Some(\"text/plain\") \"line\\r\\nline\"\nc None None \"\"\n";
    assert_eq!(send(&client(FormLimits::new()), "/", &parts).text(), expected);
    assert_eq!(send(&client(FormLimits::new()), "/names", &parts).text(), "abc");
}

#[test]
fn a_part_has_all_its_header_fields() {
    async fn fields(mut form: Multipart) -> Result<String, HttpError> {
        let part = form.next_part().await?.expect("a part");
        Ok(part.headers().get_str("content-type").unwrap_or_default().to_owned())
    }
    let client = TestClient::new(App::new().route("/", post(fields)));
    assert_eq!(send(&client, "/", &[file("a", "f.txt", "x")]).text(), "text/plain");
}

#[test]
fn pieces_of_any_size_give_the_same_parts() {
    let body = field("a", "\r\n--Bx\r\n-") + &file("b", "f", "x\r") + "--B--\r\n";
    let client = client(FormLimits::new());
    let whole = send_body(&client, "/", body.clone()).text();
    for size in 1..body.len() {
        let pieces: Vec<_> =
            body.as_bytes().chunks(size).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        let stream = Body::from_stream(futures_lite::stream::iter(pieces));
        let response =
            client.post("/").header("content-type", "multipart/form-data; boundary=B").stream(stream).send();
        assert_eq!(response.text(), whole, "{size}");
    }
}

/// The handler answers while most of the body is missing.
#[test]
fn a_handler_need_not_read_the_form_to_its_end() {
    async fn first(mut form: Multipart) -> Result<String, HttpError> {
        let mut part = form.next_part().await?.expect("a part");
        Ok(format!("{:?}", part.chunk().await?))
    }
    let client = TestClient::new(App::new().route("/", post(first)));
    let head = file("a", "f", "");
    let head = head.trim_end_matches("\r\n").to_owned() + "\r\n\r\n";
    let pieces = futures_lite::stream::iter([Ok(head.into_bytes())]);
    let pieces = futures_lite::StreamExt::chain(
        pieces,
        futures_lite::stream::repeat(Ok::<_, std::convert::Infallible>(b"x".to_vec())),
    );
    let response = client
        .post("/")
        .header("content-type", "multipart/form-data; boundary=B")
        .stream(Body::from_stream(pieces))
        .send();
    assert_eq!(response.text(), "Some(b\"x\")");
}

#[test]
fn a_part_in_memory_has_the_limit_of_collected_bodies() {
    async fn read(mut form: Multipart) -> Result<String, HttpError> {
        let mut part = form.next_part().await?.expect("a part");
        Ok(part.bytes().await?.len().to_string())
    }
    let client = TestClient::new(App::new().route("/", post(read)).body_limit(10));
    assert_eq!(send(&client, "/", &[file("a", "f", "0123456789")]).text(), "10");
    assert_eq!(send(&client, "/", &[file("a", "f", "0123456789x")]).status().code(), 413);
}

#[test]
fn the_limits_of_a_form_hold_for_its_parts() {
    let client = client(FormLimits::new().max_fields(1).max_file_size(Some(3)));
    let status = |parts: &[String]| send(&client, "/", parts).status().code();
    assert_eq!(status(&[field("a", ""), file("b", "f", "123")]), 200);
    assert_eq!(status(&[field("a", ""), field("a", "")]), 400);
    assert_eq!(status(&[file("b", "f", "1234")]), 413);
    assert_eq!(send_body(&client, "/", field("a", "1")).status().code(), 400);
}
