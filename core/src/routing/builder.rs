//! Declaring routes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Methods;
use super::convertor::{Convertor, Convertors};
use super::error::RouteError;
use super::pattern::{Part, Pattern, is_identifier};
use super::reverse::Names;
use super::router::{Entry, Kind, Router, without_port};
use super::tree::Tree;
use crate::http::Method;

/// Collects routes and builds a [`Router`]. `T` is the value of a route: a handler, a mounted application.
///
/// The first declared route, mount or host that matches wins. [`build`](Self::build) reports invalid patterns.
pub struct Builder<T> {
    declarations: Vec<Declaration<T>>,
    convertors: Convertors,
    redirect_slashes: bool,
    nested: bool,
}

/// A declared route, mount or host.
pub struct Declaration<T> {
    kind: Kind,
    methods: Methods,
    pattern: Box<str>,
    name: Option<Box<str>>,
    value: T,
}

impl<T> Declaration<T> {
    /// Sets the name for [`Router::url_path_for`]. Names need not be unique: the first route that fits is used.
    pub fn named(&mut self, name: &str) -> &mut Self {
        self.name = Some(name.into());
        self
    }
}

impl<T> Default for Builder<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Builder<T> {
    /// Creates an empty builder.
    pub fn new() -> Self {
        Self {
            declarations: Vec::new(),
            convertors: Convertors::default(),
            redirect_slashes: true,
            nested: false,
        }
    }

    /// Adds a route: the whole path has to match `path`, which begins with `/`, or is `*` for the target of
    /// `OPTIONS *`.
    ///
    /// A route that answers GET answers HEAD too.
    pub fn route(&mut self, path: &str, methods: impl Into<Methods>, value: T) -> &mut Declaration<T> {
        let mut methods = methods.into();
        if methods.contains(&Method::Get) {
            methods.insert(Method::Head);
        }
        self.declare(Kind::Route, methods, path, value)
    }

    /// Adds a mount: it gets every path below `prefix`, with any method. No route declared after it matches such a
    /// path.
    ///
    /// `prefix` itself does not match, but is redirected to `prefix/`.
    ///
    /// Slashes at the end of `prefix` are ignored; `""` and `"/"` match every path.
    pub fn mount(&mut self, prefix: &str, value: T) -> &mut Declaration<T> {
        self.declare(Kind::Mount, Methods::ANY, prefix.trim_end_matches('/'), value)
    }

    /// Declares a mount point itself: the path `prefix` without a slash after it, with any method. The match is a
    /// [`Prefix`](super::Matched::Prefix) that leaves an empty path. Declare it after the mount of the same prefix,
    /// for mounted tables that are [`nested`](Self::nested) and have a route for the empty path.
    pub fn mount_point(&mut self, prefix: &str, value: T) -> &mut Declaration<T> {
        self.declare(Kind::MountPoint, Methods::ANY, prefix.trim_end_matches('/'), value)
    }

    /// Adds a host: it gets every path, with any method, of the hosts that match, such as `{sub}.example.org`.
    /// Parameters match dots too. Case and port are ignored.
    pub fn host(&mut self, pattern: &str, value: T) -> &mut Declaration<T> {
        self.declare(Kind::Host, Methods::ANY, pattern, value)
    }

    /// Registers a convertor, before or after the routes that use it. It replaces one of the same name, including a
    /// built-in one.
    pub fn convertor(&mut self, name: &str, convertor: impl Convertor) -> &mut Self {
        self.convertors.add(name.into(), Box::new(convertor));
        self
    }

    /// Sets whether an unmatched path is redirected if it would match with or without a slash at its end. On by
    /// default.
    pub fn redirect_slashes(&mut self, redirect: bool) -> &mut Self {
        self.redirect_slashes = redirect;
        self
    }

    /// Sets whether the table is mounted in another one. Its routes may then have the empty path, which is that of the
    /// [mount point](Self::mount_point). Off by default.
    pub fn nested(&mut self, nested: bool) -> &mut Self {
        self.nested = nested;
        self
    }

    fn declare(&mut self, kind: Kind, methods: Methods, pattern: &str, value: T) -> &mut Declaration<T> {
        let pattern = pattern.into();
        self.declarations.push(Declaration { kind, methods, pattern, name: None, value });
        let last = self.declarations.len() - 1;
        &mut self.declarations[last]
    }

    /// Builds the router.
    ///
    /// # Errors
    /// The first invalid pattern.
    pub fn build(self) -> Result<Router<T>, RouteError> {
        let Self { declarations, convertors, redirect_slashes, nested } = self;
        if let Some(name) = convertors.names().find(|name| !is_identifier(name)) {
            return Err(RouteError::ConvertorName { name: name.into() });
        }
        let (mut paths, mut hosts) = (Tree::new(), Tree::new());
        let mut entries = Vec::with_capacity(declarations.len());
        for (index, declaration) in (0..).zip(declarations) {
            let Declaration { kind, methods, pattern: text, name, value } = declaration;
            let mut pattern = parse(kind, &text, &convertors, nested)?;
            match kind {
                Kind::Route if methods.is_empty() => return Err(RouteError::NoMethods { pattern: text }),
                Kind::Route | Kind::MountPoint => paths.add_route(index, &pattern, methods.clone()),
                Kind::Mount => paths.add_mount(index, &pattern),
                Kind::Host => {
                    normalize_host(&mut pattern);
                    hosts.add_route(index, &pattern, methods.clone());
                }
            }
            entries.push(Entry { value, kind, methods, name, pattern });
        }
        paths.finish(&convertors);
        hosts.finish(&convertors);
        let names = Names::new(&entries);
        Ok(Router { entries, paths, hosts, names, convertors, redirect_slashes })
    }
}

fn parse(kind: Kind, text: &str, convertors: &Convertors, nested: bool) -> Result<Pattern, RouteError> {
    match (kind, text.starts_with('/')) {
        (Kind::Host, true) => return Err(RouteError::HostIsPath { pattern: text.into() }),
        (Kind::Mount, false) if text.is_empty() => {}
        (Kind::Route | Kind::MountPoint, false) if text.is_empty() && nested => {}
        // The asterisk form of a target (RFC 9112 section 3.2.4), which no mount matches.
        (Kind::Route, false) if text == "*" && !nested => {}
        (Kind::Host, false) | (_, true) => {}
        (_, false) => return Err(RouteError::MissingSlash { pattern: text.into() }),
    }
    let pattern = Pattern::parse(text, convertors)?;
    if matches!(kind, Kind::Mount | Kind::Host) {
        // The name of the parameter for the rest of a mounted path in `url_path_for`.
        pattern.refuse_repeated(&["path"])?;
    }
    pattern.refuse_unbounded(convertors, kind == Kind::Mount)?;
    Ok(pattern)
}

/// Converts a host pattern to lower case and removes its port.
fn normalize_host(pattern: &mut Pattern) {
    if let Some(Part::Literal(last)) = pattern.parts.last_mut() {
        *last = without_port(last).into();
        if last.is_empty() {
            pattern.parts.pop();
        }
    }
    for part in &mut pattern.parts {
        if let Part::Literal(text) = part {
            text.make_ascii_lowercase();
        }
    }
}
