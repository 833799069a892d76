//! `openssl s_client` as a client.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use stelo_tests::tls::{certfile, file, keyfile};
use stelo_tests::{On, cases};

use crate::program::{Process, Temporary, command};
use crate::tls::address;

cases!(
    the_server_chooses_the_suite,
    old_versions_are_refused,
    sessions_are_resumed,
    renegotiation_is_refused,
    a_certificate_of_the_client_is_required,
);

const GET: &[u8] = b"GET /plaintext HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// Starts a server with a certificate.
fn serve(on: On, args: &[&str]) -> (Process, SocketAddr) {
    let mut server = command(on);
    server.args(["--port", "0", "--no-access-log", "--ssl-certfile"]).arg(certfile());
    let process = Process::start(server.arg("--ssl-keyfile").arg(keyfile()).args(args));
    let address = address(&process);
    (process, address)
}

/// Returns the client, which checks the certificate. `None` without openssl, which is an error in CI.
fn client(address: SocketAddr, args: &[&str]) -> Option<Command> {
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "openssl is missing");
        eprintln!("not run: openssl is missing");
        return None;
    }
    let mut client = Command::new("openssl");
    client.args(["s_client", "-connect", &address.to_string(), "-servername", "localhost"]);
    client.args(["-verify_return_error", "-CAfile"]).arg(certfile()).args(args);
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(client)
}

/// Sends a request, and returns what the client prints until the server closes. `None` without openssl.
fn request(address: SocketAddr, args: &[&str]) -> Option<(Output, String)> {
    let mut child = client(address, args)?.arg("-ign_eof").spawn().expect("openssl can be started");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // The client does not read its input if the handshake fails.
    let _ = stdin.write_all(GET);
    let output = child.wait_with_output().expect("openssl ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some((output, text))
}

fn the_server_chooses_the_suite(on: On) {
    let (_process, address) = serve(on, &[]);
    let suites = [
        (
            "-tls1_3",
            "-ciphersuites",
            "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384",
            "TLS_AES_256_GCM_SHA384",
        ),
        (
            "-tls1_2",
            "-cipher",
            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
        ),
    ];
    for (version, option, offered, chosen) in suites {
        let Some((_, text)) = request(address, &[version, option, offered]) else { return };
        assert!(text.contains(&format!("Cipher is {chosen}")) && text.contains("Hello, World!"), "{text}");
    }
}

fn old_versions_are_refused(on: On) {
    let (_process, address) = serve(on, &[]);
    // Level 0 permits them to the client.
    for version in ["-tls1", "-tls1_1"] {
        let Some((output, text)) = request(address, &[version, "-cipher", "ALL:@SECLEVEL=0"]) else { return };
        assert!(!output.status.success() && !text.contains("HTTP/1.1"), "{version}: {text}");
    }
    // Suites without forward secrecy, without authenticated encryption, without encryption.
    for suites in ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "NULL:@SECLEVEL=0", "aNULL:@SECLEVEL=0"] {
        let Some((output, text)) = request(address, &["-tls1_2", "-cipher", suites]) else { return };
        assert!(!output.status.success() && !text.contains("HTTP/1.1"), "{suites}: {text}");
    }
}

fn sessions_are_resumed(on: On) {
    let (_process, address) = serve(on, &[]);
    for version in ["-tls1_2", "-tls1_3"] {
        let session = Temporary::new(on, "session.pem");
        let Some((_, text)) = request(address, &[version, "-sess_out", session.path()]) else { return };
        assert!(text.contains("New, TLSv1."), "{text}");
        let Some((_, text)) = request(address, &[version, "-sess_in", session.path()]) else { return };
        assert!(text.contains("Reused, TLSv1.") && text.contains("Hello, World!"), "{text}");
    }
}

fn renegotiation_is_refused(on: On) {
    let (_process, address) = serve(on, &[]);
    let Some(mut client) = client(address, &["-tls1_2"]) else { return };
    let mut child = client.spawn().expect("openssl can be started");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // A line `R` begins a new handshake. Standard input stays open, so only the refusal ends the client.
    stdin.write_all(b"R\n").expect("the client reads its input");
    let mut errors = String::new();
    let stderr = child.stderr.as_mut().expect("standard error is a pipe");
    stderr.read_to_string(&mut errors).expect("the client ends");
    assert!(errors.contains("no renegotiation"), "{errors}");
    assert!(!child.wait().expect("the client ends").success());
    drop(stdin);
    let Some((_, text)) = request(address, &["-tls1_2"]) else { return };
    assert!(text.contains("Hello, World!"), "{text}");
}

fn a_certificate_of_the_client_is_required(on: On) {
    let (ca, crl) = (file("ca.pem"), file("crl.pem"));
    let (_process, address) = serve(
        on,
        &[
            "--ssl-cert-reqs",
            "required",
            "--ssl-ca-certs",
            ca.to_str().expect("UTF-8"),
            "--ssl-crl",
            crl.to_str().expect("UTF-8"),
        ],
    );
    for version in ["-tls1_2", "-tls1_3"] {
        let with = |name: &str| {
            let path = file(name);
            let path = path.to_str().expect("UTF-8");
            request(address, &[version, "-cert", path, "-key", path])
        };
        let Some((_, text)) = with("client.pem") else { return };
        assert!(text.contains("Hello, World!"), "{text}");
        for refused in [with("revoked.pem"), with("expired.pem"), request(address, &[version])] {
            let Some((_, text)) = refused else { return };
            assert!(!text.contains("HTTP/1.1"), "{text}");
        }
    }
}
