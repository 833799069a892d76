//! trillium on tokio (feature rt-tokio) or smol (rt-smol), thread-per-core with SO_REUSEPORT.
use futures_lite::StreamExt;
use trillium::{Conn, Handler, conn_try, conn_unwrap};
use trillium_api::ApiConnExt;
use trillium_router::{Router, RouterConnExt};
#[cfg(feature = "rt-smol")]
use trillium_smol as rt;
#[cfg(not(feature = "rt-smol"))]
use trillium_tokio as rt;
use trillium_websockets::{WebSocket, WebSocketConn};

async fn ws(mut conn: WebSocketConn) {
    while let Some(Ok(msg)) = conn.next().await {
        if (msg.is_text() || msg.is_binary()) && conn.send(msg).await.is_err() {
            return;
        }
    }
}

async fn post_of_user(conn: Conn) -> Conn {
    let id = conn_unwrap!(conn.param("id").and_then(|id| id.parse::<u64>().ok()), conn);
    let text = format!("{id} {}", conn_unwrap!(conn.param("slug"), conn));
    conn.ok(text)
}

/// A layer of trillium: it lets the request pass and looks at the response before it is sent.
#[derive(Clone, Copy)]
struct Layer;

impl Handler for Layer {
    async fn run(&self, conn: Conn) -> Conn {
        conn
    }

    async fn before_send(&self, conn: Conn) -> Conn {
        match conn.status().is_some_and(|status| status.is_server_error()) {
            true => conn.with_response_header("x-failed", "1"),
            false => conn,
        }
    }
}

async fn echo(mut conn: Conn) -> Conn {
    let body = conn_try!(conn.request_body().read_bytes().await, conn);
    conn.ok(body)
}

fn main() {
    let layers = vec![Layer; common::LAYERS];
    let app = Router::new()
        .get("/plaintext", |conn: Conn| async { conn.ok(common::HELLO) })
        .get("/json", |conn: Conn| async { conn.with_json(&common::Message::hello()) })
        .get("/users/:id/posts/:slug", post_of_user)
        .post("/echo", echo)
        .get("/ws", WebSocket::new(ws))
        .get("/layered/plaintext", (layers, |conn: Conn| async { conn.ok(common::HELLO) }))
        .get("/static/*", trillium_static::files(common::static_dir()));
    let app =
        common::table(":id", ":slug").into_iter().fold(app, |app, pattern| app.get(pattern, post_of_user));
    rt::config()
        .with_nodelay()
        .listeners()
        .bind_reuseport_tcp(("127.0.0.1", common::port()))
        .unwrap()
        .with_reuseport_workers(common::threads())
        .run(app);
}
