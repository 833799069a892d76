//! Every example runs and does what it describes. Each test starts an example on a free port, sends requests, and ends it
//! with `SIGTERM`.
//!
//! `cargo test` builds the examples next to the tests.

#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std"))]
mod browser;
#[cfg(all(
    any(feature = "tokio", feature = "smol", feature = "async-std"),
    feature = "deflate",
    feature = "sessions",
    feature = "templates",
    feature = "validation"
))]
mod gallery;

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

/// A running example. Dropping the value ends it.
struct Example {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// The lines that have been read.
    said: String,
    address: String,
}

impl Example {
    /// Starts an example and waits until it prints its address.
    fn start(name: &str, arguments: &[&str]) -> Self {
        Self::with(name, arguments, &[])
    }

    /// As [`start`](Self::start), with variables of the environment.
    fn with(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let path = path(name);
        let mut command = Command::new(&path);
        command.envs(variables.iter().copied());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: run `cargo build --examples`", path.display()));
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut example = Self { child, stderr, said: String::new(), address: String::new() };
        // The line of an example and that of the log may interrupt each other.
        while example.address.parse::<SocketAddr>().is_err() {
            let line = example.line_with("running on http://");
            let (_, address) = line.rsplit_once("http://").expect("it is in the line");
            example.address = address.split([' ', '\n']).next().unwrap_or_default().into();
        }
        example
    }

    /// Waits for the next line on stderr that contains `text`.
    fn line_with(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let n = self.stderr.read_line(&mut line).expect("stderr can be read");
            assert!(n > 0, "it ended without saying `{text}`:\n{}", self.said);
            self.said += &line;
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends a request, and returns the response up to the end of the connection.
    fn ask(&self, line: &str, fields: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("not zero");
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n{fields}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers, then closes");
        answer
    }

    /// Ends the example with `SIGTERM`, and returns the rest of its output.
    fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().expect("kill can be run").success());
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).expect("stderr can be read");
        let status = self.child.wait().expect("it is our child");
        assert_ne!(status.code(), Some(101), "it panicked: {rest}");
        rest
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // Already ended, unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The path of an example.
fn path(name: &str) -> PathBuf {
    let tests = env::current_exe().expect("a test has a path");
    tests.ancestors().nth(2).expect("it lies in deps/").join("examples").join(name)
}

/// The status and the body of an answer.
fn parts(answer: &str) -> (&str, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.split(' ').nth(1).expect("a status"), body)
}

#[test]
fn simulate() {
    let shop = |forgetful: bool| {
        let mut command = Command::new(path("simulate"));
        command.envs(forgetful.then_some(("FORGETFUL", "")));
        let output = command.output().expect("`cargo build --examples` has been run");
        (
            output.status.success(),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    let (right, said) = shop(false);
    assert!(right && said.contains("every order is paid once\n"), "{said}");
    let (right, said) = shop(true);
    assert!(!right && said.contains("an order is paid twice"), "{said}");
}

#[test]
fn embed() {
    let example = Example::start("embed", &["127.0.0.1:0"]);
    assert_eq!(parts(&example.ask("GET /hello/world", "", "")), ("200", "Hello, world!\n"));
    assert_eq!(parts(&example.ask("POST /echo", "", "over and out")), ("200", "over and out"));
    assert_eq!(parts(&example.ask("POST /echo", "", "")), ("200", ""));
    assert_eq!(parts(&example.ask("POST /hello/world", "", "unread")), ("405", "use GET, HEAD\n"));
    assert_eq!(parts(&example.ask("GET /", "", "")).0, "404");
    // An early rejection can be read although the client has not sent everything.
    let answer = example.ask("GET /", "bad field\r\n", &"x".repeat(10_000));
    assert_eq!(parts(&answer), ("400", "invalid header field name\n"));

    // Keep-alive, pipelined requests, a chunked echo, and a half-close by the client.
    let mut stream = TcpStream::connect(&example.address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("not zero");
    let get = "GET /hello/you HTTP/1.1\r\nhost: a\r\n\r\n";
    let post = "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    stream.write_all([get, post, get].concat().as_bytes()).expect("it reads");
    stream.shutdown(std::net::Shutdown::Write).expect("it is open");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("it answers, then closes");
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert!(answers.contains("\r\n\r\n2\r\nhi\r\n0\r\n\r\nHTTP/1.1"), "{answers}");
    example.stop();
}

#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std"))]
mod served {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use futures_lite::future::block_on;
    use stelo::websocket::{CloseCode, WebSocketError};
    use stelo::{App, Config, Headers, Server, State, WebSocket};

    use super::*;
    use crate::browser::Browser;

    /// The header fields of a WebSocket handshake.
    pub(super) const HANDSHAKE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
        sec-websocket-key: c2l4dGVlbiBvZiBieXRlcw==\r\n";

    /// Starts an example with the command line of the server.
    pub(super) fn serve(name: &str) -> Example {
        Example::start(name, &["--port", "0"])
    }

    #[test]
    fn hello() {
        let example = serve("hello");
        assert_eq!(parts(&example.ask("GET /", "", "")), ("200", "Hello, World!"));
        assert!(example.stop().contains("Finished server process"));
    }

    #[test]
    fn apps() {
        for (arguments, text, opens) in [
            (&["shop", "--port", "0"][..], "the shop", true),
            (&["--port", "0", "--app=admin"], "the back office", false),
            (&["shop", "--port", "0", "--lifespan", "off"], "the shop", false),
            (&["shop", "--port", "0", "--lifespan", "on", "--workers", "2", "--factory"], "the shop", true),
        ] {
            let example = Example::start("apps", arguments);
            // Answered once the application has started.
            assert_eq!(parts(&example.ask("GET /", "", "")), ("200", text), "{arguments:?}");
            let said = example.said.clone() + &example.stop();
            assert_eq!(said.contains("the shop opens"), opens, "{said}");
        }
        for (arguments, line) in [
            (&["blog"][..], "Error: invalid value 'blog' for --app: choose an application: shop or admin\n"),
            (&["--workers", "2"], "Error: choose an application: shop or admin\n"),
        ] {
            let output = Command::new(path("apps")).args(arguments).output().expect("it can be run");
            assert_eq!(output.status.code(), Some(3));
            assert_eq!(String::from_utf8_lossy(&output.stderr), line);
        }
        let help = Command::new(path("apps")).arg("--help").output().expect("it can be run").stdout;
        let help = String::from_utf8_lossy(&help).into_owned();
        assert!(help.starts_with("Usage: apps [OPTIONS] <APP>\n\nArguments:\n  <APP>"), "{help}");
    }

    /// Asks a real shell what completes a line.
    #[test]
    fn completions() {
        let script = |shell: &str| {
            let output =
                Command::new(path("apps")).args(["--completions", shell]).output().expect("it can be run");
            String::from_utf8(output.stdout).expect("it is a script")
        };
        for (line, expected) in [
            ("apps --ss", &["--ssl-certfile", "--ssl-keyfile"][..]),
            ("apps a", &["admin"]),
            ("apps --lifespan o", &["on", "off"]),
            ("apps --lifespan=o", &[]),
            ("apps --port ", &[]),
        ] {
            let ask = format!(
                "{}\nCOMP_WORDS=({line}{}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _apps; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                script("bash"),
                if line.ends_with(' ') { "''" } else { "" },
            );
            let output = Command::new("bash").args(["-c", &ask]).output().expect("bash is installed");
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
            let said: Vec<_> = said.lines().filter(|line| !line.is_empty()).collect();
            assert!(expected.iter().all(|word| said.contains(word)), "{line}: {said:?}");
            assert_eq!(said.is_empty(), expected.is_empty(), "{line}: {said:?}");
        }
        for (shell, option) in [("zsh", "-n"), ("fish", "-n")] {
            let file = env::temp_dir().join(format!("stelo-completions-{}.{shell}", std::process::id()));
            std::fs::write(&file, script(shell)).expect("the folder can be written");
            // Checked where the shell is installed.
            if let Ok(output) = Command::new(shell).arg(option).arg(&file).output() {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
            let _ = std::fs::remove_file(file);
        }
    }

    #[test]
    fn json() {
        let example = serve("json");
        let json = "content-type: application/json\r\n";
        assert_eq!(parts(&example.ask("POST /items", json, r#"{"name":"tea","price":3}"#)), ("201", "1"));
        assert_eq!(parts(&example.ask("GET /items/1", "", "")), ("200", r#"{"name":"tea","price":3}"#));
        let cheap = r#"[{"name":"tea","price":3}]"#;
        assert_eq!(parts(&example.ask("GET /items?up_to=3", "", "")), ("200", cheap));
        assert_eq!(parts(&example.ask("GET /items/9", "", "")), ("404", "no such item"));
        let answer = example.ask("POST /items", json, r#"{"name":"tea","price":"3"}"#);
        assert!(parts(&answer).0 == "422" && answer.contains("`price`"), "{answer}");
        example.stop();
    }

    #[test]
    fn upload() {
        let example = serve("upload");
        assert!(parts(&example.ask("GET /", "", "")).1.contains("multipart/form-data"));
        let send = |filename: &str| {
            let head = "--B\r\ncontent-disposition: form-data; name=";
            let form = format!(
                "{head}title\r\n\r\nSea\r\n{head}picture; filename=\"{filename}\"\r\n\r\n...\r\n--B--\r\n"
            );
            example.ask("POST /", "content-type: multipart/form-data; boundary=B\r\n", &form)
        };
        let answer = send("C:\\test-sea.png");
        assert_eq!(parts(&answer), ("201", "Sea: 3 bytes at /pictures/test-sea.png\n"));
        assert_eq!(parts(&example.ask("GET /pictures/test-sea.png", "", "")), ("200", "..."));
        assert_eq!(parts(&send("page.html")), ("422", "send one of .png, .jpg, .gif, .webp"));
        let kept = env::temp_dir().join("stelo-pictures/test-sea.png");
        std::fs::remove_file(kept).expect("the example has kept it");
        example.stop();
    }

    /// The pair of the cookie that an answer sets, as a `cookie` field.
    #[cfg(feature = "sessions")]
    pub(super) fn cookie_of(answer: &str) -> String {
        let (_, field) = answer.split_once("set-cookie: ").expect("the answer sets a cookie");
        format!("cookie: {}\r\n", field.split(';').next().unwrap_or_default())
    }

    #[cfg(feature = "sessions")]
    pub(super) fn location_of(answer: &str) -> &str {
        let (_, field) = answer.split_once("location: ").expect("the answer redirects");
        field.split("\r\n").next().unwrap_or_default()
    }

    #[cfg(feature = "sessions")]
    #[test]
    fn login() {
        let example = serve("login");
        let answer = example.ask("GET /", "", "");
        let login =
            location_of(&answer).strip_prefix("http://a").expect("a page of the same host").to_owned();
        assert_eq!((parts(&answer).0, &*login), ("303", "/login?next=http%3A%2F%2Fa%2F"));
        let page = example.ask(&format!("GET {login}"), "", "");
        assert!(parts(&page).1.contains("name=next value=\"http://a/\""), "{page}");
        let form = "content-type: application/x-www-form-urlencoded\r\n";
        let log_in = |form: &str, body: &str| example.ask(&format!("POST {login}"), form, body);
        for wrong in ["name=ada&password=wrong", "name=eve&password="] {
            let answer = log_in(form, wrong);
            assert_eq!(location_of(&answer), format!("http://a{login}"));
            let page = example.ask("GET /login", &cookie_of(&answer), "");
            assert!(parts(&page).1.contains("<p role=alert>Name or password is wrong.</p>"), "{page}");
        }
        let evil = format!("{form}origin: https://evil.example\r\n");
        assert_eq!(parts(&log_in(&evil, "name=ada&password=correct+horse")).0, "403");
        for (next, page) in
            [("http://a/", "/"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("/x", "/x")]
        {
            let answer = log_in(form, &format!("name=ada&password=correct+horse&next={next}"));
            assert_eq!((parts(&answer).0, location_of(&answer)), ("303", page), "{next}");
            let cookie = cookie_of(&answer);
            assert!(parts(&example.ask("GET /", &cookie, "")).1.contains("<h1>Hello, ada!</h1>"));
            assert_eq!(location_of(&example.ask("POST /logout", &cookie, "")), "/login");
            assert_eq!(parts(&example.ask("GET /", &cookie, "")).0, "303", "the session has ended");
        }
        example.stop();
    }

    #[test]
    fn jwt() {
        let example = serve("jwt");
        assert_eq!(parts(&example.ask("POST /token", "", "")).0, "401");
        // `ada:wrong` and `ada:secret`.
        assert_eq!(parts(&example.ask("POST /token", "authorization: Basic YWRhOndyb25n\r\n", "")).0, "403");
        let answer = example.ask("POST /token", "authorization: Basic YWRhOnNlY3JldA==\r\n", "");
        let (status, body) = parts(&answer);
        let body: serde_json::Value = serde_json::from_str(body).expect("it is JSON");
        let token = body["access_token"].as_str().expect("a text").to_owned();
        assert_eq!((status, &body["token_type"]), ("200", &"Bearer".into()));
        let me = |token: &str| example.ask("GET /me", &format!("authorization: Bearer {token}\r\n"), "");
        let answer = me(&token);
        assert!(parts(&answer).0 == "200" && answer.contains(r#""sub":"ada""#), "{answer}");
        let bearer = format!("authorization: Bearer {token}\r\n");
        assert_eq!(parts(&example.ask("GET /admin", &bearer, "")).0, "403");
        let (head, rest) = token.split_once('.').expect("three parts");
        let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{rest}");
        for forged in [&*token.replace('.', ".e"), &none, &format!("{head}.{rest}A"), head] {
            let answer = me(forged);
            assert!(parts(&answer).0 == "401" && answer.contains("invalid_token"), "{answer}");
        }
        assert!(example.ask("GET /me", "", "").contains("www-authenticate: Bearer\r\n"));
        example.stop();
    }

    #[cfg(feature = "sessions")]
    #[test]
    fn oauth() {
        let example = serve("oauth");
        let path =
            |answer: &str| location_of(answer).strip_prefix("http://a").expect("the same host").to_owned();
        let answer = example.ask("GET /login", "", "");
        let cookie = cookie_of(&answer);
        let authorize = path(&answer);
        assert!(
            authorize.contains("state=") && authorize.contains("code_challenge_method=S256"),
            "{authorize}"
        );
        let callback = path(&example.ask(&format!("GET {authorize}"), &cookie, ""));
        // A callback in another browser is refused, and so is one with another state.
        assert_eq!(parts(&example.ask(&format!("GET {callback}"), "", "")).0, "400");
        let answer = example.ask(&format!("GET {callback}"), &cookie, "");
        assert_eq!((parts(&answer).0, location_of(&answer)), ("303", "/"));
        let home = example.ask("GET /", &cookie_of(&answer), "");
        assert!(parts(&home).1.contains("Hello, Ada!"), "{home}");
        assert_eq!(parts(&example.ask(&format!("GET {callback}"), &cookie, "")).0, "400", "only once");
        let evil = authorize.replace("callback", "evil");
        assert_eq!(parts(&example.ask(&format!("GET {evil}"), "", "")).0, "400");
        example.stop();
    }

    #[test]
    fn middleware() {
        let example = serve("middleware");
        let answer = example.ask("GET /", "", "");
        assert!(parts(&answer) == ("200", "public") && answer.contains("nosniff"), "{answer}");
        let answer = example.ask("GET /admin", "", "");
        assert!(parts(&answer) == ("401", "say who you are") && answer.contains("nosniff"), "{answer}");
        let answer = example.ask("GET /admin", "authorization: Bearer ada\r\n", "");
        assert_eq!(parts(&answer), ("200", "welcome, ada"));
        example.stop();
    }

    #[test]
    fn streaming() {
        let mut example = serve("streaming");
        let answer = example.ask("PUT /upload", "", &"x".repeat(200_000));
        assert_eq!(parts(&answer), ("200", "200000 bytes\n"));
        example.line_with("noted an upload of 200000 bytes");
        assert_eq!(parts(&example.ask("POST /echo", "", "through")), ("200", "through"));
        let answer = example.ask("GET /ticks", "", "");
        assert!(answer.contains("tick 1\n") && answer.ends_with("tick 10\n\r\n0\r\n\r\n"), "{answer}");
        example.stop();
    }

    /// Two guests talk, each in a page. Then the server stops.
    #[test]
    fn chat() {
        let example = serve("chat");
        assert!(example.ask("GET /", "", "").contains("location: /lobby\r\n"));
        assert!(parts(&example.ask("GET /tea", "", "")).1.contains("<title>Chat</title>"));
        assert_eq!(parts(&example.ask("GET /tea", HANDSHAKE, "")).0, "400", "without a name");
        let Some(browser) = Browser::start() else { return };
        let room = format!("http://{}/tea", example.address);
        let said = |text: &str| format!("document.querySelector('#lines').innerText.includes('{text}')");

        let mut ada = browser.open(&format!("{room}?name=Ada"));
        ada.until(&said("Ada has joined"));
        let mut bob = browser.open(&room);
        bob.until("(input.value = 'Bob', form.requestSubmit(), true)");
        bob.until(&said("Bob has joined"));
        ada.until(&said("Bob has joined"));
        bob.until("(input.value = 'tea & <b>cake</b>?', form.requestSubmit(), true)");
        ada.until(&said("Bob: tea & <b>cake</b>?"));
        ada.until("(input.value = 'ĉu vi ŝatas 🍰', form.requestSubmit(), true)");
        bob.until(&said("Ada: ĉu vi ŝatas 🍰"));
        bob.close();
        ada.until(&said("Bob has left"));
        example.stop();
        ada.until(&said("The connection has ended (1012"));
        assert_eq!(ada.until("document.querySelectorAll('.line').length"), "5");
    }

    /// A page of another origin asks, in a browser and by hand.
    #[test]
    fn guards() {
        let example = serve("guards");
        let tea = example.ask("PUT /tea", "", "green");
        assert!(
            tea.contains("x-request-id: ") && tea.contains("ratelimit: \"default\";r=99;t=1\r\n"),
            "{tea}"
        );
        assert_eq!(parts(&tea), ("200", "green tea"));
        assert_eq!(parts(&example.ask("PUT /tea", "", &"x".repeat(1001))).0, "413");
        assert_eq!(parts(&example.ask("POST /order", "origin: http://evil.org\r\n", "")).0, "403");
        let Some(browser) = Browser::start() else { return };
        let other = serve("hello");
        let (_, port) = other.address.split_once(':').expect("an address has a port");
        let url = |path: &str| format!("http://{}{path}", example.address);
        // Asks once, and returns the text of the response.
        let asked = |options: &str| {
            let url = url("/tea");
            format!(
                "(window.asked ??= fetch('{url}', {options}).then(it => it.text()).catch(() => 'refused') \
                 .then(text => window.text = text), window.text)"
            )
        };
        let put = asked("{ method: 'PUT', headers: { 'x-flavour': 'yes' }, body: 'mint' }");
        let order = format!(
            "(window.sent ??= fetch('{}', {{ method: 'POST', mode: 'no-cors' }}).catch(() => 0) \
             .then(() => window.done = 1), window.done)",
            url("/order")
        );

        let mut allowed = browser.open(&format!("http://127.0.0.1:{port}/"));
        assert_eq!(allowed.until(&put), "mint tea", "after a preflight");
        allowed.until(&order);
        let mut fields = browser.open(&format!("http://127.0.0.1:{port}/"));
        assert_eq!(fields.until(&asked("{ headers: { 'x-other': 'no' } }")), "refused");
        let mut foreign = browser.open(&format!("http://localhost:{port}/"));
        assert_eq!(foreign.until(&put), "refused", "another host");
        foreign.until(&order);
        assert_eq!(parts(&example.ask("GET /orders", "", "")).1, "0 orders", "sent by other origins");

        let mut own = browser.open(&url("/"));
        own.until(
            "(window.clicked ??= (document.querySelector('button').click(), 1),              document.querySelector('output').textContent)",
        );
        assert_eq!(own.until("document.title"), "Tea", "a script without a nonce");
        assert_eq!(parts(&example.ask("GET /orders", "", "")).1, "1 orders");
        example.stop();
    }

    #[test]
    fn lifespan() {
        let example = serve("lifespan");
        assert_eq!(parts(&example.ask("GET /", "", "")), ("200", "served from memory\n"));
        let rest = example.stop();
        assert!(rest.contains("database memory closed"), "{rest}");
    }

    #[test]
    fn raw_app() {
        let example = serve("raw_app");
        assert_eq!(parts(&example.ask("POST /", "", "hello")), ("200", "HELLO"));
        assert_eq!(parts(&example.ask("GET /", "", "")).0, "405");
        example.stop();
    }

    /// A suite of two cases: the first expects an echo, the second breaks the connection.
    #[test]
    fn autobahn() {
        async fn count(websocket: WebSocket) -> Result<(), WebSocketError> {
            websocket.accept().await?;
            websocket.send_text("2").await
        }

        async fn case(request: Headers, websocket: WebSocket) -> Result<(), WebSocketError> {
            assert!(request.contains("sec-websocket-extensions"), "it offers compression");
            websocket.accept().await?;
            if websocket.query_params().get("case") == Some("2") {
                panic!("on purpose");
            }
            let message = "a case, ".repeat(100_000);
            websocket.send_text(message.clone()).await?;
            assert_eq!(websocket.receive_text().await?, message);
            websocket.close(CloseCode(4000), "well done")
        }

        async fn report(
            State(reported): State<Arc<AtomicBool>>,
            websocket: WebSocket,
        ) -> Result<(), WebSocketError> {
            websocket.accept().await?;
            reported.store(true, Ordering::Relaxed);
            Ok(())
        }

        let server = Server::new(Config::new().port(0).threads(1).access_log(false));
        let (handle, reported) = (server.handle(), Arc::new(AtomicBool::new(false)));
        let app = App::new()
            .state(reported.clone())
            .websocket("/getCaseCount", count)
            .websocket("/runCase", case)
            .websocket("/updateReports", report);
        let suite = thread::spawn(move || server.run(app));
        let addresses = block_on(handle.listening()).expect("the suite starts");
        let output = Command::new(path("autobahn")).arg(addresses[0].to_string()).output();
        let output = output.expect("`cargo build --examples` has been run");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said == "2 cases\n", "{output:?}");
        assert!(reported.load(Ordering::Relaxed));
        handle.stop();
        suite.join().expect("no panic").expect("an ordinary end");
    }

    #[test]
    fn conformance() {
        let example = serve("conformance");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            assert_eq!(parts(&example.ask(&format!("{method} /any?x"), "", "")), ("200", "OK"));
            assert_eq!(parts(&example.ask(&format!("{method} /any"), "", "hello")), ("200", "hello"));
        }
        let answer = example.ask("HEAD /", "", "");
        assert!(parts(&answer) == ("200", "") && answer.contains("content-length: 2\r\n"), "{answer}");
        assert_eq!(parts(&example.ask("BREW /", "", "")).0, "501");
        let answer = example.ask("TRACE /", "", "");
        assert!(parts(&answer).0 == "405" && answer.contains("allow: GET, "), "{answer}");
        let answer = example.ask("GET /echo", "X-One:  1\r\n", "");
        let lines = "host: a\nconnection: close\ncontent-length: 0\nX-One: 1\n";
        assert_eq!(parts(&answer), ("200", lines));
        let answer = example.ask("GET /cookie", "cookie: a=1; b=x=y\r\n", "");
        assert_eq!(parts(&answer), ("200", "a=1\nb=x=y\n"));
        // A masked "Hello", and a close frame.
        let frames = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x80\0\0\0\0";
        let mut stream = TcpStream::connect(&example.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("not zero");
        let request = format!("GET /any HTTP/1.1\r\nhost: a\r\n{HANDSHAKE}\r\n");
        stream.write_all(&[request.as_bytes(), frames].concat()).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers, then closes");
        assert!(answer.starts_with(b"HTTP/1.1 101 ") && answer.ends_with(b"\r\n\r\n\x81\x05Hello\x88\0"));
        example.stop();
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn in_your_runtime() {
        let example = Example::start("in_your_runtime", &[]);
        assert_eq!(parts(&example.ask("GET /", "", "")), ("200", "from tokio"));
        example.stop();
    }
}
