//! Routing: an ordered table of routes, compiled into a tree.
//!
//! Routes are declared in order, and the first that matches wins: a path, everything below a path (a mount), or a
//! host. They are compiled into one tree. Finding the first match takes time that grows with the path, not with the
//! number of routes. The caller decodes the path and acts on the match.
//!
//! The rules are those of Starlette, with a few exceptions where Starlette's are accidental. The whole text has to
//! match, including a line feed at its end. `Allow` lists the methods of all routes of the path. Hosts match without
//! regard to case. Numbers larger than a `u64` do not match `int`.
//!
//! ```
//! use stelo_core::http::Method;
//! use stelo_core::routing::{Builder, Captures, Found};
//!
//! let mut builder = Builder::new();
//! builder.route("/", Method::Get, "home");
//! builder.route("/users/{id:int}", [Method::Get, Method::Put], "user").named("user");
//! builder.mount("/static", "files");
//! let router = builder.build()?;
//!
//! let mut captures = Captures::new();
//! let Found::Match(found) = router.find("", "/users/7", &Method::Get, &mut captures) else { panic!() };
//! assert_eq!(*found.value, "user");
//! assert!(captures.values(router.params(found.route), "/users/7").eq([("id", "7")]));
//!
//! let found = router.find("", "/users/7", &Method::Delete, &mut captures);
//! assert!(matches!(found, Found::MethodNotAllowed { allow } if allow.to_string() == "GET, HEAD, PUT"));
//! # Ok::<(), stelo_core::routing::RouteError>(())
//! ```

mod builder;
mod captures;
mod convertor;
mod error;
mod methods;
mod pattern;
mod reverse;
mod router;
mod search;
#[cfg(test)]
mod tests;
mod tree;
mod unreachable;

pub use builder::{Builder, Declaration};
pub use captures::Captures;
pub use convertor::{Convertor, ValueError};
pub use error::RouteError;
pub use methods::Methods;
pub use pattern::Param;
pub use reverse::{ReverseError, UrlPath, Values};
pub use router::{Found, Match, Matched, RouteId, Router, Slash};
pub use unreachable::Unreachable;
