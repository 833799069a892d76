//! A program that is a server, from its command line to its exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use stelo_os::signals::end_by;
use stelo_runtime::Signal;

use crate::{CommandLine, Exit, Parsed, ServeError, Stopped, messages};

/// Reads the command line of the process and calls `run`, which runs the server until it stops.
///
/// The exit code is 0 after an ordinary end, 2 if the command line makes no sense, 3 if the server did not start. A
/// server that `SIGTERM` has stopped gracefully ends by it, so that a shell sees 143; `SIGINT` is an ordinary end.
pub fn program(line: &CommandLine, run: impl FnOnce(Parsed) -> Result<Stopped, ServeError>) -> ExitCode {
    let parsed = match line.parse_process() {
        Ok(parsed) => parsed,
        Err(exit) => return end(&exit),
    };
    match run(parsed) {
        Ok(Stopped::Signal(Signal::Terminate)) => {
            // Whoever waits for the process is to see what has ended it. Returns only where that fails.
            let _ = end_by(Signal::Terminate);
            ExitCode::SUCCESS
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(ServeError::Config(error)) => end(&error.into()),
        Err(error) => {
            messages::failed(&error);
            error.exit_code().into()
        }
    }
}

fn end(exit: &Exit) -> ExitCode {
    // Nobody may be listening, and that is all right.
    let _ = match exit {
        Exit::Answer(_) => writeln!(io::stdout(), "{exit}"),
        Exit::Refusal(_) => writeln!(io::stderr(), "{exit}"),
    };
    exit.code().into()
}
