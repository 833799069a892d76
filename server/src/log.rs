//! The log: what it looks like, and the access line. Everything goes through `tracing`.

/// The target of what the server says about itself.
pub const SERVER: &str = "stelo.server";

/// The target of the access lines, one for each response.
pub const ACCESS: &str = "stelo.access";
