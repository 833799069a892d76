//! The parser, fed with bodies in pieces of every size.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use proptest::prelude::*;

use super::{Boundary, Error, ErrorKind, Event, Limits, Parser};

/// Everything that a body leads to: the parts with their data, and the error.
#[derive(PartialEq, Debug, Default)]
struct Read {
    /// Name, file name, data, and whether the part has ended.
    parts: Vec<(String, Option<String>, String, bool)>,
    ended: bool,
    error: Option<Error>,
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Parses a body with the boundary `B`, in pieces of `size` bytes.
fn read_in(limits: Limits, body: &[u8], size: usize) -> Read {
    let boundary = Boundary::new(b"B").expect("a valid boundary");
    let (mut parser, mut read) = (Parser::new(&boundary, limits), Read::default());
    for mut piece in body.chunks(size) {
        loop {
            match parser.next_event(&mut piece) {
                Ok(Event::Part(part)) => {
                    read.parts.push((text(part.name()), part.filename().map(text), String::new(), false));
                }
                Ok(Event::Data(data)) => {
                    assert!(!data.is_empty());
                    read.parts.last_mut().expect("a part has begun").2.push_str(&text(data));
                }
                Ok(Event::PartEnd) => read.parts.last_mut().expect("a part has begun").3 = true,
                Ok(Event::End) => read.ended = true,
                Ok(Event::NeedData) => break,
                Err(error) => {
                    assert_eq!(parser.next_event(&mut piece), Err(error), "an error stays");
                    assert_eq!(parser.finish(), Err(error));
                    read.error = Some(error);
                    return read;
                }
            }
        }
        assert!(piece.is_empty(), "all input is consumed");
    }
    read.error = parser.finish().err();
    read
}

/// Parses a body in pieces of every size. The events must not depend on it.
fn read_with(limits: Limits, body: &[u8]) -> Read {
    let whole = read_in(limits, body, body.len().max(1));
    for size in (1..body.len()).take(40) {
        assert_eq!(read_in(limits, body, size), whole, "pieces of {size} bytes of {}", text(body));
    }
    whole
}

fn read(body: &str) -> Read {
    read_with(Limits::DEFAULT, body.as_bytes())
}

fn kind(read: &Read) -> Option<ErrorKind> {
    read.error.map(|error| error.kind)
}

/// A body with one part.
fn one(data: &str) -> String {
    format!("--B\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n{data}\r\n--B--\r\n")
}

fn field(name: &str, data: &str) -> (String, Option<String>, String, bool) {
    (name.into(), None, data.into(), true)
}

#[test]
fn fields_and_files_come_in_order() {
    let body = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                --B\r\ncontent-type: text/plain\r\ncontent-disposition: form-data; filename=\"f.txt\"; name=a\r\n\r\n\
                line\r\nline\r\n\r\n--B\r\nContent-Disposition: form-data; name=b\r\n\r\n\r\n--B--";
    let file = ("a".to_owned(), Some("f.txt".to_owned()), "line\\r\\nline\\r\\n".to_owned(), true);
    let expected = Read { parts: vec![field("a", "1"), file, field("b", "")], ended: true, error: None };
    assert_eq!(read(body), expected);
}

#[test]
fn a_boundary_within_a_line_or_with_more_characters_is_data() {
    for data in [
        "--B",
        "x--B--",
        "\r\n--Bx",
        "\r\n--B-",
        "\r\n--B-x--B",
        "\r\r\n-",
        "\r\n\r\n--\r\n--A",
        "\n--B--\n",
        "\r\n--\r\n--Bx",
        "\r",
    ] {
        // Directly after the headers, a boundary is at the beginning of a line.
        let data = format!("x{data}");
        let expected = Read { parts: vec![field("a", &text(data.as_bytes()))], ended: true, error: None };
        assert_eq!(read(&one(&data)), expected, "{data:?}");
    }
}

#[test]
fn preamble_padding_and_epilogue_are_skipped() {
    for (before, after) in [
        ("", "--"),
        ("\r\n", "--\r\n"),
        ("This is a form.\r\n", "--\r\nThe end.\r\n--B\r\n"),
        ("--A\r\n--\r\n", "--x"),
        ("--x\r\n", "--\n"),
    ] {
        let body = format!("{before}--B \t\r\ncontent-disposition: form-data; name=a\r\n\r\nx\r\n--B{after}");
        let expected = Read { parts: vec![field("a", "x")], ended: true, error: None };
        assert_eq!(read(&body), expected, "{body:?}");
    }
}

#[test]
fn a_form_can_be_empty() {
    assert_eq!(read(""), Read::default());
    for body in ["--B--", "\r\n--B--\r\n", "--B--\r\nepilogue"] {
        assert_eq!(read(body), Read { ended: true, ..Read::default() }, "{body:?}");
    }
}

#[test]
fn a_part_can_be_empty_without_a_line_of_its_own() {
    let body = "--B\r\ncontent-disposition: form-data; name=a\r\n\r\n--B--";
    assert_eq!(read(body), Read { parts: vec![field("a", "")], ended: true, error: None });
}

#[test]
fn malformed_bodies_are_rejected() {
    use ErrorKind as Kind;
    let head = "--B\r\ncontent-disposition: form-data; name=a\r\n";
    let cases = [
        ("\r\n".to_owned(), Kind::Truncated),
        ("--B".to_owned(), Kind::Truncated),
        ("--B-".to_owned(), Kind::Truncated),
        ("--B\n".to_owned(), Kind::BoundaryLine),
        ("--B\r\r\n".to_owned(), Kind::BoundaryLine),
        ("--B x\r\n".to_owned(), Kind::BoundaryLine),
        (format!("\n{}", one("a")), Kind::BoundaryLine),
        (format!("text --B\r\n{}", one("a")), Kind::BoundaryLine),
        (format!("--Bx\r\n{}", one("a")), Kind::BoundaryLine),
        ("--B\r\n--B--".to_owned(), Kind::Truncated),
        ("--B\r\n\r\n".to_owned(), Kind::NameMissing),
        (format!("{head}\r\nx"), Kind::Truncated),
        (format!("{head}\r\nx\n--B--\n"), Kind::Truncated),
        (format!("{head}\r\nx\r\n--B--").replace("\r\n", "\n"), Kind::BoundaryLine),
        (format!("{head}x: y\n\r\n"), Kind::LineEnding),
        (format!("{head}x: y\rz\r\n"), Kind::LineEnding),
        (format!("{head} folded\r\n"), Kind::Folding),
        (format!("{head}x : y\r\n"), Kind::HeaderName),
        (format!("{head}: y\r\n"), Kind::HeaderName),
        (format!("{head}no colon\r\n"), Kind::HeaderName),
        (format!("{head}x: \0\r\n"), Kind::HeaderValue),
        (format!("{head}content-disposition: form-data; name=b\r\n\r\n"), Kind::Disposition),
        ("--B\r\ncontent-disposition: form-data; name=a; name=b\r\n\r\n".to_owned(), Kind::Disposition),
        ("--B\r\ncontent-disposition: form-data; name=\"a\r\n\r\n".to_owned(), Kind::Disposition),
        ("--B\r\ncontent-disposition: form-data; =\"a\"\r\n\r\n".to_owned(), Kind::NameMissing),
        ("--B\r\ncontent-type: text/plain\r\n\r\n".to_owned(), Kind::NameMissing),
    ];
    for (body, expected) in cases {
        assert_eq!(kind(&read(&body)), Some(expected), "{body:?}");
    }
}

#[test]
fn every_beginning_of_a_body_is_truncated() {
    let body = one("x\r\n--Bx\r\n");
    let end = body.len() - 2;
    for cut in 1..end {
        assert_eq!(kind(&read(&body[..cut])), Some(ErrorKind::Truncated), "{cut}");
    }
    assert_eq!(kind(&read(&body[..end])), None);
}

#[test]
fn each_limit_allows_its_value_and_no_more() {
    use ErrorKind as Kind;
    let disposition = "content-disposition: form-data; name=a\r\n";
    let part = |extra: &str| format!("--B\r\n{disposition}{extra}\r\n--B--");
    let file = "--B\r\ncontent-disposition: form-data; name=a; filename=f\r\n\r\nxyz\r\n";
    let plain = format!("--B\r\n{disposition}\r\n\r\n");
    let headers = |n: usize| "a: b\r\n".repeat(n);
    let limits = Limits::DEFAULT;
    let length = disposition.len();
    let cases = [
        (
            limits.preamble(3),
            format!("abc\r\n{}", one("")),
            format!("abcd\r\n{}", one("")),
            Kind::PreambleTooLarge,
        ),
        (limits.head(length + 2), part(""), part("a: b\r\n"), Kind::HeadTooLarge),
        (limits.head(length + 4), part(""), part("").replacen("--B\r", "--B   \r", 1), Kind::HeadTooLarge),
        (
            limits.header_line(length),
            part("a:\r\n"),
            part(&format!("{}:\r\n", "a".repeat(length))),
            Kind::HeaderTooLong,
        ),
        (limits.headers(3), part(&headers(2)), part(&headers(3)), Kind::TooManyHeaders),
        (
            limits.fields(2),
            format!("{}--B--", plain.repeat(2)),
            format!("{}--B--", plain.repeat(3)),
            Kind::TooManyFields,
        ),
        (
            limits.files(2),
            format!("{}--B--", file.repeat(2)),
            format!("{}--B--", file.repeat(3)),
            Kind::TooManyFiles,
        ),
        (limits.field(3), one("abc"), one("abcd"), Kind::FieldTooLarge),
        (limits.field(3), format!("{file}--B--"), one("a\r\nb"), Kind::FieldTooLarge),
    ];
    for (limits, good, bad, expected) in cases {
        assert_eq!(kind(&read_with(limits, good.as_bytes())), None, "{good:?}");
        assert_eq!(kind(&read_with(limits, bad.as_bytes())), Some(expected), "{bad:?}");
    }
}

#[test]
fn the_size_of_a_file_has_no_limit() {
    let body = format!(
        "--B\r\ncontent-disposition: form-data; name=a; filename=f\r\n\r\n{}\r\n--B--",
        "x".repeat(70 << 10)
    );
    let read = read_in(Limits::DEFAULT.field(1), body.as_bytes(), 1000);
    assert_eq!((read.parts[0].2.len(), read.error), (70 << 10, None));
}

#[test]
fn a_long_part_is_the_same_in_pieces_around_every_threshold() {
    for unit in ["\r\n--A", "\r\n--", "\r", "xyz\r\n", "\r\n--Bx"] {
        let data = format!("x{}", unit.repeat(1500 / unit.len()));
        let body = format!("{}{}", one(&data).trim_end_matches("--B--\r\n"), one("end"));
        let whole = read_in(Limits::DEFAULT, body.as_bytes(), usize::MAX);
        assert_eq!(whole.parts, [field("a", &text(data.as_bytes())), field("a", "end")]);
        for size in (500..600).chain([1, 7, 1500, 1600]) {
            assert_eq!(
                read_in(Limits::DEFAULT, body.as_bytes(), size),
                whole,
                "{unit:?} in pieces of {size}"
            );
        }
    }
}

#[test]
fn the_head_of_a_part_keeps_its_headers_in_order() {
    let body =
        "--B\r\nContent-Disposition: form-data; name=a\r\nX-Custom:  f2 \r\nContent-Type: text/plain\r\n\r\n";
    let mut parser = Parser::new(&Boundary::new(b"B").expect("a valid boundary"), Limits::DEFAULT);
    let Ok(Event::Part(part)) = parser.next_event(&mut body.as_bytes()) else { panic!("no part") };
    let headers: Vec<_> = part.headers().iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
    let expected =
        [("Content-Disposition", "form-data; name=a"), ("X-Custom", "f2"), ("Content-Type", "text/plain")];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(!part.is_file());
}

/// A body that makes a careless search quadratic: every byte begins a match.
#[test]
fn the_time_grows_with_the_length() {
    let boundary = Boundary::new(&[b'-'; 70]).expect("a valid boundary");
    let head =
        [b"--", boundary.as_bytes(), b"\r\ncontent-disposition: form-data; name=a; filename=f\r\n\r\n"]
            .concat();
    for unit in [
        &b"\r"[..],
        b"\r\n",
        b"\r\n-",
        b"\r\n---------------------------------------------------------------------",
    ] {
        let body = [&head[..], &unit.repeat((256 << 10) / unit.len())].concat();
        for size in [1, 3, body.len()] {
            let mut parser = Parser::new(&boundary, Limits::DEFAULT);
            let mut bytes = 0;
            for mut piece in body.chunks(size) {
                loop {
                    match parser.next_event(&mut piece).expect("a file may have any bytes") {
                        Event::Data(data) => bytes += data.len(),
                        Event::NeedData => break,
                        _ => {}
                    }
                }
            }
            assert!(bytes + 80 > body.len() - head.len());
        }
    }
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_events(body in "(--B|\r\n|\r|\n|-| |B|x|content-disposition: form-data; name=a|\r\n--B\r\n){0,24}", size in 1usize..9) {
        let limits = Limits::DEFAULT.field(9).preamble(9);
        prop_assert_eq!(read_in(limits, body.as_bytes(), size), read_in(limits, body.as_bytes(), usize::MAX));
    }

    #[test]
    fn what_is_written_is_read(parts in prop::collection::vec(("[a-z]{1,5}", prop::option::of("[a-z.]{0,5}"), "(\r\n|-|B|x|\r|\n){0,20}"), 0..5), size in 1usize..30) {
        let mut body = String::new();
        let mut expected = Vec::new();
        for (name, filename, data) in parts {
            let data = data.replace("\r\n--B", "");
            let data = data.strip_prefix("--B").map_or(data.clone(), str::to_owned);
            let file = filename.as_ref().map_or(String::new(), |name| format!("; filename=\"{name}\""));
            body += &format!("--B\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{data}\r\n");
            expected.push((name, filename, text(data.as_bytes()), true));
        }
        body += "--B--\r\n";
        let read = read_in(Limits::DEFAULT, body.as_bytes(), size);
        // Removing a boundary can join the bytes around it to another.
        prop_assume!(body.matches("\r\n--B").count() + usize::from(body.starts_with("--B")) == expected.len() + 1);
        prop_assert_eq!(read, Read { parts: expected, ended: true, error: None });
    }
}
