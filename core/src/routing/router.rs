//! Looking up routes.

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

/// A table of routes, ready for look-ups. Made by a [`Builder`](super::Builder).
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

/// Which route of a router: its place in the order of declaration, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RouteId(u32);

impl RouteId {
    /// The place in the order of declaration.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a look-up has found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found<'t, T> {
    /// The first route, mount or host that matches.
    Match(Match<'t, T>),
    /// Routes that match, but none of them answers the method: 405.
    MethodNotAllowed {
        /// What all of them together answer.
        allow: Methods,
    },
    /// Nothing, but there would be something with a slash more or less: a redirect.
    Redirect(Slash),
    /// Nothing: 404.
    NotFound,
}

/// A match.
#[derive(PartialEq, Eq, Debug)]
pub struct Match<'t, T> {
    /// What stands behind the route.
    pub value: &'t T,
    /// Which route it is.
    pub route: RouteId,
    /// What has matched.
    pub part: Matched,
}

impl<T> Clone for Match<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Match<'_, T> {}

/// What of a request has matched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Matched {
    /// The whole path.
    Path,
    /// The beginning of the path: it was a mount.
    Prefix {
        /// The length of the prefix in bytes. The rest of the path begins with `/`; it is empty at a
        /// [mount point](super::Builder::mount_point).
        length: usize,
    },
    /// The host; the captures are ranges of it.
    Host,
}

/// How a path has to change to match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slash {
    /// By a slash more at its end.
    Add,
    /// By no slash at its end, however many there are.
    Remove,
}

impl Slash {
    /// The path that would match.
    ///
    /// Where it begins with `//`, a `Location` has to have host or scheme before it: by itself it would lead to
    /// another host.
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
    /// Looks up the first route for a request.
    ///
    /// `host` is host and port of the request, empty if there is none. `path` is percent-decoded, and without the
    /// root path; it is UTF-8, and may be given as bytes by who need not know it as text. Where a match is found,
    /// `captures` has what its parameters have captured. Memory is needed only for a path that nothing matches, for more
    /// than four parameters, and behind parameters of which it is not settled where they end, such as in `{a}.{b}`.
    /// Nothing matches 4 GiB and more.
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
            best => self.found(best, search.prefix, path.len()),
        }
    }

    #[cold]
    fn missed(&self, allow: Option<Methods>, path: &[u8], method: &Method) -> Found<'_, T> {
        match allow {
            Some(allow) => Found::MethodNotAllowed { allow },
            None => self.find_slash(path, method),
        }
    }

    fn found(&self, index: u32, prefix: usize, whole: usize) -> Found<'_, T> {
        let entry = &self.entries[index as usize];
        let part = match entry.kind {
            Kind::Route => Matched::Path,
            Kind::Mount => Matched::Prefix { length: prefix },
            Kind::MountPoint => Matched::Prefix { length: whole },
            Kind::Host => Matched::Host,
        };
        Found::Match(Match { value: &entry.value, route: RouteId(index), part })
    }

    /// The index of the first host that matches.
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

    /// The number of routes, mounts and hosts.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no routes.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The values behind the routes, in the order of declaration.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &T> {
        self.entries.iter().map(|entry| &entry.value)
    }

    /// Whether a host has been declared: without one, look-ups need none.
    pub fn has_hosts(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// The routes, mounts and hosts, in the order of declaration.
    pub fn routes(&self) -> impl ExactSizeIterator<Item = RouteId> {
        (0..self.entries.len()).map(|index| RouteId(index as u32))
    }

    /// The pattern of a route of this router, as it was declared (a mount without slashes at its end).
    pub fn pattern(&self, route: RouteId) -> &str {
        self.entry(route).map_or("", |entry| &entry.pattern.text)
    }

    /// The parameters of a route of this router, in the order of the pattern: that of the captures.
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

/// A host without its port. The colons of an IPv6 address, in brackets, stay.
pub(super) fn without_port(host: &str) -> &str {
    match host.find(']') {
        Some(bracket) => &host[..=bracket],
        None => host.split(':').next().unwrap_or(host),
    }
}
