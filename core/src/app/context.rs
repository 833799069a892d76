//! The context of a request: the identity of the client, and whether it is still connected.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::sync::atomic::{AtomicU8, Ordering};
use core::task::{Context as TaskContext, Poll};

use atomic_waker::AtomicWaker;
use concurrent_queue::ConcurrentQueue;
use event_listener::{Event, EventListener};
use once_cell::race::OnceBox;

use super::{Address, Connection};
use crate::http::{Headers, Status};

/// The client, scheme and root path of a request, and whether the client is still there.
///
/// The requests of an HTTP/1.1 connection share one context; each stream of a multiplexed connection has
/// [its own](Self::stream). Middleware that believes a proxy [derives](Self::derived) a context for a single request.
// Every connection that has had a request holds one: what most leave alone takes a word at most.
pub struct Context {
    origin: Origin,
    /// The client, if it is not the peer of the connection.
    client: Option<Box<Address>>,
    root_path: Option<Arc<String>>,
    secure: bool,
    peer: AtomicU8,
    /// `peer` has changed, or an interim response was taken.
    changed: Event,
    /// A slot for one interim response, made when an application first sends one.
    interim: OnceBox<ConcurrentQueue<Interim>>,
    /// The server, waiting for an interim response.
    server: AtomicWaker,
}

/// The source of the connection and the liveness of a context.
enum Origin {
    /// The context of a connection.
    Connection(Connection),
    /// The context of a stream, which ends with the connection at the latest.
    Stream(Arc<Context>),
    /// A context that changes only the identity of the client.
    Derived(Arc<Context>),
}

impl Context {
    /// Creates the context of a connection. The client is its peer, the scheme follows from TLS, the root path is empty.
    pub fn new(connection: Connection) -> Self {
        let secure = connection.tls.is_some();
        Self::with_origin(Origin::Connection(connection), None, None, secure)
    }

    /// Creates the context of one stream of a connection. The client of the stream has left when it
    /// [says so](Self::set_peer), or when that of the connection has.
    pub fn stream(connection: Arc<Self>) -> Self {
        let (client, root_path, secure) = connection.identity();
        Self::with_origin(Origin::Stream(connection), client, root_path, secure)
    }

    /// Creates a context with the same connection and client, to change the client, the scheme or the root path for one
    /// request.
    pub fn derived(of: Arc<Self>) -> Self {
        let (client, root_path, secure) = of.identity();
        Self::with_origin(Origin::Derived(of), client, root_path, secure)
    }

    fn identity(&self) -> (Option<Box<Address>>, Option<Arc<String>>, bool) {
        (self.client.clone(), self.root_path.clone(), self.secure)
    }

    fn with_origin(
        origin: Origin,
        client: Option<Box<Address>>,
        root_path: Option<Arc<String>>,
        secure: bool,
    ) -> Self {
        Self {
            origin,
            client,
            root_path,
            secure,
            peer: AtomicU8::new(Peer::Present as u8),
            changed: Event::new(),
            interim: OnceBox::new(),
            server: AtomicWaker::new(),
        }
    }

    /// Returns the client; behind a trusted proxy, the client of the proxy.
    pub fn client(&self) -> Option<&Address> {
        self.client.as_deref().or(self.connection().peer.as_ref())
    }

    /// Sets the client, in place of the peer of the connection.
    pub fn set_client(&mut self, client: Address) {
        self.client = Some(Box::new(client));
    }

    /// Returns the scheme that the client uses: `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// Sets whether the client uses `https`.
    pub fn set_secure(&mut self, secure: bool) {
        self.secure = secure;
    }

    /// Returns the path under which a proxy serves the application: empty, or `/prefix` without a slash at the end.
    pub fn root_path(&self) -> &str {
        self.root_path.as_ref().map_or("", |path| path.as_str())
    }

    /// Sets the root path; `None` is the empty one.
    pub fn set_root_path(&mut self, root_path: Option<Arc<String>>) {
        self.root_path = root_path;
    }

    /// Returns the connection.
    pub fn connection(&self) -> &Connection {
        match &self.origin {
            Origin::Connection(connection) => connection,
            Origin::Stream(of) | Origin::Derived(of) => of.connection(),
        }
    }

    /// Returns the context that has the liveness and the interim responses of this one.
    fn live(&self) -> &Self {
        match &self.origin {
            Origin::Derived(of) => of.live(),
            _ => self,
        }
    }

    /// Returns whether the client is still there, as far as is known.
    pub fn peer(&self) -> Peer {
        let own = match self.live().peer.load(Ordering::Acquire) {
            0 => Peer::Present,
            1 => Peer::HalfClosed,
            _ => Peer::Gone,
        };
        self.connection_context().map_or(own, |connection| own.max(connection.peer()))
    }

    /// Returns the context of the connection, if this one belongs to a stream.
    fn connection_context(&self) -> Option<&Self> {
        match &self.origin {
            Origin::Connection(_) => None,
            Origin::Stream(connection) => Some(connection),
            Origin::Derived(of) => of.connection_context(),
        }
    }

    /// Tells the application what has become of the client. Earlier states are ignored.
    pub fn set_peer(&self, peer: Peer) {
        let live = self.live();
        if live.peer.fetch_max(peer as u8, Ordering::AcqRel) < peer as u8 {
            live.changed.notify(usize::MAX);
        }
    }

    /// Completes when the client is no longer [`Peer::Present`]. Any number of tasks can wait.
    pub async fn disconnected(&self) -> Peer {
        loop {
            let mut own = pin!(self.live().changed.listen());
            let mut of_connection = pin!(self.connection_context().map(Self::listen));
            match self.peer() {
                Peer::Present => {}
                peer => return peer,
            }
            poll_fn(|cx| {
                let connection = of_connection.as_mut().as_pin_mut().map(|listener| listener.poll(cx));
                match connection {
                    Some(Poll::Ready(())) => Poll::Ready(()),
                    _ => own.as_mut().poll(cx),
                }
            })
            .await;
        }
    }

    fn listen(&self) -> EventListener {
        self.live().changed.listen()
    }

    /// Takes an interim response that the application wants to send with this exchange, and registers the task of `cx`
    /// for the next one. For servers, while a handler runs: `exchange` counts the requests of the context.
    pub fn poll_interim(&self, cx: &mut TaskContext<'_>, exchange: u32) -> Poll<Interim> {
        let live = self.live();
        live.server.register(cx.waker());
        let Some(slot) = live.interim.get() else { return Poll::Pending };
        while let Ok(interim) = slot.pop() {
            live.changed.notify(usize::MAX);
            if interim.exchange == exchange {
                return Poll::Ready(interim);
            }
        }
        Poll::Pending
    }

    /// Hands an interim response to the server, and waits until it has taken it.
    pub(super) async fn send_interim(&self, interim: Interim) -> Result<(), Gone> {
        let live = self.live();
        let slot = live.interim.get_or_init(|| Box::new(ConcurrentQueue::bounded(1)));
        let mut interim = Some(interim);
        loop {
            let changed = live.changed.listen();
            if self.peer() == Peer::Gone {
                return Err(Gone);
            }
            match interim.take() {
                Some(response) => match slot.push(response) {
                    Ok(()) => live.server.wake(),
                    Err(full) => interim = Some(full.into_inner()),
                },
                None if slot.is_empty() => return Ok(()),
                None => {}
            }
            changed.await;
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("client", &self.client())
            .field("scheme", &self.scheme())
            .field("root_path", &self.root_path())
            .field("peer", &self.peer())
            .field("connection", self.connection())
            .finish_non_exhaustive()
    }
}

/// The state of the client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Peer {
    /// It is there, as far as is known.
    Present = 0,
    /// It will send no more. Most likely it has left, but it may be waiting for its response, which is sent.
    HalfClosed = 1,
    /// It has left: no response will reach it.
    Gone = 2,
}

/// An interim response (1xx, RFC 9110 section 15.2) on its way to the server.
#[derive(Debug)]
pub struct Interim {
    /// The status: any 1xx except 100 and 101.
    pub status: Status,
    /// The header fields.
    pub headers: Headers,
    /// The exchange it belongs to.
    pub(super) exchange: u32,
}

/// The client has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client has left")
    }
}

impl core::error::Error for Gone {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every connection that has had a request holds one.
    #[test]
    fn a_context_is_small() {
        assert!(size_of::<Context>() <= 152, "{} bytes", size_of::<Context>());
    }
}
