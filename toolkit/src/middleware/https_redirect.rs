//! `HttpsRedirect`: redirects `http` to `https`, and `ws` to `wss`.

use stelo_core::app::Reply;

use super::{Middleware, Next};
use crate::request::Request;
use crate::request::url::authority::split_port;
use crate::response::{IntoResponse, Redirect};

/// Redirects `http` to `https` and `ws` to `wss`, with status 307: Starlette's `HTTPSRedirectMiddleware`.
///
/// The ports 80 and 443 are left out of the new URL, another port stays. Behind a proxy that ends TLS, the server must
/// trust the proxy (`--forwarded-allow-ips`). Otherwise every request looks like `http`, and the redirects never end.
///
/// ```
/// use stelo_toolkit::middleware::HttpsRedirect;
/// use stelo_toolkit::{App, TestClient, get};
///
/// let client = TestClient::new(App::new().middleware(HttpsRedirect).route("/", get("hello")));
/// let response = client.get("/a?b=c").follow_redirects(false).send();
/// assert_eq!(response.status().code(), 307);
/// assert_eq!(response.header("location"), Some("https://testserver/a?b=c"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HttpsRedirect;

impl Middleware for HttpsRedirect {
    fn call(&self, request: Request, next: Next) -> Reply {
        let scheme = match request.scheme() {
            "http" => "https",
            "ws" => "wss",
            _ => return next.run(request),
        };
        let url = request.url().with_scheme(scheme);
        let url = match split_port(url.authority()) {
            (host, Some("80" | "443")) => {
                let host = host.to_owned();
                url.with_authority(host)
            }
            _ => url,
        };
        Redirect::to(url.to_string()).into_response().into()
    }
}
