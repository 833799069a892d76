//! A server to try: of a folder, or of the demonstration application; on tokio.

use std::process::ExitCode;
use std::sync::Arc;

use stelo_server::{Config, Program};

fn main() -> ExitCode {
    Program::new(Config::new(), stelo_server_tokio::RUNNERS)
        .folder()
        .main(|folder| Arc::new(folder.map_or_else(stelo_demo::app, stelo_demo::folder)))
}
