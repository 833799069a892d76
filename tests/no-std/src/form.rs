//! A multipart form, read in pieces.

use stelo_core::multipart::{Boundary, Event, Limits, Parser};

const BODY: &[u8] = b"--B\r\ncontent-disposition: form-data; name=a\r\n\r\nhello\r\n--B--\r\n";

/// Whether a form has the part that was written.
pub(crate) fn is_read() -> Option<bool> {
    let boundary = Boundary::of(b"multipart/form-data; boundary=B").ok()?;
    let mut parser = Parser::new(&boundary, Limits::DEFAULT);
    let (mut parts, mut data) = (0, 0);
    for mut piece in BODY.chunks(7) {
        loop {
            match parser.next_event(&mut piece).ok()? {
                Event::Part(part) if part.name() == b"a" => parts += 1,
                Event::Part(_) => return None,
                Event::Data(bytes) => data += bytes.len(),
                Event::PartEnd | Event::End => {}
                Event::NeedData => break,
            }
        }
    }
    parser.finish().ok()?;
    Some(parts == 1 && data == 5)
}
