//! HTTPS in the simulator, where time passes and the network divides what is sent.

use std::fs;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection};
use stelo_core::app::{App, Reply, Request, Response};
use stelo_core::http::Status;
use stelo_runtime::{Address, Runtime, Stream};
use stelo_server::{Config, Server};
use stelo_sim::{Network, Sim, Simulation};
use stelo_tests::tls::{Connect, file, tls_config};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A client that speaks TLS over a stream of the simulator.
struct Client {
    io: <Sim as Runtime>::Stream,
    session: ClientConnection,
}

impl Client {
    async fn connect(sim: &Sim, address: &Address, config: Arc<ClientConfig>, name: &'static str) -> Self {
        let io = sim.connect(address).await.expect("it listens");
        let session = ClientConnection::new(config, name.try_into().expect("a name")).expect("a session");
        Self { io, session }
    }

    /// Sends what waits, and bytes of the application.
    async fn send(&mut self, bytes: &str) -> io::Result<()> {
        // The session holds up to 64 KiB.
        for part in bytes.as_bytes().chunks(1 << 15) {
            self.session.writer().write_all(part)?;
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            let mut sealed = Vec::new();
            self.session.write_tls(&mut sealed)?;
            let mut rest = &sealed[..];
            while !rest.is_empty() {
                let n = poll_fn(|cx| self.io.poll_write(cx, rest)).await?;
                rest = &rest[n..];
            }
        }
        Ok(())
    }

    /// Receives bytes of the application. Empty after `close_notify`.
    async fn receive(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let mut bytes = vec![0; 1 << 16];
            match self.session.reader().read(&mut bytes) {
                Ok(n) => {
                    bytes.truncate(n);
                    return Ok(bytes);
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => {}
            }
            self.flush().await?;
            let n = poll_fn(|cx| self.io.poll_read(cx, &mut bytes)).await?;
            let mut sealed = &bytes[..n];
            loop {
                self.session.read_tls(&mut sealed)?;
                self.session.process_new_packets().map_err(io::Error::other)?;
                if sealed.is_empty() {
                    break;
                }
            }
        }
    }

    /// Sends a request and returns the response, which ends with `end`.
    async fn exchange(&mut self, request: &str, end: &str) -> io::Result<String> {
        self.send(request).await?;
        let mut text = String::new();
        while !text.ends_with(end) {
            let bytes = self.receive().await?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            text += &String::from_utf8_lossy(&bytes);
        }
        Ok(text)
    }

    /// Returns the certificate of the server.
    fn certificate(&self) -> CertificateDer<'static> {
        self.session.peer_certificates().expect("a certificate")[0].clone().into_owned()
    }
}

/// Reads the body and answers with its length. Counts the bodies that are cut off.
#[derive(Default)]
struct Length(Arc<AtomicUsize>);

impl App for Length {
    fn call(&self, request: Request) -> Reply {
        let cut = self.0.clone();
        Reply::future(async move {
            let (_, body, _) = request.into_parts();
            match body.collect(1 << 20).await {
                Ok(bytes) => Response::text(Status::OK, format!("{} bytes", bytes.len())),
                Err(_) => {
                    cut.fetch_add(1, Ordering::Relaxed);
                    Response::empty(Status::BAD_REQUEST)
                }
            }
        })
    }
}

/// Runs a server, and `main` with its address.
fn run(
    seed: u64,
    network: Network,
    config: &Config,
    app: impl App,
    main: impl AsyncFnOnce(Sim, Address) + Send,
) {
    let (config, app) = (config.clone(), Arc::new(app));
    let report = Simulation::new(seed).network(network).run(async |sim: Sim| {
        let server = Server::new(config.port(0).threads(1));
        let handle = server.handle();
        let serving = sim.start(server.serve_on(sim.clone(), app));
        let address = handle.listening().await.expect("it starts").remove(0);
        main(sim, address).await;
        handle.stop();
        serving.await.expect("it ends");
    });
    let report = report.expect("it ends");
    assert_eq!((report.tasks, report.sockets), (0, 0), "something is left");
}

#[test]
fn records_arrive_in_any_division() {
    for seed in 0..20 {
        let network = Network { resets: 0.0, accept_failures: 0.0, ..Network::rough() };
        run(seed, network, &tls_config(), Length::default(), async |sim, address| {
            let mut client = Client::connect(&sim, &address, Connect::default().config(), "localhost").await;
            for len in [0, 1, 5000, 70_000] {
                let body = "x".repeat(len);
                let request = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {len}\r\n\r\n{body}");
                let answer = client.exchange(&request, "bytes").await.expect("an answer");
                assert!(answer.ends_with(&format!("\r\n\r\n{len} bytes")), "{answer}");
            }
        });
    }
}

#[test]
fn a_body_without_its_end_is_cut_off() {
    for ends_session in [true, false] {
        let app = Length::default();
        let cut = app.0.clone();
        run(0, Network::perfect(), &tls_config(), app, async |sim, address| {
            let mut client = Client::connect(&sim, &address, Connect::default().config(), "localhost").await;
            client.exchange(GET, "bytes").await.expect("an answer");
            client
                .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf")
                .await
                .expect("it is open");
            if ends_session {
                client.session.send_close_notify();
                client.flush().await.expect("it is open");
            }
            poll_fn(|cx| client.io.poll_close(cx)).await.expect("it is open");
            while client.receive().await.is_ok_and(|bytes| !bytes.is_empty()) {}
        });
        assert_eq!(cut.load(Ordering::Relaxed), 1, "with close_notify: {ends_session}");
    }
}

#[test]
fn a_stopping_server_answers_and_ends_the_session() {
    run(0, Network::perfect(), &tls_config(), Length::default(), async |sim, address| {
        let mut client = Client::connect(&sim, &address, Connect::default().config(), "localhost").await;
        client.exchange(GET, "bytes").await.expect("an answer");
        client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n").await.expect("it is open");
        sim.signal(stelo_runtime::Signal::Terminate);
        sim.pause(Duration::from_secs(1)).await;
        let answer = client.exchange("body", "bytes").await.expect("an answer");
        assert!(answer.contains("connection: close"), "{answer}");
        assert_eq!(client.receive().await.expect("close_notify"), b"");
    });
}

#[test]
fn a_handshake_that_does_not_end_is_timed_out() {
    let config = tls_config().timeout_ssl_handshake(Duration::from_secs(3));
    run(0, Network::perfect(), &config, Length::default(), async |sim, address| {
        let mut client = sim.connect(&address).await.expect("it listens");
        let started = sim.now();
        // The beginning of a record, byte by byte.
        let trickle = sim.start({
            let (sim, address) = (sim.clone(), address.clone());
            async move {
                let mut client = sim.connect(&address).await.expect("it listens");
                for byte in [22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3] {
                    let byte = [byte];
                    if poll_fn(|cx| client.poll_write(cx, &byte)).await.is_err() {
                        return;
                    }
                    sim.pause(Duration::from_secs(1)).await;
                }
                panic!("the connection is still open");
            }
        });
        let mut byte = [0];
        assert_eq!(poll_fn(|cx| client.poll_read(cx, &mut byte)).await.ok(), Some(0));
        let waited = sim.now() - started;
        assert!((3.0..3.5).contains(&waited.as_secs_f64()), "{waited:?}");
        pin!(trickle).await;
    });
}

/// A folder as Kubernetes mounts a secret: a link that leads to a folder of one version.
struct Mounted(PathBuf);

impl Mounted {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stelo-mounted-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a writable folder");
        Self(path)
    }

    /// Replaces the version at once.
    fn mount(&self, version: &str, files: &[(&str, PathBuf)]) {
        let folder = self.0.join(version);
        fs::create_dir_all(&folder).expect("a writable folder");
        for (name, from) in files {
            fs::copy(from, folder.join(name)).expect("a file");
        }
        symlink(version, self.0.join("next")).expect("a link");
        fs::rename(self.0.join("next"), self.0.join("data")).expect("a link");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join("data").join(name)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A folder that stays behind does not make the test fail.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn changed_certificates_are_served_and_bad_ones_are_not() {
    let mounted = Mounted::new("certificates");
    let pair = |cert: &str, key: &str| [("cert.pem", file(cert)), ("key.pem", file(key))];
    mounted.mount("1", &pair("cert.pem", "key.pem"));
    let config = Config::new().ssl_certfile(mounted.file("cert.pem")).ssl_keyfile(mounted.file("key.pem"));
    run(0, Network::perfect(), &config, Length::default(), async |sim, address| {
        let connect = async |name: &'static str, trusts: &str| {
            let config = Connect { trusts: file(trusts), ..Connect::default() }.config();
            Client::connect(&sim, &address, config, name).await
        };
        let interval = Duration::from_secs(11);
        let mut first = connect("localhost", "cert.pem").await;
        first.exchange(GET, "bytes").await.expect("an answer");
        assert_eq!(first.certificate(), certificate(&file("cert.pem")));

        mounted.mount("2", &pair("names.pem", "names.pem"));
        for _ in 0..3 {
            sim.pause(Duration::from_secs(4)).await;
            first.exchange(GET, "bytes").await.expect("an answer on the old connection");
        }
        let mut second = connect("shop.example", "names.pem").await;
        second.exchange(GET, "bytes").await.expect("an answer");
        assert_eq!(second.certificate(), certificate(&file("names.pem")));

        // A key of another certificate; no files; rubbish.
        mounted.mount("3", &pair("cert.pem", "names.pem"));
        sim.pause(interval).await;
        connect("shop.example", "names.pem").await.exchange(GET, "bytes").await.expect("an answer");
        mounted.mount("4", &[]);
        sim.pause(interval).await;
        fs::write(mounted.file("cert.pem"), "rubbish").expect("a writable folder");
        sim.pause(interval).await;
        connect("shop.example", "names.pem").await.exchange(GET, "bytes").await.expect("an answer");

        mounted.mount("5", &pair("cert.pem", "key.pem"));
        sim.pause(interval).await;
        connect("localhost", "cert.pem").await.exchange(GET, "bytes").await.expect("an answer");
    });
}

fn certificate(path: &Path) -> CertificateDer<'static> {
    rustls::pki_types::pem::PemObject::from_pem_file(path).expect("a certificate")
}
