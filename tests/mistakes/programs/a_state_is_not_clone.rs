//! A state that is not `Clone`.

use stelo::{App, State, get};

struct Shop;

async fn show(State(_): State<Shop>) -> &'static str {
    "open"
}

fn main() {
    stelo::run(App::new().state(Shop).route("/", get(show))); //~ here
}

//~ Clone` is not implemented for `Shop`
