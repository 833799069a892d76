//! The middleware that admit, refuse or limit requests.

mod cors;
mod csrf;
mod hosts;
mod timeout;
