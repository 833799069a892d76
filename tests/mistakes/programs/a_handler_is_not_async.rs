//! A handler that is an ordinary function.

use stelo::{App, get};

fn hello() -> &'static str {
    "Hello, World!"
}

fn main() {
    stelo::run(App::new().route("/", get(hello))); //~ here
}

//~ ` is not a handler
//~ not an async function from extractors to a response, and not a response
//~ a handler is an `async fn` of up to eight arguments
