//! Steps that several middlewares of this folder share: changing a response, answering with an error, a span, sorted names.

use stelo_core::app::{Reply, Response};
use tracing::{Instrument, Span};

use super::Next;
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

/// Returns the distinct texts in order. For short lists.
pub(super) fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut all = Vec::new();
    for text in texts {
        if let Err(place) = all.binary_search(&text) {
            all.insert(place, text);
        }
    }
    all
}

/// Answers a request with an error, which the error handlers of the application see.
pub(super) fn refused(request: Request, error: HttpError) -> Reply {
    Scope::keeping(request).contain(|| Outcome::fail(error))
}

/// Runs what is inside in a span, so that its log lines name the request.
pub(super) fn traced(span: Span, request: Request, next: Next) -> Reply {
    if span.is_disabled() {
        return next.run(request);
    }
    match span.in_scope(|| next.run(request)) {
        Reply::Future(future) => Reply::future(future.instrument(span)),
        ready => ready,
    }
}
