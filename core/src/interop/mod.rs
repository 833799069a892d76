//! Conversions from and to the types of the crates `bytes` and `http`, with the features of these names.

#[cfg(feature = "bytes")]
mod bytes;
#[cfg(feature = "http")]
mod http;

#[cfg(feature = "http")]
pub use self::http::Unsupported;
