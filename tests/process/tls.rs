//! HTTPS: certificates that change, worker processes, development.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use stelo_tests::tls::{Connect, connect_with, file};
use stelo_tests::{Client, On, cases};

use crate::program::{Process, Temporary, command};

cases!(
    sighup_reloads_the_certificates,
    new_workers_accept_the_tickets_of_old_ones,
    a_bad_certificate_is_code_3_before_a_worker_starts,
    a_certificate_for_development_is_announced,
    a_password_is_not_printed,
    workers_serve_plain_http_beside_tls,
    sighup_refuses_bad_certificates_and_a_switch_of_tls,
);

/// Reads lines until one has the address.
pub(crate) fn address(process: &Process) -> SocketAddr {
    address_of(process, "https")
}

fn address_of(process: &Process, scheme: &str) -> SocketAddr {
    let line = process.expect_line(&format!("Stelo running on {scheme}://"));
    let address = line.split("://").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    address.expect("the line names an address")
}

/// Returns a copy of a file that the case can change.
fn copy(name: &str, on: On) -> PathBuf {
    let path = std::env::temp_dir().join(format!("stelo-process-{}-{on:?}-{name}", std::process::id()));
    fs::copy(file(name), &path).expect("a writable folder");
    path
}

/// Returns the command in a session of its own, because a server at a terminal ends at `SIGHUP`.
fn without_terminal(command: &Command) -> Command {
    if fs::File::open("/dev/tty").is_err() {
        let mut same = Command::new(command.get_program());
        same.args(command.get_args()).stdout(Stdio::piped()).stderr(Stdio::piped());
        return same;
    }
    let mut session = Command::new("setsid");
    session.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    session.stdout(Stdio::piped()).stderr(Stdio::piped());
    session
}

fn sighup_reloads_the_certificates(on: On) {
    let certfile = copy("names.pem", on);
    let mut server = command(on);
    let process =
        Process::start(&mut without_terminal(server.args(["--port", "0", "--ssl-certfile"]).arg(&certfile)));
    let address = address(&process);
    let client =
        |name, trusts: &str| Connect { name, trusts: file(trusts), ..Connect::default() }.to(address);
    let mut old = client("shop.example", "names.pem");
    assert_eq!(old.get("/plaintext").status, 200);
    fs::write(&certfile, "rubbish").expect("a writable folder");
    process.signal("HUP");
    process.expect_line("ERROR:    Kept the certificates: ");
    assert_eq!(client("shop.example", "names.pem").get("/plaintext").status, 200);
    fs::copy(file("client.pem"), &certfile).expect("a writable folder");
    process.signal("HUP");
    process.expect_line("INFO:     Reloaded the certificates");
    assert_eq!(client("client.example", "ca.pem").get("/plaintext").status, 200);
    assert_eq!(old.get("/plaintext").status, 200);
    // A file that stays behind does not make the case fail.
    let _ = fs::remove_file(certfile);
}

fn new_workers_accept_the_tickets_of_old_ones(on: On) {
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    let mut server = command(on);
    server.args(["--port", "0", "--workers", "2", "--threads", "1", "--ssl-certfile"]).arg(cert);
    let process = Process::start(server.arg("--ssl-keyfile").arg(key));
    let address = address(&process);
    let config = Connect::default().config();
    let resumed = || {
        let mut client = connect_with(config.clone(), "localhost", address);
        assert_eq!(client.get("/plaintext").status, 200);
        client.socket().is_resumed()
    };
    assert!(!resumed());
    process.signal("HUP");
    process.expect_line("Restarted all processes.");
    assert!(resumed());
}

fn a_bad_certificate_is_code_3_before_a_worker_starts(on: On) {
    let process = Process::start(command(on).args(["--workers", "2", "--ssl-certfile", "/no/such/file"]));
    let (status, log, _) = process.wait();
    assert_eq!(status.code(), Some(3));
    assert_eq!(log, ["ERROR:    cannot read /no/such/file: No such file or directory (os error 2)"]);

    let (status, log, _) = Process::start(command(on).args(["--workers", "2", "--ssl-self-signed"])).wait();
    assert_eq!(status.code(), Some(2));
    assert!(log[0].contains("--ssl-self-signed serves from one process"), "{log:?}");
}

fn a_certificate_for_development_is_announced(on: On) {
    let process = Process::start(command(on).args(["--port", "0", "--ssl-self-signed"]));
    process.expect_line("WARNING:  Serving a new certificate for localhost, which clients do not trust");
    address(&process);
}

fn a_password_is_not_printed(on: On) {
    let mut server = command(on);
    let output = server.env("STELO_SSL_KEYFILE_PASSWORD", "hunter2").arg("--print-config").output();
    let text = String::from_utf8(output.expect("it runs").stdout).expect("UTF-8");
    assert!(
        text.contains("# ssl-keyfile-password is set by STELO_SSL_KEYFILE_PASSWORD, and not shown"),
        "{text}"
    );
    assert!(!text.contains("hunter2"));
}

fn workers_serve_plain_http_beside_tls(on: On) {
    let mut server = command(on);
    server.args(["--port", "0", "--workers", "2", "--threads", "1", "--insecure-bind", "127.0.0.1:0"]);
    let process = Process::start(server.arg("--ssl-certfile").arg(file("names.pem")));
    let (secure, insecure) = (address(&process), address_of(&process, "http"));
    let connect =
        || Connect { name: "shop.example", trusts: file("names.pem"), ..Connect::default() }.to(secure);
    for _ in 0..2 {
        assert_eq!(connect().get("/plaintext").status, 200);
        assert_eq!(Client::connect(insecure).get("/plaintext").status, 200);
        process.signal("HUP");
        process.expect_line("Restarted all processes.");
    }
}

fn sighup_refuses_bad_certificates_and_a_switch_of_tls(on: On) {
    let (config, certfile) = (Temporary::new(on, "tls.toml"), Temporary::new(on, "tls.pem"));
    fs::copy(file("names.pem"), certfile.path()).expect("a writable folder");
    let settings = "port = 0\nworkers = 2\nthreads = 1\n";
    config.write(&format!("{settings}ssl-certfile = \"{}\"\n", certfile.path()));
    let process = Process::start(command(on).args(["--config", config.path()]));
    let address = address(&process);
    let get = || {
        let connect = Connect { name: "shop.example", trusts: file("names.pem"), ..Connect::default() };
        connect.to(address).get("/plaintext").status
    };
    let kept = "ERROR:    Received SIGHUP, but the new settings are invalid; keeping the old ones: ";
    certfile.write("rubbish");
    process.signal("HUP");
    let line = process.expect_line(kept);
    assert!(line.contains(certfile.path()), "{line}");
    assert_eq!(get(), 200);
    config.write(settings);
    process.signal("HUP");
    process.expect_line(&format!("{kept}TLS cannot be switched on or off"));
    assert_eq!(get(), 200);
    fs::copy(file("names.pem"), certfile.path()).expect("a writable folder");
    config.write(&format!("{settings}ssl-certfile = \"{}\"\n", certfile.path()));
    process.signal("HUP");
    process.expect_line("Restarted all processes.");
    assert_eq!(get(), 200);
}
