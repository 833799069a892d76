//! Typed arguments: JSON in and out, a query, a path parameter, shared state, and an error with a status.
//!
//! `cargo run --example json`, then `curl http://127.0.0.1:8000/items/1`, or
//! `curl --json '{"name":"tea","price":3}' http://127.0.0.1:8000/items`.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use stelo::{App, HttpError, Json, Path, Query, State, Status, get};

#[derive(Clone, Serialize, Deserialize)]
struct Item {
    name: String,
    price: u32,
}

/// All items, numbered by their index. A handle, because each request gets a clone.
#[derive(Clone)]
struct Shop(Arc<Mutex<Vec<Item>>>);

impl Shop {
    fn items<T>(&self, f: impl FnOnce(&mut Vec<Item>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Deserialize)]
struct Filter {
    /// The highest price to list.
    up_to: Option<u32>,
}

/// An invalid query is answered with 400, naming the parameter.
async fn list(State(shop): State<Shop>, Query(filter): Query<Filter>) -> Json<Vec<Item>> {
    let fits = |item: &&Item| filter.up_to.is_none_or(|limit| item.price <= limit);
    Json(shop.items(|items| items.iter().filter(fits).cloned().collect()))
}

async fn show(State(shop): State<Shop>, Path(number): Path<usize>) -> Result<Json<Item>, HttpError> {
    let item = shop.items(|items| items.get(number).cloned());
    item.map(Json).ok_or_else(|| HttpError::new(Status::NOT_FOUND).with_detail("no such item"))
}

/// The argument that takes the body comes last. An invalid body is answered with 422, naming the field.
async fn add(State(shop): State<Shop>, Json(item): Json<Item>) -> (Status, Json<usize>) {
    let number = shop.items(|items| {
        items.push(item);
        items.len() - 1
    });
    (Status::CREATED, Json(number))
}

fn main() -> ExitCode {
    let coffee = Item { name: "coffee".into(), price: 4 };
    let app = App::new()
        .state(Shop(Arc::new(Mutex::new(vec![coffee]))))
        .route("/items", get(list).post(add))
        .route("/items/{number:int}", get(show));
    stelo::run(app)
}
