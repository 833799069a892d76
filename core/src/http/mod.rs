//! The types of HTTP: methods, status codes, versions, targets, header fields, dates (RFC 9110, RFC 9112).

mod accept_encoding;
pub mod date;
mod head;
pub mod header;
mod headers;
mod method;
pub mod range;
mod status;
mod syntax;
mod target;
mod version;

pub use accept_encoding::AcceptEncoding;
pub use head::RequestHead;
pub(crate) use headers::Span;
pub use headers::{Headers, InvalidHeader};
pub use method::{Method, OtherMethod};
pub use status::{InvalidStatus, Status};
pub use syntax::{is_field_value, is_token};
pub(crate) use syntax::{
    is_name, is_token_byte, is_value_byte, list, target_len, token_len, trim, value_len,
};
pub(crate) use target::{Parts, authority_len, is_authority};
pub use target::{Target, TargetForm};
pub use version::Version;
