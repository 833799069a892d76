//! The middleware that admit, refuse, limit or identify requests.

mod body_limit;
mod cors;
mod csrf;
mod hosts;
mod identifiers;
mod security_headers;
mod timeout;
