//! Python's httpx: keep-alive, streaming both ways, and a server whose memory does not grow with the body.

use std::process::Command;

use stelo_tests::{On, cases};

use crate::program::Process;

cases!(httpx);

/// MiB to send and to receive, unless `STELO_TEST_MIB` says otherwise. A server that held bodies would be found out by
/// far less.
const MIB: &str = "64";

/// `cargo xtask test` installs httpx and names its interpreter.
fn httpx(on: On) {
    let Some(python) = std::env::var_os("STELO_TEST_PYTHON") else {
        assert!(std::env::var_os("CI").is_none(), "STELO_TEST_PYTHON does not name a Python with httpx");
        eprintln!(
            "not run: STELO_TEST_PYTHON does not name a Python with httpx; `cargo xtask test` sees to it"
        );
        return;
    };
    let (process, address) = Process::serve(on, &["--no-access-log"]);
    let size = std::env::var("STELO_TEST_MIB").unwrap_or(MIB.into());
    let mut client = Command::new(python);
    client.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/client.py"));
    client.args([format!("http://{address}"), process.id().to_string(), size]);
    let output = client.output().expect("the interpreter can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
