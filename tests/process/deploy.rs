//! The configurations of `docs/deploy/proxies.md`, in proxies that are installed.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stelo_tests::{Client, HANDSHAKE, On, PATIENCE, cases};

use crate::program::Process;

cases!(nginx_is_configured_as_the_page_says, haproxy_is_configured_as_the_page_says);

const PAGE: &str = include_str!("../../docs/deploy/proxies.md");

/// Returns the block of the page in this language.
fn block(language: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("```{language}\n")).expect("the page has a configuration");
    rest.split_once("```").expect("the block ends").0
}

/// A port that no server has now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a port");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// A proxy with a directory of its own. Both end with the case.
struct Proxy {
    child: Child,
    directory: PathBuf,
}

impl Proxy {
    /// Starts a proxy with a configuration, and waits until it answers. `None` if it is not installed.
    fn start(on: On, program: &str, options: &[&str], text: &str, address: SocketAddr) -> Option<Self> {
        let directory = std::env::temp_dir().join(format!("stelo-{}-{on:?}-{program}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("the temporary directory is writable");
        let file = directory.join("proxy.conf");
        let text = text.replace("DIRECTORY", &directory.display().to_string());
        std::fs::write(&file, text).expect("the temporary directory is writable");
        let mut command = Command::new(program);
        command.args(options).arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else {
            eprintln!("not run: {program} is not installed");
            std::fs::remove_dir_all(directory).expect("the directory is there");
            return None;
        };
        let mut proxy = Self { child, directory };
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(address).is_err() {
            assert!(proxy.child.try_wait().expect("it is a child").is_none(), "{program} has ended");
            assert!(Instant::now() < deadline, "{program} does not listen");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Some(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Its children end with it. It may have ended.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Talks to the server through a proxy.
fn check(server: &Process, proxy: SocketAddr) {
    // The case is a trusted proxy itself, for its address is: so the client is the one that it names.
    let mut client = Client::connect(proxy);
    client.send("GET /plaintext HTTP/1.1\r\nhost: shop.example\r\nx-forwarded-for: 203.0.113.9\r\n\r\n");
    assert_eq!(client.answer().text(), "Hello, World!");
    let line = server.access_line();
    assert!(line.contains("203.0.113.9:0 - \"GET /plaintext HTTP/1.1\" 200"), "{line}");
    // The connection is used again.
    client.send("POST /echo HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 5\r\n\r\nhello");
    assert_eq!(client.answer().text(), "hello");
    // WebSockets pass.
    let mut client = Client::connect(proxy);
    client.send(HANDSHAKE.replace("GET / ", "GET /ws "));
    assert_eq!(client.head().map(|answer| answer.status), Some(101));
    client.send(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert_eq!(client.exactly(7), b"\x81\x05Hello");
}

fn nginx_is_configured_as_the_page_says(on: On) {
    let (server, address) =
        Process::serve(on, &["--timeout-keep-alive", "75", "--forwarded-allow-ips", "127.0.0.1"]);
    let proxy = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let text = block("nginx")
        .replace("127.0.0.1:8000", &address.to_string())
        .replace("listen 80", &format!("listen {proxy}"));
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path DIRECTORY/{name};\n"))
        .concat();
    let text = format!(
        "daemon off;\npid DIRECTORY/pid;\nerror_log DIRECTORY/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{text}}}\n"
    );
    if let Some(_running) = Proxy::start(on, "nginx", &["-c"], &text, proxy) {
        check(&server, proxy);
    }
}

fn haproxy_is_configured_as_the_page_says(on: On) {
    let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let (server, address) =
        Process::serve(on, &["--timeout-keep-alive", "75", "--admin", &admin.to_string()]);
    let proxy = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let text = block("haproxy")
        .replace("127.0.0.1:8000", &address.to_string())
        .replace("bind :80", &format!("bind {proxy}"))
        .replace("port 9000", &format!("port {}", admin.port()));
    if let Some(_running) = Proxy::start(on, "haproxy", &["-db", "-f"], &text, proxy) {
        check(&server, proxy);
    }
}
