//! xitca-web with its own server and runtime.
use xitca_web::App;
use xitca_web::WebContext;
use xitca_web::body::RequestBody;
use xitca_web::handler::body::Limit;
use xitca_web::handler::{
    handler_service, json::Json, params::Params, websocket::Message, websocket::WebSocket,
};
use xitca_web::http::WebResponse;
use xitca_web::http::header::{HeaderName, HeaderValue};
use xitca_web::route::{get, post};
use xitca_web::service::file::ServeDir;
use xitca_web::service::{Service, ServiceExt};

async fn ws(mut ws: WebSocket<RequestBody>) -> WebSocket<RequestBody> {
    ws.on_msg(|tx, msg| {
        Box::pin(async move {
            match msg {
                Message::Text(t) => tx.text(t.to_string()).await.ok(),
                Message::Binary(b) => tx.binary(b).await.ok(),
                _ => None,
            };
        })
    });
    ws
}

async fn post_of_user(Params((id, slug)): Params<(u64, String)>) -> String {
    format!("{id} {slug}")
}

async fn echo((body, _): (Vec<u8>, Limit<{ 16 << 20 }>)) -> Vec<u8> {
    body
}

async fn layer<S, C, B, Err>(service: &S, ctx: WebContext<'_, C, B>) -> Result<WebResponse, Err>
where
    S: for<'r> Service<WebContext<'r, C, B>, Response = WebResponse, Error = Err>,
{
    let mut response = service.call(ctx).await?;
    if response.status().is_server_error() {
        response.headers_mut().insert(HeaderName::from_static("x-failed"), HeaderValue::from_static("1"));
    }
    Ok(response)
}

fn main() -> std::io::Result<()> {
    // ServeDir keeps the route's prefix in the path it looks for
    let files = std::path::PathBuf::from(common::static_dir()).parent().unwrap().to_owned();
    let h2 = std::env::var("H2").is_ok_and(|v| v == "1");
    // The type of each layer holds those within, so they cannot be added in a loop.
    let layered = handler_service(async || common::HELLO)
        .enclosed_fn(layer)
        .enclosed_fn(layer)
        .enclosed_fn(layer)
        .enclosed_fn(layer)
        .enclosed_fn(layer)
        .enclosed_fn(layer)
        .enclosed_fn(layer)
        .enclosed_fn(layer)
        .enclosed_fn(layer)
        .enclosed_fn(layer);
    let app = App::new()
        .at("/plaintext", get(handler_service(async || common::HELLO)))
        .at("/json", get(handler_service(async || Json(common::Message::hello()))))
        .at("/users/{id}/posts/{slug}", get(handler_service(post_of_user)))
        .at("/echo", post(handler_service(echo)))
        .at("/ws", get(handler_service(ws)))
        .at("/layered/plaintext", get(layered))
        .at("/static", ServeDir::new(files));
    let app = common::table("{id}", "{slug}")
        .into_iter()
        .fold(app, |app, pattern| app.at(pattern.leak(), get(handler_service(post_of_user))));
    let server = app.serve().worker_threads(common::threads());
    let server = if h2 { server.h2c_prior_knowledge() } else { server };
    server.bind(common::addr())?.run().wait()
}
