//! Requests, as handlers and middleware see them.
//!
//! A [`Request`] is its [`Parts`] and a body. Extractors that leave the body alone see the parts only.

pub(crate) mod cleanup;
mod cookies;
pub(crate) mod decode;
pub(crate) mod executor;
mod extensions;
pub(crate) mod limit;
mod links;
mod multidict;
pub(crate) mod nonce;
pub(crate) mod pairs;
pub(crate) mod param;
mod parts;
pub(crate) mod position;
pub(crate) mod preconditions;
mod query;
pub(crate) mod shards;
pub(crate) mod site;
pub(crate) mod url;
mod url_path;
mod validators;
pub(crate) mod workers;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use serde_core::de::DeserializeOwned;
use stelo_core::Bytes;
use stelo_core::app::Context;
use stelo_core::body::Body;
use stelo_core::http::RequestHead;

use self::nonce::CspNonce;

pub use stelo_core::app::Address;

pub use self::cookies::Cookies;
pub use self::executor::Executor;
pub use self::extensions::Extensions;
pub use self::links::Links;
pub use self::multidict::MultiDict;
pub use self::parts::Parts;
pub use self::query::QueryParams;
pub use self::url::{InvalidUrl, Url};
pub use self::url_path::UrlPath;
pub use self::validators::Validators;
pub use self::workers::{BlockingLimits, Busy, Workers};

use self::position::{Position, Protocol};
use self::site::SiteRef;
use crate::response::HttpError;

/// A request: what the client has sent, and what the application knows about it.
///
/// Everything but the body is in its [`Parts`], whose methods a request has too.
///
/// ```
/// use stelo_toolkit::{App, HttpError, Request, post};
///
/// async fn greet(mut request: Request) -> Result<String, HttpError> {
///     let name = request.path_param::<String>("name")?;
///     let greeting = request.text().await?;
///     Ok(format!("{greeting}, {name}!"))
/// }
///
/// let app = App::new().route("/greet/{name}", post(greet));
/// # app.build().unwrap();
/// ```
// Boxed, because a request moves through every middleware.
pub struct Request(Box<Inner>);

struct Inner {
    parts: Parts,
    /// Never locked. The mutex makes the request `Sync`, so that futures can hold references to it.
    body: Mutex<Body>,
}

impl Request {
    pub(crate) fn new(
        head: Arc<RequestHead>,
        body: Body,
        (context, number): (Arc<Context>, u32),
        protocol: Protocol,
        site: SiteRef,
        position: Position,
    ) -> Self {
        let parts = Parts { head, context, number, protocol, extensions: None, site, position };
        Self(Box::new(Inner { parts, body: Mutex::new(body) }))
    }

    /// Puts a request together from [parts](Self::into_parts) and a body.
    pub fn from_parts(parts: Parts, body: Body) -> Self {
        Self(Box::new(Inner { parts, body: Mutex::new(body) }))
    }

    /// Takes the request apart.
    pub fn into_parts(self) -> (Parts, Body) {
        let Inner { parts, body } = *self.0;
        (parts, body.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns a copy without the body, for error handlers. Of the extensions it has only the nonce of the response, which
    /// the page of an error needs.
    pub(crate) fn without_body(&self) -> Self {
        let Parts { head, context, number, protocol, site, position, .. } = &self.0.parts;
        let (head, context) = (head.clone(), (context.clone(), *number));
        let mut copy = Self::new(head, Body::empty(), context, *protocol, site.clone(), position.clone());
        copy.0.parts.extensions = self.nonce();
        copy
    }

    /// Returns extensions that have only the nonce of the response.
    fn nonce(&self) -> Option<Box<Extensions>> {
        let nonce = self.0.parts.extensions.as_ref()?.get::<CspNonce>()?.clone();
        let mut extensions = Extensions::default();
        extensions.insert(nonce);
        Some(Box::new(extensions))
    }

    /// Removes what error handlers must not see: the body, and the extensions except for the nonce of the response.
    pub(crate) fn strip(&mut self) {
        self.0.parts.extensions = self.nonce();
        *self.body_mut() = Body::empty();
    }

    /// Takes the body out of the request, to be read piece by piece.
    pub fn stream(&mut self) -> Body {
        std::mem::take(self.body_mut())
    }

    /// Returns the body, to be read or replaced by middleware.
    pub fn body_mut(&mut self) -> &mut Body {
        self.0.body.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the whole body. The bytes stay in the request: a handler behind a middleware can read them again.
    ///
    /// # Errors
    /// 413 if the body is longer than the [limit](crate::Router::body_limit), 400 if the client did not send all of
    /// it.
    pub async fn body(&mut self) -> Result<Bytes, HttpError> {
        let limit = self.body_limit();
        let bytes = self.stream().collect(limit).await?;
        let shared = if bytes.is_empty() { Bytes::new() } else { Bytes::from_shared(Arc::new(bytes)) };
        *self.body_mut() = shared.clone().into();
        Ok(shared)
    }

    /// Reads the whole body as text.
    ///
    /// # Errors
    /// Those of [`body`](Self::body); 400 if it is not UTF-8.
    pub async fn text(&mut self) -> Result<String, HttpError> {
        decode::text(self.body().await?.into_vec())
    }

    /// Reads the whole body as JSON, whatever its content type.
    ///
    /// # Errors
    /// Those of [`body`](Self::body); 400 if it is not JSON; 422, naming the field, if the value does not fit.
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T, HttpError> {
        decode::json(&self.body().await?)
    }
}

impl Deref for Request {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

impl DerefMut for Request {
    fn deref_mut(&mut self) -> &mut Parts {
        &mut self.0.parts
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({:?})", self.head)
    }
}
