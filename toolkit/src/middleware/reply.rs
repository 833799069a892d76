//! What the middleware of this folder have in common: changing a response, and answering with an error.

use stelo_core::app::{Reply, Response};

use crate::handler::{Outcome, Scope};
use crate::request::Request;
use crate::response::HttpError;

/// Changes the response of a reply. One that is ready is changed in place, without another future.
pub(super) fn edited(reply: Reply, edit: impl FnOnce(&mut Response) + Send + 'static) -> Reply {
    match reply {
        Reply::Ready(mut response) => {
            edit(&mut response);
            response.into()
        }
        Reply::Future(future) => Reply::future(async move {
            let mut response = future.await;
            edit(&mut response);
            response
        }),
    }
}

/// Answers a request with an error, which the error handlers of the application see.
pub(super) fn refused(request: Request, error: HttpError) -> Reply {
    Scope::keeping(request).contain(|| Outcome::fail(error))
}
