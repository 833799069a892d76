//! A headless Chromium that uses pages as a person does. It is controlled over the DevTools protocol, which is JSON in
//! WebSocket messages. The client is the WebSocket machine of the core.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio, id};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stelo::proto::Instant;
use stelo::proto::Machine;
use stelo::proto::ws::{ClientHandshake, Config, Connection, Event};

/// The options that disable requests to the network.
const QUIET: &str = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync \
    --disable-background-networking --disable-component-update --disable-dev-shm-usage --remote-debugging-port=0";

/// A running browser. Dropping the value ends it.
pub(crate) struct Browser {
    child: Child,
    /// The rest of its output.
    _stderr: BufReader<ChildStderr>,
    profile: PathBuf,
    /// The address of the DevTools server.
    address: String,
}

impl Browser {
    /// Starts the browser. `None` if none is installed. `cargo xtask test` installs one and passes its path.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = env::var_os("STELO_TEST_CHROMIUM") else {
            assert!(env::var_os("CI").is_none(), "STELO_TEST_CHROMIUM does not name a Chromium");
            eprintln!("not run: STELO_TEST_CHROMIUM does not name a Chromium; `cargo xtask test` sees to it");
            return None;
        };
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("chromium-{}", id()));
        let mut command = Command::new(program);
        command.args(QUIET.split_whitespace()).arg(format!("--user-data-dir={}", profile.display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the browser can be started");
        let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut said = String::new();
        while !said.contains("DevTools listening on ws://") {
            said = line(&mut stderr);
        }
        let (_, url) = said.split_once("ws://").expect("it is in the line");
        let address = url.split('/').next().unwrap_or_default().to_owned();
        Some(Self { child, _stderr: stderr, profile, address })
    }

    /// Opens a page and waits until it has loaded.
    pub(crate) fn open(&self, url: &str) -> Page {
        let mut stream = connect(&self.address);
        let request = format!("PUT /json/new HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).expect("the browser listens");
        let mut lines = BufReader::new(stream);
        while !line(&mut lines).trim().is_empty() {}
        // The browser keeps the connection open.
        let target = serde_json::Deserializer::from_reader(lines).into_iter::<Value>().next();
        let target = target.expect("the browser answers").expect("it answers with JSON");
        let url_of_page = target["webSocketDebuggerUrl"].as_str().expect("it says where the page listens");
        let path = url_of_page.trim_start_matches("ws://").trim_start_matches(&*self.address);
        let mut page = Page::connect(&self.address, path);
        page.ask("Page.enable", json!({}));
        page.ask("Page.navigate", json!({ "url": url }));
        page.wait(|message| message["method"] == "Page.loadEventFired");
        page
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Errors do not matter: the process or the profile may already be gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

/// The next line of the browser's output.
fn line(lines: &mut impl BufRead) -> String {
    let mut line = String::new();
    let n = lines.read_line(&mut line).expect("it can be read");
    assert_ne!(n, 0, "the browser has gone");
    line
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the browser listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("not zero");
    stream
}

/// An open page.
pub(crate) struct Page {
    stream: TcpStream,
    connection: Connection,
    /// The number of requests so far.
    asked: u64,
}

impl Page {
    fn connect(address: &str, path: &str) -> Self {
        let config = Config::DEFAULT.deflate(None);
        // A predictable key and mask are safe here: there is no proxy between client and browser.
        let asked = ClientHandshake::new(address, path, &[], *b"sixteen of bytes", &config);
        let mut handshake = asked.expect("address and path are those of a URL");
        let mut stream = connect(address);
        stream.write_all(handshake.request()).expect("the browser listens");
        let opened = loop {
            let mut piece = [0; 1024];
            let n = stream.read(&mut piece).expect("the browser answers");
            assert_ne!(n, 0, "the browser closes before it answers");
            if let Some(opened) = handshake.receive(&piece[..n]).expect("the browser speaks WebSocket") {
                break opened;
            }
        };
        let mut connection = Connection::client(Arc::new(config), opened.agreed, [7; 20], Instant::ZERO);
        connection.receive(Instant::ZERO, &opened.ahead);
        Self { stream, connection, asked: 0 }
    }

    /// Waits until a script expression in the page is neither empty nor zero, and returns it as text.
    pub(crate) fn until(&mut self, expression: &str) -> String {
        let script = format!(
            "new Promise(done => {{ const look = () => {{ const it = {expression}; \
             it ? done(String(it)) : setTimeout(look, 10); }}; look(); }})"
        );
        let asked = json!({ "expression": script, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", asked);
        let value = answer["result"]["value"].as_str();
        value.unwrap_or_else(|| panic!("`{expression}`: {answer}")).to_owned()
    }

    /// Closes the page.
    pub(crate) fn close(mut self) {
        self.ask("Page.close", json!({}));
    }

    /// Sends a request, and returns the response.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let asked = self.asked;
        let message = json!({ "id": asked, "method": method, "params": params }).to_string();
        self.connection
            .send(Instant::ZERO, stelo::proto::ws::Command::from(message))
            .expect("the page is open");
        self.write();
        let mut answer = self.wait(|message| message["id"] == asked);
        answer["result"].take()
    }

    /// Waits for the next message of this kind.
    fn wait(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = match self.connection.next_event() {
                Event::Text(text) => serde_json::from_str(&text).expect("it is JSON"),
                Event::NeedData => {
                    self.read();
                    continue;
                }
                other => panic!("the page says {other:?}"),
            };
            if is(&message) {
                return message;
            }
        }
    }

    fn read(&mut self) {
        let n = self.stream.read(self.connection.spare()).expect("the page answers in time");
        assert_ne!(n, 0, "the browser has gone");
        self.connection.received(Instant::ZERO, n);
    }

    fn write(&mut self) {
        loop {
            let mut slices = [&[][..]; 4];
            let n = self.connection.poll_transmit(&mut slices).slices;
            if n == 0 {
                break;
            }
            let bytes = slices[..n].concat();
            self.stream.write_all(&bytes).expect("the browser reads");
            self.connection.transmitted(Instant::ZERO, bytes.len());
        }
    }
}
