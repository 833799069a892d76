//! `UrlPath`: the path of a named route, from which an absolute URL is made.

use std::fmt;

use super::Url;
use super::position::Protocol;

/// The path of a named route, as [`App::url_path_for`](crate::App::url_path_for) returns it. It lacks the root path of
/// the server.
///
/// Code without a request, such as a task that sends mail, makes absolute URLs of it.
///
/// ```
/// use stelo_toolkit::{App, get};
///
/// let app = App::new().route("/users/{id:int}", get("a user")).name("user");
/// let path = app.url_path_for("user", &[("id", &7)])?;
/// assert_eq!(path.to_string(), "/users/7");
/// let base = "https://example.org/shop/".parse()?;
/// assert_eq!(path.make_absolute_url(&base), "https://example.org/shop/users/7");
/// # Ok::<(), stelo_toolkit::response::BoxError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UrlPath {
    path: String,
    host: Option<String>,
    protocol: Protocol,
}

impl UrlPath {
    pub(crate) fn new(path: stelo_core::routing::UrlPath, protocol: Protocol) -> Self {
        Self { path: path.path, host: path.host, protocol }
    }

    /// Returns the path, percent-encoded.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the host, if the route belongs to one.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Whether the route is only for WebSockets.
    pub fn is_websocket(&self) -> bool {
        self.protocol == Protocol::WebSocket
    }

    /// Returns the absolute URL below a base: its path before this one, its host unless the route has its own. The
    /// scheme is `http` or `ws`, and `https` or `wss` if that of the base is secure.
    pub fn make_absolute_url(&self, base: &Url) -> Url {
        let scheme = match (self.protocol, base.is_secure()) {
            (Protocol::Http, false) => "http",
            (Protocol::Http, true) => "https",
            (Protocol::WebSocket, false) => "ws",
            (Protocol::WebSocket, true) => "wss",
        };
        let authority = self.host.as_deref().unwrap_or(base.authority());
        let path = [base.path().trim_end_matches('/'), &self.path].concat();
        Url::new(scheme, authority, path, None)
    }
}

impl fmt::Display for UrlPath {
    /// Writes the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}
