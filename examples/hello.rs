//! `cargo run --example hello`, then open <http://127.0.0.1:8000>.

use stelo::{App, get};

async fn hello() -> &'static str {
    "Hello, World!"
}

fn main() -> std::process::ExitCode {
    stelo::run(App::new().route("/", get(hello)))
}
