//! A start-up hook that is not async.

use stelo::App;

fn open() {}

fn main() {
    stelo::run(App::new().on_startup(open)); //~ here
}

//~ ` is not a start-up hook
//~ a start-up hook is an `async fn()` or an `async fn(executor: Executor)`
