//! Compressed responses: which are compressed, their header fields, streams, files, errors.

use std::fs;
use std::sync::{Arc, Mutex};

use futures_lite::future::poll_once;
use futures_lite::{StreamExt, stream};
use stelo_toolkit::body::{Body, BodyError, Frame, Length};
use stelo_toolkit::middleware::{Coding, Compression, NoCompression};
use stelo_toolkit::response::StreamingResponse;
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{
    App, Headers, IntoResponse, Method, Next, Request, Response, StaticFiles, Status, TestClient, any, get,
};

use zlib_rs::{Inflate, InflateFlush};

use crate::gunzip;

const TEXT: &str = "x";

/// A client of a response that is the same for each request.
fn client(compression: Compression, respond: fn() -> Response) -> TestClient {
    TestClient::new(App::new().middleware(compression).route("/", any(move || async move { respond() })))
}

fn asked(respond: fn() -> Response, accept: &str) -> TestResponse {
    client(Compression::new().codings([Coding::Gzip]), respond)
        .get("/")
        .header("accept-encoding", accept)
        .send()
}

fn gzipped(respond: fn() -> Response) -> TestResponse {
    asked(respond, "gzip")
}

fn fields(response: &TestResponse) -> (Option<&str>, Option<&str>) {
    (response.header("content-encoding"), response.header("vary"))
}

fn of(len: usize) -> Response {
    TEXT.repeat(len).into_response()
}

fn with(name: &str, value: &str) -> Response {
    let mut response = of(4000);
    response.headers.try_set(name, value).expect("a valid field");
    response
}

#[test]
fn a_large_response_is_compressed() {
    let response = gzipped(|| of(4000));
    assert_eq!(fields(&response), (Some("gzip"), Some("Accept-Encoding")));
    assert!(response.bytes().len() < 100);
    assert_eq!(gunzip(response.bytes()).unwrap(), TEXT.repeat(4000).as_bytes());
}

#[test]
fn without_the_coding_only_vary_is_added() {
    for accept in ["identity", "gzip;q=0", "deflate", "", "identity, gzip;q=0.5"] {
        let response = asked(|| of(4000), accept);
        assert_eq!(fields(&response), (None, Some("Accept-Encoding")), "{accept}");
        assert_eq!(response.bytes().len(), 4000);
    }
    for accept in ["GZIP", "x-gzip", "*", "br, gzip;q=0.001"] {
        assert_eq!(fields(&asked(|| of(4000), accept)).0, Some("gzip"), "{accept}");
    }
}

#[test]
fn a_small_response_is_left_alone() {
    assert_eq!(fields(&gzipped(|| of(499))), (None, None));
    assert_eq!(fields(&gzipped(|| of(500))).0, Some("gzip"));
    let all = client(Compression::new().minimum_size(0), || of(1));
    assert_eq!(fields(&all.get("/").header("accept-encoding", "gzip").send()).0, Some("gzip"));
    let empty = client(Compression::new().minimum_size(0), || of(0));
    assert_eq!(fields(&empty.get("/").header("accept-encoding", "gzip").send()), (None, None));
}

fn chunks() -> Response {
    StreamingResponse::text(stream::repeat("x".repeat(400)).take(10)).into_response()
}

#[test]
fn a_stream_is_compressed_without_a_length() {
    let response = gzipped(|| {
        let mut response = chunks();
        response.headers.set("content-length", 4000);
        response
    });
    assert_eq!(fields(&response), (Some("gzip"), Some("Accept-Encoding")));
    assert_eq!(response.header("content-length"), None);
    assert_eq!(gunzip(response.bytes()).unwrap(), "x".repeat(4000).as_bytes());
}

#[test]
fn a_stream_for_another_client_stays_as_it_is() {
    let response = asked(chunks, "identity");
    assert_eq!(fields(&response), (None, Some("Accept-Encoding")));
    assert_eq!(response.text(), "x".repeat(4000));
}

#[test]
fn a_stream_of_any_size_is_compressed_unless_its_length_is_known() {
    let short = || StreamingResponse::text(stream::iter(["a", "b"])).into_response();
    assert_eq!(gunzip(gzipped(short).bytes()).unwrap(), b"ab");
    let known = || {
        let frames = stream::iter([Ok(Frame::Data("ab".into()))]);
        Response::new(Body::from_frames(frames, Length::Known(2)))
    };
    assert_eq!(fields(&gzipped(known)), (None, None));
}

#[test]
fn a_response_with_a_coding_stays_as_it_is() {
    let response = gzipped(|| with("content-encoding", "text"));
    assert_eq!(fields(&response), (Some("text"), None));
    assert_eq!(response.bytes().len(), 4000);
}

#[test]
fn server_sent_events_are_not_compressed() {
    for kind in ["text/event-stream", "text/event-stream; charset=utf-8", "Text/Event-Stream"] {
        let mut client = App::new().middleware(Compression::new());
        client = client.route("/", get(move || async move { ([("content-type", kind)], "x".repeat(4000)) }));
        let response = TestClient::new(client).get("/").header("accept-encoding", "gzip").send();
        assert_eq!(fields(&response), (None, None), "{kind}");
    }
}

#[test]
fn compressed_types_are_excluded_and_the_list_can_be_set() {
    for kind in ["image/png", "video/mp4", "font/woff2", "application/grpc", "application/zip"] {
        let respond = App::new().middleware(Compression::new());
        let app =
            respond.route("/", get(move || async move { ([("content-type", kind)], "x".repeat(4000)) }));
        let response = TestClient::new(app).get("/").header("accept-encoding", "gzip").send();
        assert_eq!(fields(&response), (None, None), "{kind}");
    }
    let client =
        client(Compression::new().excluded_types(["application/*"]), || with("content-type", "image/png"));
    assert_eq!(fields(&client.get("/").header("accept-encoding", "gzip").send()).0, Some("gzip"));
    assert_eq!(fields(&gzipped(|| with("content-type", "image/svg+xml"))).0, Some("gzip"));
}

#[test]
fn partial_and_untransformable_responses_stay_as_they_are() {
    assert_eq!(fields(&gzipped(|| with("cache-control", "public, no-transform"))), (None, None));
    let varied = (None, Some("Accept-Encoding"));
    assert_eq!(fields(&gzipped(|| with("content-range", "bytes 0-3999/5000"))), varied);
    assert_eq!(fields(&gzipped(|| with("content-digest", "sha-256=:AA==:"))), (None, None));
    let partial = gzipped(|| (Status::PARTIAL_CONTENT, "x".repeat(4000)).into_response());
    assert_eq!(fields(&partial), varied);
    let nothing = client(Compression::new().minimum_size(0), || Status::NO_CONTENT.into_response());
    let response = nothing.get("/").header("accept-encoding", "gzip").send();
    assert_eq!((response.status(), fields(&response)), (Status::NO_CONTENT, (None, None)));
}

#[test]
fn vary_is_merged() {
    assert_eq!(fields(&gzipped(|| with("vary", "Cookie"))).1, Some("Cookie, Accept-Encoding"));
    assert_eq!(fields(&gzipped(|| with("vary", "accept-encoding"))).1, Some("accept-encoding"));
    assert_eq!(fields(&asked(|| with("vary", "*"), "br")).1, Some("*"));
}

#[test]
fn entity_tags_become_weak() {
    for (etag, sent) in [("\"a\"", "W/\"a\""), ("W/\"a\"", "W/\"a\"")] {
        let app = App::new().middleware(Compression::new());
        let app = app.route(
            "/",
            get(move || async move { ([("etag", etag), ("accept-ranges", "bytes")], "x".repeat(4000)) }),
        );
        let client = TestClient::new(app);
        let response = client.get("/").header("accept-encoding", "gzip").send();
        assert_eq!((response.header("etag"), response.header("accept-ranges")), (Some(sent), None));
        let plain = client.get("/").send();
        assert_eq!((plain.header("etag"), plain.header("accept-ranges")), (Some(etag), Some("bytes")));
    }
}

#[test]
fn a_304_repeats_the_tag_that_the_client_has() {
    let respond = || ([("etag", "\"a\"")], Status::NOT_MODIFIED).into_response();
    let client = client(Compression::new(), respond);
    for (known, sent) in [("\"a\"", "\"a\""), ("W/\"a\"", "W/\"a\""), ("\"b\", W/\"a\"", "W/\"a\"")] {
        let response =
            client.get("/").header("accept-encoding", "gzip").header("if-none-match", known).send();
        assert_eq!((response.header("etag"), response.header("vary")), (Some(sent), Some("Accept-Encoding")));
    }
}

#[test]
fn head_has_the_fields_of_get() {
    for len in [4000, 1 << 20] {
        let route = any(move || async move { "x".repeat(len) });
        let client = TestClient::new(App::new().middleware(Compression::new()).route("/", route));
        let send = |method| client.request(method, "/").header("accept-encoding", "gzip").send();
        let (get, head) = (send(Method::Get), send(Method::Head));
        assert_eq!(get.headers(), head.headers(), "{len}");
        assert_eq!(head.header("content-encoding"), Some("gzip"));
    }
}

#[test]
fn large_bodies_are_compressed_on_other_threads() {
    let respond = || (0..400_000u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>().into_response();
    let response = gzipped(respond);
    let expected: Vec<u8> = (0..400_000u32).flat_map(u32::to_le_bytes).collect();
    assert!(gunzip(response.bytes()).unwrap() == expected);
}

#[test]
fn files_are_compressed_and_their_ranges_are_not() {
    let folder = std::env::temp_dir().join(format!("stelo-compression-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let content = "line of text\n".repeat(100_000);
    fs::write(folder.join("large.txt"), &content).unwrap();
    fs::write(folder.join("small.txt"), &content[..1300]).unwrap();
    let app = App::new().middleware(Compression::new()).mount("/", StaticFiles::new(&folder));
    let client = TestClient::new(app);
    for (name, content) in [("/large.txt", &*content), ("/small.txt", &content[..1300])] {
        let request = || client.get(name).header("accept-encoding", "gzip");
        let response = request().send();
        assert_eq!(fields(&response), (Some("gzip"), Some("Accept-Encoding")));
        assert!(gunzip(response.bytes()).unwrap() == content.as_bytes(), "{name}");
        let etag = response.header("etag").unwrap().to_owned();
        assert!(etag.starts_with("W/"));
        let again = request().header("if-none-match", &etag).send();
        assert_eq!((again.status(), again.header("etag")), (Status::NOT_MODIFIED, Some(&*etag)));
        let part = request().header("range", "bytes=0-599").send();
        assert_eq!((part.status(), part.header("content-encoding")), (Status::PARTIAL_CONTENT, None));
        assert_eq!(part.text(), content[..600]);
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_stream_that_fails_has_no_valid_end() {
    let respond = || {
        let frames = stream::iter([
            Ok(Frame::Data("x".repeat(100_000).into())),
            Err(BodyError::Other("the database is gone".into())),
        ]);
        Response::new(Body::from_frames(frames, Length::Unknown))
    };
    let client = client(Compression::new(), respond).raise_server_errors(false);
    let response = client.get("/").header("accept-encoding", "gzip").send();
    assert!(response.body_error().is_some());
    assert_eq!(gunzip(response.bytes()), None);
}

#[test]
fn trailers_follow_the_compressed_body() {
    let respond = |_: Request| async {
        let mut trailers = Headers::new();
        trailers.append("x-sum", "7");
        let frames = [Ok(Frame::Data("text".into())), Ok(Frame::Trailers(trailers))];
        Response::new(Body::from_frames(stream::iter(frames), Length::Unknown))
    };
    let check = async |request: Request, next: Next| {
        let mut response = next.run(request).await;
        let (mut all, mut trailers) = (Vec::new(), None);
        while let Some(frame) = response.body.frame().await {
            match frame.unwrap() {
                Frame::Data(bytes) => all.extend_from_slice(&bytes),
                Frame::Trailers(fields) => trailers = fields.get_str("x-sum").map(str::to_owned),
            }
        }
        format!("{:?} {trailers:?}", gunzip(&all).map(|all| String::from_utf8(all).unwrap()))
    };
    let app = App::new().middleware(check).middleware(Compression::new()).route("/", get(respond));
    let response = TestClient::new(app).get("/").header("accept-encoding", "gzip").send();
    assert_eq!(response.text(), "Some(\"text\") Some(\"7\")");
}

#[test]
fn each_chunk_is_flushed_unless_the_next_one_is_ready() {
    let (sender, body) = Body::channel(Length::Unknown);
    let (sender, body) = (Mutex::new(Some(sender)), Arc::new(Mutex::new(Some(body))));
    let respond = move || {
        let body = body.lock().unwrap().take().unwrap();
        async move { Response::new(body) }
    };
    // Feeds the body and reads its compressed form, as a server would.
    let read = move |request: Request, next: Next| {
        let sender = sender.lock().unwrap().take().unwrap();
        async move {
            let mut body = next.run(request).await.body;
            let mut all = Vec::new();
            for chunks in [&["one"][..], &["two", "three", "four"], &["five"]] {
                for &chunk in chunks {
                    assert!(sender.try_send(Frame::Data(chunk.into())).is_ok());
                }
                all.extend_from_slice(&body.chunk().await.unwrap().unwrap());
                assert!(poll_once(body.chunk()).await.is_none(), "one piece for the chunks that were ready");
                let (mut state, mut out) = (Inflate::new(true, 31), vec![0; 1000]);
                state.decompress(&all, &mut out, InflateFlush::SyncFlush).unwrap();
                out.truncate(state.total_out() as usize);
                assert!(out.ends_with(chunks[chunks.len() - 1].as_bytes()), "all of them can be decoded");
            }
            sender.finish();
            all.extend_from_slice(&body.chunk().await.unwrap().unwrap());
            assert!(body.chunk().await.is_none());
            gunzip(&all).unwrap()
        }
    };
    let app = App::new().middleware(read).middleware(Compression::new()).route("/", get(respond));
    let response = TestClient::new(app).get("/").header("accept-encoding", "gzip").send();
    assert_eq!(response.text(), "onetwothreefourfive");
}

#[test]
fn a_route_can_be_excluded() {
    let app = App::new()
        .middleware(Compression::new())
        .route("/", get(async || "x".repeat(4000)).middleware(NoCompression));
    let response = TestClient::new(app).get("/").header("accept-encoding", "gzip").send();
    assert_eq!(fields(&response), (None, None));
}

#[test]
fn an_inner_middleware_has_the_last_word() {
    let app = App::new()
        .middleware(Compression::new())
        .route("/", get(async || "x".repeat(4000)).middleware(Compression::new().gzip_level(1)));
    let response = TestClient::new(app).get("/").header("accept-encoding", "gzip").send();
    assert_eq!(gunzip(response.bytes()).unwrap().len(), 4000);
}

#[test]
fn errors_are_compressed_too() {
    let app = App::new().middleware(Compression::new().minimum_size(1)).route("/", get(TEXT));
    let response = TestClient::new(app).get("/nowhere").header("accept-encoding", "gzip").send();
    assert_eq!(
        (response.status(), gunzip(response.bytes()).unwrap()),
        (Status::NOT_FOUND, b"Not Found".to_vec())
    );
}

#[cfg(feature = "brotli")]
#[test]
fn brotli_is_preferred_to_gzip() {
    let client = client(Compression::new(), || of(4000));
    let response = client.get("/").header("accept-encoding", "gzip, deflate, br").send();
    assert_eq!(fields(&response).0, Some("br"));
    let mut out = Vec::new();
    brotli::BrotliDecompress(&mut response.bytes(), &mut out).unwrap();
    assert_eq!(out, TEXT.repeat(4000).as_bytes());
}

#[cfg(feature = "zstd")]
#[test]
fn zstandard_is_preferred_to_gzip() {
    let client = client(Compression::new(), || of(4000));
    let response = client.get("/").header("accept-encoding", "gzip, deflate, br, zstd").send();
    assert_eq!(fields(&response).0, Some("zstd"));
    assert_eq!(zstd::decode_all(response.bytes()).unwrap(), TEXT.repeat(4000).as_bytes());
}

#[cfg(all(feature = "brotli", feature = "zstd"))]
#[test]
fn a_higher_level_makes_less_of_the_same_text() {
    fn numbers() -> Response {
        (0..4000).map(|number: u32| number.to_string()).collect::<String>().into_response()
    }
    let size = |compression: Compression, coding: &str| {
        let response = client(compression, numbers).get("/").header("accept-encoding", coding).send();
        assert_eq!(fields(&response).0, Some(coding));
        response.bytes().len()
    };
    let (fast, small) = (Compression::new(), Compression::new());
    let (fast, small) = (fast.brotli_level(0).zstd_level(1), small.brotli_level(11).zstd_level(19));
    for coding in ["br", "zstd"] {
        assert!(size(small.clone(), coding) < size(fast.clone(), coding), "{coding}");
    }
}
