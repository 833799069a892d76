//! Forms that are malformed or exceed a limit, and the answers to them.

use stelo_toolkit::forms::{FormData, FormLimits};
use stelo_toolkit::{App, Body, Router, TestClient, post};

use super::{client, field, file, part, send, send_body, with};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn urlencoded(client: &TestClient, body: String) -> (u16, String) {
    let kind = "application/x-www-form-urlencoded";
    let response = client.post("/").header("content-type", kind).body(body).send();
    (response.status().code(), response.text())
}

fn multipart(client: &TestClient, parts: &[String]) -> (u16, String) {
    let response = send(client, "/", parts);
    (response.status().code(), response.text())
}

fn bad(text: &str) -> (u16, String) {
    (400, text.to_owned())
}

#[test]
fn a_urlencoded_form_has_a_limit_of_fields() {
    let fields = |n: usize| (0..n).map(|i| format!("N{i}=")).collect::<Vec<_>>().join("&");
    assert_eq!(urlencoded(&client(), fields(1000)).0, 200);
    let refusal = bad("Too many fields. Maximum number of fields is 1000.");
    assert_eq!(urlencoded(&client(), fields(1001)), refusal);
    let tight = with(FormLimits::new().max_fields(1));
    assert_eq!(urlencoded(&tight, "a=1&b=2".into()), bad("Too many fields. Maximum number of fields is 1."));
}

#[test]
fn a_field_of_a_urlencoded_form_has_a_limit() {
    let refusal = bad("Field exceeded maximum size of 1024KB.");
    assert_eq!(urlencoded(&client(), format!("field={}", "x".repeat(MIB - 5))).0, 200);
    assert_eq!(urlencoded(&client(), format!("field={}", "x".repeat(MIB + 1))), refusal);
    assert_eq!(urlencoded(&client(), format!("{}=value", "x".repeat(MIB + 1))), refusal);
    let tight = with(FormLimits::new().max_part_size(10 * KIB));
    let refusal = bad("Field exceeded maximum size of 10KB.");
    assert_eq!(urlencoded(&tight, format!("field={}", "x".repeat(10 * KIB + 1))), refusal);
}

/// The rest of the body is not read.
#[test]
fn a_urlencoded_form_beyond_a_limit_is_not_read_to_its_end() {
    let endless = |piece: &'static str| {
        Body::from_stream(futures_lite::stream::repeat(Ok::<_, std::convert::Infallible>(piece)))
    };
    for (piece, limits) in
        [("f=&", FormLimits::new().max_fields(10)), ("field=x", FormLimits::new().max_part_size(KIB))]
    {
        let request = with(limits)
            .post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .stream(endless(piece))
            .send();
        assert_eq!(request.status().code(), 400);
    }
}

#[test]
fn a_multipart_form_has_a_limit_of_fields_and_of_files() {
    let fields = |n: usize| (0..n).map(|i| field(&format!("N{i}"), "")).collect::<Vec<_>>();
    let files = |n: usize| (0..n).map(|i| file(&format!("N{i}"), &format!("F{i}"), "")).collect::<Vec<_>>();
    let (many_fields, many_files) = (
        bad("Too many fields. Maximum number of fields is 1000."),
        bad("Too many files. Maximum number of files is 1000."),
    );
    assert_eq!(multipart(&client(), &fields(1000)).0, 200);
    assert_eq!(multipart(&client(), &fields(1001)), many_fields);
    assert_eq!(multipart(&client(), &files(1000)).0, 200);
    assert_eq!(multipart(&client(), &files(1001)), many_files);
    let mixed: Vec<_> =
        files(1001).into_iter().zip(fields(1001)).flat_map(|(file, field)| [file, field]).collect();
    assert_eq!(multipart(&client(), &mixed), many_files);
    let tight = with(FormLimits::new().max_fields(1).max_files(1));
    assert_eq!(multipart(&tight, &fields(2)), bad("Too many fields. Maximum number of fields is 1."));
    assert_eq!(multipart(&tight, &files(2)), bad("Too many files. Maximum number of files is 1."));
}

#[test]
fn many_files_of_one_name_are_many_files() {
    let files = |n: usize| (0..n).map(|i| file("N", &format!("F{i}"), "")).collect::<Vec<_>>();
    assert_eq!(multipart(&client(), &files(1001)), bad("Too many files. Maximum number of files is 1000."));
}

#[test]
fn limits_can_be_raised() {
    let parts: Vec<_> = (0..2000)
        .flat_map(|i| [field(&format!("N{i}"), ""), file(&format!("F{i}"), &format!("F{i}"), "")])
        .collect();
    let response = send(&with(FormLimits::new().max_fields(2000).max_files(2000)), "/", &parts);
    let shown = super::shown(&response);
    assert_eq!((&shown["N1999"], &shown["F1999"]["size"]), (&"".into(), &0.into()));
}

#[test]
fn a_field_of_a_multipart_form_has_a_limit() {
    let parts = |size| [field("small", "small content"), field("large", &"x".repeat(size))];
    assert_eq!(multipart(&client(), &parts(MIB)).0, 200);
    assert_eq!(multipart(&client(), &parts(MIB + 1)), bad("Part exceeded maximum size of 1024KB."));
    let tight = with(FormLimits::new().max_part_size(10 * KIB));
    assert_eq!(multipart(&tight, &parts(10 * KIB + 1)), bad("Part exceeded maximum size of 10KB."));
    // Files have no limit by default.
    assert_eq!(multipart(&tight, &[file("f", "f", &"x".repeat(11 * KIB))]).0, 200);
}

#[test]
fn all_fields_together_have_the_limit_of_collected_bodies() {
    let app = App::new().route("/", post(super::last)).body_limit(100);
    let client = TestClient::new(app);
    let parts = |n: usize| [field("abcde", &"x".repeat(45)), field("abcde", &"x".repeat(n))];
    assert_eq!(multipart(&client, &parts(45)).0, 200);
    assert_eq!(
        multipart(&client, &parts(46)),
        (413, "all fields of the form is larger than the limit of 100 bytes".into())
    );
    assert_eq!(urlencoded(&client, "x".repeat(101)).0, 413);
    // The rest after the form too.
    let behind = |n: usize| send_body(&client, "/", format!("--B--{}", "x".repeat(n))).status().code();
    assert_eq!((behind(100), behind(101)), (200, 413));
}

#[test]
fn a_file_and_the_body_can_have_a_limit() {
    let tight = with(FormLimits::new().max_file_size(Some(10)));
    assert_eq!(multipart(&tight, &[file("a", "f", "0123456789")]).0, 200);
    assert_eq!(
        multipart(&tight, &[file("a", "f", "0123456789x")]),
        (413, "the file of the field `a` is larger than the limit of 10 bytes".into())
    );
    let part = [file("a", "f", "x")];
    let size = part[0].len() as u64 + 7;
    assert_eq!(multipart(&with(FormLimits::new().max_body_size(Some(size))), &part).0, 200);
    let tight = with(FormLimits::new().max_body_size(Some(size - 1)));
    let refusal = (413, format!("the form is larger than the limit of {} bytes", size - 1));
    assert_eq!(multipart(&tight, &part), refusal);
    // A body whose length is not announced is measured.
    let [part] = part;
    let pieces = [part, "--B--\r\n".into()].map(|piece| Ok::<_, std::io::Error>(piece.into_bytes()));
    let stream = Body::from_stream(futures_lite::stream::iter(pieces));
    let response =
        tight.post("/").header("content-type", "multipart/form-data; boundary=B").stream(stream).send();
    assert_eq!((response.status().code(), response.text()), refusal);
    let tight = with(FormLimits::new().max_body_size(Some(3)));
    assert_eq!(urlencoded(&tight, "a=1&".into()).0, 413);
    let pieces = ["a=", "1&"].map(|piece| Ok::<_, std::io::Error>(piece.as_bytes().to_vec()));
    let stream = Body::from_stream(futures_lite::stream::iter(pieces));
    let response =
        tight.post("/").header("content-type", "application/x-www-form-urlencoded").stream(stream).send();
    assert_eq!(response.status().code(), 413);
}

#[test]
fn the_headers_of_a_part_have_limits() {
    let tight = with(
        FormLimits::new().max_header_count(2).max_header_size(60).max_head_size(80).max_preamble_size(4),
    );
    let disposition = "content-disposition: form-data; name=a";
    for (parts, text) in [
        ([part(&format!("{disposition}\r\na: b\r\na: b"), "")], "more headers than the limit"),
        ([part(&format!("x: {}", "y".repeat(60)), "")], "longer than the limit"),
        ([part(&format!("{disposition}\r\nx: {}", "y".repeat(50)), "")], "larger than the limit"),
        (["12345\r\n".into()], "before the first boundary"),
    ] {
        let (status, answer) = multipart(&tight, &parts);
        assert!(status == 400 && answer.contains(text), "{answer}");
    }
}

#[test]
fn a_form_without_a_boundary_is_refused() {
    let request = |kind: &str| {
        let response = client().post("/").header("content-type", kind).body(field("a", "1")).send();
        (response.status().code(), response.text())
    };
    assert_eq!(request("multipart/form-data; charset=utf-8"), bad("Missing boundary in multipart."));
    let (status, text) = request("multipart/form-data; boundary=\"<>\"");
    assert!(status == 400 && text.contains("boundary has an invalid character"), "{text}");
}

#[test]
fn a_part_without_a_name_is_refused() {
    let refusal = bad("The Content-Disposition header field \"name\" must be provided.");
    for headers in ["Content-Disposition: form-data; =\"field0\"", "Content-Disposition: form-data", "x: y"] {
        assert_eq!(multipart(&client(), &[part(headers, "value0")]), refusal, "{headers}");
    }
}

#[test]
fn a_malformed_or_truncated_form_is_refused() {
    for (body, text) in [
        (field("a", "1"), "malformed multipart form: the body ends before its closing boundary (at byte 52)"),
        (
            field("a", "1").replace("\r\n", "\n"),
            "malformed multipart form: a boundary is not on a line of its own that ends with CR LF (at byte 3)",
        ),
        (part("a b: c", ""), "malformed multipart form: a part has an invalid header name (at byte 5)"),
    ] {
        let response = send_body(&client(), "/", body);
        assert_eq!((response.status().code(), response.text()), bad(text));
    }
}

#[test]
fn limits_belong_to_the_application_the_router_or_the_route() {
    async fn count(form: FormData) -> String {
        form.len().to_string()
    }
    let limits = |n| FormLimits::new().max_fields(n);
    let inner = Router::new()
        .route("/two", post(count))
        .route("/three", post(count).form_limits(limits(3)))
        .form_limits(limits(2));
    let app = App::new()
        .route("/one", post(count))
        .route("/four", post(count).form_limits(limits(4)))
        .include("/in", inner)
        .form_limits(limits(1));
    let client = TestClient::new(app);
    for (target, most) in [("/one", 1), ("/four", 4), ("/in/two", 2), ("/in/three", 3)] {
        let fields = |n| vec![("a", "b"); n];
        assert_eq!(client.post(target).form(&fields(most)).send().text(), most.to_string());
        assert_eq!(client.post(target).form(&fields(most + 1)).send().status().code(), 400, "{target}");
    }
}
