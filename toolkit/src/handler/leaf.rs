//! `Leaf`: a handler whose type has been erased, at the end of a route.

use stelo_core::app::Reply;

use super::Scope;
use crate::request::Request;

/// A handler whose type has been erased.
pub struct Leaf(pub(crate) LeafKind);

pub(crate) enum LeafKind {
    /// The handler takes nothing of the request, which needs no box unless a middleware takes it.
    WithoutRequest(Box<dyn Fn(Scope) -> Reply + Send + Sync>),
    WithRequest(Box<dyn Fn(Request, Scope) -> Reply + Send + Sync>),
}

impl Leaf {
    pub(crate) fn new(answer: impl Fn(Request, Scope) -> Reply + Send + Sync + 'static) -> Self {
        Self(LeafKind::WithRequest(Box::new(answer)))
    }

    pub(crate) fn without_request(answer: impl Fn(Scope) -> Reply + Send + Sync + 'static) -> Self {
        Self(LeafKind::WithoutRequest(Box::new(answer)))
    }
}

/// Erases the type of a [`Handler`](super::Handler). Seals that trait: other types implement
/// [`Endpoint`](super::Endpoint).
pub trait IntoLeaf<Args> {
    fn into_leaf(self) -> Leaf;
}
