//! Stelo through its facade, as an application would use it: typed handlers, routing, middleware. The feature chooses
//! the executor: tokio, smol or async-std.
use std::process::ExitCode;

use stelo::websocket::WebSocketError;
use stelo::{
    App, Bytes, Config, Json, Next, Path, Request, Response, Router, Server, StaticFiles, WebSocket, get, post,
};

async fn post_of_user(Path((id, slug)): Path<(u64, String)>) -> String {
    format!("{id} {slug}")
}

async fn layer(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status.is_server_error() {
        response.headers.set("x-failed", "1");
    }
    response
}

async fn ws(socket: WebSocket) -> Result<(), WebSocketError> {
    socket.accept().await?;
    loop {
        socket.send(socket.receive().await?).await?;
    }
}

fn app() -> App {
    let layered = Router::new().route("/plaintext", get(async || common::HELLO));
    let layered = (0..common::LAYERS).fold(layered, |router, _| router.middleware(layer));
    let app = App::new()
        .route("/plaintext", get(async || common::HELLO))
        .route("/json", get(async || Json(common::Message::hello())))
        .route("/users/{id:int}/posts/{slug}", get(post_of_user))
        .route("/echo", post(async |body: Bytes| body))
        .websocket("/ws", ws)
        .mount("/layered", layered)
        .mount("/static", StaticFiles::new(common::static_dir()));
    common::table("{id:int}", "{slug}").iter().fold(app, |app, pattern| app.route(pattern, get(post_of_user)))
}

fn main() -> ExitCode {
    let config = Config::new().port(common::port()).threads(common::threads()).access_log(false);
    let config = match common::certificate() {
        Some((cert, key)) => config.ssl_certfile(cert).ssl_keyfile(key),
        None => config,
    };
    match Server::new(config).run(app()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
