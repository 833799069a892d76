//! Requests that are examined before the application gets them: those of trusted proxies, those with an absolute target,
//! and those of connections above the limit.
//!
//! The first request of a connection decides whether its peer is a trusted proxy. The requests of a proxy get contexts of
//! their own, so that logs, limits and the application see the client of the proxy.

use std::sync::Arc;

use stelo_core::app::{Context, Response};
use stelo_core::http::{RequestHead, Status, TargetForm, header};
use stelo_runtime::Runtime;

use crate::connection::link::Link;
use crate::log::Access;
use crate::messages;
use crate::proxy::{self, Identity};

/// Decides what becomes of the requests of a connection.
pub(super) struct Gate {
    /// Requests are examined. `false` passes all that have no absolute target.
    examines: bool,
    /// The requests of a proxy are examined too: the connection is surplus, or is watched.
    thorough: bool,
    /// The connection exceeded `limit_concurrency` when it was accepted.
    surplus: bool,
    peer: Peer,
}

/// The findings about a request that its exchange acts on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Notice {
    /// The exchange is watched.
    pub(super) watched: bool,
    /// The request is refused.
    pub(super) refusal: Option<Refusal>,
}

/// The peer of a connection.
enum Peer {
    /// There has been no request.
    Undecided,
    /// A client, or a proxy that is not trusted.
    Client,
    /// A trusted proxy, with the context of the connection.
    Proxy(Arc<Context>),
}

/// The reason to refuse a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// There are more connections than the limit.
    Surplus,
    /// The target is an `https` resource, and the connection is not encrypted (RFC 9110 section 7.4).
    Misdirected,
}

impl Refusal {
    pub(super) fn response(self) -> Response {
        match self {
            Self::Surplus => {
                messages::concurrency_limit();
                let mut response = Response::text(Status::SERVICE_UNAVAILABLE, "Service Unavailable");
                response.headers.append(header::CONNECTION, "close");
                response
            }
            Self::Misdirected => Response::text(Status::MISDIRECTED_REQUEST, "Misdirected Request"),
        }
    }
}

impl Gate {
    pub(super) fn new(surplus: bool) -> Self {
        Self { examines: true, thorough: true, surplus, peer: Peer::Undecided }
    }

    /// Examines a request. Most need no more than this comparison.
    #[inline(always)]
    pub(super) fn pass<R: Runtime>(
        &mut self,
        link: &mut Link<R>,
        head: &mut Arc<RequestHead>,
    ) -> Option<Notice> {
        match self.examines || head.form() == TargetForm::Absolute {
            true if self.is_plain(link, head) => None,
            true => self.examine(link, head),
            false => None,
        }
    }

    /// Returns whether this is a request of a proxy that says nothing about its client, as the one before.
    #[inline(always)]
    fn is_plain<R: Runtime>(&self, link: &mut Link<R>, head: &RequestHead) -> bool {
        let Peer::Proxy(own) = &self.peer else { return false };
        !self.thorough && Arc::ptr_eq(own, link.context()) && !proxy::has_fields(head.headers())
    }

    #[cold]
    #[inline(never)]
    fn examine<R: Runtime>(&mut self, link: &mut Link<R>, head: &mut Arc<RequestHead>) -> Option<Notice> {
        let refusal = self.refuse(link, head);
        let watched = link.thread.shared.access == Access::Watched;
        self.thorough = self.surplus || watched;
        self.examines = self.thorough || matches!(self.peer, Peer::Proxy(_));
        (watched || refusal.is_some()).then_some(Notice { watched, refusal })
    }

    /// Returns the reason to refuse a request. Sets the context of a proxy's request.
    fn refuse<R: Runtime>(&mut self, link: &mut Link<R>, head: &mut Arc<RequestHead>) -> Option<Refusal> {
        self.surplus = self.surplus && link.thread.shared.is_overloaded();
        if let Peer::Undecided = self.peer {
            let context = link.context().clone();
            let proxies = link.thread.shared.proxies.as_ref();
            let is_proxy =
                |proxies: &proxy::Proxies| proxies.trusted.contain(context.connection().peer.as_ref());
            self.peer = if proxies.is_some_and(is_proxy) { Peer::Proxy(context) } else { Peer::Client };
        }
        if self.surplus {
            return Some(Refusal::Surplus);
        }
        match &self.peer {
            Peer::Proxy(own) => {
                let has_fields = proxy::has_fields(head.headers());
                let proxies = link.thread.shared.proxies.as_ref().filter(|_| has_fields);
                let identity = proxies.map(|proxies| proxies.identify(head.headers())).unwrap_or_default();
                if let Some(host) = identity.host.as_ref().filter(|_| head.form() == TargetForm::Origin) {
                    // Cannot fail: an authority is a valid value.
                    let _ = Arc::make_mut(head).headers_mut().try_set("host", host);
                }
                if let Some(context) = derive(own, link.context(), identity) {
                    link.set_context(context);
                }
                None
            }
            _ => (is_https(head) && link.context().scheme() == "http").then_some(Refusal::Misdirected),
        }
    }
}

/// Whether the target is absolute, with the scheme `https`.
fn is_https(head: &RequestHead) -> bool {
    let scheme = head.target().split_once(':').map(|(scheme, _)| scheme);
    head.form() == TargetForm::Absolute && scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// Returns the context of a request of a proxy, from that of the connection. `None` if that of the last request serves.
fn derive(own: &Arc<Context>, last: &Arc<Context>, identity: Identity) -> Option<Arc<Context>> {
    let is_secure = |context: &Context| context.scheme() == "https";
    let secure = identity.secure.unwrap_or(is_secure(own));
    let client = identity.client.as_ref().or(own.client());
    if last.client() == client && is_secure(last) == secure {
        return None;
    }
    if own.client() == client && is_secure(own) == secure {
        return Some(own.clone());
    }
    let mut context = Context::derived(own.clone());
    context.set_secure(secure);
    if let Some(client) = identity.client {
        context.set_client(client);
    }
    Some(Arc::new(context))
}
