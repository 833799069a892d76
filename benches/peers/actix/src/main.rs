//! actix-web with its own runtime: one thread, one accept queue a worker.
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, rt, web};
use actix_ws::Message;
use futures_util::StreamExt;

async fn ws(req: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (reply, mut session, stream) = actix_ws::handle(&req, body)?;
    let mut stream = stream.max_frame_size(1 << 20);
    rt::spawn(async move {
        while let Some(Ok(msg)) = stream.next().await {
            let sent = match msg {
                Message::Text(t) => session.text(t).await,
                Message::Binary(b) => session.binary(b).await,
                Message::Close(_) => break,
                _ => Ok(()),
            };
            if sent.is_err() {
                break;
            }
        }
    });
    Ok(reply)
}

async fn layer(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut res = next.call(req).await?;
    if res.status().is_server_error() {
        res.headers_mut().insert(HeaderName::from_static("x-failed"), HeaderValue::from_static("1"));
    }
    Ok(res)
}

fn layered() -> impl actix_web::dev::HttpServiceFactory {
    // The type of each layer holds those within, so they cannot be added in a loop.
    let route = web::resource("/layered/plaintext").get(|| async { common::HELLO });
    let five = route
        .wrap(from_fn(layer))
        .wrap(from_fn(layer))
        .wrap(from_fn(layer))
        .wrap(from_fn(layer))
        .wrap(from_fn(layer));
    five.wrap(from_fn(layer))
        .wrap(from_fn(layer))
        .wrap(from_fn(layer))
        .wrap(from_fn(layer))
        .wrap(from_fn(layer))
}

async fn post_of_user(path: web::Path<(u64, String)>) -> String {
    let (id, slug) = path.into_inner();
    format!("{id} {slug}")
}

fn main() -> std::io::Result<()> {
    let h2 = std::env::var("H2").is_ok_and(|v| v == "1");
    let server = HttpServer::new(|| {
        let app = App::new()
            .route("/plaintext", web::get().to(|| async { common::HELLO }))
            .route("/json", web::get().to(|| async { web::Json(common::Message::hello()) }))
            .route("/users/{id}/posts/{slug}", web::get().to(post_of_user))
            .route("/echo", web::post().to(|body: web::Bytes| async { body }))
            .route("/ws", web::get().to(ws))
            .service(layered())
            .service(actix_files::Files::new("/static", common::static_dir()));
        let table = common::table("{id}", "{slug}");
        table.iter().fold(app, |app, pattern| app.route(pattern, web::get().to(post_of_user)))
    })
    .workers(common::threads());
    let server = if h2 { server.bind_auto_h2c(common::addr())? } else { server.bind(common::addr())? };
    rt::System::new().block_on(server.run())
}
