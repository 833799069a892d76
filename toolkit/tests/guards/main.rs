//! The middleware that admit, refuse, limit or identify requests.

mod around;
mod body_limit;
mod cors;
mod csrf;
mod hosts;
mod identifiers;
mod load;
mod rate_limit;
mod security_headers;
mod timeout;
