//! A server to try: of a folder, or of the demonstration application; on smol or async-std.

use std::process::ExitCode;
use std::sync::Arc;

use stelo_server::{CommandLine, Config, program};

fn main() -> ExitCode {
    program(&CommandLine::new(Config::new()).folder(), |parsed| {
        let app = parsed.folder.map_or_else(stelo_demo::app, stelo_demo::folder);
        stelo_server_smol::run(parsed.config, Arc::new(app))
    })
}
