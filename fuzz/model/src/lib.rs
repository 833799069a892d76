//! Properties of the core and the toolkit that hold for any input, and the reference models to compare with.
//!
//! Each property is a function of bytes that panics if it does not hold. The fuzz targets call these functions. The
//! tests of this crate call them with the inputs in `fuzz/seeds` and with mutations of them. The models are simple: all
//! bytes in memory, lists and loops.

mod accept_encoding;
mod chunked;
mod conditions;
mod connection;
mod cookies;
mod date;
mod deflate;
mod dotenv;
mod events;
mod frames;
mod h2_connection;
mod h2_frames;
mod handshake;
mod head;
mod headers;
mod hpack;
mod json_lines;
mod multipart;
mod peer;
mod proxy_protocol;
mod query;
mod ranges;
mod reference;
mod response;
mod routing;
mod set_cookie;
mod signing;
mod source;
mod static_paths;
mod target;
#[cfg(feature = "tls")]
mod tls_pump;
mod url;

pub use accept_encoding::accept_encoding;
pub use chunked::chunked;
pub use conditions::conditions;
pub use connection::connection;
pub use cookies::cookies;
pub use date::date;
pub use deflate::deflate;
pub use dotenv::dotenv;
pub use events::events;
pub use frames::frames;
pub use h2_connection::h2_connection;
pub use h2_frames::h2_frames;
pub use handshake::handshake;
pub use head::head;
pub use headers::headers;
pub use hpack::hpack;
pub use json_lines::json_lines;
pub use multipart::multipart;
pub use proxy_protocol::proxy_protocol;
pub use query::query;
pub use ranges::ranges;
pub use response::response;
pub use routing::routing;
pub use set_cookie::set_cookie;
pub use signing::signing;
pub use static_paths::static_paths;
pub use target::target;
#[cfg(feature = "tls")]
pub use tls_pump::tls_pump;
pub use url::url;

/// A property. It panics if it does not hold for the input.
pub type Property = fn(&[u8]);

/// All properties, by the names of their fuzz targets.
pub const PROPERTIES: &[(&str, Property)] = &[
    ("accept_encoding", accept_encoding),
    ("chunked", chunked),
    ("conditions", conditions),
    ("cookies", cookies),
    ("date", date),
    ("dotenv", dotenv),
    ("events", events),
    ("h1_connection", connection),
    ("h1_head", head),
    ("h1_response", response),
    ("h2_connection", h2_connection),
    ("h2_frames", h2_frames),
    ("headers", headers),
    ("hpack", hpack),
    ("json_lines", json_lines),
    ("multipart", multipart),
    ("proxy_protocol", proxy_protocol),
    ("query", query),
    ("ranges", ranges),
    ("routing", routing),
    ("set_cookie", set_cookie),
    ("signing", signing),
    ("static_paths", static_paths),
    ("target", target),
    #[cfg(feature = "tls")]
    ("tls_pump", tls_pump),
    ("url", url),
    ("ws_deflate", deflate),
    ("ws_frames", frames),
    ("ws_handshake", handshake),
];
