//! `--reload`: the program is built and replaced when its source files change.

use std::net::SocketAddr;
use std::path::PathBuf;

use stelo_tests::{Answer, Client, On, cases};

use crate::program::{Copied, Process, command};

cases!(
    a_change_is_built_and_served,
    a_failed_build_is_shown_to_browsers,
    a_change_of_another_file_has_no_effect,
    several_workers_are_not_reloaded,
    without_cargo_the_command_is_asked_for,
    a_directory_that_is_missing_is_code_3,
);

/// A directory with sources, and with a script that builds as the cases decide.
struct Project(PathBuf);

impl Project {
    fn new(on: On, name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("stelo-{}-{on:?}-{name}", std::process::id()));
        let project = Self(root);
        std::fs::create_dir_all(project.0.join("src")).expect("the temporary directory is writable");
        project.write("src/main.rs", "fn main() {}");
        project.write("build.sh", "cat \"$1/errors\" >&2; exit \"$(cat \"$1/status\")\"");
        project.builds(0, "");
        project
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("the temporary directory is writable");
    }

    /// The next build ends with this status, after it has written a text.
    fn builds(&self, status: u8, text: &str) {
        self.write("errors", text);
        self.write("status", &status.to_string());
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }

    /// Starts a server that watches the directory. Returns it with its address.
    fn serve(&self, on: On, args: &[&str]) -> (Process, SocketAddr) {
        let build = format!("sh {0}/build.sh {0}", self.path());
        let process = Process::start(
            command(on)
                .args(["--reload", "--reload-dir", &self.path(), "--reload-delay", "0.02", "--port", "0"])
                .args(["--reload-command", &build])
                .args(args),
        );
        let address = process.address();
        (process, address)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // The case has failed if it is not there.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Asks as a browser does.
fn navigate(address: SocketAddr) -> Answer {
    let mut client = Client::connect(address);
    client.send(
        "GET /plaintext HTTP/1.1\r\nhost: a\r\naccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n\r\n",
    );
    client.answer()
}

fn a_change_is_built_and_served(on: On) {
    let project = Project::new(on, "built");
    let (process, address) = project.serve(on, &[]);
    assert_eq!(navigate(address).status, 200);
    project.write("src/lib.rs", "");
    process.expect_line(&format!(
        "StatReload detected changes in '{}/src/lib.rs'. Reloading...",
        project.path()
    ));
    // The lines of the new worker come before or after it.
    process.expect_line("Restarted all processes.");
    assert_eq!(navigate(address).status, 200);
    process.signal("TERM");
    process.expect_line("Stopping reloader process");
    process.wait();
}

fn a_failed_build_is_shown_to_browsers(on: On) {
    let project = Project::new(on, "failed");
    let (process, address) = project.serve(on, &[]);
    project.builds(101, "\u{1b}[31merror\u{1b}[0m: cannot find `Vec<Tea>` & more\n");
    project.write("src/main.rs", "fn main() { broken }");
    process.expect_line("The build has failed; the old process goes on");
    // The worker is told after the line.
    let page = loop {
        let page = navigate(address);
        if page.status == 503 {
            break page;
        }
    };
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(
        page.text().contains("<pre>error: cannot find `Vec&lt;Tea>` &amp; more\n</pre>"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("http-equiv=refresh"));
    // All other requests are answered as before.
    assert_eq!(Client::connect(address).get("/plaintext").status, 200);
    let mut client = Client::connect(address);
    client.send("POST /echo HTTP/1.1\r\nhost: a\r\naccept: text/html\r\ncontent-length: 2\r\n\r\nhi");
    assert_eq!(client.answer().text(), "hi");

    project.builds(0, "");
    project.write("src/main.rs", "fn main() { mended }");
    process.expect_line("Restarted all processes.");
    assert_eq!(navigate(address).status, 200);
}

fn a_change_of_another_file_has_no_effect(on: On) {
    let project = Project::new(on, "other");
    let (process, _) = project.serve(on, &["--reload-include", "*.css", "--reload-exclude", "generated.rs"]);
    std::fs::create_dir(project.0.join("target")).expect("the directory is writable");
    for name in ["page.html", "target/x.rs", "src/generated.rs", ".hidden.rs"] {
        project.write(name, "other");
    }
    project.write("page.css", "");
    process
        .expect_line(&format!("StatReload detected changes in '{}/page.css'. Reloading...", project.path()));
}

fn several_workers_are_not_reloaded(on: On) {
    let project = Project::new(on, "workers");
    let (process, _) = project.serve(on, &["--workers", "2"]);
    process.signal("TERM");
    let (_, log, _) = process.wait();
    let lines = log.join("\n");
    assert_eq!(lines.matches("Finished server process").count(), 1, "{lines}");
}

fn without_cargo_the_command_is_asked_for(on: On) {
    let copied = Copied::new(on, "elsewhere");
    let output = copied.command(on).args(["--reload", "--port", "0"]).output().expect("it can be run");
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stderr);
    let line = "--reload cannot tell how this program is built, for it is not in a target directory of cargo: use --reload-command";
    assert!(text.contains(line), "{text}");
}

fn a_directory_that_is_missing_is_code_3(on: On) {
    let output = command(on).args(["--reload", "--reload-dir", "/no/such", "--port", "0"]).output();
    let output = output.expect("it can be run");
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("cannot watch /no/such (No such file or directory (os error 2)): check --reload-dir"),
        "{text}"
    );
}
