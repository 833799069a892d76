//! HTTP/2: two requests on one connection, and the bodies of their answers.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stelo_core::Instant;
use stelo_core::h2::frame::{self, Header, Kind, write};
use stelo_core::h2::{Config, Connection};

use crate::{Site, serve};

/// `:method: GET`, `:scheme: http`, `:path: /users/7`, `:authority: example.org`.
const GET: &[u8] = b"\x82\x86\x04\x08/users/7\x41\x0bexample.org";
/// The same with POST and `/echo`. The authority is now in the dynamic table.
const POST: &[u8] = b"\x83\x86\x04\x05/echo\xbe";

/// Whether both requests are answered, each on its stream.
pub(crate) fn is_served() -> Option<bool> {
    let mut client = frame::PREFACE.to_vec();
    write::settings(&mut client, &[]);
    for (stream, block, end) in [(1, GET, true), (3, POST, false)] {
        let at = write::begin_headers(&mut client);
        client.extend_from_slice(block);
        write::end_headers(&mut client, at, stream, end, 16_384);
    }
    write::data(&mut client, 3, 6, true);
    client.extend_from_slice(b"hello\n");
    let connection = Connection::new(Arc::new(Config::default()), Instant::ZERO);
    let output = serve(connection, &Site::new().ok()?, &client)?;
    Some(body(&output, 1)? == b"user 7\n" && body(&output, 3)? == b"hello\n")
}

/// The payload of the DATA frames of a stream; none if a frame is cut off.
fn body(mut output: &[u8], stream: u32) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while !output.is_empty() {
        let header = Header::read(output)?;
        let end = Header::LEN + header.len as usize;
        let payload = output.get(Header::LEN..end)?;
        if header.kind == Kind::Data && header.stream == stream {
            body.extend_from_slice(payload);
        }
        output = &output[end..];
    }
    Some(body)
}
