//! A router in place of an application.

use stelo::{Router, get};

fn main() {
    stelo::run(Router::new().route("/", get("hello"))); //~ here
}

//~ Router` is not an application
//~ put a `Router` into one: `App::new().merge(router)`
