//! A handler that takes the request by reference.

use stelo::{App, Request, get};

async fn show(request: &Request) -> String {
    request.path().into()
}

fn main() {
    stelo::run(App::new().route("/", get(show))); //~ here
}

//~ ` is not a handler
//~ and others, by value; what takes the body (`Request`
