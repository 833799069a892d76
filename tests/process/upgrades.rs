//! The replacement of a supervisor by `SIGUSR2`.

use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Instant;

use stelo_tests::{Client, On, PATIENCE, cases};

use crate::program::{Copied, Process, Temporary, command, get};
use crate::workers::{expect_lines, kill, number, running, serve_by};

cases!(
    sigusr2_hands_the_sockets_to_a_new_parent,
    the_socket_of_the_metrics_outlives_the_old_parent,
    upgrades_can_follow_each_other,
    a_new_parent_that_cannot_start_changes_nothing,
    a_new_parent_listens_where_its_settings_say,
    a_unix_socket_and_the_pid_file_outlive_the_old_parent,
    a_socket_of_systemd_outlives_the_old_parent,
    process_1_refuses_sigusr2,
    process_1_reaps_orphans,
);

/// A supervisor that is not a child of the test.
struct Parent(u32);

impl Drop for Parent {
    fn drop(&mut self) {
        // It may have ended.
        let kill = Command::new("kill").args(["-KILL", &self.0.to_string()]).stderr(Stdio::null()).status();
        assert!(kill.is_ok(), "there is a program kill");
    }
}

/// Waits until something is true of which no line tells.
#[track_caller]
fn until(is_true: impl Fn() -> bool, what: &str) {
    let patience = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < patience, "not in time: {what}");
        std::thread::yield_now();
    }
}

/// Upgrades a supervisor, and waits until the new one has taken over. Returns the new one.
#[track_caller]
fn upgrade(process: &Process, old: u32) -> Parent {
    kill("USR2", old);
    let texts = ["Received SIGUSR2, starting a new parent", "Started parent process [", "] has taken over."];
    let [_, started, taken_over] = expect_lines(process, texts);
    let new = Parent(number(&started));
    assert!(new.0 != old && new.0 == number(&taken_over));
    new
}

fn sigusr2_hands_the_sockets_to_a_new_parent(on: On) {
    let (process, address, _) = serve_by(&mut command(on), 2, &["--port", "0"]);
    let mut client = Client::connect(address);
    client.send("GET /stream?chunks=2&delay_ms=300 HTTP/1.1\r\nhost: a\r\n\r\n");
    let head = client.head().expect("an answer");
    let id = process.id();
    let new = upgrade(&process, id);
    // The old worker answers, and the new ones serve the address.
    assert_eq!(client.body_of(head).body.len(), 2000);
    client.expect_end();
    for _ in 0..20 {
        assert_eq!(get(address, "/plaintext"), (200, "Hello, World!".into()));
    }
    process.expect_line(&format!("INFO:     Stopping parent process [{id}]"));
    assert_eq!(get(address, "/plaintext").0, 200);
    kill("TERM", new.0);
    let (status, log, _) = process.wait();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    let last = format!("INFO:     Stopping parent process [{}]", new.0);
    assert_eq!(log.last(), Some(&last), "{log:#?}");
}

fn the_socket_of_the_metrics_outlives_the_old_parent(on: On) {
    let args = ["--port", "0", "--workers", "2", "--admin", "127.0.0.1:0"];
    let process = Process::start(command(on).args(args));
    let line = process.expect_line("Answering /health, /ready and /metrics on ");
    let admin = line.rsplit(' ').next().and_then(|address| address.parse().ok()).expect("an address");
    process.expect_line("Stelo running on http://");
    assert_eq!(get(admin, "/ready").0, 200);
    let id = process.id();
    kill("USR2", id);
    let new = Parent(number(&process.expect_line("Started parent process [")));
    // A parent at any time has the socket, and a worker is ready.
    while process.next_line().is_none_or(|line| !line.contains(&format!("Stopping parent process [{id}]"))) {
        assert_eq!(get(admin, "/ready").0, 200);
    }
    assert_eq!(get(admin, "/ready").0, 200);
    assert!(get(admin, "/metrics").1.contains("\nstelo_connections_open 0\n"));
    kill("TERM", new.0);
    process.wait();
}

fn upgrades_can_follow_each_other(on: On) {
    let (process, address, _) = serve_by(&mut command(on), 1, &["--supervise", "--port", "0"]);
    let second = upgrade(&process, process.id());
    let third = upgrade(&process, second.0);
    let fourth = upgrade(&process, third.0);
    assert_eq!(get(address, "/plaintext").0, 200);
    // The workers of the new parent stop with it.
    kill("TERM", fourth.0);
    process.wait();
}

fn a_new_parent_that_cannot_start_changes_nothing(on: On) {
    let copy = Copied::new(on, "upgrade");
    let (process, address, workers) = serve_by(&mut copy.command(on), 2, &["--port", "0"]);
    let kept = "ERROR:    New parent process was not ready; keeping the old one and aborting the upgrade.";
    copy.replace_by("exit 7");
    process.signal("USR2");
    process.expect_line("has ended (exit status: 7)");
    process.expect_line(kept);
    copy.replace_by("echo \"[$$] hangs\" >&2\nexec sleep 600");
    process.signal("USR2");
    let new = number(&process.expect_line("hangs"));
    process.signal("USR2");
    process.expect_line("Received SIGUSR2, but a new parent process is starting already.");
    kill("KILL", new);
    process.expect_line(&format!("ERROR:    New parent process [{new}] has ended (signal: 9 (SIGKILL))"));
    process.expect_line(kept);
    assert_eq!(get(address, "/plaintext").0, 200);
    process.signal("TERM");
    let finished = |_| number(&process.expect_line("Finished server process"));
    assert!(workers.iter().map(finished).all(|id| workers.contains(&id)));
}

fn a_new_parent_listens_where_its_settings_say(on: On) {
    let (config, socket) = (Temporary::new(on, "moved.toml"), Temporary::new(on, "moved.sock"));
    config.write("port = 0\n");
    let args = ["--config", config.path()];
    let (process, address, _) = serve_by(&mut command(on), 2, &args);
    config.write(&format!("bind = [\"unix:{}\"]\n", socket.path()));
    process.signal("HUP");
    process.expect_line("WARNING:  Other sockets to listen on take effect with SIGUSR2, not with SIGHUP.");
    process.expect_line("Restarted all processes.");
    assert_eq!(get(address, "/plaintext").0, 200);
    let _new = upgrade(&process, process.id());
    let mut client = Client::new(UnixStream::connect(socket.path()).expect("a worker listens"));
    assert_eq!(client.get("/plaintext").status, 200);
    process.expect_line(&format!("Stopping parent process [{}]", process.id()));
    // The old parent closes it when it ends, after its last line.
    until(|| std::net::TcpStream::connect(address).is_err(), "the old socket is closed");
}

fn a_unix_socket_and_the_pid_file_outlive_the_old_parent(on: On) {
    let (socket, pid) = (Temporary::new(on, "upgrade.sock"), Temporary::new(on, "upgrade.pid"));
    let args = ["--workers", "2", "--uds", socket.path(), "--pid", pid.path()];
    let process = Process::start(command(on).args(args));
    process.expect_line("Stelo running on unix socket");
    let written = || std::fs::read_to_string(pid.path()).ok().and_then(|text| text.trim().parse().ok());
    assert_eq!(written(), Some(process.id()));
    let new = upgrade(&process, process.id());
    assert_eq!(written(), Some(new.0));
    process.expect_line(&format!("Stopping parent process [{}]", process.id()));
    let mut client = Client::new(UnixStream::connect(socket.path()).expect("the file is there"));
    assert_eq!(client.get("/plaintext").status, 200);
    drop(client);
    assert_eq!(written(), Some(new.0));
    kill("TERM", new.0);
    process.wait();
    let exists = |file: &Temporary| std::path::Path::new(file.path()).exists();
    assert!(!exists(&socket) && !exists(&pid), "a file is left behind");
}

fn a_socket_of_systemd_outlives_the_old_parent(on: On) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("the system has a port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let server = command(on);
    let script = "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\" 3<&0 </dev/null";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(server.get_program()).args(server.get_args()).args(["-w", "2"]);
    shell.stdin(std::os::fd::OwnedFd::from(listener)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = Process::start(&mut shell);
    process.expect_line(&format!("Stelo running on socket {address}"));
    let _new = upgrade(&process, process.id());
    process.expect_line(&format!("Stopping parent process [{}]", process.id()));
    assert_eq!(get(address, "/plaintext").0, 200);
}

/// The arguments of `unshare` that make a process the first one of a container.
const UNSHARE: [&str; 5] = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"];

/// Starts a supervisor as process 1 of a container, by this script of the shell. Returns the process outside, its address
/// and the number of the supervisor outside; `None` where the system has no containers.
#[track_caller]
fn contained(on: On, script: &str) -> Option<(Process, std::net::SocketAddr, u32)> {
    if !Command::new("unshare").args(UNSHARE).arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("not run: this system has no unshare, or does not allow it");
        return None;
    }
    let server = command(on);
    let mut container = Command::new("unshare");
    container.args(UNSHARE).args(["sh", "-c", script, "sh"]);
    container.arg(server.get_program()).args(server.get_args()).args(["-w", "2", "--port", "0"]);
    let process = Process::start(container.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let address = running(&process);
    let parent = *children(process.id()).first().expect("unshare has one child");
    Some((process, address, parent))
}

/// Returns the children of a process, those that have not been reaped among them.
fn children(id: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("Linux");
    children.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

fn process_1_refuses_sigusr2(on: On) {
    let Some((process, address, parent)) = contained(on, "exec \"$@\"") else { return };
    kill("USR2", parent);
    process.expect_line("WARNING:  Received SIGUSR2, which has no effect in process 1");
    assert_eq!(get(address, "/plaintext").0, 200);
    kill("TERM", parent);
    assert_eq!(process.wait().0.code(), Some(143));
}

fn process_1_reaps_orphans(on: On) {
    // One orphan ends before the server starts, the other when it is killed.
    let script = "(true &); (sleep 600 >/dev/null 2>&1 &); exec \"$@\"";
    let Some((process, address, parent)) = contained(on, script) else { return };
    let is_orphan = |id: &u32| {
        std::fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.starts_with("sleep"))
    };
    let orphan = children(parent).into_iter().find(is_orphan).expect("the shell has left a child");
    kill("KILL", orphan);
    // The two workers remain.
    until(|| children(parent).len() == 2, "the orphans are reaped");
    assert_eq!(get(address, "/plaintext").0, 200);
    kill("TERM", parent);
    assert_eq!(process.wait().0.code(), Some(143));
}
