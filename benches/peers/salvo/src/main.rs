//! salvo on hyper and tokio.
use salvo::conn::tcp::TcpAcceptor;
use salvo::http::HeaderValue;
use salvo::prelude::*;
use salvo::serve_static::StaticDir;
use salvo::websocket::WebSocketUpgrade;

#[handler]
async fn plaintext() -> &'static str {
    common::HELLO
}

#[handler]
async fn json(res: &mut Response) {
    res.render(Json(common::Message::hello()));
}

#[handler]
async fn post_of_user(req: &mut Request) -> Result<String, StatusError> {
    let id: u64 = req.param("id").ok_or_else(StatusError::not_found)?;
    let slug: &str = req.param("slug").ok_or_else(StatusError::not_found)?;
    Ok(format!("{id} {slug}"))
}

#[handler]
async fn echo(req: &mut Request, res: &mut Response) {
    match req.payload().await {
        Ok(body) => res.write_body(body.clone()).unwrap(),
        Err(_) => res.render(StatusError::bad_request()),
    }
}

#[handler]
async fn layer(req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
    ctrl.call_next(req, depot, res).await;
    if res.status_code.is_some_and(|status| status.is_server_error()) {
        res.headers_mut().insert("x-failed", HeaderValue::from_static("1"));
    }
}

#[handler]
async fn ws(req: &mut Request, res: &mut Response) -> Result<(), StatusError> {
    let talk = |mut socket: salvo::websocket::WebSocket| async move {
        while let Some(Ok(msg)) = socket.recv().await {
            if (msg.is_text() || msg.is_binary()) && socket.send(msg).await.is_err() {
                return;
            }
        }
    };
    WebSocketUpgrade::new().upgrade(req, res, talk).await
}

async fn serve(listener: tokio::net::TcpListener) {
    let layered = Router::with_path("layered/plaintext").get(plaintext);
    let layered = (0..common::LAYERS).fold(layered, |router, _| router.hoop(layer));
    let app = Router::new()
        .push(Router::with_path("plaintext").get(plaintext))
        .push(Router::with_path("json").get(json))
        .push(Router::with_path("users/{id}/posts/{slug}").get(post_of_user))
        .push(Router::with_path("echo").post(echo))
        .push(Router::with_path("ws").goal(ws))
        .push(Router::with_path("static/{**path}").get(StaticDir::new(common::static_dir())))
        .push(layered);
    let table = common::table("{id}", "{slug}");
    let app = table.iter().fold(app, |app, path| app.push(Router::with_path(&path[1..]).get(post_of_user)));
    Server::new(TcpAcceptor::try_from(listener).unwrap()).serve(app).await;
}

fn main() {
    common::run_tokio(serve)
}
