//! Mounts: routers, applications and endpoints that answer everything below a prefix.

use std::sync::Arc;

use stelo_core::app::App as CoreApp;

use super::Router;
use super::plan::Draft;
use crate::describe::Operation;
use crate::handler::{Endpoint, Leaf, endpoint};
use crate::request::Request;
use crate::request::position::Protocol;
use crate::request::url::encode_path;

/// A type that [`Router::mount`] and [`Router::host`] take: a [`Router`], an [`App`](crate::App), an [`Endpoint`], or
/// any other application as [`Foreign`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mounted",
    label = "not a router and not an application",
    note = "mount a `Router`, an `App` or an `Endpoint`; wrap a type that implements `stelo_core::app::App` in `Foreign(..)`; a handler goes into a route"
)]
pub trait Mountable {
    /// Prepares the value for a mount.
    fn into_mounted(self) -> Mounted;
}

/// A router, an application or an endpoint, prepared for a mount.
pub struct Mounted(pub(crate) MountedKind);

pub(crate) enum MountedKind {
    Router(Box<Router>),
    /// An application of the toolkit, whose routes become part of the outer one.
    App(Box<Draft>),
    Endpoint {
        leaf: Leaf,
        describe: Box<dyn FnOnce() -> Operation + Send>,
    },
    /// An application that routes its requests itself.
    Foreign(Arc<dyn CoreApp>),
}

impl Mountable for Router {
    fn into_mounted(self) -> Mounted {
        Mounted(MountedKind::Router(Box::new(self)))
    }
}

impl<E: Endpoint> Mountable for E {
    fn into_mounted(self) -> Mounted {
        let endpoint = Arc::new(self);
        let leaf = endpoint::leaf(endpoint.clone());
        let describe = Box::new(move || {
            let mut operation = Operation::of::<E>();
            endpoint.describe(&mut operation);
            operation
        });
        Mounted(MountedKind::Endpoint { leaf, describe })
    }
}

/// An application that knows nothing of the toolkit, to be mounted: any implementation of [`stelo_core::app::App`].
///
/// It gets the path without the prefix of the mount. Its hooks run with those of the outer application.
///
/// ```
/// use stelo_core::app::{App as CoreApp, Reply, Request, Response};
/// use stelo_toolkit::routing::Foreign;
/// use stelo_toolkit::{App, TestClient};
///
/// struct Legacy;
///
/// impl CoreApp for Legacy {
///     fn call(&self, request: Request) -> Reply {
///         Response::new(request.head().path().to_owned()).into()
///     }
/// }
///
/// let client = TestClient::new(App::new().mount("/old", Foreign(Legacy)));
/// assert_eq!(client.get("/old/page").send().text(), "/page");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Foreign<A>(pub A);

impl<A: CoreApp> Mountable for Foreign<A> {
    fn into_mounted(self) -> Mounted {
        Mounted(MountedKind::Foreign(Arc::new(self.0)))
    }
}

/// Erases the type of a foreign application.
pub(crate) fn foreign(app: Arc<dyn CoreApp>) -> Leaf {
    Leaf::new(move |request, scope| scope.contain(|| app.call(without_prefix(request)).into()))
}

/// The request as an application sees it that knows nothing of mounts.
fn without_prefix(mut request: Request) -> stelo_core::app::Request {
    // As received, so that the application sees what the client means.
    let mut target = match request.raw_route_path() {
        Some(raw) => raw.to_owned(),
        None => encode_path(request.route_path()),
    };
    if let Some(query) = request.head().query() {
        target.push('?');
        target.push_str(query);
    }
    request.head_mut().set_target(&target);
    let (parts, body) = request.into_parts();
    let core = stelo_core::app::Request::new(parts.head, body, parts.context).numbered(parts.number);
    match parts.protocol {
        Protocol::Http => core,
        Protocol::WebSocket => core.with_handshake(),
    }
}
