//! A start-up hook of a state that returns the state itself.

use stelo::App;

#[derive(Clone)]
struct Pool;

async fn open() -> Pool {
    Pool
}

async fn close(_: Pool) {}

fn main() {
    stelo::run(App::new().lifespan(open, close)); //~ here
}

//~ ` is not a start-up hook
//~ in `App::lifespan` it returns `Result<T, E>`
