//! The router: looks up routes.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::convertor::Convertors;
use super::pattern::{Param, Pattern};
use super::reverse::Names;
use super::search::Search;
use super::tree::{NONE, Tree};
use super::{Captures, Methods};
use crate::http::Method;

/// A compiled table of routes, built by a [`Builder`](super::Builder).
pub struct Router<T> {
    pub(super) entries: Vec<Entry<T>>,
    pub(super) paths: Tree,
    pub(super) hosts: Tree,
    pub(super) names: Names,
    pub(super) convertors: Convertors,
    pub(super) redirect_slashes: bool,
}

/// A declared route, mount or host.
pub(super) struct Entry<T> {
    pub(super) value: T,
    pub(super) kind: Kind,
    pub(super) methods: Methods,
    pub(super) name: Option<Box<str>>,
    pub(super) pattern: Pattern,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Route,
    Mount,
    /// The path of a mount point itself.
    MountPoint,
    Host,
}

/// A route of a router, by its index in the order of declaration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RouteId(u32);

impl RouteId {
    /// Returns the index in the order of declaration.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The result of a look-up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found<'t, T> {
    /// The first route, mount or host that matches.
    Match(Match<'t, T>),
    /// Routes match the path, but none of them answers the method: 405.
    MethodNotAllowed {
        /// The methods of all these routes.
        allow: Methods,
    },
    /// No route matches, but one would with or without a slash at the end: a redirect.
    Redirect(Slash),
    /// No route matches: 404.
    NotFound,
}

/// A match.
#[derive(PartialEq, Eq, Debug)]
pub struct Match<'t, T> {
    /// The value of the route.
    pub value: &'t T,
    /// The route.
    pub route: RouteId,
    /// The matched part of the request.
    pub part: Matched,
}

impl<T> Clone for Match<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Match<'_, T> {}

/// The part of a request that has matched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Matched {
    /// The whole path.
    Path,
    /// The beginning of the path, by a mount.
    Prefix {
        /// The length of the prefix in bytes. The rest of the path begins with `/`, or is empty at a [mount
        /// point](super::Builder::mount_point).
        length: usize,
    },
    /// The host. The captures are ranges of it.
    Host,
}

/// The change that makes a path match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slash {
    /// A slash is added at the end.
    Add,
    /// All slashes at the end are removed.
    Remove,
}

impl Slash {
    /// Returns the path that would match.
    ///
    /// If it begins with `//`, a `Location` needs scheme or host before it: such a reference names another host.
    pub fn apply(self, path: &str) -> Cow<'_, str> {
        match self {
            Self::Add => {
                let mut longer = String::with_capacity(path.len() + 1);
                longer.push_str(path);
                longer.push('/');
                Cow::Owned(longer)
            }
            Self::Remove => Cow::Borrowed(path.trim_end_matches('/')),
        }
    }
}

impl<T> Router<T> {
    /// Finds the first route for a request.
    ///
    /// `host` is host and port of the request, empty if there is none. `path` is percent-decoded, without the root
    /// path, and valid UTF-8. A caller that keeps an encoded `/` apart from a separator gives NUL for it, which no other
    /// character of a path decodes to. After a match, `captures` has the values of its parameters.
    ///
    /// The search allocates only for an unmatched path, for more than four parameters, and after parameters without a
    /// fixed end, such as in `{a}.{b}`. A path of 4 GiB or more never matches.
    #[inline(always)]
    pub fn find(
        &self,
        host: &str,
        path: impl AsRef<[u8]>,
        method: &Method,
        captures: &mut Captures,
    ) -> Found<'_, T> {
        let path = path.as_ref();
        captures.clear();
        let before = if self.has_hosts() { self.find_host(host, method, captures) } else { NONE };
        let mut search = Search::new(&self.paths, &self.convertors, path, method, before, captures);
        search.run();
        match search.best {
            NONE => self.missed(search.allow.take(), path, method),
            best => self.found(best, &search),
        }
    }

    #[cold]
    fn missed(&self, allow: Option<Methods>, path: &[u8], method: &Method) -> Found<'_, T> {
        match allow {
            Some(allow) => Found::MethodNotAllowed { allow },
            None => self.find_slash(path, method),
        }
    }

    #[inline(always)]
    fn found(&self, index: u32, search: &Search<'_, '_>) -> Found<'_, T> {
        let entry = &self.entries[index as usize];
        let part = match entry.kind {
            Kind::Route => Matched::Path,
            Kind::Mount => Matched::Prefix { length: search.prefix },
            Kind::MountPoint => Matched::Prefix { length: search.text.len() },
            Kind::Host => Matched::Host,
        };
        Found::Match(Match { value: &entry.value, route: RouteId(index), part })
    }

    /// Returns the index of the first host that matches.
    fn find_host(&self, host: &str, method: &Method, captures: &mut Captures) -> u32 {
        let host = without_port(host);
        let lower;
        let host = if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            lower = host.to_ascii_lowercase();
            &lower
        } else {
            host
        };
        let mut search = Search::new(&self.hosts, &self.convertors, host.as_bytes(), method, NONE, captures);
        search.run();
        search.best
    }

    fn find_slash(&self, path: &[u8], method: &Method) -> Found<'_, T> {
        let Ok(path) = core::str::from_utf8(path) else { return Found::NotFound };
        if !self.redirect_slashes {
            return Found::NotFound;
        }
        let slash = if path.ends_with('/') { Slash::Remove } else { Slash::Add };
        let (path, mut captures) = (slash.apply(path), Captures::new());
        let mut search =
            Search::new(&self.paths, &self.convertors, path.as_bytes(), method, NONE, &mut captures);
        search.run();
        if search.matched() { Found::Redirect(slash) } else { Found::NotFound }
    }

    /// Returns the number of routes, mounts and hosts.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there are no routes.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the values of the routes, in the order of declaration.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &T> {
        self.entries.iter().map(|entry| &entry.value)
    }

    /// Returns whether there is a host. If not, look-ups ignore the host of the request.
    pub fn has_hosts(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// Returns the routes, mounts and hosts, in the order of declaration.
    pub fn routes(&self) -> impl ExactSizeIterator<Item = RouteId> {
        (0..self.entries.len()).map(|index| RouteId(index as u32))
    }

    /// Returns the pattern of a route as declared; that of a mount has no slash at its end.
    pub fn pattern(&self, route: RouteId) -> &str {
        self.entry(route).map_or("", |entry| &entry.pattern.text)
    }

    /// Returns the methods that a route answers, HEAD among them if GET is.
    pub fn methods(&self, route: RouteId) -> Option<&Methods> {
        self.entry(route).map(|entry| &entry.methods)
    }

    /// Returns the parameters of a route, in the order of the pattern and of the captures.
    pub fn params(&self, route: RouteId) -> &[Param] {
        self.entry(route).map_or(&[], |entry| &entry.pattern.params)
    }

    fn entry(&self, route: RouteId) -> Option<&Entry<T>> {
        self.entries.get(route.index())
    }
}

impl<T> fmt::Debug for Router<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns = self.entries.iter().map(|entry| (entry.kind, &entry.pattern.text));
        f.debug_list().entries(patterns).finish()
    }
}

/// Removes the port of a host, and the dot at the end of an absolute name (RFC 3986 section 3.2.2). An IPv6 address is in
/// brackets and keeps its colons.
pub(super) fn without_port(host: &str) -> &str {
    match host.find(']') {
        Some(bracket) => &host[..=bracket],
        None => {
            let name = host.split(':').next().unwrap_or(host);
            name.strip_suffix('.').unwrap_or(name)
        }
    }
}
