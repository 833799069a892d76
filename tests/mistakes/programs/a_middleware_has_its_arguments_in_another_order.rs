//! A middleware that takes `Next` before `Request`.

use stelo::{App, Next, Request, Response, get};

async fn log(next: Next, request: Request) -> Response {
    println!("{}", request.path());
    next.run(request).await
}

fn main() {
    stelo::run(App::new().middleware(log).route("/", get("hello"))); //~ here
}

//~ ` is not a middleware
//~ not an async function from `(Request, Next)` to a response
//~ a middleware is an `async fn(request: Request, next: Next) -> Response`
