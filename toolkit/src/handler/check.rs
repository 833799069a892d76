//! `check_handler!`: checks the bounds of a handler separately, so that the compiler names the one that fails.

use std::future::Future;

use crate::extract::{FromRequest, FromRequestParts};
use crate::response::IntoResponse;

/// Checks at compile time that a function is a [handler](trait@crate::handler::Handler), with an error that names what is
/// wrong: an argument, the result, or a future that is not `Send`. It generates no code.
///
/// ```
/// use stelo_toolkit::{Json, Path, State};
///
/// #[derive(Clone)]
/// struct Shop;
///
/// async fn buy(State(_shop): State<Shop>, Path(id): Path<u32>, Json(count): Json<u32>) -> String {
///     format!("{count} of {id}")
/// }
///
/// stelo_toolkit::check_handler!(buy);
/// ```
///
/// An argument that is no extractor: `u32` cannot be an argument of a handler.
///
/// ```compile_fail,E0277
/// use stelo_toolkit::Json;
///
/// async fn buy(id: u32, Json(count): Json<u32>) -> String {
///     format!("{count} of {id}")
/// }
///
/// stelo_toolkit::check_handler!(buy);
/// ```
///
/// A value that is held across an `.await` and is not `Send`; the compiler names it, and the place:
///
/// ```compile_fail
/// use std::rc::Rc;
///
/// async fn wait() {}
///
/// async fn hold() {
///     let shared = Rc::new(1);
///     wait().await;
///     drop(shared);
/// }
///
/// stelo_toolkit::check_handler!(hold);
/// ```
#[macro_export]
macro_rules! check_handler {
    ($handler:expr) => {
        const _: fn() = || {
            $crate::handler::check::is_function(&$handler);
            $crate::handler::check::is_shared(&$handler);
            $crate::handler::check::is_async(&$handler);
            $crate::handler::check::has_extractors(&$handler);
            $crate::handler::check::has_response(&$handler);
            $crate::handler::check::has_send_future(&$handler);
        };
    };
}

/// A function of up to eight arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function of up to eight arguments",
    note = "combine several arguments in one: a tuple in `Path`, a struct in `Query`, or an extractor of your own"
)]
pub trait Function<Args> {
    /// The result: a future, if the function is `async`.
    type Output;
}

/// The arguments of a handler: extractors, of which the last may take the body.
pub trait Extractors<Via> {}

impl Extractors<()> for () {}

impl<F: Fn() -> R, R> Function<()> for F {
    type Output = R;
}

macro_rules! functions {
    ($(($($part:ident)*))*) => {$(
        impl<Fun, R, $($part,)* Last> Function<($($part,)* Last,)> for Fun
        where
            Fun: Fn($($part,)* Last) -> R,
        {
            type Output = R;
        }

        impl<$($part,)* Last, Via> Extractors<Via> for ($($part,)* Last,)
        where
            $($part: FromRequestParts + Send + 'static,)*
            Last: FromRequest<Via> + Send + 'static,
        {
        }
    )*};
}

functions! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G)
}

/// The function has up to eight arguments.
pub fn is_function<F: Function<Args>, Args>(_: &F) {}

/// All threads can call the function.
pub fn is_shared<F: Clone + Send + Sync + 'static>(_: &F) {}

/// The function is `async`.
pub fn is_async<F: Function<Args, Output: Future>, Args>(_: &F) {}

/// Each argument is an extractor.
pub fn has_extractors<F: Function<Args>, Args: Extractors<Via>, Via>(_: &F) {}

/// The result is a response.
pub fn has_response<F: Function<Args, Output: Future<Output: IntoResponse>>, Args>(_: &F) {}

/// The future can move between threads.
pub fn has_send_future<F: Function<Args, Output: Send + 'static>, Args>(_: &F) {}
