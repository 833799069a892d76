//! Clients of Python. httpx tests keep-alive, streaming in both directions, and memory that does not grow with a body.
//! websockets tests messages, compression, subprotocols, denial, and close codes of both sides. Starlette and itsdangerous
//! test that cookies of sessions are the same in both directions.

use std::process::Command;

use stelo_core::ws::CloseCode;
use stelo_server::Config;
use stelo_tests::{News, On, cases, config};
use stelo_toolkit::middleware::Sessions;
use stelo_toolkit::sessions::{Digest, Session};
use stelo_toolkit::websocket::WebSocketError;
use stelo_toolkit::{App, Json, Path, Response, Router, State, Status, WebSocket, get};

use crate::program::Process;

cases!(httpx, websockets, sessions);

/// The default size of bodies in MiB; `STELO_TEST_MIB` overrides it. A server that buffers bodies fails at far less.
const MIB: &str = "64";

/// The certificate that clients trust.
const TRUST: [(&str, &str); 1] =
    [("SSL_CERT_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls/cert.pem"))];

/// Runs a script with arguments. `cargo xtask test` installs its packages, and names the interpreter.
fn run(script: &str, args: &[String]) {
    let Some(python) = std::env::var_os("STELO_TEST_PYTHON") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "STELO_TEST_PYTHON does not name a Python with the clients"
        );
        eprintln!(
            "not run: STELO_TEST_PYTHON does not name a Python with the clients; `cargo xtask test` sees to it"
        );
        return;
    };
    let script = format!("{}/python/{script}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(python)
        .arg(script)
        .args(args)
        .envs(TRUST)
        .output()
        .expect("the interpreter can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn httpx(on: On) {
    let (process, address) = Process::serve(on, &["--no-access-log"]);
    httpx_with(&process, format!("http://{address}"));
}

fn httpx_with(process: &Process, address: String) {
    let size = std::env::var("STELO_TEST_MIB").unwrap_or(MIB.into());
    run("client.py", &[address, process.id().to_string(), size]);
}

fn websockets(on: On) {
    websockets_with(on, config(), "ws");
}

/// The same clients over TLS.
#[cfg(feature = "tls")]
mod tls {
    use stelo_tests::tls::{certfile, keyfile, tls_config};
    use stelo_tests::{On, cases};

    use crate::program::{Process, command};

    cases!(httpx, websockets);

    fn httpx(on: On) {
        let mut server = command(on);
        server.args(["--port", "0", "--no-access-log", "--ssl-certfile"]).arg(certfile());
        let process = Process::start(server.arg("--ssl-keyfile").arg(keyfile()));
        let address = crate::tls::address(&process);
        super::httpx_with(&process, format!("https://{address}"));
    }

    fn websockets(on: On) {
        super::websockets_with(on, tls_config(), "wss");
    }
}

fn websockets_with(on: On, config: Config, scheme: &str) {
    async fn echo(websocket: WebSocket) -> Result<(), WebSocketError> {
        websocket.accept().await?;
        loop {
            websocket.send(websocket.receive().await?).await?;
        }
    }

    async fn protocol(websocket: WebSocket) -> Result<(), WebSocketError> {
        match websocket.subprotocols().any(|offered| offered == "chat.v1") {
            true => websocket.accept().subprotocol("chat.v1").await,
            false => websocket.accept().await,
        }
    }

    async fn denied(websocket: WebSocket) -> Result<(), WebSocketError> {
        websocket.send_denial_response(Response::text(Status::UNAUTHORIZED, "members only"))
    }

    async fn close(Path(code): Path<u64>, websocket: WebSocket) -> Result<(), WebSocketError> {
        websocket.accept().await?;
        websocket.send_text("last words").await?;
        websocket.close(CloseCode(code as u16), "enough")
    }

    async fn returns(websocket: WebSocket) -> Result<(), WebSocketError> {
        websocket.accept().await
    }

    async fn panics(websocket: WebSocket) -> Result<(), WebSocketError> {
        websocket.accept().await?;
        panic!("on purpose");
    }

    async fn tell(State(news): State<News>, websocket: WebSocket) -> Result<(), WebSocketError> {
        websocket.accept().await?;
        let ended = websocket.receive().await.expect_err("the end");
        news.tell(ended.closed().map_or("not closed".into(), ToString::to_string));
        Ok(())
    }

    let news = News::new();
    let app = App::new()
        .state(news.clone())
        .websocket("/echo", echo)
        .websocket("/protocol", protocol)
        .websocket("/denied", denied)
        .websocket("/close/{code:int}", close)
        .websocket("/returns", returns)
        .websocket("/panics", panics)
        .websocket("/tell", tell);
    let server = on.serve_with(config, app);
    run("websocket.py", &[format!("{scheme}://{}", server.address())]);
    if std::env::var_os("STELO_TEST_PYTHON").is_some() {
        news.expect("the WebSocket is closed (4001: done)");
        news.expect("the WebSocket is closed (1000)");
    }
}

fn sessions(on: On) {
    type Values = serde_json::Map<String, serde_json::Value>;

    async fn values(session: Session) -> Json<Values> {
        Json(session.to_map())
    }

    async fn update(session: Session, Json(values): Json<Values>) -> stelo_toolkit::Result<Json<Values>> {
        for (key, value) in values {
            session.insert(key, value)?;
        }
        Ok(Json(session.to_map()))
    }

    let with = |digest| {
        let sessions = Sessions::with_digest(digest, "0123456789abcdef");
        Router::new().middleware(sessions).route("/", get(values).post(update))
    };
    let app = App::new().mount("/sha1", with(Digest::Sha1)).mount("/sha256", with(Digest::Sha256));
    let server = on.serve(app);
    run("sessions.py", &[format!("http://{}", server.address())]);
}
