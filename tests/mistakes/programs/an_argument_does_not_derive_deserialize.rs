//! The type of a JSON body without `Deserialize`.

use stelo::Json;

struct Item {
    name: String,
}

async fn add(Json(item): Json<Item>) -> String {
    item.name
}

stelo::check_handler!(add); //~ here

fn main() {}

//~ `Json<Item>` cannot be an argument of a handler
//~ `#[derive(serde::Deserialize)]`
