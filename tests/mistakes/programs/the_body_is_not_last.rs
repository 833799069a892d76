//! An argument that takes the body, before another one.

use stelo::{Json, Path};

async fn update(Json(name): Json<String>, Path(id): Path<u32>) -> String {
    format!("{id} is {name}")
}

stelo::check_handler!(update); //~ here

fn main() {}

//~ `Json<String>` cannot be an argument of a handler, or not in this place
//~ must be the last one
