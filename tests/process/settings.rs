//! Settings from variables, `--env-file` and `--config`, and `--print-config`.
//!
//! Unit tests of `stelo-server` cover each setting. These tests cover the environment of the process, and files.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use stelo_tests::{Client, On, cases};

use crate::program::{Process, command};

cases!(
    settings_can_come_from_the_environment,
    settings_can_come_from_files,
    print_config_shows_values_and_origins,
    a_mistake_in_a_file_is_code_2,
    variables_of_an_orchestrator_are_ignored,
    a_misspelt_variable_is_reported,
);

/// A folder that is removed at the end of a case.
struct Folder(PathBuf);

impl Folder {
    fn new(on: On, name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stelo-{name}-{on:?}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Self(path)
    }

    /// Writes a file, and returns its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("the folder is writable");
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind does not make the case fail.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Starts a server whose port is 0 by a variable or a file.
fn serve(command: &mut Command) -> (Process, SocketAddr) {
    let process = Process::start(command);
    let line = process.expect_line("Stelo running on http://");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    (process, address.expect("the line names an address"))
}

fn settings_can_come_from_the_environment(on: On) {
    let variables = [("STELO_PORT", "0"), ("STELO_ACCESS_LOG", "false"), ("STELO_HEADERS", "x-a:1 x-b:2")];
    let (process, address) = serve(command(on).envs(variables));
    let answer = Client::connect(address).get("/plaintext");
    assert_eq!((answer.header("x-a"), answer.header("x-b")), (Some("1"), Some("2")));
    process.signal("TERM");
    assert_eq!(process.wait().2, [""; 0]);
}

fn settings_can_come_from_files(on: On) {
    let folder = Folder::new(on, "files");
    let config = folder.file("stelo.toml", "port = 0\nheader = [\"x-a: file\"]\nserver-header = false\n");
    let env_file = folder.file(".env", &format!("STELO_HEADERS=\"x-a:env\"\nSTELO_CONFIG='{config}'\n"));
    for (arguments, x_a) in [(["--config", &config], "file"), (["--env-file", &env_file], "env")] {
        let (_process, address) = serve(command(on).args(arguments));
        let answer = Client::connect(address).get("/plaintext");
        assert_eq!((answer.header("x-a"), answer.header("server")), (Some(x_a), None), "{arguments:?}");
    }
}

fn print_config_shows_values_and_origins(on: On) {
    let folder = Folder::new(on, "print");
    let config = folder.file("stelo.toml", "\nbacklog = 7\n");
    let arguments = ["--print-config", "--threads", "3", "--config", &config];
    let process = Process::start(command(on).env("STELO_PORT", "99").args(arguments));
    let (status, log, out) = process.wait();
    assert_eq!((status.code(), log.len()), (Some(0), 0), "{log:#?}");
    for (setting, origin) in [
        ("host = \"127.0.0.1\"", "default"),
        ("port = 99", "STELO_PORT"),
        ("backlog = 7", &format!("{config}:2:backlog")),
        ("threads = 3", "--threads"),
    ] {
        let line = out.iter().find(|line| line.starts_with(&format!("{setting} ")));
        let found = line.and_then(|line| line.split_once("# ")).map(|(_, origin)| origin);
        assert_eq!(found, Some(origin), "{setting} in {out:#?}");
    }
}

fn a_mistake_in_a_file_is_code_2(on: On) {
    let folder = Folder::new(on, "mistake");
    let config = folder.file("stelo.toml", "host = \"::1\"\nprot = 1\n");
    let (status, log, out) = Process::start(command(on).args(["--config", &config])).wait();
    assert_eq!((status.code(), out.len()), (Some(2), 0), "{out:#?}");
    assert_eq!(log, [format!("Error: {config}:2: unknown setting prot: did you mean port?")]);
}

fn variables_of_an_orchestrator_are_ignored(on: On) {
    let folder = Folder::new(on, "orchestrator");
    // Another program may use the default port.
    let config = folder.file("stelo.toml", "port = 0");
    let link = "tcp://10.96.17.4:8000";
    let variables = [
        ("STELO_PORT", link),
        ("STELO_SERVICE_HOST", "10.96.17.4"),
        ("STELO_SERVICE_PORT", "8000"),
        ("STELO_PORT_8000_TCP", link),
        ("STELO_PORT_8000_TCP_PORT", "8000"),
    ];
    let process = Process::start(command(on).envs(variables).args(["--config", &config]));
    let line = "INFO:     Ignored STELO_PORT=tcp://10.96.17.4:8000, which an orchestrator sets for a service";
    assert_eq!(process.line(), line);
    assert!(process.line().contains("Started server process"));
    process.expect_line("Stelo running on http://127.0.0.1:");
}

fn a_misspelt_variable_is_reported(on: On) {
    let process = Process::start(command(on).env("STELO_PROT", "1").args(["--port", "0"]));
    let line = "WARNING:  Ignored STELO_PROT, which is not a setting: did you mean STELO_PORT?";
    assert_eq!(process.line(), line);
    process.expect_line("Stelo running on http://127.0.0.1:");
}
