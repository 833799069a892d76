//! Compressed bodies over real sockets: streams chunk by chunk, files, requests, and clients that leave.

use std::fs;

use futures_lite::{StreamExt, stream};
use stelo_tests::{Gate, News, On, cases};
use stelo_toolkit::middleware::{Compression, Decompression};
use stelo_toolkit::response::StreamingResponse;
use stelo_toolkit::{App, Request, StaticFiles, get, post};
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Status};

use crate::folder::Folder;

cases!(
    a_chunk_can_be_decompressed_before_the_next_one_is_made,
    a_large_file_is_compressed,
    a_client_that_leaves_ends_the_compressed_stream,
    a_large_compressed_upload_is_counted,
);

fn request(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n")
}

/// Decompresses the beginning of a gzip stream.
fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let (mut state, mut out) = (Inflate::new(true, 31), vec![0; 16 << 20]);
    state.decompress(bytes, &mut out, InflateFlush::SyncFlush).expect("gzip");
    out.truncate(state.total_out() as usize);
    out
}

fn a_chunk_can_be_decompressed_before_the_next_one_is_made(on: On) {
    let gate = Gate::new();
    let wait = gate.clone();
    let chunks = move || {
        let wait = wait.clone();
        let last = stream::once(()).then(move |()| {
            let wait = wait.clone();
            async move {
                wait.pass().await;
                "second"
            }
        });
        async move { StreamingResponse::text(stream::once("first").chain(last)) }
    };
    let server = on.serve(App::new().middleware(Compression::new()).route("/", get(chunks)));
    let mut client = server.connect();
    client.send(request("/"));
    let head = client.head().expect("an answer");
    assert_eq!(head.header("content-encoding"), Some("gzip"));
    let size = usize::from_str_radix(&client.line(), 16).expect("the size of a chunk");
    let mut all = client.exactly(size);
    assert_eq!(gunzip(&all), b"first");
    gate.open();
    assert_eq!(client.line(), "");
    loop {
        let size = usize::from_str_radix(&client.line(), 16).expect("the size of a chunk");
        if size == 0 {
            break;
        }
        all.extend(client.exactly(size));
        assert_eq!(client.line(), "");
    }
    assert_eq!(gunzip(&all), b"firstsecond");
}

fn a_large_file_is_compressed(on: On) {
    let folder = Folder::new(on, "codings");
    let content = "a line of text\n".repeat(200_000);
    fs::write(folder.path("f.txt"), &content).expect("the folder is ours");
    let app = App::new().middleware(Compression::new()).mount("/", StaticFiles::new(folder.path("")));
    let server = on.serve(app);
    let mut client = server.connect();
    client.send(request("/f.txt"));
    let answer = client.answer();
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert!(gunzip(&answer.body) == content.as_bytes());
    client.expect_open();
}

fn a_client_that_leaves_ends_the_compressed_stream(on: On) {
    let news = News::new();
    let told = news.clone();
    let endless = move || {
        let word = told.last_word("dropped");
        let chunks = stream::repeat(()).map(move |()| {
            let _ = &word;
            "text ".repeat(20_000)
        });
        async move { StreamingResponse::text(chunks) }
    };
    let server = on.serve(App::new().middleware(Compression::new()).route("/", get(endless)));
    let mut client = server.connect();
    client.send(request("/"));
    client.head().expect("an answer");
    drop(client);
    news.expect("dropped");
    assert_eq!(server.connect().get("/nowhere").status, 404);
}

fn a_large_compressed_upload_is_counted(on: On) {
    let count = async |mut request: Request| -> stelo_toolkit::Result<String> {
        let (mut body, mut count) = (request.stream(), 0);
        while let Some(chunk) = body.chunk().await {
            count += chunk?.len();
        }
        Ok(count.to_string())
    };
    let server = on.serve(App::new().middleware(Decompression::new()).route("/", post(count)));
    let content: Vec<u8> =
        (0..1_000_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let config = DeflateConfig { window_bits: 31, level: 1, ..DeflateConfig::default() };
    let (mut state, mut body) = (Deflate::new_with_config(config), vec![0; 2 * content.len()]);
    assert_eq!(state.compress(&content, &mut body, DeflateFlush::Finish), Ok(Status::StreamEnd));
    body.truncate(state.total_out() as usize);
    let mut client = server.connect();
    client.send(format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    ));
    client.send(&body);
    assert_eq!(client.answer().text(), content.len().to_string());
    client.expect_open();
}
