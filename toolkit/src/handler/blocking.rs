//! `blocking`: handlers that are ordinary functions and run on a thread of their own.

use std::future::Future;

use stelo_core::app::{Reply, Response};

use super::{Handler, IntoLeaf, Leaf};
use crate::describe::Operation;
use crate::extract::{FromRequest, FromRequestParts};
use crate::request::Request;
use crate::response::{Failure, HttpError, IntoResponse};

/// Makes a handler of an ordinary function, which may block: it runs on a thread where it delays no other request.
///
/// Its arguments are those of an async handler, and are taken before. The number of threads and the queue before them are
/// [limited](crate::App::blocking_limits); if the queue is full, the answer is 503. The function runs to its end even if
/// the client leaves; while it waits in the queue, it is then not begun.
///
/// ```
/// use stelo_toolkit::handler::blocking;
/// use stelo_toolkit::{App, Path, TestClient, get};
///
/// fn read(Path(name): Path<String>) -> std::io::Result<String> {
///     std::fs::read_to_string(format!("/etc/{name}"))
/// }
///
/// fn length(path: Path<String>) -> String {
///     read(path).map_or("no such file".into(), |text| format!("{} bytes", text.len()))
/// }
///
/// let client = TestClient::new(App::new().route("/{name}", get(blocking(length))));
/// assert_eq!(client.get("/nothing").send().text(), "no such file");
/// ```
pub fn blocking<F>(function: F) -> Blocking<F> {
    Blocking(function)
}

/// A handler that runs on a thread of its own: see [`blocking`].
#[derive(Clone, Debug)]
pub struct Blocking<F>(F);

/// The handler is [`Blocking`], with a function of these arguments.
#[derive(Debug)]
pub struct AsBlocking<Args>(std::marker::PhantomData<Args>);

/// A function that [`blocking`] takes: up to eight extractors in, a response out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function for `blocking`",
    label = "not an ordinary function from extractors to a response",
    note = "`blocking` takes an `fn`, not an `async fn`, of up to eight extractors; it returns text, `Json(..)`, a `Status` or another response"
)]
pub trait BlockingFunction<Args>: Clone + Send + Sync + 'static {
    /// Takes the arguments from the request, and returns the call of the function.
    fn prepare(self, request: Request) -> impl Future<Output = Result<BlockingCall, Failure>> + Send;

    /// Describes the arguments and the response.
    fn describe(operation: &mut Operation);
}

/// A function with its arguments.
pub type BlockingCall = Box<dyn FnOnce() -> Result<Response, Failure> + Send>;

impl<R, F> BlockingFunction<()> for F
where
    F: Fn() -> R + Clone + Send + Sync + 'static,
    R: IntoResponse,
{
    async fn prepare(self, _: Request) -> Result<BlockingCall, Failure> {
        Ok(Box::new(move || self().into_outcome()))
    }

    fn describe(operation: &mut Operation) {
        R::describe(operation);
    }
}

macro_rules! functions {
    ($(($($part:ident)*))*) => {$(
        #[allow(non_snake_case, reason = "the names of types, used for their values")]
        impl<Fun, R, $($part,)* Last, Via> BlockingFunction<(Via, $($part,)* Last)> for Fun
        where
            Fun: Fn($($part,)* Last) -> R + Clone + Send + Sync + 'static,
            R: IntoResponse,
            $($part: FromRequestParts + Send + 'static,)*
            Last: FromRequest<Via> + Send + 'static,
            Via: 'static,
        {
            #[allow(unused_mut, reason = "there may be no argument before the last")]
            async fn prepare(self, mut request: Request) -> Result<BlockingCall, Failure> {
                $(let $part = $part::from_request_parts(&mut request).await.map_err(Failure::new)?;)*
                let last = Last::from_request(request).await.map_err(Failure::new)?;
                Ok(Box::new(move || self($($part,)* last).into_outcome()))
            }

            fn describe(operation: &mut Operation) {
                $($part::describe(operation);)*
                Last::describe(operation);
                R::describe(operation);
            }
        }
    )*};
}

functions! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G)
}

impl<Args: 'static, F: BlockingFunction<Args>> Handler<AsBlocking<Args>> for Blocking<F> {
    async fn call(self, request: Request) -> Result<Response, Failure> {
        let workers = request.workers();
        let call = self.0.prepare(request).await?;
        workers.run(call).await.unwrap_or_else(|busy| Err(Failure::new(HttpError::from(busy))))
    }

    fn describe(operation: &mut Operation) {
        F::describe(operation);
    }
}

impl<Args: 'static, F: BlockingFunction<Args>> IntoLeaf<AsBlocking<Args>> for Blocking<F> {
    fn into_leaf(self) -> Leaf {
        Leaf::new(move |request, scope| Reply::future(scope.settle(self.clone().call(request))))
    }
}
