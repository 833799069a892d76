//! Reverse look-up: finds the path for the name of a route and the values of its parameters.
//!
//! The name of a mounted route begins with the name of the mount and a colon; a mount or host without a name adds
//! nothing. Values are percent-encoded (RFC 3986 section 2), so that the path matches the route.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_decode_str, utf8_percent_encode};

use super::convertor::{ValueError, check_text};
use super::pattern::Part;
use super::router::{Entry, Kind, Router};

/// Names and values of parameters. Values are formatted with `Display`.
pub type Values<'a> = [(&'a str, &'a dyn Display)];

/// The characters to encode in the host of a URL: all but those of reg-name (RFC 3986 section 3.2.2).
const HOST: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// The characters to encode in a path: all but pchar and `/` (RFC 3986 section 3.3).
const PATH: &AsciiSet = &HOST.remove(b':').remove(b'@').remove(b'/');

/// The result of a reverse look-up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UrlPath {
    /// The host, if the route belongs to one.
    pub host: Option<String>,
    /// The path, percent-encoded, without the root path.
    pub path: String,
}

impl Display for UrlPath {
    /// Formats the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// The reason why there is no path for a name and values.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReverseError {
    /// No route has this name and exactly these parameters.
    NoMatch {
        /// The name.
        name: Box<str>,
        /// The names of the parameters.
        params: Vec<Box<str>>,
    },
    /// A value that cannot be part of the path.
    Value {
        /// The name of the parameter.
        param: Box<str>,
        /// The reason.
        error: ValueError,
    },
    /// The path would have a segment `.` or `..`, as it is or percent-encoded. Clients remove such segments (RFC 3986
    /// section 5.2.4) and request another path.
    DotSegment {
        /// The path.
        path: Box<str>,
    },
}

impl ReverseError {
    fn no_match(name: &str, values: &Values<'_>) -> Self {
        Self::NoMatch { name: name.into(), params: values.iter().map(|(name, _)| (*name).into()).collect() }
    }
}

impl Display for ReverseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMatch { name, params } => {
                write!(f, "no route has the name \"{name}\" and the parameters \"{}\"", params.join(", "))
            }
            Self::Value { param, error } => write!(f, "the value of `{param}`: {error}"),
            Self::DotSegment { path } => {
                write!(f, "clients remove the segments `.` and `..` from \"{path}\": use another value")
            }
        }
    }
}

impl core::error::Error for ReverseError {}

/// The named routes.
#[derive(Debug)]
pub(super) struct Names {
    /// Names and indices, sorted.
    named: Vec<(Box<str>, usize)>,
    /// The indices of the mounts and hosts.
    nesting: Vec<usize>,
}

impl Names {
    pub(super) fn new<T>(entries: &[Entry<T>]) -> Self {
        let mut names = Self { named: Vec::new(), nesting: Vec::new() };
        for (index, entry) in entries.iter().enumerate() {
            match (entry.kind, &entry.name) {
                (Kind::Route, Some(name)) => names.named.push((name.clone(), index)),
                (Kind::Route, None) | (Kind::MountPoint, _) => {}
                (Kind::Mount | Kind::Host, _) => names.nesting.push(index),
            }
        }
        names.named.sort_unstable();
        names
    }

    /// Returns the indices of all entries that may have `name`, in the order of declaration.
    fn candidates(&self, name: &str) -> Vec<usize> {
        let first = self.named.partition_point(|(named, _)| **named < *name);
        let named = self.named[first..].iter().take_while(|(named, _)| **named == *name);
        let mut indices: Vec<usize> =
            named.map(|&(_, index)| index).chain(self.nesting.iter().copied()).collect();
        indices.sort_unstable();
        indices
    }
}

/// Returns whether a segment of an encoded path is `.` or `..`, or would be after it has been decoded twice: some
/// servers do that.
fn is_dots(segment: &str) -> bool {
    let once: Vec<u8> = percent_decode_str(segment).collect();
    let mut twice = percent_decode(&once);
    matches!((twice.next(), twice.next(), twice.next()), (Some(b'.'), None | Some(b'.'), None))
}

impl<T> Router<T> {
    /// Returns the path of the first route with this name and exactly these parameters.
    ///
    /// For a mount or host of that name, the parameter `path` is the rest of the path.
    ///
    /// ```
    /// use stelo_core::http::Method;
    /// use stelo_core::routing::Builder;
    ///
    /// let mut builder = Builder::new();
    /// builder.route("/users/{id:int}/posts/{slug}", Method::Get, ()).named("post");
    /// let router = builder.build()?;
    /// let url = router.url_path_for("post", &[("id", &7), ("slug", &"a b")])?;
    /// assert_eq!(url.path, "/users/7/posts/a%20b");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// There is no such route, its convertor does not match a value, or the path has a segment `.` or `..`.
    pub fn url_path_for(&self, name: &str, values: &Values<'_>) -> Result<UrlPath, ReverseError> {
        self.url_path_for_nested(name, values, |_, name, values| Err(ReverseError::no_match(name, values)))
    }

    /// As [`url_path_for`](Self::url_path_for), including mounted routes: `nested` looks up a name and values in the
    /// value of a mount or host. If it returns [`ReverseError::NoMatch`], the search continues.
    ///
    /// # Errors
    /// There is no such route, its convertor does not match a value, or the path has a segment `.` or `..`.
    pub fn url_path_for_nested(
        &self,
        name: &str,
        values: &Values<'_>,
        nested: impl Fn(&T, &str, &Values<'_>) -> Result<UrlPath, ReverseError>,
    ) -> Result<UrlPath, ReverseError> {
        for index in self.names.candidates(name) {
            let entry = &self.entries[index];
            let found = match entry.kind {
                Kind::Route | Kind::MountPoint => self.route_path(entry, values),
                Kind::Mount | Kind::Host => self.nested_path(entry, name, values, &nested),
            };
            match found {
                Ok(Some(mut url)) => {
                    if url.path.split('/').any(is_dots) {
                        return Err(ReverseError::DotSegment { path: url.path.into() });
                    }
                    if url.path.starts_with("//") {
                        // A reference that begins with `//` names another host (RFC 3986 section 4.2).
                        url.path.replace_range(1..2, "%2F");
                    }
                    return Ok(url);
                }
                Ok(None) | Err(ReverseError::NoMatch { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ReverseError::no_match(name, values))
    }

    fn route_path(&self, entry: &Entry<T>, values: &Values<'_>) -> Result<Option<UrlPath>, ReverseError> {
        if values.len() != entry.pattern.params.len() {
            return Ok(None);
        }
        Ok(self.fill(entry, values)?.map(|path| UrlPath { host: None, path }))
    }

    fn nested_path(
        &self,
        entry: &Entry<T>,
        name: &str,
        values: &Values<'_>,
        nested: &impl Fn(&T, &str, &Values<'_>) -> Result<UrlPath, ReverseError>,
    ) -> Result<Option<UrlPath>, ReverseError> {
        let own = |name: &str| entry.pattern.params.iter().any(|param| param.name() == name);
        let (mine, rest): (Vec<_>, Vec<_>) = values.iter().copied().partition(|(name, _)| own(name));
        let below = match entry.name.as_deref().map(|prefix| name.strip_prefix(prefix)) {
            None => Some(name),
            Some(Some("")) => None,
            Some(Some(below)) if below.starts_with(':') => Some(&below[1..]),
            Some(_) => return Ok(None),
        };
        if mine.len() != entry.pattern.params.len() {
            return Ok(None);
        }
        let inner = match (below, &*rest) {
            (Some(below), rest) => nested(&entry.value, below, rest)?,
            (None, [("path", value)]) => {
                let value = value.to_string();
                check_text(&value).map_err(|error| ReverseError::Value { param: "path".into(), error })?;
                let value = utf8_percent_encode(value.trim_start_matches('/'), PATH);
                UrlPath { host: None, path: ["/", &value.to_string()].concat() }
            }
            (None, _) => return Ok(None),
        };
        let Some(mut prefix) = self.fill(entry, &mine)? else { return Ok(None) };
        if entry.kind == Kind::Host {
            return Ok(Some(UrlPath { host: Some(prefix), path: inner.path }));
        }
        prefix.push_str(&inner.path);
        Ok(Some(UrlPath { host: inner.host, path: prefix }))
    }

    /// Returns the pattern with values for its parameters, or `None` if a value is missing.
    fn fill(&self, entry: &Entry<T>, values: &Values<'_>) -> Result<Option<String>, ReverseError> {
        let mut text = String::new();
        for part in &entry.pattern.parts {
            match part {
                Part::Literal(literal) if entry.kind == Kind::Host => text.push_str(literal),
                Part::Literal(literal) => text.extend(utf8_percent_encode(literal, PATH)),
                Part::Param(position) => {
                    let param = &entry.pattern.params[*position];
                    let Some((_, value)) = values.iter().find(|(name, _)| *name == param.name()) else {
                        return Ok(None);
                    };
                    let value = value.to_string();
                    let invalid = |error| ReverseError::Value { param: param.name().into(), error };
                    self.convertors.check(param.class, &value).map_err(invalid)?;
                    text.extend(utf8_percent_encode(
                        &value,
                        if entry.kind == Kind::Host { HOST } else { PATH },
                    ));
                }
            }
        }
        Ok(Some(text))
    }
}
