//! Several applications in one program: the command line names the one that it serves.
//!
//! `cargo run --example apps -- shop`, or `admin --port 9000`; `--workers`, `--lifespan off` and the other options are as
//! usual.

use stelo::{App, Apps, get};

fn main() -> std::process::ExitCode {
    stelo::run(Apps::new().add("shop", shop).add("admin", admin))
}

/// Runs only in a process that serves the shop.
fn shop() -> App {
    App::new().on_startup(async || eprintln!("the shop opens")).route("/", get("the shop"))
}

fn admin() -> App {
    App::new().route("/", get("the back office"))
}
