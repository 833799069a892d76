//! A log that does not accept lines: a pipe without a reader, a closed pipe, a full disk.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use stelo_tests::{Client, On, cases};

use crate::program::{Child, command};

cases!(
    access_lines_that_nothing_reads_hold_up_nothing,
    server_lines_that_nothing_reads_hold_up_nothing,
    a_full_disk_holds_up_nothing,
    a_closed_pipe_holds_up_nothing,
    the_lines_of_a_slow_reader_are_complete,
);

/// Starts a server with these streams. Its log cannot be read, so it inherits a socket, which has clients wait until it
/// accepts them.
fn serve(on: On, args: &[&str], stdout: impl Into<Stdio>, stderr: impl Into<Stdio>) -> (Child, SocketAddr) {
    start(command(on), args, stdout, stderr)
}

/// See [`serve`].
fn start(
    mut command: Command,
    args: &[&str],
    stdout: impl Into<Stdio>,
    stderr: impl Into<Stdio>,
) -> (Child, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a port");
    let address = listener.local_addr().expect("a bound socket has an address");
    command.args(["--fd", "0"]).args(args).stdin(OwnedFd::from(listener)).stdout(stdout).stderr(stderr);
    (Child::start(&mut command), address)
}

fn pipe() -> (PipeReader, PipeWriter) {
    std::io::pipe().expect("the system has a pipe")
}

/// Sends requests whose lines fill any pipe.
fn ask(address: SocketAddr, path: &str, requests: usize) {
    let mut client = Client::connect(address);
    let query = "x".repeat(1000);
    for _ in 0..requests {
        assert_eq!(client.get(&format!("{path}?{query}")).status, 200);
    }
}

/// Stops a server, which says that it was stopped by `SIGTERM`.
fn stop(child: Child) {
    child.signal("TERM");
    assert_eq!(child.wait().signal(), Some(15));
}

fn access_lines_that_nothing_reads_hold_up_nothing(on: On) {
    let (_unread, stdout) = pipe();
    let (mut log, stderr) = pipe();
    let (child, address) = serve(on, &["--threads", "2"], stdout, stderr);
    ask(address, "/plaintext", 3000);
    stop(child);
    let mut text = String::new();
    log.read_to_string(&mut text).expect("the log is UTF-8");
    let line =
        text.lines().find(|line| line.contains("of the log were dropped")).expect("a line has the number");
    let number = line.strip_prefix("WARNING:  ").and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    assert!(number.is_some_and(|number| (1000..3000).contains(&number)), "{line}");
    assert!(line.ends_with("standard output did not accept them"), "{line}");
}

fn server_lines_that_nothing_reads_hold_up_nothing(on: On) {
    let (_unread, stderr) = pipe();
    let mut command = command(on);
    // The message of a panic has more than the page that the system promises of a writable pipe.
    command.env("RUST_BACKTRACE", "full");
    let (child, address) = start(command, &["--no-access-log"], Stdio::null(), stderr);
    let mut client = Client::connect(address);
    // The lines of panics: more than a pipe and the buffer of the log hold.
    for _ in 0..6000 {
        assert_eq!(client.get("/panic").status, 500);
    }
    stop(child);
}

fn a_full_disk_holds_up_nothing(on: On) {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        eprintln!("not run: this system has no /dev/full");
        return;
    };
    let (child, address) = serve(on, &[], full.try_clone().expect("a descriptor is left"), full);
    ask(address, "/plaintext", 100);
    stop(child);
}

fn a_closed_pipe_holds_up_nothing(on: On) {
    let ((stdout_reader, stdout), (stderr_reader, stderr)) = (pipe(), pipe());
    drop((stdout_reader, stderr_reader));
    let (child, address) = serve(on, &[], stdout, stderr);
    ask(address, "/plaintext", 100);
    stop(child);
}

fn the_lines_of_a_slow_reader_are_complete(on: On) {
    let (mut access, stdout) = pipe();
    let (child, address) = serve(on, &[], stdout, Stdio::null());
    // More than a pipe holds, less than may wait.
    ask(address, "/plaintext", 500);
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        access.read_to_string(&mut text).expect("the log is UTF-8");
        text
    });
    stop(child);
    let text = reader.join().expect("the log can be read");
    assert_eq!(text.lines().count(), 500);
    assert!(text.lines().all(|line| line.ends_with(" HTTP/1.1\" 200 OK")));
}
