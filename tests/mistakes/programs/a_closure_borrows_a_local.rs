//! A closure that borrows a variable of the function that builds the application.

use stelo::{App, get};

fn main() {
    let name = String::from("tea");
    let app = App::new().route("/", get(async || name.clone())); //~ here
    stelo::run(app);
}

//~ `name` does not live long enough
//~ borrowed for `'static`
