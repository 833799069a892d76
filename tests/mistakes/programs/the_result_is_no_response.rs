//! A result that is no response.

struct Item {
    name: String,
}

async fn show() -> Item {
    Item { name: "tea".into() }
}

stelo::check_handler!(show); //~ here

fn main() {
    let _ = |item: Item| item.name;
}

//~ `Item` is not a response
//~ a handler cannot return this
//~ or implement `IntoResponse` for your type
