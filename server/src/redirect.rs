//! Redirects requests that come without TLS to HTTPS, before the application sees them.

use std::sync::Arc;

use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::http::{RequestHead, Status};

use crate::config::Ssl;

/// An application whose clients are sent to HTTPS.
struct Redirect {
    app: Arc<dyn App>,
    port: u16,
}

/// Redirects the requests without TLS, if the settings say so.
pub(crate) fn redirecting(ssl: &Ssl, app: Arc<dyn App>) -> Arc<dyn App> {
    match ssl.insecure_redirect {
        Some(port) => Arc::new(Redirect { app, port }),
        None => app,
    }
}

impl App for Redirect {
    fn call(&self, request: Request) -> Reply {
        // A trusted proxy may have ended TLS.
        if matches!(request.context().scheme(), "https" | "wss") {
            return self.app.call(request);
        }
        let Some(location) = location(request.head(), self.port) else {
            return Response::text(Status::BAD_REQUEST, "This address redirects to HTTPS").into();
        };
        // 308 keeps the method (RFC 9110 section 15.4.9).
        let mut response = Response::empty(Status::PERMANENT_REDIRECT);
        match response.headers.try_append("location", location) {
            Ok(()) => response.into(),
            Err(_) => Response::empty(Status::BAD_REQUEST).into(),
        }
    }
}

/// Returns the same URL with HTTPS. `None` without a host or a path.
fn location(head: &RequestHead, port: u16) -> Option<String> {
    let authority = head.authority().filter(|authority| !authority.contains('@'))?;
    let host = match authority.rsplit_once(':') {
        // The colons of an IPv6 address are in brackets.
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    let path = head.path();
    if host.is_empty() || !path.starts_with('/') {
        return None;
    }
    let mut url = format!("https://{host}");
    if port != 443 {
        url += &format!(":{port}");
    }
    url += path;
    if let Some(query) = head.query() {
        url += "?";
        url += query;
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use stelo_core::http::Method;

    use super::*;

    #[test]
    fn the_location_is_the_url_with_https() {
        for (target, host, port, expected) in [
            ("/", "shop.example", 443, Some("https://shop.example/")),
            ("/a%20b?c=d", "shop.example:80", 443, Some("https://shop.example/a%20b?c=d")),
            ("/", "[::1]:8000", 8443, Some("https://[::1]:8443/")),
            ("/", "[::1]", 443, Some("https://[::1]/")),
            ("http://shop.example:80/a?", "other", 443, Some("https://shop.example/a?")),
            ("/", "", 443, None),
            ("/", "a@b", 443, None),
            ("*", "shop.example", 443, None),
        ] {
            let method = if target == "*" { Method::Options } else { Method::Get };
            let mut head = RequestHead::new(method, target).unwrap();
            head.headers_mut().append("host", host);
            assert_eq!(location(&head, port).as_deref(), expected, "{target} at {host}");
        }
    }
}
