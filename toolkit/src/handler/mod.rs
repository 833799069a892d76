//! Handlers: async functions whose arguments are extractors, erased to one type when they are put into a route.

pub(crate) mod errors;
mod value;

use std::any::TypeId;
use std::future::Future;
use std::marker::PhantomData;

use stelo_core::app::{Reply, Response};

pub use self::errors::ErrorHandler;
pub(crate) use self::errors::ErrorHandlers;
use crate::extract::{FromRequest, FromRequestParts};
use crate::request::Request;
use crate::response::{Failure, IntoResponse};
use crate::routing::table::Scope;

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
/// `Args` are its arguments; leave them out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not an async function from extractors to a response, and not a response",
    note = "a handler is an `async fn` of up to eight arguments, each an extractor, that returns a response; or a value that is a response and `Clone`, such as a text or `Json(..)`",
    note = "arguments: `Path<T>`, `Query<T>`, `State<T>`, `Headers`, `Method` and others; what takes the body (`Request`, `Json<T>`, `Form<T>`, `Body`, `Bytes`, `String`) comes last",
    note = "it returns text, `Json(..)`, a `Status`, a `Response`, or anything else that implements `IntoResponse`; in a `Result` the error must do so too, as `HttpError` and `BoxError` do",
    note = "its future must be `Send`: hold no `Rc`, `RefCell` borrow or lock guard across an `.await`",
    note = "if its last argument is a `WebSocket`, declare it with `websocket(..)`"
)]
pub trait Handler<Args>: Clone + Send + Sync + 'static {
    /// Answers a request, or fails.
    fn call(self, request: Request) -> impl Future<Output = Result<Response, Failure>> + Send;

    /// Erases the type.
    #[doc(hidden)]
    fn erased(self) -> Leaf
    where
        Args: 'static,
    {
        Leaf::Endpoint(Box::new(Erased(self, PhantomData)))
    }

    /// Says what the application must have for the arguments.
    fn needs(needs: &mut Needs);
}

/// What the handlers of an application ask of it, collected when they are put into routes.
#[derive(Clone, Debug, Default)]
pub struct Needs(Vec<(TypeId, &'static str)>);

impl Needs {
    /// A state of this type.
    pub fn state<T: 'static>(&mut self) {
        self.0.push((TypeId::of::<T>(), std::any::type_name::<T>()));
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = (TypeId, &'static str)> {
        self.0.iter().copied()
    }
}

macro_rules! handlers {
    ($(($($part:ident)*))*) => {$(
        #[allow(non_snake_case, reason = "the names of types, used for their values")]
        impl<Fun, Fut, $($part,)* Last, Via> Handler<(Via, $($part,)* Last)> for Fun
        where
            Fun: Fn($($part,)* Last) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output: IntoResponse> + Send,
            $($part: FromRequestParts + Send,)*
            Last: FromRequest<Via> + Send,
        {
            #[allow(unused_mut, reason = "there may be no argument before the last")]
            async fn call(self, mut request: Request) -> Result<Response, Failure> {
                $(let $part = $part::from_request_parts(&mut request).await.map_err(Failure::new)?;)*
                let last = Last::from_request(request).await.map_err(Failure::new)?;
                self($($part,)* last).await.into_outcome()
            }

            fn needs(needs: &mut Needs) {
                $($part::needs(needs);)*
                Last::needs(needs);
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
    Fut: Future<Output: IntoResponse> + Send,
{
    async fn call(self, _: Request) -> Result<Response, Failure> {
        self().await.into_outcome()
    }

    fn erased(self) -> Leaf {
        Leaf::Plain(Box::new(move |scope| {
            let handler = self.clone();
            Reply::future(scope.settle(async move { handler().await.into_outcome() }))
        }))
    }

    fn needs(_: &mut Needs) {}
}

/// What stands at the end of a route or a mount: a handler whose type is no longer visible, or a type that answers
/// requests in its own way (static files, a gateway to another application).
pub trait Endpoint: Send + Sync + 'static {
    /// Answers a request.
    ///
    /// A panic, here or in the future, is answered with 500.
    fn call(&self, request: Request) -> Reply;
}

/// What stands at the end of a route.
pub enum Leaf {
    /// A handler without arguments. It sees nothing of the request, which is spared a box where nobody else does.
    Plain(Box<dyn Fn(Scope) -> Reply + Send + Sync>),
    /// Anything else.
    Endpoint(Box<dyn Endpoint>),
}

/// A handler as an endpoint.
struct Erased<H, Args>(H, PhantomData<fn(Args)>);

impl<H: Handler<Args>, Args: 'static> Endpoint for Erased<H, Args> {
    fn call(&self, request: Request) -> Reply {
        let handler = self.0.clone();
        let scope = Scope::of(&request);
        Reply::future(scope.settle(handler.call(request)))
    }
}
