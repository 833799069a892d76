//! Parses the bodies in the tables of `docs/evidence/multipart.md`, whole and byte by byte, and compares the verdicts with the
//! column of Stelo. `WRITE_PAGES=1` writes the column.

/// The notation of bytes is that of the HTTP/1.1 corpus.
#[path = "../corpus/escape.rs"]
mod escape;

use std::fs;
use std::path::Path;

use escape::{escape, unescape};
use stelo_core::multipart::{Boundary, Event, Limits, Parser};

/// The verdict on a body in pieces of this size: its parts, or that it is rejected.
fn verdict(body: &[u8], size: usize) -> String {
    let boundary = Boundary::new(b"B").expect("a valid boundary");
    let (mut parser, mut parts) = (Parser::new(&boundary, Limits::DEFAULT), Vec::<Vec<u8>>::new());
    for mut piece in body.chunks(size) {
        loop {
            match parser.next_event(&mut piece) {
                Ok(Event::Part(part)) => {
                    let file = part.filename().map(|file| [b"(", file, b")"].concat()).unwrap_or_default();
                    parts.push([part.name(), &file, b"="].concat());
                }
                Ok(Event::Data(data)) => parts.last_mut().expect("a part has begun").extend_from_slice(data),
                Ok(Event::PartEnd | Event::End) => {}
                Ok(Event::NeedData) => break,
                Err(_) => return "error".into(),
            }
        }
    }
    match parser.finish() {
        Err(_) => "error".into(),
        Ok(()) if parts.is_empty() => "empty".into(),
        Ok(()) => escape(&parts.join(&b"; "[..])),
    }
}

#[test]
fn the_page_has_the_verdict_on_each_body() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/evidence/multipart.md");
    let page = fs::read_to_string(&path).expect("the page is there");
    let (mut written, mut bodies) = (String::new(), 0);
    for line in page.lines() {
        if let Some((body, _)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | ")) {
            bodies += 1;
            let bytes = unescape(body).expect("the notation of the corpus");
            let found = verdict(&bytes, bytes.len());
            assert_eq!(verdict(&bytes, 1), found, "{body}");
            let mut cells: Vec<_> = line.split(" | ").collect();
            let cell = format!("`{found}`");
            cells[1] = &cell;
            written += &cells.join(" | ");
        } else {
            written += line;
        }
        written.push('\n');
    }
    assert!(bodies > 50);
    if std::env::var_os("WRITE_PAGES").is_some() {
        fs::write(path, written).expect("the page can be written");
    } else {
        assert!(
            written == page,
            "run this test with WRITE_PAGES=1, and look at the changes of {}",
            path.display()
        );
    }
}
