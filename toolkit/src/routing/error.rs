//! `BuildError`: the mistakes that are found when an application is built.

use std::fmt;
use std::panic::Location;

use stelo_core::routing::RouteError;

/// A mistake in an application.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// A pattern is invalid, or cannot be matched.
    Route(RouteError),
    /// A name was given before there was a route to name.
    StrayName {
        /// The name.
        name: String,
    },
    /// A handler or a middleware takes a state that the application does not have.
    MissingState {
        /// The type of the state.
        state: &'static str,
        /// The pattern of the route; empty for the application as a whole.
        route: String,
        /// The path of the function or the type, as the compiler prints it.
        handler: &'static str,
    },
    /// The path parameters of a route do not suit a handler or a middleware.
    PathParams {
        /// The pattern of the route; empty for the application as a whole.
        route: String,
        /// The path of the function or the type, as the compiler prints it.
        handler: &'static str,
        /// The argument, and what does not suit.
        reason: String,
    },
    /// The configuration of a middleware is invalid.
    Middleware {
        /// The path of the type, as the compiler prints it.
        middleware: &'static str,
        /// The mistake, and what to do about it.
        reason: String,
    },
    /// A route, a mount or a host that no request reaches, because an earlier one answers its requests.
    Unreachable {
        /// The methods and the pattern.
        route: String,
        /// The declaration.
        at: &'static Location<'static>,
        /// The methods and the pattern of the earlier one.
        earlier: String,
        /// The declaration of the earlier one.
        earlier_at: &'static Location<'static>,
        /// Whether both match exactly the same paths. [`App::build`](crate::App::build) fails only then.
        is_same: bool,
    },
    /// A pattern in the syntax of another framework.
    ForeignSyntax {
        /// The pattern.
        pattern: String,
        /// The part of it.
        found: String,
        /// The text to write instead.
        instead: String,
        /// The declaration.
        at: &'static Location<'static>,
    },
    /// An included router has a fallback.
    IncludedFallback {
        /// The prefix of the router.
        prefix: String,
    },
    /// An included router has a host, and a prefix that no host can have.
    IncludedHost {
        /// The pattern of the host.
        host: String,
        /// The prefix of the router.
        prefix: String,
    },
    /// An included router registers a convertor under a name that means another one in the router around it.
    IncludedConvertor {
        /// The name of the convertor.
        name: String,
        /// The prefix of the router.
        prefix: String,
    },
    /// The application was changed after it had been built.
    Changed,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route(error) => error.fmt(f),
            Self::StrayName { name } => {
                write!(
                    f,
                    "the name `{name}` names nothing: call `.name(..)` after the `.route(..)` that it is for"
                )
            }
            Self::MissingState { state, route, handler } => {
                write!(f, "`{handler}`")?;
                if !route.is_empty() {
                    write!(f, " at `{route}`")?;
                }
                write!(f, " takes `State<{state}>`: give it to `App::state` or `Router::state`")
            }
            Self::PathParams { route, handler, reason } => {
                write!(
                    f,
                    "`{handler}` does not suit the route `{route}`: {reason}; change the pattern or the argument"
                )
            }
            Self::Middleware { middleware, reason } => write!(f, "`{middleware}`: {reason}"),
            Self::Unreachable { route, at, earlier, earlier_at, is_same } => {
                write!(f, "{route} ({}) is never reached: {earlier} ({}) ", Line(at), Line(earlier_at))?;
                f.write_str(match is_same {
                    true => "answers the same requests; remove either, or change its pattern or method",
                    false => "matches its paths first; declare it before that route",
                })
            }
            Self::ForeignSyntax { pattern, found, instead, at } => {
                write!(
                    f,
                    "the pattern `{pattern}` ({}) contains `{found}`, which is literal text: write {instead}",
                    Line(at)
                )
            }
            Self::IncludedFallback { prefix } => write!(
                f,
                "the router included at `{prefix}` has a fallback: give it to the router around it, or use `mount`"
            ),
            Self::IncludedHost { host, prefix } => write!(
                f,
                "host `{host}` is in a router included at `{prefix}`: a host has no prefix, so declare it outside"
            ),
            Self::IncludedConvertor { name, prefix } => write!(
                f,
                "the router included at `{prefix}` replaces the convertor `{name}`: rename it, or use `mount`"
            ),
            Self::Changed => f.write_str("the application was changed after `build`: build it last"),
        }
    }
}

/// A place in the source code, without its column.
struct Line(&'static Location<'static>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.file(), self.0.line())
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Route(error) => Some(error),
            _ => None,
        }
    }
}
