//! poem on hyper and tokio.
use futures_util::{SinkExt, StreamExt};
use poem::endpoint::StaticFilesEndpoint;
use poem::http::HeaderValue;
use poem::listener::TcpAcceptor;
use poem::web::{Json, Path, websocket::WebSocket};
use poem::{
    Endpoint, EndpointExt, IntoResponse, Request, Response, Result, Route, Server, get, handler, post,
};

#[handler]
fn plaintext() -> &'static str {
    common::HELLO
}

#[handler]
fn json() -> Json<common::Message> {
    Json(common::Message::hello())
}

#[handler]
fn post_of_user(Path((id, slug)): Path<(u64, String)>) -> String {
    format!("{id} {slug}")
}

#[handler]
fn echo(body: Vec<u8>) -> Vec<u8> {
    body
}

#[handler]
fn ws(ws: WebSocket) -> impl IntoResponse {
    ws.on_upgrade(|mut socket| async move {
        while let Some(Ok(msg)) = socket.next().await {
            if (msg.is_text() || msg.is_binary()) && socket.send(msg).await.is_err() {
                return;
            }
        }
    })
}

async fn layer<E: Endpoint>(next: E, req: Request) -> Result<Response> {
    let mut response = next.call(req).await?.into_response();
    if response.status().is_server_error() {
        response.headers_mut().insert("x-failed", HeaderValue::from_static("1"));
    }
    Ok(response)
}

async fn serve(listener: tokio::net::TcpListener) {
    let layered = (0..common::LAYERS)
        .fold(plaintext.boxed(), |endpoint, _| endpoint.around(layer).map_to_response().boxed());
    let app = Route::new()
        .at("/plaintext", get(plaintext))
        .at("/json", get(json))
        .at("/users/:id/posts/:slug", get(post_of_user))
        .at("/echo", post(echo))
        .at("/ws", get(ws))
        .at("/layered/plaintext", get(layered))
        .nest("/static", StaticFilesEndpoint::new(common::static_dir()));
    let table = common::table(":id", ":slug");
    let app = table.iter().fold(app, |app, pattern| app.at(pattern, get(post_of_user)));
    let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
    Server::new_with_acceptor(acceptor).run(app).await.unwrap();
}

fn main() {
    common::run_tokio(serve)
}
