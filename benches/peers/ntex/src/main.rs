//! ntex on tokio (feature `rt-tokio`) or on io_uring (`rt-uring`).
#![recursion_limit = "512"] // for ten layers

use ntex::SharedCfg;
use ntex::http::HttpServiceConfig;
use ntex::http::header::{HeaderName, HeaderValue};
use ntex::service::{Middleware, Service, ServiceCtx, fn_factory_with_config, fn_service};
use ntex::time::Seconds;
use ntex::util::Bytes;
use ntex::web::{self, App, Error, HttpRequest, HttpResponse, HttpServer, ws};

async fn ws_echo(req: HttpRequest) -> Result<HttpResponse, Error> {
    let echo = fn_factory_with_config(async |_sink: ws::WsSink| {
        Ok::<_, web::Error>(fn_service(async |frame| {
            Ok::<_, web::Error>(match frame {
                ws::Frame::Text(t) => Some(ws::Message::Binary(t)),
                ws::Frame::Binary(b) => Some(ws::Message::Binary(b)),
                ws::Frame::Close(reason) => Some(ws::Message::Close(reason)),
                _ => None,
            })
        }))
    });
    ws::start(req, None::<String>, echo).await
}

#[derive(Clone, Copy, Debug)]
struct Layer;

#[derive(Debug)]
struct Layered<S> {
    service: S,
}

impl<S, C> Middleware<S, C> for Layer {
    type Service = Layered<S>;

    fn create(&self, service: S, _: C) -> Self::Service {
        Layered { service }
    }
}

impl<S, E> Service<web::WebRequest<E>> for Layered<S>
where
    S: Service<web::WebRequest<E>, Response = web::WebResponse, Error = web::Error>,
{
    type Response = web::WebResponse;
    type Error = web::Error;

    ntex::forward_ready!(service);
    ntex::forward_shutdown!(service);

    async fn call(
        &self,
        req: web::WebRequest<E>,
        ctx: ServiceCtx<'_, Self>,
    ) -> Result<Self::Response, Self::Error> {
        let mut response = ctx.call(&self.service, req).await?;
        if response.status().is_server_error() {
            response.headers_mut().insert(HeaderName::from_static("x-failed"), HeaderValue::from_static("1"));
        }
        Ok(response)
    }
}

async fn post_of_user(path: web::types::Path<(u64, String)>) -> String {
    let (id, slug) = path.into_inner();
    format!("{id} {slug}")
}

#[ntex::main]
async fn main() -> std::io::Result<()> {
    // By default it closes a connection that has not asked within a second; ten thousand take longer to open.
    let patient = HttpServiceConfig::new().set_client_timeout(Seconds(60)).set_keepalive(Seconds(60));
    HttpServer::new(async || {
        // The type of each layer holds those within, so they cannot be added in a loop.
        let layered = web::resource("/layered/plaintext").route(web::get().to(|| async { common::HELLO }));
        let layered =
            layered.middleware(Layer).middleware(Layer).middleware(Layer).middleware(Layer).middleware(Layer);
        let layered =
            layered.middleware(Layer).middleware(Layer).middleware(Layer).middleware(Layer).middleware(Layer);
        let app = App::new()
            .route("/plaintext", web::get().to(|| async { common::HELLO }))
            .route("/json", web::get().to(|| async { web::types::Json(common::Message::hello()) }))
            .route("/users/{id}/posts/{slug}", web::get().to(post_of_user))
            .route("/echo", web::post().to(|body: Bytes| async { body }))
            .route("/ws", web::get().to(ws_echo))
            .service(layered)
            .service(ntex_files::Files::new("/static", common::static_dir()));
        let table = common::table("{id}", "{slug}");
        table.iter().fold(app, |app, pattern| app.route(pattern, web::get().to(post_of_user)))
    })
    .workers(common::threads())
    .config(SharedCfg::new("peer").add(patient))
    .bind(common::addr())?
    .run()
    .await
}
