//! A start-up hook with an argument that it does not get.

use stelo::App;

async fn open(_: String) {}

fn main() {
    stelo::run(App::new().on_startup(open)); //~ here
}

//~ ` is not a start-up hook
//~ a start-up hook is an `async fn()` or an `async fn(executor: Executor)`
