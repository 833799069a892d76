//! A middleware that reads the request after it has given it away.

use stelo::{Next, Request, Response};

async fn log(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    println!("{}", request.path()); //~ here
    response
}

fn main() {
    let _ = log;
}

//~ borrow of moved value: `request`
//~ value moved here
