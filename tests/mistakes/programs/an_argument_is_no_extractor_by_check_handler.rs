//! The same, where `check_handler!` names the argument.

async fn show(id: u32) -> String {
    format!("item {id}")
}

stelo::check_handler!(show); //~ here

fn main() {}

//~ `u32` cannot be an argument of a handler
//~ implement `FromRequestParts`, or wrap it: `Path<T>`
