//! What can be mounted: routers and applications of the toolkit, endpoints, and applications that know only the core.

use std::any::Any;
use std::sync::Arc;

use stelo_core::app::{App as CoreApp, Reply};

use crate::app::App;
use crate::handler::Endpoint;
use crate::request::Request;
use crate::routing::Router;
use crate::routing::table::{Protocol, Scope, encode_path};

/// What [`Router::mount`] and [`Router::host`] take: a [`Router`], an [`App`], an [`Endpoint`], or anything else that
/// implements [`stelo_core::app::App`].
///
/// `Kind` tells these apart; leave it out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mounted",
    label = "not a router and not an application",
    note = "mount a `Router`, an `App`, an `Endpoint`, or a type that implements `stelo_core::app::App`; a handler goes into a route"
)]
pub trait Mountable<Kind> {
    /// What stands behind the mount.
    fn into_mounted(self) -> Mounted;
}

/// What stands behind a mount.
pub struct Mounted(pub(crate) MountedKind);

pub(crate) enum MountedKind {
    Router(Box<Router>),
    App(Box<App>),
    Endpoint(Box<dyn Endpoint>),
    Foreign(Arc<dyn CoreApp>),
}

/// The type is [`Router`].
#[derive(Debug)]
pub enum AsRouter {}

/// The type implements [`Endpoint`].
#[derive(Debug)]
pub enum AsEndpoint {}

/// The type implements [`stelo_core::app::App`].
#[derive(Debug)]
pub enum AsApp {}

impl Mountable<AsRouter> for Router {
    fn into_mounted(self) -> Mounted {
        Mounted(MountedKind::Router(Box::new(self)))
    }
}

impl<E: Endpoint> Mountable<AsEndpoint> for E {
    fn into_mounted(self) -> Mounted {
        Mounted(MountedKind::Endpoint(Box::new(Contained(self))))
    }
}

impl<A: CoreApp> Mountable<AsApp> for A {
    /// An application of the toolkit is taken apart, so that requests keep what they know; others are left as they are.
    fn into_mounted(self) -> Mounted {
        let mut app = Some(self);
        let any: &mut dyn Any = &mut app;
        let ours = any.downcast_mut::<Option<App>>().and_then(|app| app.take_if(|app| !app.is_built()));
        Mounted(match ours {
            Some(app) => MountedKind::App(Box::new(app)),
            None => MountedKind::Foreign(Arc::new(app.expect("only an application of ours is taken out"))),
        })
    }
}

/// An endpoint whose panics are contained.
struct Contained<E>(E);

impl<E: Endpoint> Endpoint for Contained<E> {
    fn call(&self, request: Request) -> Reply {
        let scope = Scope::of(&request);
        scope.contain(self.0.call(request))
    }
}

/// An application that knows nothing of mounts: it gets the path without the prefix.
pub(crate) struct Foreign(pub(crate) Arc<dyn CoreApp>);

impl Endpoint for Foreign {
    fn call(&self, mut request: Request) -> Reply {
        let mut target = encode_path(request.route_path());
        if let Some(query) = request.head().query() {
            target.push('?');
            target.push_str(query);
        }
        let scope = Scope::of(&request);
        request.head_mut().set_target(&target);
        let protocol = request.0.protocol;
        let (head, body, connection) = request.into_parts();
        scope.contain(self.0.call(match protocol {
            Protocol::Http => stelo_core::app::Request::new(head, body, connection),
            Protocol::WebSocket => stelo_core::app::Request::handshake(head, connection),
        }))
    }
}
