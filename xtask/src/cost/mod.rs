//! `cargo xtask cost`: what it costs to build programs with Stelo. Run by hand, on a machine without other load.
//!
//! The measure is CPU time of cargo and of everything that it runs, user and system. Other processes change it less than
//! the time on a clock. They still raise it by a third on shared cores, so builds that are compared run in turns.

mod features;
mod program;
mod routes;
mod trees;

pub(crate) use features::features;
pub(crate) use routes::routes;
pub(crate) use trees::trees;
