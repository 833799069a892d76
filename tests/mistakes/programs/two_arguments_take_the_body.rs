//! Two arguments that take the body.

use stelo::{Json, Request};

async fn update(request: Request, Json(name): Json<String>) -> String {
    format!("{} {name}", request.path())
}

stelo::check_handler!(update); //~ here

fn main() {}

//~ Request` cannot be an argument of a handler, or not in this place
//~ an argument that takes the body (`Request`, `Json`
//~ must be the last one
