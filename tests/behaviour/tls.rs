//! HTTPS over real sockets.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustls::ALL_VERSIONS;
use rustls::version::TLS12;

use stelo_core::app::{Address, App, Reply, Request, Response, Upgrade};
use stelo_core::http::Status;
use stelo_server::config::{CertReqs, Password, TlsVersion};
use stelo_server::{Config, HttpVersions};
use stelo_tests::tls::{Connect, TlsSocket, certfile, connect, file, tls_config};
use stelo_tests::{Client, Closed, On, Running, cases, config};

cases!(
    requests_are_answered_on_one_connection,
    the_application_sees_the_session,
    large_bodies_go_both_ways,
    a_half_closed_client_gets_its_answer,
    the_last_response_is_followed_by_close_notify,
    a_client_of_another_protocol_gets_an_alert,
    a_silent_client_is_closed_after_the_handshake_timeout,
    a_tunnel_sends_its_last_bytes,
    curl_is_answered,
    alpn_chooses_the_version,
    unusable_files_are_refused_in_one_line,
    encrypted_keys_are_decrypted,
    the_host_name_chooses_the_certificate,
    clients_present_certificates,
    versions_and_suites_are_limited,
    a_certificate_is_made_for_development,
    curl_presents_a_certificate,
    plain_http_is_served_beside_tls,
    plain_http_is_redirected,
);

/// Answers with facts of the session.
struct Facts;

impl App for Facts {
    fn call(&self, request: Request) -> Reply {
        let context = request.context();
        let tls = context.connection().tls.as_deref().expect("a TLS session");
        let text = format!(
            "{} {} {} {:?} {} {:?}",
            context.scheme(),
            tls.version,
            tls.cipher_suite,
            tls.server_name,
            tls.client_certificates.len(),
            tls.client_subject
        );
        Response::text(Status::OK, text).into()
    }
}

/// Opens a tunnel that reads a line and answers with a megabyte.
struct Megabyte;

impl App for Megabyte {
    fn call(&self, _: Request) -> Reply {
        let mut response = Response::empty(Status::SWITCHING_PROTOCOLS);
        for (name, value) in [("connection", "upgrade"), ("upgrade", "bytes")] {
            response.headers.try_append(name, value).expect("a constant is valid");
        }
        let upgrade = Upgrade::tunnel(|mut tunnel| async move {
            let mut buf = [0; 5];
            if tunnel.read(&mut buf).await.is_ok() {
                // A client that has left ends the case with its own failure.
                let _ = tunnel.write_all(&vec![b'x'; 1 << 20]).await;
            }
        });
        Response { upgrade: Some(upgrade), ..response }.into()
    }
}

fn requests_are_answered_on_one_connection(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    let mut client = connect(&server);
    for _ in 0..3 {
        assert_eq!(client.get("/").status, 200);
    }
}

fn the_application_sees_the_session(on: On) {
    let server = on.serve_with(tls_config(), Facts);
    let text = connect(&server).get("/").text();
    assert_eq!(text, "https TLSv1.3 TLS_AES_256_GCM_SHA384 Some(\"localhost\") 0 None");
}

fn large_bodies_go_both_ways(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    let body: Vec<u8> = (0..1 << 20).map(|i: u32| (i % 251) as u8).collect();
    let mut client = connect(&server);
    let answer = client.post("/upload", &body);
    assert!(answer.text().contains("1048576"), "{}", answer.text());
    assert_eq!(client.get("/bytes/3000000").body.len(), 3_000_000);
}

fn a_half_closed_client_gets_its_answer(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    let mut client = connect(&server);
    client.send("GET /bytes/300000 HTTP/1.1\r\nhost: a\r\n\r\n");
    client.half_close();
    assert_eq!(client.answer().body.len(), 300_000);
    client.expect_end();
}

fn the_last_response_is_followed_by_close_notify(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    let mut client = connect(&server);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    // The client fails if it does not see `close_notify`.
    client.expect_end();
}

fn a_client_of_another_protocol_gets_an_alert(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    let mut client = server.connect();
    // The hello of SSL 2.
    client.send([0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0]);
    let (bytes, closed) = client.rest();
    // A record of the type alert (RFC 8446 section 5.1), with a fatal alert.
    assert_eq!((bytes[0], bytes[5], closed), (21, 2, Closed::Ended));
}

fn a_silent_client_is_closed_after_the_handshake_timeout(on: On) {
    let config = tls_config().timeout_ssl_handshake(Duration::from_millis(50));
    let server = on.serve_with(config, stelo_demo::app());
    server.connect().expect_end();
}

fn a_tunnel_sends_its_last_bytes(on: On) {
    let server = on.serve_with(tls_config(), Megabyte);
    let mut client = connect(&server);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: bytes\r\n\r\n");
    assert_eq!(client.head().expect("an answer").status, 101);
    client.send("begin");
    let (bytes, closed) = client.rest();
    assert_eq!((bytes.len(), closed), (1 << 20, Closed::Ended));
}

fn curl_is_answered(on: On) {
    let server = on.serve_with(tls_config(), stelo_demo::app());
    for version in [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3", "--tls-max", "1.3"]] {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20", "--cacert"]).arg(certfile()).args(version);
        let port = server.address().port();
        curl.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
        let Ok(output) = curl.arg(format!("https://localhost:{port}/bytes/200000")).output() else {
            assert!(std::env::var_os("CI").is_none(), "curl is missing");
            return;
        };
        assert_eq!(output.stdout.len(), 200_000, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn alpn_chooses_the_version(on: On) {
    use HttpVersions::{Auto, Http1, Http2};
    for (versions, options, spoken) in [
        (Auto, &["--http2"][..], "2 200"),
        (Auto, &["--http1.1"], "1.1 200"),
        (Auto, &["--no-alpn"], "1.1 200"),
        (Http1, &["--http2"], "1.1 200"),
        (Http2, &["--http2"], "2 200"),
        // The handshake fails: the protocols have nothing in common.
        (Http2, &["--http1.1"], "0 000"),
    ] {
        let server = on.serve_with(tls_config().http_versions(versions), stelo_demo::app());
        let port = server.address().port();
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--max-time", "20", "--output", "/dev/null", "--write-out"]);
        curl.arg("%{http_version} %{http_code}").arg("--cacert").arg(certfile()).args(options);
        curl.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
        let Ok(output) = curl.arg(format!("https://localhost:{port}/bytes/10")).output() else {
            assert!(std::env::var_os("CI").is_none(), "curl is missing");
            return;
        };
        assert_eq!(String::from_utf8_lossy(&output.stdout), spoken, "{versions} {options:?}");
    }
}

fn unusable_files_are_refused_in_one_line(on: On) {
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    let refused = |config: Config, line: &str| {
        let error = on.try_serve(config, stelo_demo::app()).expect_err("a failed start");
        assert_eq!(
            (error.to_string().replace(&format!("{}/", folder()), ""), error.exit_code()),
            (line.into(), 3)
        );
    };
    let pair =
        |certfile: &str, keyfile: &str| config().ssl_certfile(file(certfile)).ssl_keyfile(file(keyfile));
    refused(pair("none.pem", "key.pem"), "cannot read none.pem: No such file or directory (os error 2)");
    refused(
        pair("mod.rs", "key.pem"),
        "mod.rs has no certificate: it must begin with -----BEGIN CERTIFICATE-----",
    );
    refused(
        pair("cert.pem", "cert.pem"),
        "cert.pem has no private key: add it, or give another --ssl-keyfile",
    );
    let other = "the private key in names.pem is not that of the certificate in cert.pem";
    refused(pair("cert.pem", "names.pem"), other);
    let weak = "the private key in key-p224.pem cannot be used: use RSA with 2048 to 8192 bits, ECDSA with P-256, P-384 \
                or P-521, or Ed25519";
    refused(pair("cert.pem", "key-p224.pem"), weak);

    let encrypted =
        "the private key in key-scrypt.pem is encrypted: set its password in STELO_SSL_KEYFILE_PASSWORD";
    refused(pair("names.pem", "key-scrypt.pem"), encrypted);
    let old = |name: &str| {
        format!(
            "the private key in {name} is encrypted with an old algorithm: convert it with \
             `openssl pkcs8 -topk8 -v2 aes-256-cbc -in {name}`"
        )
    };
    for name in ["key-3des.pem", "key-legacy.pem"] {
        refused(with_password(pair("names.pem", name), "secret"), &old(name));
    }
    let wrong =
        "the password does not decrypt the private key in key-scrypt.pem: check --ssl-keyfile-password";
    refused(with_password(pair("names.pem", "key-scrypt.pem"), "Secret"), wrong);

    let both = File::new("several-keys.pem", &[&cert, &key, &file("names.pem")]);
    refused(
        config().ssl_certfile(&both.0),
        &format!("{} has several private keys: leave one of them", both.0.display()),
    );
    let clients = tls_config().ssl_clients(CertReqs::Required, file("crl.pem"));
    refused(clients, "crl.pem has no certificate: it must begin with -----BEGIN CERTIFICATE-----");
    let mut clients = tls_config().ssl_clients(CertReqs::Required, file("ca.pem"));
    clients.ssl.crls = vec![file("ca.pem")];
    refused(clients, "ca.pem has no revocation list: it must begin with -----BEGIN X509 CRL-----");
}

/// Returns the folder of the files.
fn folder() -> String {
    certfile().parent().expect("a folder").display().to_string()
}

fn with_password(mut config: Config, password: &str) -> Config {
    config.ssl.keyfile_password = Some(Password::new(password));
    config
}

/// A file that other files are joined to, removed at the end of the case.
struct File(PathBuf);

impl File {
    fn new(name: &str, parts: &[&PathBuf]) -> Self {
        let thread = format!("{:?}", std::thread::current().id());
        let path = std::env::temp_dir().join(format!("stelo-{}-{thread}-{name}", std::process::id()));
        let parts: Vec<_> = parts.iter().map(|part| fs::read(part).expect("a file")).collect();
        fs::write(&path, parts.concat()).expect("a writable folder");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A file that stays behind does not make the case fail.
        let _ = fs::remove_file(&self.0);
    }
}

fn encrypted_keys_are_decrypted(on: On) {
    for (certfile, keyfile) in
        [("names.pem", "key-scrypt.pem"), ("names-encrypted.pem", "names-encrypted.pem")]
    {
        let config = config().ssl_certfile(file(certfile)).ssl_keyfile(file(keyfile));
        let server = on.serve_with(with_password(config, "secret"), stelo_demo::app());
        let client = Connect { name: "shop.example", trusts: file("names.pem"), ..Connect::default() };
        assert_eq!(client.to(server.address()).get("/").status, 200);
    }
}

fn the_host_name_chooses_the_certificate(on: On) {
    let mut config = tls_config();
    config.ssl.certfiles.extend([file("names.pem"), file("client.pem")]);
    config.ssl.keyfiles.extend([file("names.pem"), file("client.pem")]);
    let server = on.serve_with(config, Facts);
    for (name, trusts) in [
        ("localhost", "cert.pem"),
        ("shop.example", "names.pem"),
        ("SHOP.example", "names.pem"),
        ("www.shop.example", "names.pem"),
        ("client.example", "ca.pem"),
    ] {
        let text =
            Connect { name, trusts: file(trusts), ..Connect::default() }.to(server.address()).get("/").text();
        assert!(text.contains(&format!("Some({:?})", name.to_ascii_lowercase())), "{text}");
    }
    // Another name gets the first certificate, which the client refuses.
    let stranger = Connect { name: "a.www.shop.example", trusts: file("names.pem"), ..Connect::default() };
    assert!(stranger.to(server.address()).try_send("GET / HTTP/1.1\r\n").is_err());
}

fn clients_present_certificates(on: On) {
    let with = |name: Option<&str>| Connect { certificate: name.map(file), ..Connect::default() };
    let mut config = tls_config().ssl_clients(CertReqs::Required, file("ca.pem"));
    config.ssl.crls = vec![file("crl.pem")];
    let required = on.serve_with(config.clone(), Facts);
    config.ssl.cert_reqs = CertReqs::Optional;
    let optional = on.serve_with(config, Facts);
    for version in ALL_VERSIONS {
        let versions = &[*version];
        for server in [&required, &optional] {
            let text = Connect { versions, ..with(Some("client.pem")) }.to(server.address()).get("/").text();
            assert!(text.ends_with(" 1 Some(\"O=Stelo,CN=client\")"), "{text}");
            for name in ["revoked.pem", "expired.pem", "names.pem"] {
                let client = Connect { versions, ..with(Some(name)) }.to(server.address());
                assert!(is_refused(client), "{name} with {version:?}");
            }
        }
        assert!(
            Connect { versions, ..with(None) }.to(optional.address()).get("/").text().ends_with(" 0 None")
        );
        assert!(is_refused(Connect { versions, ..with(None) }.to(required.address())), "{version:?}");
    }
}

/// Whether the server answers a request with an alert. A client of TLS 1.3 sends it before it knows.
fn is_refused(mut client: Client<TlsSocket>) -> bool {
    let sent = client.try_send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    sent.is_err() || client.some().is_err()
}

fn versions_and_suites_are_limited(on: On) {
    let mut config = tls_config();
    config.ssl.version = TlsVersion::Tls13;
    let server = on.serve_with(config, Facts);
    assert!(connect(&server).get("/").text().starts_with("https TLSv1.3"));
    let old = Connect { versions: &[&TLS12], ..Connect::default() };
    assert!(old.to(server.address()).try_send("GET").is_err());

    let mut config = tls_config();
    config.ssl.ciphers =
        Some("ECDHE-ECDSA-CHACHA20-POLY1305:AESGCM:TLS_AES_128_GCM_SHA256".parse().expect("suites"));
    let server = on.serve_with(config, Facts);
    let text = old.to(server.address()).get("/").text();
    // The first suite of the server that the client has, not the first of the client.
    assert!(text.starts_with("https TLSv1.2 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"), "{text}");
    let text = connect(&server).get("/").text();
    assert!(text.starts_with("https TLSv1.3 TLS_AES_128_GCM_SHA256"), "{text}");
}

fn a_certificate_is_made_for_development(on: On) {
    let server = on.serve_with(config().ssl_self_signed(true), stelo_demo::app());
    let Some(text) = curl(&server, &["--insecure", "--verbose"]) else { return };
    assert!(text.contains("CN=localhost"), "{text}");
}

fn curl_presents_a_certificate(on: On) {
    let config = tls_config().ssl_clients(CertReqs::Required, file("ca.pem"));
    let server = on.serve_with(config, Facts);
    let (cert, client) = (file("cert.pem").display().to_string(), file("client.pem").display().to_string());
    let Some(text) = curl(&server, &["--cacert", &cert, "--cert", &client]) else { return };
    let session = "https TLSv1.3 TLS_AES_256_GCM_SHA384 Some(\"localhost\")";
    assert_eq!(text, format!("{session} 1 Some(\"O=Stelo,CN=client\")"));
    let text = curl(&server, &["--cacert", &cert]).unwrap_or_default();
    assert!(text.contains("alert"), "{text}");
}

/// Returns what curl prints. `None` if it is missing, which is allowed outside of CI.
fn curl(server: &Running, arguments: &[&str]) -> Option<String> {
    let port = server.address().port();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "20"]).args(arguments);
    curl.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
    let Ok(output) = curl.arg(format!("https://localhost:{port}/")).output() else {
        assert!(std::env::var_os("CI").is_none(), "curl is missing");
        return None;
    };
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Returns a server that speaks plain HTTP, too, with the address for it.
fn beside(on: On, config: Config) -> (Running, [SocketAddr; 2]) {
    let insecure = "127.0.0.1:0".parse().expect("a socket");
    let server = on.serve_with(config.insecure_bind([insecure]), Plain);
    let [Address::Ip(secure), Address::Ip(insecure)] = server.addresses()[..] else { panic!("two sockets") };
    (server, [secure, insecure])
}

/// Answers with the scheme.
struct Plain;

impl App for Plain {
    fn call(&self, request: Request) -> Reply {
        let context = request.context();
        Response::text(Status::OK, format!("{} {}", context.scheme(), context.connection().tls.is_some()))
            .into()
    }
}

fn plain_http_is_served_beside_tls(on: On) {
    let (_server, [secure, insecure]) = beside(on, tls_config());
    assert_eq!(Connect::default().to(secure).get("/").text(), "https true");
    assert_eq!(Client::connect(insecure).get("/").text(), "http false");
    assert_eq!(Connect::default().to(secure).get("/").text(), "https true");
}

fn plain_http_is_redirected(on: On) {
    let (_server, [secure, insecure]) = beside(on, tls_config().insecure_redirect(443));
    assert_eq!(Connect::default().to(secure).get("/").text(), "https true");
    let mut client = Client::connect(insecure);
    client.send("POST /a?b=c HTTP/1.1\r\nhost: shop.example:80\r\ncontent-length: 4\r\n\r\nbody");
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("location")), (308, Some("https://shop.example/a?b=c")));
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-proto: https\r\n\r\n");
    assert_eq!(client.answer().text(), "https false", "the proxy is trusted");
}
