//! Several worker processes: readiness, deaths, signals.
//!
//! Each process has a thread that writes its lines, so lines of different processes come in any order.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use stelo_tests::{Client, On, cases};

use crate::program::{Copied, Process, Temporary, command, get};

cases!(
    workers_serve_one_address,
    workers_serve_a_unix_socket,
    workers_serve_several_sockets,
    workers_serve_a_socket_of_systemd,
    web_concurrency_sets_the_number_of_workers,
    killed_workers_are_replaced,
    workers_that_cannot_start_are_code_3,
    an_address_in_use_is_code_3,
    sigterm_lets_the_workers_answer,
    sigint_is_an_ordinary_end_of_the_workers,
    a_second_signal_ends_the_workers_at_once,
    sigquit_ends_the_workers_at_once,
    sigttin_and_sigttou_add_and_remove_a_worker,
    sighup_replaces_every_worker_without_a_gap,
    sighup_reads_the_settings_again,
    a_worker_that_cannot_start_ends_the_restart,
    invalid_settings_change_nothing,
    sigusr1_opens_the_files_of_the_log_again,
    sigwinch_stops_the_workers_of_a_daemon_until_sighup,
    the_workers_have_names_of_their_own,
    the_pid_file_names_the_parent_until_it_ends,
    workers_end_when_their_supervisor_dies,
);

/// Sends a signal to a process, given the name that `kill` uses.
#[track_caller]
pub(crate) fn kill(signal: &str, id: u32) {
    let kill = Command::new("kill").args([format!("-{signal}"), id.to_string()]).status();
    assert!(kill.expect("there is a program kill").success());
}

/// Returns the number in brackets of a line.
#[track_caller]
pub(crate) fn number(line: &str) -> u32 {
    let number = line.split_once('[').and_then(|(_, rest)| rest.split_once(']')?.0.parse().ok());
    number.unwrap_or_else(|| panic!("no number in {line}"))
}

/// Starts a server with workers. Returns it with its address and the numbers of the workers, all of which are ready.
#[track_caller]
fn serve(on: On, workers: usize, args: &[&str]) -> (Process, SocketAddr, BTreeSet<u32>) {
    serve_on(on, workers, &[&["--port", "0"], args].concat())
}

/// As [`serve`], on the sockets that the arguments name.
#[track_caller]
fn serve_on(on: On, workers: usize, args: &[&str]) -> (Process, SocketAddr, BTreeSet<u32>) {
    serve_by(&mut command(on), workers, args)
}

/// As [`serve_on`], by this command.
#[track_caller]
pub(crate) fn serve_by(
    command: &mut Command,
    workers: usize,
    args: &[&str],
) -> (Process, SocketAddr, BTreeSet<u32>) {
    let workers_text = workers.to_string();
    let args = [&["--workers", &workers_text, "--threads", "1"], args].concat();
    let process = Process::start(command.args(args));
    let parent = format!("INFO:     Started parent process [{}]", process.id());
    let (mut named, mut started, mut complete, mut address) = (false, BTreeSet::new(), 0, None);
    while complete < workers || address.is_none() || !named {
        let line = process.line();
        if line == parent {
            named = true;
        } else if line.contains("Started server process") {
            started.insert(number(&line));
        } else if line.contains("Application startup complete.") {
            complete += 1;
        } else if let Some((_, rest)) = line.split_once("Stelo running on http://") {
            address = rest.split(' ').next().and_then(|address| address.parse().ok());
        }
    }
    assert_eq!(started.len(), workers);
    (process, address.expect("the line names an address"), started)
}

/// Returns the address of a server that starts, from its log.
#[track_caller]
pub(crate) fn running(process: &Process) -> SocketAddr {
    address_in(&process.expect_line("Stelo running on http://"))
}

/// Returns the address of a URL in a line.
#[track_caller]
fn address_in(line: &str) -> SocketAddr {
    let address = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    address.expect("the line names an address")
}

/// Waits for a line with each of these texts, in any order. Returns the lines in the order of the texts.
#[track_caller]
pub(crate) fn expect_lines<const N: usize>(process: &Process, texts: [&str; N]) -> [String; N] {
    let mut found = [const { String::new() }; N];
    while found.iter().any(String::is_empty) {
        let line = process.line();
        let place =
            texts.iter().zip(&mut found).find(|(text, found)| found.is_empty() && line.contains(**text));
        if let Some((_, found)) = place {
            *found = line;
        }
    }
    found
}

fn workers_serve_one_address(on: On) {
    let (process, address, workers) = serve(on, 3, &[]);
    assert!(!workers.contains(&process.id()));
    for _ in 0..20 {
        assert_eq!(get(address, "/plaintext"), (200, "Hello, World!".into()));
    }
}

fn workers_serve_a_unix_socket(on: On) {
    let path = std::env::temp_dir().join(format!("stelo-workers-{}-{on:?}.sock", std::process::id()));
    let process = Process::start(command(on).args(["--workers", "2", "--uds"]).arg(&path));
    process.expect_line(&format!("Stelo running on unix socket {} (Press CTRL+C to quit)", path.display()));
    let mut client = Client::new(UnixStream::connect(&path).expect("a worker listens"));
    assert_eq!(client.get("/plaintext").text(), "Hello, World!");
    process.signal("TERM");
    assert_eq!(process.wait().0.signal(), Some(15));
    assert!(!path.exists(), "the socket file is left behind");
}

fn workers_serve_several_sockets(on: On) {
    let path = std::env::temp_dir().join(format!("stelo-several-{}-{on:?}.sock", std::process::id()));
    let unix = format!("unix:{}", path.display());
    let (_process, address, _) = serve_on(on, 2, &["--bind", "127.0.0.1:0", "--bind", &unix]);
    for _ in 0..8 {
        assert_eq!(get(address, "/plaintext").0, 200);
        let mut client = Client::new(UnixStream::connect(&path).expect("a worker listens"));
        assert_eq!(client.get("/plaintext").text(), "Hello, World!");
    }
}

fn workers_serve_a_socket_of_systemd(on: On) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let server = command(on);
    // The shell knows its process number, which the server keeps.
    let script = "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\" 3<&0 </dev/null";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(server.get_program()).args(server.get_args()).args(["-w", "2"]);
    shell.stdin(OwnedFd::from(listener)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = Process::start(&mut shell);
    process.expect_line(&format!("Stelo running on socket {address} (Press CTRL+C to quit)"));
    assert_eq!(get(address, "/plaintext").0, 200);
}

fn web_concurrency_sets_the_number_of_workers(on: On) {
    let process = Process::start(command(on).args(["--port", "0"]).env("WEB_CONCURRENCY", "2"));
    process.expect_line("Started parent process");
    let started = [(); 2].map(|()| number(&process.expect_line("Started server process")));
    assert!(started[0] != started[1] && !started.contains(&process.id()));
}

fn killed_workers_are_replaced(on: On) {
    let (process, address, old) = serve(on, 2, &[]);
    old.iter().for_each(|id| kill("KILL", *id));
    // The address stays open while there is no worker, so the request waits for the next one.
    assert_eq!(get(address, "/plaintext").0, 200);
    let (mut died, mut new) = (BTreeSet::new(), BTreeSet::new());
    while died.len() < 2 || new.len() < 2 {
        let line = process.line();
        if line.contains("died (signal: 9 (SIGKILL)); starting another") {
            died.insert(number(&line));
        } else if line.contains("Started server process") {
            new.insert(number(&line));
        }
    }
    assert_eq!(died, old);
    assert!(new.is_disjoint(&old));
}

fn workers_that_cannot_start_are_code_3(on: On) {
    let server = command(on);
    let copy = std::env::temp_dir().join(format!("stelo-workers-{}-{on:?}", std::process::id()));
    std::fs::copy(server.get_program(), &copy).expect("the temporary directory has space");
    // The supervisor runs, but its program is gone from its path.
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 3<\"$0\"; rm \"$0\"; exec /proc/self/fd/3 \"$@\""]).arg(&copy);
    shell.args(server.get_args()).args(["--workers", "2", "--port", "0"]);
    let process = Process::start(shell.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let (status, log, _) = process.wait();
    assert_eq!(status.code(), Some(3), "{log:#?}");
    let refused = format!("ERROR:    Cannot start {}", copy.display());
    assert_eq!(log.iter().filter(|line| line.starts_with(&refused)).count(), 2, "{log:#?}");
    let last = "ERROR:    no worker process could start: the lines above say why";
    assert_eq!(log.last().map(String::as_str), Some(last), "{log:#?}");
}

fn an_address_in_use_is_code_3(on: On) {
    let (_other, address) = Process::serve(on, &[]);
    let port = address.port().to_string();
    let (status, log, _) = Process::start(command(on).args(["--workers", "2", "--port", &port])).wait();
    assert_eq!(status.code(), Some(3), "{log:#?}");
    assert!(log.len() == 1 && log[0].contains("the address is in use"), "{log:#?}");
}

fn sigterm_lets_the_workers_answer(on: On) {
    let (process, address, _) = serve(on, 2, &[]);
    let mut client = Client::connect(address);
    client.send("GET /stream?chunks=2&delay_ms=300 HTTP/1.1\r\nhost: a\r\n\r\n");
    // The head has arrived, the body has not.
    let head = client.head().expect("an answer");
    process.signal("TERM");
    assert_eq!(client.body_of(head).body.len(), 2000);
    client.expect_end();
    let id = process.id();
    let (status, log, _) = process.wait();
    assert_eq!(status.signal(), Some(15));
    assert_eq!(log.last(), Some(&format!("INFO:     Stopping parent process [{id}]")));
    let count = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert_eq!((count("Received SIGTERM, exiting."), count("Finished server process")), (1, 2), "{log:#?}");
}

fn sigint_is_an_ordinary_end_of_the_workers(on: On) {
    let (process, address, _) = serve(on, 2, &[]);
    assert_eq!(get(address, "/plaintext").0, 200);
    process.signal("INT");
    process.expect_line("INFO:     Received SIGINT, exiting.");
    assert_eq!(process.wait().0.code(), Some(0));
}

/// Sends a request that takes a minute.
fn occupy(address: SocketAddr) -> Client {
    let mut client = Client::connect(address);
    client.send("GET /stream?chunks=1&delay_ms=60000 HTTP/1.1\r\nhost: a\r\n\r\n");
    client.head().expect("an answer");
    client
}

fn a_second_signal_ends_the_workers_at_once(on: On) {
    let (process, address, _) = serve(on, 2, &[]);
    let mut client = occupy(address);
    process.signal("INT");
    process.expect_line("Waiting for connections to close. (CTRL+C to force quit)");
    process.signal("INT");
    client.rest();
    assert_eq!(process.wait().0.code(), Some(0));
}

fn sigquit_ends_the_workers_at_once(on: On) {
    let (process, address, _) = serve(on, 2, &[]);
    let mut client = occupy(address);
    process.signal("QUIT");
    client.rest();
    let (status, log, _) = process.wait();
    assert_eq!(status.code(), Some(0), "{log:#?}");
}

fn sigttin_and_sigttou_add_and_remove_a_worker(on: On) {
    let (process, address, workers) = serve(on, 2, &[]);
    process.signal("TTIN");
    let more = "INFO:     Received SIGTTIN, increasing the number of processes.";
    let [_, line, _] = expect_lines(&process, [more, "Started server process", "startup complete"]);
    let added = number(&line);
    process.signal("TTOU");
    let fewer = "INFO:     Received SIGTTOU, decreasing the number of processes.";
    let [_, line] = expect_lines(&process, [fewer, "Finished server process"]);
    assert_eq!(number(&line), added, "the newest goes first");
    process.signal("TTOU");
    let [_, line] = expect_lines(&process, [fewer, "Finished server process"]);
    let removed = number(&line);
    assert!(workers.contains(&removed));
    process.signal("TTOU");
    process.expect_line("Already reached one process, cannot decrease the number of processes anymore.");
    assert_eq!(get(address, "/plaintext").0, 200);
}

fn sighup_replaces_every_worker_without_a_gap(on: On) {
    let (process, address, old) = serve(on, 2, &[]);
    process.signal("HUP");
    let mut new = BTreeSet::new();
    let mut finished = BTreeSet::new();
    let mut restarted = false;
    while finished.len() < 2 || new.len() < 2 || !restarted {
        // The system may give the connection to a worker that stops, which answers it.
        assert_eq!(get(address, "/plaintext").0, 200);
        let line = process.line();
        if line.contains("Started server process") {
            new.insert(number(&line));
        } else if line.contains("Finished server process") {
            finished.insert(number(&line));
        }
        restarted |= line == "INFO:     Restarted all processes.";
    }
    assert_eq!(finished, old);
    assert!(new.is_disjoint(&old));
}

fn a_worker_that_cannot_start_ends_the_restart(on: On) {
    let copy = Copied::new(on, "restart");
    let (process, address, workers) = serve_by(&mut copy.command(on), 2, &["--port", "0"]);
    copy.replace_by("false");
    process.signal("HUP");
    process.expect_line("died (exit status: 1)");
    process.expect_line(
        "ERROR:    New child process was not ready; keeping the old ones and aborting the restart.",
    );
    assert_eq!(get(address, "/plaintext").0, 200);
    process.signal("TERM");
    let finished = |_| number(&process.expect_line("Finished server process"));
    assert_eq!(workers.iter().map(finished).collect::<BTreeSet<_>>(), workers);
}

fn sighup_reads_the_settings_again(on: On) {
    let config = Temporary::new(on, "again.toml");
    config.write("workers = 2\n");
    let process =
        Process::start(command(on).args(["--port", "0", "--threads", "1", "--config", config.path()]));
    let old: BTreeSet<_> =
        [(); 2].map(|()| number(&process.expect_line("Started server process"))).into_iter().collect();
    config.write("workers = 1\nlog-level = \"info\"\n");
    process.signal("HUP");
    let texts = ["Started server process", "Restarted all", "Finished server", "Finished server"];
    let [started, _, one, other] = expect_lines(&process, texts);
    assert_eq!(BTreeSet::from([number(&one), number(&other)]), old);
    assert!(!old.contains(&number(&started)));
}

fn invalid_settings_change_nothing(on: On) {
    let config = Temporary::new(on, "invalid.toml");
    config.write("backlog = 7\n");
    let (process, address, workers) = serve(on, 2, &["--config", config.path()]);
    config.write("backlog = nothing\n");
    process.signal("HUP");
    process
        .expect_line("ERROR:    Received SIGHUP, but the new settings are invalid; keeping the old ones: ");
    assert_eq!(get(address, "/plaintext").0, 200);
    process.signal("TERM");
    let finished = |_| number(&process.expect_line("Finished server process"));
    assert_eq!(workers.iter().map(finished).collect::<BTreeSet<_>>(), workers);
}

fn sigusr1_opens_the_files_of_the_log_again(on: On) {
    let (log, moved) = (Temporary::new(on, "access.log"), Temporary::new(on, "access.log.1"));
    let (process, address, workers) = serve(on, 2, &["--access-logfile", log.path()]);
    std::fs::rename(log.path(), moved.path()).expect("the log is there");
    let reopened = format!("Reopened {}", log.path());
    process.signal("USR1");
    // The supervisor and the workers.
    for _ in 0..3 {
        process.expect_line(&reopened);
    }
    // A worker takes the signal, too.
    kill("USR1", *workers.first().expect("there are workers"));
    process.expect_line(&reopened);
    assert_eq!(get(address, "/plaintext").0, 200);
    process.signal("TERM");
    process.wait();
    assert!(std::fs::read_to_string(log.path()).expect("a new file").contains("GET /plaintext"));
}

fn sigwinch_stops_the_workers_of_a_daemon_until_sighup(on: On) {
    let server = command(on);
    // A session of its own has no controlling terminal.
    let mut daemon = Command::new("setsid");
    daemon.arg(server.get_program()).args(server.get_args());
    daemon.args(["--workers", "2", "--threads", "1", "--port", "0"]);
    let process = Process::start(daemon.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let texts = ["Stelo running on http://", "startup complete", "startup complete"];
    let [line, ..] = expect_lines(&process, texts);
    let address = address_in(&line);
    process.signal("WINCH");
    let received = "INFO:     Received SIGWINCH, stopping the processes until SIGHUP.";
    expect_lines(&process, [received, "Finished server process", "Finished server process"]);
    // The connection waits for a worker.
    let mut client = Client::connect(address);
    process.signal("HUP");
    process.expect_line("Started server process");
    assert_eq!(client.get("/plaintext").text(), "Hello, World!");
}

fn the_workers_have_names_of_their_own(on: On) {
    let (process, _, workers) = serve(on, 2, &[]);
    let name = |id: u32| std::fs::read_to_string(format!("/proc/{id}/comm")).expect("Linux");
    assert!(name(process.id()).starts_with("stelo-server-"));
    workers.iter().for_each(|id| assert_eq!(name(*id), "stelo-se:worker\n"));
}

fn the_pid_file_names_the_parent_until_it_ends(on: On) {
    for workers in ["1", "2"] {
        let file = Temporary::new(on, &format!("pid-{workers}"));
        let args = ["--port", "0", "--workers", workers, "--pid", file.path()];
        let process = Process::start(command(on).args(args));
        running(&process);
        let written = std::fs::read_to_string(file.path()).expect("the server has written it");
        assert_eq!(written, format!("{}\n", process.id()));
        // A second server is refused, and leaves the file.
        let (status, log, _) = Process::start(command(on).args(args)).wait();
        let line = format!("ERROR:    the process {} of {} is running: ", process.id(), file.path());
        assert!(status.code() == Some(3) && log.len() == 1 && log[0].starts_with(&line), "{log:#?}");
        process.signal("TERM");
        assert_eq!(process.wait().0.signal(), Some(15));
        assert!(!std::path::Path::new(file.path()).exists(), "the file is left behind");
    }
}

fn workers_end_when_their_supervisor_dies(on: On) {
    let (process, _, workers) = serve(on, 2, &[]);
    process.signal("KILL");
    let (mut finished, mut ends) = (BTreeSet::new(), 0);
    while ends < workers.len() {
        finished.insert(number(&process.expect_line("Finished server process")));
        ends += 1;
    }
    assert_eq!(finished, workers);
    assert_eq!(process.wait().0.signal(), Some(9));
}
