//! Compressed requests: codings, limits, and bodies that are not what they claim to be.

use futures_lite::stream;
use stelo_toolkit::body::{Body, Frame, Length};
use stelo_toolkit::middleware::Decompression;
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{App, Headers, Request, Status, TestClient, post};

use crate::{deflated, gzip};

fn app(decompression: Decompression) -> TestClient {
    let echo = async |text: String| text;
    let about = async |request: Request| {
        format!(
            "{:?} {:?}",
            request.headers().get("content-encoding"),
            request.headers().get("content-length")
        )
    };
    let count = async |mut request: Request| -> stelo_toolkit::Result<String> {
        let (mut body, mut count) = (request.stream(), 0);
        while let Some(chunk) = body.chunk().await {
            let chunk = chunk?;
            assert!(chunk.len() <= 32 << 10, "memory does not grow with the body");
            count += chunk.len();
        }
        Ok(count.to_string())
    };
    let app = App::new().middleware(decompression);
    TestClient::new(app.route("/", post(echo)).route("/about", post(about)).route("/count", post(count)))
}

fn sent(path: &str, coding: &str, body: impl Into<Body>) -> TestResponse {
    app(Decompression::new()).post(path).header("content-encoding", coding).body(body).send()
}

#[test]
fn each_coding_is_decompressed() {
    for coding in ["gzip", "GZip", "x-gzip", " gzip ,", "identity, gzip"] {
        let coding = coding.trim();
        assert_eq!(sent("/", coding, gzip(b"hello")).text(), "hello", "{coding}");
    }
    assert_eq!(sent("/", "deflate", deflated(b"hello", 15)).text(), "hello");
    assert_eq!(sent("/", "identity", "hello").text(), "hello");
    assert_eq!(sent("/about", "gzip", gzip(b"hello")).text(), "None None");
    #[cfg(feature = "brotli")]
    {
        let mut out = Vec::new();
        brotli::BrotliCompress(&mut &b"hello"[..], &mut out, &brotli::enc::BrotliEncoderParams::default())
            .unwrap();
        assert_eq!(sent("/", "br", out).text(), "hello");
    }
    #[cfg(feature = "zstd")]
    assert_eq!(sent("/", "zstd", zstd::encode_all(&b"hello"[..], 3).unwrap()).text(), "hello");
}

#[test]
fn an_unknown_coding_is_415_and_names_the_others() {
    for coding in ["compress", "gzip, gzip", "gzip, deflate", "x", "*"] {
        let response = sent("/", coding, gzip(b"hello"));
        assert_eq!(response.status(), Status::UNSUPPORTED_MEDIA_TYPE, "{coding}");
        assert!(response.header("accept-encoding").unwrap().contains("gzip, deflate"));
    }
}

#[test]
fn a_body_that_is_invalid_or_incomplete_is_400() {
    let whole = gzip("hello ".repeat(1000).as_bytes());
    let mut damaged = whole.clone();
    damaged[20] ^= 0xff;
    let mut checksum = whole.clone();
    let at = checksum.len() - 8;
    checksum[at] ^= 1;
    let trailing = [&whole[..], b"text"].concat();
    for body in [
        b"plain text".to_vec(),
        damaged,
        checksum,
        trailing,
        whole[..whole.len() - 1].to_vec(),
        whole[..5].to_vec(),
    ] {
        let response = sent("/", "gzip", body);
        assert_eq!(response.status(), Status::BAD_REQUEST, "{}", response.text());
    }
    assert_eq!(sent("/", "deflate", whole).status(), Status::BAD_REQUEST);
}

#[test]
fn a_body_without_bytes_is_empty() {
    assert_eq!(sent("/", "gzip", "").text(), "");
    let empty = Body::from_stream(stream::empty::<Result<Vec<u8>, std::io::Error>>());
    let response =
        app(Decompression::new()).post("/").header("content-encoding", "gzip").stream(empty).send();
    assert_eq!((response.status(), response.text()), (Status::OK, String::new()));
    assert_eq!(sent("/", "gzip", gzip(b"")).text(), "");
}

#[test]
fn several_members_are_one_body_and_tiny_ones_are_limited() {
    let two = [gzip(b"hello "), gzip(b"world")].concat();
    assert_eq!(sent("/", "gzip", two).text(), "hello world");
    assert_eq!(sent("/", "gzip", gzip(b"").repeat(1000)).status(), Status::BAD_REQUEST);
    let large = gzip(&(0..3000u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    assert_eq!(sent("/count", "gzip", large.repeat(50)).text(), "600000");
}

#[cfg(feature = "brotli")]
#[test]
fn a_second_stream_is_allowed_where_the_coding_has_it() {
    let mut brotli = Vec::new();
    let params = brotli::enc::BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut &b"hello"[..], &mut brotli, &params).expect("there is memory");
    assert_eq!(sent("/", "br", brotli.repeat(2)).status(), Status::BAD_REQUEST);
    #[cfg(feature = "zstd")]
    {
        let frame = zstd::encode_all(&b"hello"[..], 3).expect("there is memory");
        assert_eq!(sent("/", "zstd", frame.repeat(2)).text(), "hellohello");
    }
}

#[test]
fn trailers_follow_the_decompressed_body() {
    async fn show(mut request: Request) -> stelo_toolkit::Result<String> {
        let (mut body, mut text) = (request.stream(), String::new());
        while let Some(frame) = body.frame().await {
            text += &match frame? {
                Frame::Data(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Frame::Trailers(trailers) => format!(" {:?}", trailers.get_str("x-sum")),
            };
        }
        Ok(text)
    }
    let mut trailers = Headers::new();
    trailers.append("x-sum", "7");
    let frames = |bytes: Vec<u8>| {
        let frames = [Ok(Frame::Data(bytes.into())), Ok(Frame::Trailers(trailers.clone()))];
        Body::from_frames(stream::iter(frames), Length::Unknown)
    };
    let client = TestClient::new(App::new().middleware(Decompression::new()).route("/", post(show)));
    let sent = |bytes| client.post("/").header("content-encoding", "gzip").stream(frames(bytes)).send();
    assert_eq!(sent(gzip(b"hello")).text(), "hello Some(\"7\")");
    let mut cut = gzip(b"hello");
    cut.pop();
    assert_eq!(sent(cut).status(), Status::BAD_REQUEST);
}

#[test]
fn a_body_in_pieces_is_decompressed() {
    let whole = gzip("hello ".repeat(50_000).as_bytes());
    for size in [1, 7, 1000] {
        let chunks: Vec<_> =
            whole.chunks(size).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
        let body = Body::from_stream(stream::iter(chunks));
        let response =
            app(Decompression::new()).post("/count").header("content-encoding", "gzip").stream(body).send();
        assert_eq!(response.text(), "300000", "{size}");
    }
}

#[test]
fn beyond_the_size_is_413() {
    let app = app(Decompression::new().max_size(1000));
    for (len, status) in
        [(1000, Status::OK), (1001, Status::CONTENT_TOO_LARGE), (100_000, Status::CONTENT_TOO_LARGE)]
    {
        for path in ["/", "/count"] {
            let body = gzip("x".repeat(len).as_bytes());
            let response = app.post(path).header("content-encoding", "gzip").body(body).send();
            assert_eq!(response.status(), status, "{len} {path}");
        }
    }
}

#[test]
fn beyond_the_ratio_is_413_from_a_mebibyte_on() {
    for (len, status) in [(1 << 20, Status::OK), (3 << 20, Status::CONTENT_TOO_LARGE)] {
        let response = sent("/count", "gzip", gzip(&vec![0; len]));
        assert_eq!(response.status(), status, "{len}: {}", response.text());
    }
    let app = app(Decompression::new().max_ratio(2000));
    let response = app.post("/count").header("content-encoding", "gzip").body(gzip(&vec![0; 3 << 20])).send();
    assert_eq!(response.text(), (3 << 20).to_string());
}

#[test]
fn the_body_limit_counts_decompressed_bytes() {
    let app = App::new()
        .middleware(Decompression::new())
        .route("/", post(async |text: String| text.len().to_string()).body_limit(100));
    let client = TestClient::new(app);
    for (len, status) in [(100, Status::OK), (101, Status::CONTENT_TOO_LARGE)] {
        let body = gzip("x".repeat(len).as_bytes());
        assert_eq!(client.post("/").header("content-encoding", "gzip").body(body).send().status(), status);
    }
}
