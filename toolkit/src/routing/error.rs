//! `BuildError`: the mistakes that are found when an application is built.

use std::fmt;

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

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Route(error) => Some(error),
            _ => None,
        }
    }
}
