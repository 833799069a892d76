//! The errors of building a router.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// The reason why a router cannot be built.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RouteError {
    /// A path that does not begin with `/`.
    MissingSlash {
        /// The pattern.
        pattern: Box<str>,
    },
    /// A host that begins with `/`.
    HostIsPath {
        /// The pattern.
        pattern: Box<str>,
    },
    /// A route without a method.
    NoMethods {
        /// The pattern.
        pattern: Box<str>,
    },
    /// An unknown convertor.
    UnknownConvertor {
        /// The pattern.
        pattern: Box<str>,
        /// The name of the convertor.
        convertor: Box<str>,
    },
    /// Parameters of the same name in one pattern. A mount has an implicit parameter named `path`.
    DuplicateParams {
        /// The pattern.
        pattern: Box<str>,
        /// The names, sorted.
        names: Vec<Box<str>>,
    },
    /// A parameter with a custom convertor and no fixed text on either side: matching would be quadratic in the path
    /// length.
    Unbounded {
        /// The pattern.
        pattern: Box<str>,
        /// The name of the parameter.
        param: Box<str>,
    },
    /// A convertor with a name that no pattern can use.
    ConvertorName {
        /// The name.
        name: Box<str>,
    },
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingSlash { pattern } => write!(f, "route `{pattern}`: a path must begin with `/`"),
            Self::HostIsPath { pattern } => {
                write!(f, "host `{pattern}`: a host must not begin with `/`; use a mount for paths")
            }
            Self::NoMethods { pattern } => {
                write!(f, "route `{pattern}` answers no method; name some, or use `Methods::ANY`")
            }
            Self::UnknownConvertor { pattern, convertor } => write!(
                f,
                "route `{pattern}`: there is no convertor `{convertor}`; register it, or use str, int, float, uuid or path"
            ),
            Self::DuplicateParams { pattern, names } => {
                write!(f, "route `{pattern}` has the parameter ")?;
                for (i, name) in names.iter().enumerate() {
                    write!(f, "{}`{name}`", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(" more than once; give each a name of its own")
            }
            Self::Unbounded { pattern, param } => write!(
                f,
                "route `{pattern}`: nothing settles where `{param}` begins and ends; put a `/` next to it"
            ),
            Self::ConvertorName { name } => {
                write!(
                    f,
                    "convertor `{name}`: a name is made of ASCII letters, digits and `_`, no digit first"
                )
            }
        }
    }
}

impl core::error::Error for RouteError {}
