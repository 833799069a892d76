//! Requests and responses of the crate `http`, with the feature of that name. The core has the conversions of their parts.

use std::sync::Arc;

use http::StatusCode;
use stelo_core::body::Body;

use crate::request::Request;
use crate::response::{IntoResponse, Response};

impl<B: Into<Body>> IntoResponse for http::Response<B> {
    fn into_response(self) -> Response {
        self.into()
    }
}

impl IntoResponse for StatusCode {
    fn into_response(self) -> Response {
        Response::empty(self.into())
    }
}

impl TryFrom<Request> for http::Request<Body> {
    type Error = http::Error;

    /// Shares the body. What the application knows about the request is dropped.
    fn try_from(request: Request) -> Result<Self, http::Error> {
        let (parts, body) = request.into_parts();
        Ok(Self::from_parts(Arc::unwrap_or_clone(parts.head).try_into()?, body))
    }
}
