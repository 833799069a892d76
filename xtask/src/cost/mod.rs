//! `cargo xtask cost`: what it costs to build programs with Stelo. Run by hand, on a machine without other load.
//!
//! The measure is CPU time of cargo and of everything that it runs, user and system. Other processes hardly change it,
//! unlike the time on a clock.

mod features;
mod program;
mod routes;
mod trees;

pub(crate) use features::features;
pub(crate) use routes::routes;
pub(crate) use trees::trees;
