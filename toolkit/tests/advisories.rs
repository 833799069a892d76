//! Regressions of other toolkits for Rust, each by the name of its advisory. `docs/evidence/advisories.md` lists all of them,
//! and the tests of those that concern the protocol.

use serde::Deserialize;
use stelo_toolkit::forms::{FormData, UploadFile};
use stelo_toolkit::response::{InvalidCookie, SetCookie};
use stelo_toolkit::{
    App, Bytes, Form, HttpError, IntoResponse, Json, Redirect, StaticFiles, Status, TestClient, get, post,
};

/// RUSTSEC-2022-0055, axum-core: bodies were collected without a limit.
#[test]
fn whatever_collects_a_body_has_a_limit() {
    let app = App::new()
        .route("/bytes", post(async |body: Bytes| body.len().to_string()))
        .route("/text", post(async |body: String| body))
        .route("/json", post(async |Json(text): Json<String>| text))
        .route("/form", post(async |Form(fields): Form<Vec<(String, String)>>| fields.len().to_string()));
    let client = TestClient::new(app);
    for (target, content_type) in [
        ("/bytes", "application/octet-stream"),
        ("/text", "text/plain"),
        ("/json", "application/json"),
        ("/form", "application/x-www-form-urlencoded"),
    ] {
        let send = |size: usize| {
            // Many fields for a form, since a field has a lower limit.
            let text = (2..size).map(|i| if i % 4096 == 0 { b'&' } else { b'x' });
            let body: Vec<u8> = [b'"'].into_iter().chain(text).chain([b'"']).collect();
            client.post(target).header("content-type", content_type).body(body).send().status()
        };
        assert_eq!((send(2 << 20), send((2 << 20) + 1)), (Status::OK, Status::CONTENT_TOO_LARGE), "{target}");
    }
}

/// CVE-2024-53981, CVE-2026-24486, CVE-2026-40347 and CVE-2026-42561, python-multipart; CVE-2023-30798, CVE-2024-47874 and
/// CVE-2025-54121, Starlette: forms took time, memory, or a path that the client chose.
#[test]
fn a_form_takes_no_more_than_its_limits() {
    async fn save(form: FormData) -> String {
        form.file("f").and_then(UploadFile::safe_filename).unwrap_or("unsafe").to_owned()
    }
    let client = TestClient::new(App::new().route("/", post(save)));
    let send = |body: String| {
        let response =
            client.post("/").header("content-type", "multipart/form-data; boundary=B").body(body).send();
        (response.status().code(), response.text())
    };
    let part = |head: &str| format!("--B\r\ncontent-disposition: form-data; name=f{head}\r\n\r\n\r\n");
    let end = "--B--\r\n";
    assert_eq!(send(part("; filename=\"../../etc/passwd\"") + end), (200, "passwd".into()));
    assert_eq!(send(part("; filename=\"..\"") + end), (200, "unsafe".into()));
    for refused in [
        "\r".repeat(1 << 20) + &part("") + end,
        part("").repeat(1001) + end,
        part("; filename=f").repeat(1001) + end,
        part(&"\r\nx: y".repeat(100)) + end,
        part(&format!("\r\nx: {}", "y".repeat(1 << 20))) + end,
        part("\r\n\r\n").replace("\r\n\r\n\r\n", &"x".repeat(2 << 20)) + end,
    ] {
        assert_eq!(send(refused).0, 400);
    }
    assert_eq!(send(end.to_owned() + &"x".repeat(3 << 20)).0, 413);
}

/// RUSTSEC-2021-0135 and RUSTSEC-2022-0043, tower-http; RUSTSEC-2022-0069, hyper-staticfile; RUSTSEC-2022-0082, warp:
/// paths led out of the folder, most of them on Windows only.
#[test]
fn no_path_leads_out_of_the_folder() {
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let client = TestClient::new(App::new().mount("/st", StaticFiles::new(files)));
    let status = |target: &str| client.get(target).send().status();
    assert_eq!(status("/st/lib.rs"), Status::OK);
    let whole = files.replace('/', "%2f");
    for target in [
        "/st/../Cargo.toml",
        "/st/..%2fCargo.toml",
        "/st/..%5cCargo.toml",
        "/st/response/..%2f..%2fCargo.toml",
        "/st/%2e%2e/Cargo.toml",
        "/st/c:/windows/win.ini",
        "/st/c:windows/win.ini",
        "/st/lib.rs:stream",
        "/st/lib.rs%5c..%5clib.rs",
        "/st/nul",
        "/st/con.rs",
        &format!("/st/{whole}%2flib.rs"),
        &format!("/st//{files}/lib.rs"),
    ] {
        assert_eq!(status(target), Status::NOT_FOUND, "{target}");
    }
}

/// RUSTSEC-2022-0072, hyper-staticfile: the redirect of `//evil.org/folder` led to another site. Folders have a test of
/// their own beside the other ones of static files.
#[test]
fn redirects_stay_on_the_site() {
    let client = TestClient::new(App::new().route("/{any:path}/slash/", get(async || "here")));
    for path in
        ["//evil.org", "///evil.org", "//evil.org/", "/%2fevil.org", "/%5cevil.org", "/http://evil.org"]
    {
        let response = client.get(&format!("{path}/slash")).follow_redirects(false).send();
        assert_eq!(response.status(), Status::TEMPORARY_REDIRECT, "{path}");
        let location = response.header("location").expect("a redirect says where");
        assert!(location.starts_with('/') && !location.starts_with("//"), "{path}: {location}");
    }
}

/// RUSTSEC-2017-0002, hyper; RUSTSEC-2024-0008 and RUSTSEC-2024-0009, trillium: a line end in a name or a value began
/// another header field, or another response.
#[test]
fn nothing_that_an_application_says_splits_a_response() {
    for end in ["\r\n", "\n", "\r", "\0"] {
        let evil = format!("a{end}set-cookie: b=c{end}{end}HTTP/1.1 200 OK");
        assert!(HttpError::new(Status::FORBIDDEN).try_with_header("x", &evil).is_err());
        assert!(HttpError::new(Status::FORBIDDEN).try_with_header(&evil, "x").is_err());
        assert_eq!(SetCookie::new("a", "").path(evil.clone()).to_field(), Err(InvalidCookie::Attribute));
        assert_eq!(SetCookie::new(evil.clone(), "").to_field(), Err(InvalidCookie::Name));
        let field = SetCookie::new("a", evil.clone()).to_field().unwrap_or_default();
        assert!(!field.contains(end), "{field}");

        let response = Redirect::to(&evil).into_response();
        assert_eq!(response.headers.get_all("location").count(), 1);
        assert!(!response.headers.get_str("location").unwrap_or_default().contains(end));
        for response in
            [([("x", evil.clone())], "").into_response(), ([(evil.clone(), "x")], "").into_response()]
        {
            assert_eq!(
                (response.status, response.headers.contains("set-cookie")),
                (Status::INTERNAL_SERVER_ERROR, false)
            );
        }
    }
}

/// RUSTSEC-2018-0005, serde_yaml; RUSTSEC-2022-0037, async-graphql: what was nested deep enough used up the stack.
#[test]
fn what_is_nested_too_deep_is_refused() {
    #[derive(Deserialize)]
    struct Tree(Vec<Self>);

    fn leaves(Tree(branches): &Tree) -> usize {
        if branches.is_empty() { 1 } else { branches.iter().map(leaves).sum() }
    }

    let client = TestClient::new(
        App::new().route("/", post(async |Json(tree): Json<Tree>| leaves(&tree).to_string())),
    );
    let send =
        |body: String| client.post("/").header("content-type", "application/json").body(body).send().status();
    assert_eq!(send("[[],[[]]]".into()), Status::OK);
    assert_eq!(send("[".repeat(1 << 20)), Status::BAD_REQUEST);
}
