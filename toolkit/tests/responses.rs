//! The responses of the values that handlers return.

use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use futures_lite::{Stream, StreamExt, stream};
use stelo_toolkit::response::{BoxError, InvalidCookie, ResponseExt, SameSite, SetCookie, StreamingResponse};
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{
    App, Bytes, FileResponse, Headers, Html, HttpError, IntoResponse, Json, Redirect, Response, Status,
    TestClient, get,
};

/// The response of a handler that returns this value.
fn of<T: IntoResponse + Send + Sync + Clone + 'static>(value: T) -> TestResponse {
    made_by(move || value.clone())
}

/// The response of a handler that returns what is made here.
fn made_by<T: IntoResponse + Send + 'static>(
    make: impl Fn() -> T + Send + Sync + Clone + 'static,
) -> TestResponse {
    let handler = move || {
        let value = make();
        async move { value }
    };
    let client = TestClient::new(App::new().route("/", get(handler))).raise_server_errors(false);
    client.get("/").follow_redirects(false).send()
}

#[test]
fn bodies_and_their_content_types() {
    let text = Some("text/plain; charset=utf-8");
    let bytes = Some("application/octet-stream");
    for (response, body, content_type) in [
        (of("static"), "static", text),
        (of(String::from("é")), "é", text),
        (of(Cow::Borrowed("cow")), "cow", text),
        (of(b"vec".to_vec()), "vec", bytes),
        (of(&b"slice"[..]), "slice", bytes),
        (of(Bytes::from("bytes")), "bytes", bytes),
        (of(Html("<p>")), "<p>", Some("text/html; charset=utf-8")),
        (of(Json("é/</")), "\"é/</\"", Some("application/json")),
        (of(Json((1, None::<u8>))), "[1,null]", Some("application/json")),
        (of(()), "", None),
        (made_by(|| Response::new("plain")), "plain", None),
    ] {
        assert_eq!(response.status(), Status::OK);
        assert_eq!((&*response.text(), response.header("content-type")), (body, content_type));
        assert_eq!(response.header("content-length"), None, "the server's business");
    }
}

#[test]
fn statuses_and_tuples() {
    let headers = {
        let mut headers = Headers::new();
        headers.append("x-a", "1");
        headers.append("X-A", "2");
        headers
    };
    for (response, status, body) in [
        (of(Status::NO_CONTENT), 204, ""),
        (of((Status::CREATED, "made")), 201, "made"),
        (of((Status::CREATED, [("location", "/7")], "made")), 201, "made"),
        (of(([("x-a", "1")], "ok")), 200, "ok"),
        (of((headers.clone(), "ok")), 200, "ok"),
        (of((Status::IM_A_TEAPOT, vec![("x-a", String::from("1"))], ())), 418, ""),
        (of(Ok::<_, Status>("fine")), 200, "fine"),
        (of(Err::<&str, _>(Status::CONFLICT)), 409, ""),
        (of(Err::<&str, _>((Status::CONFLICT, "taken"))), 409, "taken"),
        (of(Some("there")), 200, "there"),
        (of(None::<&str>), 404, "Not Found"),
        (of((Status::CREATED, Err::<&str, _>(Status::CONFLICT))), 409, ""),
    ] {
        assert_eq!((response.status().code(), &*response.text()), (status, body));
    }
    let repeated = of((headers, "ok"));
    assert_eq!(repeated.headers().get_all("x-a").collect::<Vec<_>>(), [b"1", b"2"]);
}

#[test]
fn header_fields_of_a_tuple_take_the_place_of_those_of_the_body() {
    let response = of(([("Content-Type", "text/css")], "p {}"));
    assert_eq!(response.headers().get_all("content-type").collect::<Vec<_>>(), [b"text/css"]);
}

#[test]
fn a_header_field_that_could_split_the_response_is_refused() {
    let response = of(([("x-a", "1\r\nset-cookie: b")], "ok"));
    assert_eq!(
        (response.status(), &*response.text()),
        (Status::INTERNAL_SERVER_ERROR, "Internal Server Error")
    );
    assert_eq!(response.header("x-a"), None);
}

#[test]
fn json_that_cannot_be_written_answers_500() {
    let response = of(Json(std::collections::HashMap::from([((1, 2), 3)])));
    assert_eq!(response.status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn redirects() {
    for (redirect, status) in [
        (Redirect::to("/a b"), 307),
        (Redirect::see_other("/a b"), 303),
        (Redirect::permanent("/a b"), 308),
        (Redirect::with_status(Status::FOUND, "/a b"), 302),
    ] {
        let response = of(redirect);
        assert_eq!((response.status().code(), response.header("location")), (status, Some("/a%20b")));
        assert_eq!((response.bytes(), response.header("content-type")), (&b""[..], None));
    }
}

#[test]
fn http_errors() {
    let plain = of(HttpError::new(Status::NOT_FOUND));
    assert_eq!((plain.status(), &*plain.text()), (Status::NOT_FOUND, "Not Found"));
    let more = made_by(|| {
        let error = HttpError::new(Status::UNAUTHORIZED).with_detail("who are you?");
        error.with_header("www-authenticate", "Basic")
    });
    assert_eq!((more.status(), &*more.text()), (Status::UNAUTHORIZED, "who are you?"));
    assert_eq!(more.header("www-authenticate"), Some("Basic"));
    for status in [Status::NO_CONTENT, Status::NOT_MODIFIED] {
        let empty = of(HttpError::new(status));
        assert_eq!((empty.bytes(), empty.header("content-type")), (&b""[..], None));
    }
    assert_eq!(HttpError::new(Status::NOT_FOUND).to_string(), "404: Not Found");
}

#[test]
fn any_error_answers_500_and_keeps_its_text_to_itself() {
    let response = made_by(|| Err::<&str, BoxError>("the password is hunter2".into()));
    assert_eq!(
        (response.status(), &*response.text()),
        (Status::INTERNAL_SERVER_ERROR, "Internal Server Error")
    );
}

#[test]
fn streams() {
    let numbers = made_by(|| StreamingResponse::text(stream::iter(1..=3).map(|n| format!("{n}\n"))));
    assert_eq!(
        (&*numbers.text(), numbers.header("content-type")),
        ("1\n2\n3\n", Some("text/plain; charset=utf-8"))
    );
    let csv = made_by(|| StreamingResponse::new(stream::iter(["a,", "b"])).content_type("text/csv"));
    assert_eq!((&*csv.text(), csv.header("content-type")), ("a,b", Some("text/csv")));
    let pieces = || stream::iter([Ok("begun"), Err(BoxError::from("the disk is gone")), Ok("lost")]);
    let broken = made_by(move || StreamingResponse::fallible(pieces()));
    assert_eq!((broken.status(), &*broken.text()), (Status::OK, "begun"));
    assert_eq!(broken.body_error().unwrap().to_string(), "the disk is gone");
}

#[test]
fn cookies_are_written_in_the_order_of_starlette() {
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    for (cookie, field) in [
        (SetCookie::new("a", "b"), "a=b; Path=/; SameSite=lax"),
        (SetCookie::new("a", "b c"), "a=\"b c\"; Path=/; SameSite=lax"),
        (SetCookie::new("a", "x/y=z"), "a=\"x/y=z\"; Path=/; SameSite=lax"),
        (SetCookie::new("a", "q\"x\\;,"), r#"a="q\"x\\\073\054"; Path=/; SameSite=lax"#),
        (SetCookie::new("a", "\n"), r#"a="\012"; Path=/; SameSite=lax"#),
        (SetCookie::new("a", "é"), r#"a="\303\251"; Path=/; SameSite=lax"#),
        (SetCookie::new("a", "").path("").same_site(None), "a=\"\""),
        (SetCookie::new("__Host-a", "b").secure(), "__Host-a=b; Path=/; SameSite=lax; Secure"),
        (
            SetCookie::new("__Secure-a", "b").secure().path("/p"),
            "__Secure-a=b; Path=/p; SameSite=lax; Secure",
        ),
        (
            SetCookie::new("a", "1")
                .domain("x.com")
                .expires(at(1_700_000_005))
                .http_only()
                .max_age(Duration::from_secs(5))
                .partitioned()
                .path("/p")
                .same_site(SameSite::None)
                .secure(),
            "a=1; Domain=x.com; expires=Tue, 14 Nov 2023 22:13:25 GMT; HttpOnly; Max-Age=5; Partitioned; Path=/p; \
             SameSite=none; Secure",
        ),
        (
            SetCookie::new("mycookie", "myvalue")
                .domain("localhost")
                .expires(at(2_116_238_410))
                .http_only()
                .max_age(Duration::from_secs(10))
                .same_site(SameSite::Strict),
            "mycookie=myvalue; Domain=localhost; expires=Thu, 22 Jan 2037 12:00:10 GMT; HttpOnly; Max-Age=10; Path=/; \
             SameSite=strict",
        ),
    ] {
        assert_eq!(cookie.to_field().unwrap(), field);
    }
}

#[test]
fn cookies_that_would_be_something_else_are_refused() {
    for (cookie, error) in [
        (SetCookie::new("a b", ""), InvalidCookie::Name),
        (SetCookie::new("", ""), InvalidCookie::Name),
        (SetCookie::new("a=b", ""), InvalidCookie::Name),
        (SetCookie::new("é", ""), InvalidCookie::Name),
        (SetCookie::new("Path", ""), InvalidCookie::ReservedName),
        (SetCookie::new("expires", ""), InvalidCookie::ReservedName),
        (SetCookie::new("a", "").domain("x; y"), InvalidCookie::Attribute),
        (SetCookie::new("a", "").path("/\r\n"), InvalidCookie::Attribute),
        (SetCookie::new("__Secure-a", ""), InvalidCookie::SecurePrefix),
        (SetCookie::new("__secure-a", ""), InvalidCookie::SecurePrefix),
        (SetCookie::new("__Host-a", ""), InvalidCookie::HostPrefix),
        (SetCookie::new("__HOST-a", "").secure().domain("x.com"), InvalidCookie::HostPrefix),
        (SetCookie::new("__Host-a", "").secure().path("/a"), InvalidCookie::HostPrefix),
        (SetCookie::new("__Host-a", "").secure().path(""), InvalidCookie::HostPrefix),
    ] {
        assert_eq!(cookie.to_field(), Err(error));
    }
}

#[test]
fn a_response_sets_and_deletes_cookies() {
    let response = made_by(|| {
        let mut response = "ok".into_response();
        response.set_cookie(&SetCookie::new("a", "1")).unwrap();
        response.delete_cookie("b").unwrap();
        response.headers.set("x-a", "1");
        response.headers.set("X-A", "2");
        response
    });
    let cookies: Vec<_> = response.headers().get_all("set-cookie").map(String::from_utf8_lossy).collect();
    let deleted = "b=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=lax";
    assert_eq!(cookies, ["a=1; Path=/; SameSite=lax", deleted]);
    assert_eq!(response.headers().get_all("x-a").collect::<Vec<_>>(), [b"2"]);
}

#[test]
fn no_value_is_null_in_json() {
    let response = of(Json(None::<String>));
    assert_eq!((&*response.text(), response.header("content-type")), ("null", Some("application/json")));
}

/// Counts down: a stream of the application's own.
struct Countdown(u32);

impl Stream for Countdown {
    type Item = String;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<String>> {
        let number = self.0;
        self.0 = number.saturating_sub(1);
        Poll::Ready((number > 0).then(|| format!("{number} ")))
    }
}

/// A collection of the application's own.
struct Shelf([&'static str; 2]);

impl IntoIterator for Shelf {
    type Item = &'static str;
    type IntoIter = std::array::IntoIter<&'static str, 2>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[test]
fn streams_iterators_and_collections_are_bodies() {
    let text = |response: TestResponse| response.text();
    assert_eq!(text(made_by(|| StreamingResponse::text(Countdown(3)))), "3 2 1 ");
    assert_eq!(text(made_by(|| StreamingResponse::text(stream::iter(Shelf(["a", "b"]))))), "ab");
    let numbers = || (1..=5).map(|number| format!("{number}{}", if number < 5 { ", " } else { "" }));
    assert_eq!(text(made_by(move || StreamingResponse::text(stream::iter(numbers())))), "1, 2, 3, 4, 5");
}

#[test]
fn a_part_of_shared_bytes_is_a_body() {
    let all = Bytes::from("0123456789");
    let (first, second) = (all.slice(..4), all.slice(8..));
    assert_eq!(of(first.clone()).bytes(), b"0123");
    let pieces = move || StreamingResponse::new(stream::iter([first.clone(), second.clone()]));
    assert_eq!(made_by(pieces).bytes(), b"012389");
}

#[test]
fn a_content_type_with_a_charset_stays_as_it_is() {
    let latin = "text/plain; charset=latin-1";
    for response in [
        of(([("content-type", latin)], "text")),
        made_by(move || StreamingResponse::new(stream::iter(["text"])).content_type(latin)),
        TestClient::new(App::new().route("/", get(FileResponse::bytes("text").media_type(latin))))
            .get("/")
            .send(),
    ] {
        assert_eq!(response.headers().get_all("content-type").collect::<Vec<_>>(), [latin.as_bytes()]);
    }
}

#[test]
fn a_status_is_made_of_its_number() {
    for (code, status, phrase) in [
        (413, Status::CONTENT_TOO_LARGE, "Content Too Large"),
        (414, Status::URI_TOO_LONG, "URI Too Long"),
        (416, Status::RANGE_NOT_SATISFIABLE, "Range Not Satisfiable"),
        (422, Status::UNPROCESSABLE_CONTENT, "Unprocessable Content"),
    ] {
        assert_eq!(Status::try_from(code), Ok(status));
        assert_eq!(status.reason(), phrase);
    }
    let unknown = Status::try_from(299).expect("three digits");
    assert_eq!((unknown.code(), unknown.reason(), of((unknown, "ok")).status()), (299, "", unknown));
    let error = Status::try_from(99).expect_err("two digits");
    assert_eq!(error.to_string(), "99 is not a status code; use a number from 100 to 999");
}
