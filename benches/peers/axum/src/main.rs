//! axum on hyper and tokio.
use axum::body::Bytes;
use axum::extract::{Path, Request, ws::Message, ws::WebSocketUpgrade};
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn};
use axum::routing::{any, get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router, response::Response};

async fn ws(up: WebSocketUpgrade) -> Response {
    up.on_upgrade(|mut socket| async move {
        while let Some(Ok(msg)) = socket.recv().await {
            if matches!(msg, Message::Text(_) | Message::Binary(_)) && socket.send(msg).await.is_err() {
                return;
            }
        }
    })
}

async fn post_of_user(Path((id, slug)): Path<(u64, String)>) -> String {
    format!("{id} {slug}")
}

async fn layer(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status().is_server_error() {
        response.headers_mut().insert("x-failed", HeaderValue::from_static("1"));
    }
    response
}

async fn serve(listener: tokio::net::TcpListener) {
    let layered = Router::new().route("/plaintext", get(|| async { common::HELLO }));
    let layered = (0..common::LAYERS).fold(layered, |router, _| router.layer(from_fn(layer)));
    let app = Router::new()
        .route("/plaintext", get(|| async { common::HELLO }))
        .route("/json", get(|| async { Json(common::Message::hello()) }))
        .route("/users/{id}/posts/{slug}", get(post_of_user))
        .route("/echo", post(|body: Bytes| async { body }))
        .route("/ws", any(ws))
        .nest("/layered", layered)
        .nest_service("/static", tower_http::services::ServeDir::new(common::static_dir()));
    let table = common::table("{id}", "{slug}");
    let app = table.iter().fold(app, |app, pattern| app.route(pattern, get(post_of_user)));
    let listener = listener.tap_io(|tcp| tcp.set_nodelay(true).unwrap());
    // Without this, axum copies the table of routes for each connection.
    axum::serve(listener, app.into_make_service()).await.unwrap();
}

fn main() {
    common::run_tokio(serve)
}
