//! WebSocket handlers: async functions whose last argument is a [`WebSocket`]. A route erases their type.

use std::future::Future;
use std::sync::Arc;

use stelo_core::app::Reply;

use super::WebSocket;
use super::line::Line;
use super::session::{Handshake, Session};
use crate::describe::Operation;
use crate::extract::FromRequestParts;
use crate::handler::Leaf;
use crate::response::{Failure, IntoResponse};

/// A WebSocket handler: an async function of up to seven [extractors](FromRequestParts) and the [`WebSocket`], or a
/// [`WebSocketEndpoint`](super::WebSocketEndpoint).
///
/// `Args` are the arguments; the compiler infers them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler for WebSockets",
    label = "not an async function from extractors and a `WebSocket`",
    note = "a handler for WebSockets is an `async fn` whose last argument is a `WebSocket`, or a type that implements `WebSocketEndpoint` and `Clone`",
    note = "arguments before it: `Path<T>`, `Query<T>`, `State<T>`, `Headers`, `Cookies` and others, up to seven; none that takes the body, for a handshake has none",
    note = "it returns `()` or a `Result<(), E>`, where `E` is `WebSocketError`, `WebSocketException`, `HttpError`, `BoxError` or anything else that implements `IntoResponse`",
    note = "its future must be `Send`: hold no `Rc`, `RefCell` borrow or lock guard across an `.await`"
)]
pub trait WebSocketHandler<Args>: Clone + Send + Sync + 'static {
    /// Handles a WebSocket from the handshake to the end.
    fn call(self, websocket: WebSocket) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Describes the arguments.
    fn describe(operation: &mut Operation);
}

/// A type that a WebSocket handler can return: `()`, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "a handler for WebSockets cannot return `{Self}`",
    label = "not `()` and not a `Result<(), E>`",
    note = "to deny a WebSocket with a response, use `WebSocket::send_denial_response`, or fail with an error that is a response"
)]
pub trait WebSocketOutcome {
    /// Converts into a result.
    ///
    /// # Errors
    /// The handler has failed.
    fn into_outcome(self) -> Result<(), Failure>;
}

impl WebSocketOutcome for () {
    fn into_outcome(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<E: IntoResponse + Send + 'static> WebSocketOutcome for Result<(), E> {
    fn into_outcome(self) -> Result<(), Failure> {
        self.map_err(Failure::new)
    }
}

macro_rules! handlers {
    ($(($($part:ident)*))*) => {$(
        #[allow(non_snake_case, reason = "the names of types, used for their values")]
        impl<Fun, Fut, $($part,)*> WebSocketHandler<($($part,)*)> for Fun
        where
            Fun: Fn($($part,)* WebSocket) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output: WebSocketOutcome> + Send,
            $($part: FromRequestParts + Send,)*
        {
            #[allow(unused_mut, reason = "there may be no argument before the last")]
            async fn call(self, mut websocket: WebSocket) -> Result<(), Failure> {
                $(let $part = $part::from_request_parts(&mut websocket.request).await.map_err(Failure::new)?;)*
                self($($part,)* websocket).await.into_outcome()
            }

            fn describe(_operation: &mut Operation) {
                $($part::describe(_operation);)*
            }
        }
    )*};
}

handlers! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G)
}

/// Erases the type of a WebSocket handler.
pub(crate) fn leaf<Args: 'static>(handler: impl WebSocketHandler<Args>) -> Leaf {
    Leaf::new(move |request, scope| {
        let line = Arc::<Line>::default();
        let place = (request.site.clone(), request.position.node);
        let executor = request.executor();
        let websocket = WebSocket::new(request, line.clone());
        let session = Session::new(executor, place, line, handler.clone().call(websocket));
        Reply::future(scope.settle(Handshake(Some(session))))
    })
}
