//! Embedded files: what differs from directories.

use stelo_toolkit::files::{EmbeddedFile, EmbeddedFiles};
use stelo_toolkit::{Status, embed};

use super::mounted;

/// Computed by the compiler.
const HELLO: EmbeddedFile = EmbeddedFile::new("hello.txt", b"hello");

#[test]
fn files_of_the_crate_are_embedded_with_their_hashes() {
    let client = mounted(embed!("tests/files", "main.rs", "embedded.rs"));
    let response = client.get("/st/embedded.rs").send();
    assert_eq!(response.text(), include_str!("embedded.rs"));
    assert_eq!(response.header("last-modified"), None);
    let etag = response.header("etag").expect("files have one").to_owned();
    let again = client.get("/st/embedded.rs").header("if-none-match", &etag).send();
    assert_eq!(again.status(), Status::NOT_MODIFIED);
    assert_ne!(client.get("/st/main.rs").send().header("etag"), Some(&*etag));
    assert_eq!(client.get("/st/none.rs").send().status(), Status::NOT_FOUND);
}

#[test]
fn the_entity_tag_is_the_same_in_every_process() {
    let client = mounted(EmbeddedFiles::new([HELLO]));
    // XXH64 of `hello`, and its length.
    assert_eq!(client.get("/st/hello.txt").send().header("etag"), Some("\"26c7827d889f6da3-5\""));
}

#[test]
fn the_last_file_of_a_path_counts() {
    let files = EmbeddedFiles::new([HELLO, EmbeddedFile::new("hello.txt", b"other")]);
    assert_eq!(mounted(files).get("/st/hello.txt").send().text(), "other");
}

#[test]
#[should_panic(expected = "`/hello.txt` is not a path of an embedded file: write it as `js/app.js`")]
fn a_path_that_no_request_has_is_a_mistake() {
    let _ = EmbeddedFiles::new([EmbeddedFile::new("/hello.txt", b"")]);
}
