//! `X-Forwarded-For` and `X-Forwarded-Proto`, as Uvicorn reads them.

use stelo_core::app::Address;
use stelo_core::http::Headers;

use super::{Identity, Peers, node};

pub(super) const FOR: &str = "x-forwarded-for";
pub(super) const PROTO: &str = "x-forwarded-proto";

/// Reads the fields. `None` if there are none.
pub(super) fn read(headers: &Headers, trusted: &Peers) -> Option<Identity> {
    // The last one is that of the proxy next to the server.
    let proto = headers.get_all(PROTO).last();
    if proto.is_none() && !headers.contains(FOR) {
        return None;
    }
    Some(Identity { client: client(headers, trusted), secure: proto.and_then(is_secure), host: None })
}

/// Returns whether a scheme is encrypted. A value that is not exactly a scheme is ignored.
fn is_secure(proto: &[u8]) -> Option<bool> {
    match proto.trim_ascii() {
        b"https" | b"wss" => Some(true),
        b"http" | b"ws" => Some(false),
        _ => None,
    }
}

/// Returns the client. Each proxy has appended its peer, so that the last entry is the most credible one: the client is the
/// last that is not a trusted proxy itself. If all peers are trusted, it is the first.
fn client(headers: &Headers, trusted: &Peers) -> Option<Address> {
    let fields: Vec<&[u8]> = headers.get_all(FOR).collect();
    let mut entries = fields.iter().flat_map(|field| field.split(|byte| *byte == b','));
    if trusted.are_all() {
        return entries.next().and_then(node::read);
    }
    let mut first = None;
    for entry in entries.rev() {
        first = Some(node::read(entry)?);
        if !trusted.contain(first.as_ref()) {
            break;
        }
    }
    first
}
