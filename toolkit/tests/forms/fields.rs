//! The fields and files that forms are read as.

use serde_json::json;
use stelo_toolkit::forms::FormData;
use stelo_toolkit::{App, HttpError, Next, Request, Response, TestClient, post};

use super::{client, field, file, last, part, send, send_body, shown};

fn urlencoded(body: &str) -> serde_json::Value {
    let kind = "application/x-www-form-urlencoded";
    shown(&client().post("/").header("content-type", kind).body(body.to_owned()).send())
}

#[test]
fn a_multipart_form_can_have_fields_alone() {
    assert_eq!(shown(&send(&client(), "/", &[field("some", "data")])), json!({"some": "data"}));
}

#[test]
fn files_have_a_name_a_size_and_a_type() {
    let shows = json!({"filename": "test.txt", "size": 14, "content": "<file content>", "content_type": "text/plain"});
    assert_eq!(
        shown(&send(&client(), "/", &[file("test", "test.txt", "<file content>")])),
        json!({"test": shows})
    );
}

#[test]
fn several_files_and_fields_come_in_order() {
    async fn order(form: FormData) -> String {
        form.iter().map(|(name, value)| format!("{name}:{} ", value.as_text().unwrap_or("file"))).collect()
    }
    let client = TestClient::new(App::new().route("/", post(order)));
    let parts =
        [field("field0", "value0"), file("file", "file.txt", "<file content>"), field("field1", "value1")];
    assert_eq!(send(&client, "/", &parts).text(), "field0:value0 file:file field1:value1 ");
}

#[test]
fn a_repeated_name_is_a_list() {
    let parts = [
        field("test1", "abc"),
        file("test1", "test1.txt", "<file1 content>"),
        file("test1", "test2.txt", "2"),
    ];
    let upload = |name: &str, content: &str| json!({"filename": name, "size": content.len(), "content": content, "content_type": "text/plain"});
    let values = json!(["abc", upload("test1.txt", "<file1 content>"), upload("test2.txt", "2")]);
    assert_eq!(shown(&send(&client(), "/all", &parts)), json!({"test1": values}));
    assert_eq!(shown(&send(&client(), "/", &parts))["test1"], values[2]);
}

#[test]
fn headers_of_a_file_come_in_wire_order() {
    async fn headers(form: FormData) -> String {
        let file = form.file("test2").expect("a file");
        file.headers().iter().map(|(name, value)| format!("{} {}\n", name, value.escape_ascii())).collect()
    }
    let client = TestClient::new(App::new().route("/", post(headers)));
    let disposition = "content-disposition: form-data; name=\"test2\"; filename=\"f\"";
    let parts = [
        field("test1", "<file1 content>"),
        part(&format!("{disposition}\r\nx-custom: f2\r\ncontent-type: text/plain"), ""),
    ];
    assert_eq!(
        send(&client, "/", &parts).text(),
        "content-disposition form-data; name=\\\"test2\\\"; filename=\\\"f\\\"\nx-custom f2\ncontent-type text/plain\n"
    );
    // Without a file name, the same content is a field.
    assert_eq!(shown(&send(&super::client(), "/", &parts))["test1"], "<file1 content>");
}

#[test]
fn names_are_utf_8_or_the_charset_of_the_request() {
    let body = |name: &[u8]| {
        let head = b"--B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"";
        [&head[..], name, b"\"\r\n\r\nx\r\n--B--\r\n"].concat()
    };
    let request = |kind: &str, name: &[u8]| {
        let response = client().post("/").header("content-type", kind).body(body(name)).send();
        shown(&response)["file"]["filename"].as_str().expect("a name").to_owned()
    };
    let kind = "multipart/form-data; boundary=B";
    assert_eq!(request(kind, "画像.jpg".as_bytes()), "画像.jpg");
    assert_eq!(request(&format!("{kind}; charset=utf-8"), "文書.txt".as_bytes()), "文書.txt");
    assert_eq!(request(&format!("{kind}; charset=latin-8"), b"abc"), "abc");
    assert_eq!(request(&format!("{kind}; charset=ISO-8859-1"), b"\xe9.txt"), "é.txt");
    // Bytes that are not UTF-8 are taken as latin-1.
    assert_eq!(request(kind, b"\xe9.txt"), "é.txt");
}

#[test]
fn texts_are_decoded() {
    assert_eq!(shown(&send(&client(), "/", &[field("value", "Transférer")])), json!({"value": "Transférer"}));
    assert_eq!(shown(&send(&client(), "/", &[field("value", "ężć")])), json!({"value": "ężć"}));
    assert_eq!(
        shown(&send_body(
            &client(),
            "/",
            *b"--B\r\ncontent-disposition: form-data; name=a\r\n\r\n\xe4\r\n--B--"
        )),
        json!({"a": "ä"})
    );
}

#[test]
fn a_form_can_be_empty() {
    for body in ["", "--B--\r\n", "\r\n--B--"] {
        assert_eq!(shown(&send_body(&client(), "/", body)), json!({}), "{body:?}");
    }
    assert_eq!(urlencoded(""), json!({}));
    // Neither has a form.
    assert_eq!(shown(&client().post("/").send()), json!({}));
    assert_eq!(shown(&client().post("/").json(&1).send()), json!({}));
}

#[test]
fn urlencoded_forms_are_decoded() {
    for (body, expected) in [
        ("some=data", json!({"some": "data"})),
        ("some=da+ta", json!({"some": "da ta"})),
        ("so%20me=data", json!({"so me": "data"})),
        ("a", json!({"a": ""})),
        ("=b", json!({"": "b"})),
        ("a=b=c", json!({"a": "b=c"})),
        ("&&a=1&&", json!({"a": "1"})),
        ("a+b=c%20d%2B", json!({"a b": "c d+"})),
        ("a=%zz", json!({"a": "%zz"})),
        ("a=%ff", json!({"a": "\u{fffd}"})),
        ("a=1;b=2", json!({"a": "1;b=2"})),
        ("a=1&a=2", json!({"a": "2"})),
    ] {
        assert_eq!(urlencoded(body), expected, "{body}");
    }
}

#[test]
fn the_content_type_is_compared_without_regard_to_case_and_parameters() {
    for kind in ["APPLICATION/X-WWW-FORM-URLENCODED; x=y", "application/x-www-form-urlencoded ;charset=utf-8"]
    {
        let response = client().post("/").header("content-type", kind).body("a=1").send();
        assert_eq!(shown(&response), json!({"a": "1"}), "{kind}");
    }
    for kind in ["MULTIPART/FORM-DATA; BOUNDARY=B", "multipart/form-data;boundary=\"B\""] {
        let response = client().post("/").header("content-type", kind).body(field("a", "1") + "--B--").send();
        assert_eq!(shown(&response), json!({"a": "1"}), "{kind}");
    }
}

#[test]
fn a_form_is_read_from_a_body_that_was_read_before() {
    async fn read_twice(mut request: Request, next: Next) -> Result<Response, HttpError> {
        request.body().await?;
        Ok(next.run(request).await)
    }
    let client = TestClient::new(App::new().middleware(read_twice).route("/", post(last)));
    let fields = [("some", "data"), ("second", "key pair")];
    let expected = json!({"some": "data", "second": "key pair"});
    assert_eq!(shown(&client.post("/").form(&fields).send()), expected);
    assert_eq!(shown(&send(&client, "/", &fields.map(|(name, value)| field(name, value)))), expected);
}

#[test]
fn a_form_that_a_middleware_has_read_can_be_read_again() {
    async fn check(mut request: Request, next: Next) -> Result<Response, HttpError> {
        assert_eq!(request.form().await?.len(), 2);
        assert_eq!(request.form().await?.len(), 2, "it stays in the request");
        Ok(next.run(request).await)
    }
    let client = TestClient::new(App::new().middleware(check).route("/", post(last)));
    assert_eq!(shown(&client.post("/").form(&[("a", "1"), ("b", "2")]).send()), json!({"a": "1", "b": "2"}));
    let parts = [field("a", "1"), file("b", "f", "x")];
    assert_eq!(shown(&send(&client, "/", &parts))["b"]["content"], "x");
}

#[test]
fn a_body_of_another_type_stays_unread() {
    async fn length(mut request: Request) -> Result<String, HttpError> {
        assert!(request.form().await?.is_empty());
        Ok(request.body().await?.len().to_string())
    }
    let client = TestClient::new(App::new().route("/", post(length)));
    assert_eq!(client.post("/").header("content-type", "text/plain").body("hello").send().text(), "5");
}

/// Several of these were faults of other parsers.
#[test]
fn disposition_parameters_are_read_as_clients_write_them() {
    let filename = |disposition: &str| {
        let response = send(&client(), "/", &[part(&format!("content-disposition: {disposition}"), "x")]);
        shown(&response)["a"].clone()
    };
    for (disposition, expected) in [
        (r#"form-data; name=a; filename=f.txt"#, "f.txt"),
        (r#"FORM-DATA; NAME="a"; FILENAME="f;=.txt""#, "f;=.txt"),
        (r#"form-data; filename="\"f\".txt" ;name="a""#, "\"f\".txt"),
        (r#"form-data; name="a"; filename="%22f%22.txt""#, "%22f%22.txt"),
        (r#"form-data; name="a"; filename="C:\dir\a.txt""#, r"C:\dir\a.txt"),
        (r#"form-data; name="a"; filename="../../a.txt""#, "../../a.txt"),
        (r#"form-data; name="a"; filename="f"; filename*=utf-8''other"#, "f"),
        (r#"form-data; name="a"; filename="""#, ""),
    ] {
        assert_eq!(filename(disposition)["filename"], expected, "{disposition}");
    }
    // RFC 7578 section 4.2: `filename*` is not used in forms. Alone, it does not make a file.
    assert_eq!(filename("form-data; name=a; filename*=utf-8''f"), "x");
}

#[test]
fn a_value_is_made_from_text() {
    use stelo_toolkit::forms::FormValue;
    assert!(matches!(FormValue::from("a".to_owned()), FormValue::Text(text) if text == "a"));
}
