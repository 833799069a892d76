//! Conditional requests (RFC 9110 section 13).

use stelo_core::http::range::{InvalidRange, Selection, select};
use stelo_core::http::{Headers, Method, date};
use stelo_toolkit::middleware::Conditional;
use stelo_toolkit::request::Validators;
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{App, FileResponse, HttpError, Request, Response, Router, TestClient, any, get};

use crate::source::Source;

const CONTENT: &[u8] = b"0123456789";
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const FIELDS: [&str; 6] =
    ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"];

/// The version of the resource, which a request names in fields of these names.
#[derive(Clone, Copy)]
struct Version {
    etag: Option<&'static str>,
    modified: Option<&'static str>,
}

thread_local! {
    static CLIENT: TestClient = TestClient::new(
        App::new()
            .route("/file", get(file))
            .route("/validators", any(checked))
            .mount("/middleware", Router::new().middleware(Conditional::new().max_etag_size(0)).route("/", get(page))),
    );
}

/// Checks that files, the middleware and the validators of a handler evaluate conditions as the reference does, in the
/// order of section 13.2.2.
///
/// The input: entity tag, date and method; then a field per line, which begins with a digit for its name.
pub fn conditions(input: &[u8]) {
    let mut source = Source::new(input);
    let etag = source.pick(&[Some("\"a\""), Some("W/\"a\""), Some("\"a,b\""), None]);
    let version = Version { etag, modified: source.pick(&[Some(DATE), None]) };
    let method = [Method::Get, Method::Head, Method::Put][source.pick(&[0, 1, 2])].clone();
    let mut headers = Headers::new();
    for line in source.rest().split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let mut line = Source::new(line);
        let (name, value) = (line.pick(&FIELDS), line.rest().trim_ascii());
        if headers.try_append(name, value).is_err() {
            return;
        }
    }
    let outcome = outcome(&headers, version, method != Method::Put);
    let ask = |path| CLIENT.with(|client| ask(client, &method, path, version, &headers));
    let judge = |path: &str, response: TestResponse| {
        let status = outcome.err().unwrap_or(200);
        assert_eq!(response.status().code(), status, "{path}: {method} {headers:?}");
        let body: &[u8] = if status == 200 && method != Method::Head { CONTENT } else { b"" };
        assert!(status == 412 || response.bytes() == body, "{path}: {method} {headers:?}");
    };
    judge("validators", ask("/validators"));
    if method == Method::Put {
        return;
    }
    judge("middleware", ask("/middleware/"));
    // A file has an entity tag of its own if the application sets none.
    if etag.is_none() {
        return;
    }
    let response = ask("/file");
    match ranges(&headers, version).filter(|_| outcome.is_ok()) {
        None => judge("file", response),
        Some(selection) => {
            let (status, length) = match selection {
                Err(InvalidRange::Unsatisfiable) => (416, None),
                Err(_) => (400, None),
                Ok(ranges) => {
                    (206, ranges.first().filter(|_| ranges.len() == 1).map(|range| range.end - range.start))
                }
            };
            assert_eq!(response.status().code(), status, "{method} {headers:?}");
            let length = length.filter(|_| method == Method::Get);
            assert!(length.is_none_or(|length| response.bytes().len() as u64 == length), "{headers:?}");
        }
    }
}

fn ask(
    client: &TestClient,
    method: &Method,
    path: &str,
    version: Version,
    headers: &Headers,
) -> TestResponse {
    let mut request = client.request(method.clone(), path);
    for (name, value) in headers.iter() {
        request = request.add_header(name, value);
    }
    for (name, value) in [("x-etag", version.etag), ("x-modified", version.modified)] {
        request = value.into_iter().fold(request, |request, value| request.header(name, value));
    }
    request.send()
}

/// The fields of the version that a request names.
fn version_of(request: &Request) -> Headers {
    let mut fields = Headers::new();
    for (from, name) in [("x-etag", "etag"), ("x-modified", "last-modified")] {
        if let Some(value) = request.headers().get(from) {
            fields.try_append(name, value).expect("a field value");
        }
    }
    fields
}

async fn file(request: Request) -> Result<Response, HttpError> {
    FileResponse::bytes(CONTENT).headers(&version_of(&request)).respond(&request).await
}

async fn page(request: Request) -> Response {
    let mut response = Response::new(CONTENT);
    response.headers = version_of(&request);
    response
}

async fn checked(request: Request) -> Result<Response, HttpError> {
    let mut validators = Validators::new();
    if let Some(etag) = request.headers().get_str("x-etag") {
        validators = validators.etag(etag);
    }
    if let Some(seconds) = request.headers().get("x-modified").and_then(date::parse) {
        validators =
            validators.last_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
    }
    validators.check(&request)?;
    Ok(Response::new(CONTENT))
}

/// Returns the steps of section 13.2.2 without `If-Range`: the status, if it is not that of the method.
fn outcome(headers: &Headers, version: Version, is_read: bool) -> Result<(), u16> {
    let is_unmodified_since = |name| Some(seconds(version.modified?)? <= date_of(headers, name)?);
    let unchanged = match list(headers, "if-match") {
        Some(tags) => tags.iter().any(|tag| tag == "*" || is_strong(tag, version)),
        None => is_unmodified_since("if-unmodified-since").unwrap_or(true),
    };
    if !unchanged {
        return Err(412);
    }
    let known = match list(headers, "if-none-match") {
        Some(tags) => {
            tags.iter().any(|tag| tag == "*" || version.etag.is_some_and(|etag| opaque(etag) == opaque(tag)))
        }
        None => is_read && is_unmodified_since("if-modified-since").unwrap_or(false),
    };
    match (known, is_read) {
        (false, _) => Ok(()),
        (true, true) => Err(304),
        (true, false) => Err(412),
    }
}

/// Returns the ranges, if `Range` and `If-Range` select any.
fn ranges(headers: &Headers, version: Version) -> Option<Result<Vec<std::ops::Range<u64>>, InvalidRange>> {
    let range = only(headers, "range")?;
    let is_current = |value: &[u8]| {
        let text = String::from_utf8_lossy(value);
        is_strong(&text, version) || version.modified.is_some_and(|date| date == text)
    };
    if headers.contains("if-range") && !only(headers, "if-range").is_some_and(is_current) {
        return None;
    }
    match select(range, CONTENT.len() as u64) {
        Ok(Selection::Whole) => None,
        Ok(Selection::Ranges(ranges)) => Some(Ok(ranges)),
        Err(error) => Some(Err(error)),
    }
}

/// The members of all fields of this name. A comma between quotes does not separate members.
fn list(headers: &Headers, name: &str) -> Option<Vec<String>> {
    let lines: Vec<_> =
        headers.get_all(name).map(|line| line.iter().map(|&b| char::from(b)).collect::<String>()).collect();
    let mut members = vec![String::new()];
    for line in &lines {
        let mut quoted = false;
        for char in line.chars() {
            quoted ^= char == '"';
            match char {
                ',' if !quoted => members.push(String::new()),
                char => members.last_mut().expect("it is never empty").push(char),
            }
        }
        members.push(String::new());
    }
    let members = members.iter().map(|member| member.trim_matches([' ', '\t']).to_owned());
    (!lines.is_empty()).then(|| members.filter(|member| !member.is_empty()).collect())
}

fn is_strong(tag: &str, version: Version) -> bool {
    version.etag == Some(tag) && !tag.starts_with("W/")
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// The value of a field that must not be repeated.
fn only<'a>(headers: &'a Headers, name: &str) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name);
    values.next().filter(|_| values.next().is_none())
}

fn date_of(headers: &Headers, name: &str) -> Option<u64> {
    only(headers, name).and_then(date::parse)
}

fn seconds(date: &str) -> Option<u64> {
    date::parse(date.as_bytes())
}
