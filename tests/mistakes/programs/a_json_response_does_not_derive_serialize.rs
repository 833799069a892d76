//! The type of a JSON response without `Serialize`.

use stelo::Json;

struct Item {
    name: String,
}

async fn show() -> Json<Item> {
    Json(Item { name: "tea".into() })
}

stelo::check_handler!(show); //~ here

fn main() {
    let _ = |item: Item| item.name;
}

//~ `Item
//~ Serialize` is not implemented for `Item`
//~ `#[derive(serde::Serialize)]`
