//! An argument of a type that is no extractor.

use stelo::{App, get};

async fn show(id: u32) -> String {
    format!("item {id}")
}

fn main() {
    stelo::run(App::new().route("/{id}", get(show))); //~ here
}

//~ ` is not a handler
//~ each an extractor, that returns a response
//~ `stelo::check_handler!(name_of_the_function);` names the argument or the result that is wrong
