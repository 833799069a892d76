//! Messages to the service manager over `NOTIFY_SOCKET`. The test is the manager.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Command;
use std::time::Duration;

use stelo_tests::{Client, On, PATIENCE, cases};

use crate::program::{Process, Temporary, command, faulty};

cases!(
    the_manager_learns_of_start_and_end,
    the_manager_learns_of_a_reload,
    the_watchdog_of_workers_is_their_supervisor,
    a_blocked_thread_silences_the_watchdog,
    a_manager_that_is_gone_is_a_line_of_the_log,
);

/// A service manager, whose socket is a file.
struct Manager {
    socket: UnixDatagram,
    file: Temporary,
}

impl Manager {
    fn new(on: On, name: &str) -> Self {
        let file = Temporary::new(on, name);
        let socket = UnixDatagram::bind(file.path()).expect("the temporary directory is writable");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
        Self { socket, file }
    }

    /// Starts a service of this manager.
    fn start(&self, command: &mut Command) -> Process {
        Process::start(command.env("NOTIFY_SOCKET", self.file.path()))
    }

    #[track_caller]
    fn message(&self) -> String {
        receive(&self.socket).expect("the service sends a message")
    }
}

fn receive(socket: &UnixDatagram) -> Option<String> {
    let mut buffer = [0; 512];
    let len = socket.recv(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..len]).into_owned())
}

fn ready(process: &Process) -> String {
    format!("READY=1\nMAINPID={}\nSTATUS=Running", process.id())
}

fn the_manager_learns_of_start_and_end(on: On) {
    // An abstract name, which begins with an at sign in the variable.
    let name = format!("stelo-{}-{on:?}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("the name is short");
    let socket = UnixDatagram::bind_addr(&address).expect("the name is free");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
    let environment = [("NOTIFY_SOCKET", format!("@{name}"))];
    let process = Process::start(command(on).args(["--port", "0"]).envs(environment));
    assert_eq!(receive(&socket), Some(ready(&process)));
    process.signal("TERM");
    assert_eq!(receive(&socket).as_deref(), Some("STOPPING=1\nSTATUS=Shutting down"));
    process.wait();
    socket.set_nonblocking(true).expect("a socket can be asked without waiting");
    assert_eq!(receive(&socket), None);
}

fn the_manager_learns_of_a_reload(on: On) {
    let manager = Manager::new(on, "reload");
    let process = manager.start(command(on).args(["--port", "0", "--workers", "2"]));
    assert_eq!(manager.message(), ready(&process));
    let times = [(); 2].map(|()| {
        process.signal("HUP");
        let message = manager.message();
        let time = message.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
        let time = time.and_then(|time| time.strip_suffix("\nSTATUS=Replacing workers")?.parse::<u64>().ok());
        assert_eq!(manager.message(), ready(&process));
        time.unwrap_or_else(|| panic!("{message}"))
    });
    assert!(times[0] > 0 && times[0] < times[1], "{times:?}");
    process.signal("INT");
    assert_eq!(manager.message(), "STOPPING=1\nSTATUS=Shutting down");
    assert_eq!(process.wait().0.code(), Some(0));
}

fn the_watchdog_of_workers_is_their_supervisor(on: On) {
    let manager = Manager::new(on, "supervisor");
    let args = ["--port", "0", "--workers", "2"];
    let process = manager.start(command(on).args(args).env("WATCHDOG_USEC", "400000"));
    let mut messages = Vec::new();
    while messages.iter().filter(|message| *message == "WATCHDOG=1").count() < 5 || messages.len() < 6 {
        messages.push(manager.message());
    }
    messages.retain(|message| message != "WATCHDOG=1");
    // Not from a worker.
    assert_eq!(messages, [ready(&process)]);
}

fn a_blocked_thread_silences_the_watchdog(on: On) {
    let manager = Manager::new(on, "blocked");
    let args = ["--port", "0", "--threads", "1", "--timeout", "1"];
    let process = manager.start(faulty(on).args(args).env("WATCHDOG_USEC", "400000"));
    let address = process.address();
    while manager.message() != "WATCHDOG=1" {}
    let mut client = Client::connect(address);
    client.send("GET /block/60000 HTTP/1.1\r\nhost: a\r\n\r\n");
    process.expect_line("longer than --timeout 1s");
    // The messages until then, and none afterwards.
    manager.socket.set_read_timeout(Some(Duration::from_secs(2))).expect("a socket has a timeout");
    while let Some(message) = receive(&manager.socket) {
        assert_eq!(message, "WATCHDOG=1");
    }
    assert_eq!(receive(&manager.socket), None);
}

fn a_manager_that_is_gone_is_a_line_of_the_log(on: On) {
    let environment = [("NOTIFY_SOCKET", "/nowhere/notify"), ("WATCHDOG_USEC", "100000")];
    let args = ["--port", "0", "--limit-max-lifetime", "1"];
    let (status, log, _) = Process::start(command(on).args(args).envs(environment)).wait();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    let lines: Vec<_> = log.iter().filter(|line| line.contains("NOTIFY_SOCKET")).collect();
    let line =
        "WARNING:  Cannot notify the service manager (NOTIFY_SOCKET): No such file or directory (os error 2)";
    assert_eq!(lines, [line], "once");
}
