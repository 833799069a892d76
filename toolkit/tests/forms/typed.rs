//! Forms as structs, urlencoded and multipart.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use stelo_toolkit::forms::{Multipart, UploadFile};
use stelo_toolkit::{App, Form, TestClient, post};

use super::{field, file, send};

#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Cat,
    Dog,
}

#[derive(Deserialize, Debug)]
#[allow(dead_code, reason = "the field is shown")]
struct Newtype(i16);

#[derive(Deserialize, Debug)]
#[allow(dead_code, reason = "the fields are shown")]
struct Scalars {
    flag: bool,
    number: Newtype,
    float: f64,
    letter: char,
    kind: Kind,
    #[serde(default)]
    list: Vec<u8>,
    option: Option<u64>,
    #[serde(default)]
    texts: Option<Vec<String>>,
}

async fn show<T: std::fmt::Debug>(Form(value): Form<T>) -> String {
    format!("{value:?}")
}

/// Sends fields in both encodings. The answers must be the same.
#[track_caller]
fn both<T: DeserializeOwned + std::fmt::Debug + Send + 'static>(fields: &[(&str, &str)]) -> (u16, String) {
    let client = TestClient::new(App::new().route("/", post(show::<T>)));
    let urlencoded = client.post("/").form(fields).send();
    let parts: Vec<_> = fields.iter().map(|(name, value)| field(name, value)).collect();
    let multipart = send(&client, "/", &parts);
    assert_eq!(multipart.text(), urlencoded.text());
    assert_eq!(multipart.status(), urlencoded.status());
    (multipart.status().code(), multipart.text())
}

#[test]
fn a_struct_reads_the_same_from_both_encodings() {
    let good = [("flag", "true"), ("number", "-3"), ("float", "1.5"), ("letter", "ä"), ("kind", "dog")];
    let more = [("list", "1"), ("texts", "a"), ("list", "2"), ("option", "7"), ("other", "x"), ("texts", "")];
    for fields in
        [&good[..], &[&good[..], &more].concat(), &[&good[..], &[("option", ""), ("list", "1")]].concat()]
    {
        assert_eq!(both::<Scalars>(fields).0, 200);
    }
    for (name, value) in [
        ("flag", "yes"),
        ("number", "x"),
        ("number", "99999"),
        ("float", ""),
        ("letter", "ab"),
        ("kind", "bird"),
        ("list", "256"),
        ("option", "x"),
    ] {
        let mut fields = good.to_vec();
        fields.retain(|(other, _)| *other != name);
        fields.push((name, value));
        let (status, text) = both::<Scalars>(&fields);
        assert!(status == 422 && text.starts_with("invalid form: ") && text.contains(name), "{text}");
    }
    let (status, text) = both::<Scalars>(&good[1..]);
    assert_eq!((status, &*text), (422, "invalid form: missing field `flag`"));
}

#[test]
fn maps_and_lists_of_pairs_read_the_same_from_both_encodings() {
    let fields = [("b", "1"), ("a", "2"), ("b", "3")];
    assert_eq!(both::<Vec<(String, u8)>>(&fields).1, r#"[("b", 1), ("a", 2), ("b", 3)]"#);
    assert_eq!(both::<HashMap<String, Vec<String>>>(&fields[1..2]).1, r#"{"a": ["2"]}"#);
    assert_eq!(both::<()>(&[]).0, 200);
}

#[derive(Deserialize, Debug)]
struct Profile {
    name: String,
    photo: UploadFile,
    cover: Option<UploadFile>,
    #[serde(default)]
    documents: Vec<UploadFile>,
}

async fn profile(Form(profile): Form<Profile>) -> stelo_toolkit::Result<String> {
    let Profile { name, photo, cover, documents } = profile;
    let documents: Vec<_> = documents.iter().map(|file| file.filename().to_owned()).collect();
    Ok(format!("{name} {} {:?} {documents:?}", photo.text().await?, cover.map(|file| file.size())))
}

#[test]
fn files_are_fields_of_a_struct() {
    let client = TestClient::new(App::new().route("/", post(profile)));
    let parts = [
        file("documents", "a", "1"),
        field("name", "ada"),
        file("photo", "p", "sea"),
        file("documents", "b", "2"),
        file("cover", "c", "123"),
    ];
    assert_eq!(send(&client, "/", &parts).text(), "ada sea Some(3) [\"a\", \"b\"]");
    // Browsers send an empty file without a name if the user chooses none.
    let parts =
        [field("name", "ada"), file("photo", "p", "sea"), file("cover", "", ""), file("documents", "", "")];
    assert_eq!(send(&client, "/", &parts).text(), "ada sea None []");
    for (photo, text) in [
        (field("photo", "0"), "invalid form: `photo`: a text, expected a file"),
        (file("photo", "", ""), "invalid form: missing field `photo`"),
        (file("name", "f", "x"), "invalid form: `name`: a file, expected a text"),
    ] {
        let parts =
            [photo.clone(), if photo.contains("\"name\"") { String::new() } else { field("name", "ada") }];
        let response = send(&client, "/", &parts);
        assert_eq!(response.status().code(), 422);
        assert!(response.text().starts_with(text), "{}", response.text());
    }
    let urlencoded = client.post("/").form(&[("name", "ada"), ("photo", "0")]).send();
    assert_eq!(urlencoded.status().code(), 422);
}

#[test]
fn files_are_fields_of_a_flattened_struct() {
    #[derive(Deserialize)]
    struct Outer {
        title: String,
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        photo: UploadFile,
    }
    async fn save(Form(outer): Form<Outer>) -> String {
        format!("{} {}", outer.title, outer.inner.photo.filename())
    }
    let client = TestClient::new(App::new().route("/", post(save)));
    assert_eq!(send(&client, "/", &[file("photo", "p.png", ""), field("title", "sea")]).text(), "sea p.png");
    assert_eq!(send(&client, "/", &[field("photo", "0"), field("title", "sea")]).status().code(), 422);
}

#[test]
fn other_content_types_are_refused() {
    async fn parts(_: Multipart) {}
    let app = App::new().route("/form", post(show::<HashMap<String, String>>)).route("/parts", post(parts));
    let client = TestClient::new(app);
    for target in ["/form", "/parts"] {
        assert_eq!(client.post(target).json(&1).send().status().code(), 415);
        assert_eq!(client.post(target).send().status().code(), 415);
    }
    assert_eq!(client.post("/parts").form(&[("a", "b")]).send().status().code(), 415);
}
