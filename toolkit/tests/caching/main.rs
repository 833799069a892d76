//! Conditional requests for the responses of handlers, and the cache of responses.

mod cache;
mod conditional;
