//! Handlers: async functions from extractors to a response, and other types that answer requests.
//!
//! A route erases the type of its handler to a `Leaf`. The `Scope` of the request contains its errors and panics.

mod blocking;
#[doc(hidden)]
pub mod check;
mod debug;
pub(crate) mod endpoint;
pub(crate) mod errors;
pub(crate) mod http_endpoint;
mod leaf;
mod outcome;
mod value;

use std::future::Future;

use stelo_core::app::{Reply, Response};

pub use self::blocking::{AsBlocking, Blocking, BlockingCall, BlockingFunction, blocking};
pub use self::endpoint::Endpoint;
pub use self::errors::ErrorHandler;
pub(crate) use self::errors::ErrorHandlers;
pub use self::http_endpoint::HttpEndpoint;
pub(crate) use self::leaf::{IntoLeaf, Leaf, LeafKind};
pub use self::outcome::Outcome;
pub(crate) use self::outcome::{Answer, Scope};
use crate::describe::Operation;
use crate::extract::{FromRequest, FromRequestParts};
use crate::request::Request;
use crate::response::{Failure, IntoResponse};

/// An async function that answers requests: up to eight extractors in, a response out. Or a value that is a response and
/// `Clone`, of which each request gets a clone: `get("text")`.
///
/// ```
/// use stelo_toolkit::{App, Json, Redirect, TestClient, get};
///
/// let app = App::new().route("/", get("hello")).route("/one", get(Json(1))).route("/old", get(Redirect::to("/")));
/// assert_eq!(TestClient::new(app).get("/one").send().text(), "1");
/// ```
///
/// `Args` are the types of its arguments, which the compiler infers. If a function is not a handler,
/// [`check_handler!`](crate::check_handler) names the reason.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not an async function from extractors to a response, and not a response",
    note = "a handler is an `async fn` of up to eight arguments, each an extractor, that returns a response; or a value that is a response and `Clone`, such as a text or `Json(..)`",
    note = "`stelo::check_handler!(name_of_the_function);` names the argument or the result that is wrong",
    note = "arguments: `Path<T>`, `Query<T>`, `State<T>`, `Headers`, `Method` and others, by value; what takes the body (`Request`, `Json<T>`, `Form<T>`, `Body`, `Bytes`, `String`) comes last",
    note = "`Option<T>` is an argument for `Path`, `Query`, `State`, `Extension`, `Json`, `Form` and other types that implement `OptionalFromRequestParts` or `OptionalFromRequest`",
    note = "it returns text, `Json(..)`, a `Status`, a `Response`, or anything else that implements `IntoResponse`; in a `Result` the error must do so too, as `HttpError` and `BoxError` do",
    note = "its future must be `Send`: hold no `Rc`, `RefCell` borrow or lock guard across an `.await`",
    note = "if its last argument is a `WebSocket`, declare it with `websocket(..)`"
)]
pub trait Handler<Args>: IntoLeaf<Args> + Clone + Send + Sync + 'static {
    /// Answers a request, or fails.
    fn call(self, request: Request) -> impl Future<Output = Result<Response, Failure>> + Send;

    /// Describes the arguments and the response.
    fn describe(operation: &mut Operation);
}

macro_rules! handlers {
    ($(($($part:ident)*))*) => {$(
        #[allow(non_snake_case, reason = "the names of types, used for their values")]
        impl<Fun, Fut, $($part,)* Last, Via> Handler<(Via, $($part,)* Last)> for Fun
        where
            Fun: Fn($($part,)* Last) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output: IntoResponse> + Send + 'static,
            $($part: FromRequestParts + Send + 'static,)*
            Last: FromRequest<Via> + Send + 'static,
            Via: 'static,
        {
            #[allow(unused_mut, reason = "there may be no argument before the last")]
            async fn call(self, mut request: Request) -> Result<Response, Failure> {
                $(let $part = $part::from_request_parts(&mut request).await.map_err(Failure::new)?;)*
                let last = Last::from_request(request).await.map_err(Failure::new)?;
                self($($part,)* last).await.into_outcome()
            }

            fn describe(operation: &mut Operation) {
                $($part::describe(operation);)*
                Last::describe(operation);
                Fut::Output::describe(operation);
            }
        }

        impl<Fun, Fut, $($part,)* Last, Via> IntoLeaf<(Via, $($part,)* Last)> for Fun
        where
            Fun: Fn($($part,)* Last) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output: IntoResponse> + Send + 'static,
            $($part: FromRequestParts + Send + 'static,)*
            Last: FromRequest<Via> + Send + 'static,
            Via: 'static,
        {
            fn into_leaf(self) -> Leaf {
                Leaf::new(move |request, scope| Reply::future(scope.settle(self.clone().call(request))))
            }
        }
    )*};
}

handlers! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G)
}

impl<Fun, Fut> Handler<()> for Fun
where
    Fun: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output: IntoResponse> + Send + 'static,
{
    async fn call(self, _: Request) -> Result<Response, Failure> {
        self().await.into_outcome()
    }

    fn describe(operation: &mut Operation) {
        Fut::Output::describe(operation);
    }
}

impl<Fun, Fut> IntoLeaf<()> for Fun
where
    Fun: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output: IntoResponse> + Send + 'static,
{
    fn into_leaf(self) -> Leaf {
        Leaf::without_request(move |scope| {
            let handler = self.clone();
            Reply::future(scope.settle(async move { handler().await.into_outcome() }))
        })
    }
}
