//! A middleware that does not await the response.

use stelo::{Next, Request, Response};

async fn mark(request: Request, next: Next) -> Response {
    let mut response = next.run(request);
    response.headers.set("x-mark", "1"); //~ here
    response
}

fn main() {
    let _ = mark;
}

//~ no field `headers` on type `Reply`
