//! Values as handlers: `get("text")` answers every request with a clone of the value.

use stelo_core::app::{Reply, Response};

use super::{Handler, IntoLeaf, Leaf};
use crate::describe::Operation;
use crate::request::Request;
use crate::response::{Failure, IntoResponse};

/// The handler is a value.
#[derive(Debug)]
pub enum AsValue {}

impl<T: IntoResponse + Clone + Send + Sync + 'static> Handler<AsValue> for T {
    async fn call(self, _: Request) -> Result<Response, Failure> {
        self.into_outcome()
    }

    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

impl<T: IntoResponse + Clone + Send + Sync + 'static> IntoLeaf<AsValue> for T {
    fn into_leaf(self) -> Leaf {
        Leaf::without_request(move |scope| {
            let value = self.clone();
            Reply::future(scope.settle(async { value.into_outcome() }))
        })
    }
}
