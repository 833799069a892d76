//! Properties of the core and the toolkit that hold for any input, and the reference models to compare with.
//!
//! Each property is a function of bytes that panics if it does not hold. The fuzz targets call these functions. The
//! tests of this crate call them with the inputs in `fuzz/seeds` and with mutations of them. The models are simple: all
//! bytes in memory, lists and loops.

mod accept_encoding;
mod chunked;
mod connection;
mod cookies;
mod date;
mod deflate;
mod frames;
mod handshake;
mod head;
mod headers;
mod multipart;
mod peer;
mod query;
mod ranges;
mod reference;
mod response;
mod routing;
mod signing;
mod source;
mod target;

pub use accept_encoding::accept_encoding;
pub use chunked::chunked;
pub use connection::connection;
pub use cookies::cookies;
pub use date::date;
pub use deflate::deflate;
pub use frames::frames;
pub use handshake::handshake;
pub use head::head;
pub use headers::headers;
pub use multipart::multipart;
pub use query::query;
pub use ranges::ranges;
pub use response::response;
pub use routing::routing;
pub use signing::signing;
pub use target::target;

/// A property. It panics if it does not hold for the input.
pub type Property = fn(&[u8]);

/// All properties, by the names of their fuzz targets.
pub const PROPERTIES: [(&str, Property); 17] = [
    ("accept_encoding", accept_encoding),
    ("chunked", chunked),
    ("cookies", cookies),
    ("date", date),
    ("h1_connection", connection),
    ("h1_head", head),
    ("h1_response", response),
    ("headers", headers),
    ("multipart", multipart),
    ("query", query),
    ("ranges", ranges),
    ("routing", routing),
    ("signing", signing),
    ("target", target),
    ("ws_deflate", deflate),
    ("ws_frames", frames),
    ("ws_handshake", handshake),
];
