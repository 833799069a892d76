//! salvo with its own middleware.
use std::time::Duration;

use common::kit;
use futures_util::TryStreamExt;
use salvo::compression::{Compression, CompressionLevel};
use salvo::conn::tcp::TcpAcceptor;
use salvo::cors::Cors;
use salvo::http::{HeaderValue, Method, header};
use salvo::logging::Logger;
use salvo::prelude::*;
use salvo::serve_static::StaticDir;
use salvo::session::{CookieStore, MemoryStore, SessionDepotExt, SessionHandler, SessionStore};

#[handler]
async fn plaintext() -> &'static str {
    common::HELLO
}

#[handler]
async fn visit(depot: &mut Depot, res: &mut Response) {
    let session = depot.session_mut().unwrap();
    let visits = session.get::<u64>("visits").unwrap_or_default() + 1;
    session.insert("user", "ada").unwrap();
    session.insert("visits", visits).unwrap();
    res.render(visits.to_string());
}

fn sessions<S: SessionStore + Send + Sync + 'static>(store: S) -> SessionHandler<S> {
    SessionHandler::builder(store, kit::SECRET).build().unwrap()
}

/// salvo collects forms; this is the parser below them.
#[handler]
async fn count(req: &mut Request) -> Result<String, StatusError> {
    let content_type = req.header::<String>("content-type").unwrap_or_default();
    let boundary = multra::parse_boundary(content_type).map_err(|_| StatusError::bad_request())?;
    let body = req.take_body().map_ok(|frame| frame.into_data().unwrap_or_default());
    let mut form = multra::Multipart::new(body, boundary);
    let mut size = 0;
    while let Some(mut part) = form.next_field().await.map_err(|_| StatusError::bad_request())? {
        while let Some(bytes) = part.chunk().await.map_err(|_| StatusError::bad_request())? {
            size += bytes.len();
        }
    }
    Ok(size.to_string())
}

#[handler]
async fn spool(req: &mut Request) -> Result<String, StatusError> {
    let file = req.file("file").await.ok_or_else(StatusError::bad_request)?;
    Ok(file.size().to_string())
}

struct Records(&'static str);

#[async_trait]
impl Handler for Records {
    async fn handle(&self, _: &mut Request, _: &mut Depot, res: &mut Response, _: &mut FlowCtrl) {
        res.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        res.write_body(self.0).unwrap();
    }
}

fn compressed((gzip, brotli, zstd): (u8, u8, u8)) -> Compression {
    let level = |level: u8| CompressionLevel::Precise(level.into());
    Compression::new().enable_gzip(level(gzip)).enable_brotli(level(brotli)).enable_zstd(level(zstd))
}

#[handler]
async fn trusted_host(req: &mut Request, res: &mut Response, ctrl: &mut FlowCtrl) {
    let host = req.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !kit::HOSTS.iter().any(|allowed| name.eq_ignore_ascii_case(allowed)) {
        res.render(StatusError::bad_request());
        ctrl.skip_rest();
    }
}

#[handler]
async fn security_headers(req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
    ctrl.call_next(req, depot, res).await;
    res.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    res.headers_mut().insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
}

fn cors() -> impl Handler {
    Cors::new().allow_origin(kit::ORIGIN).allow_methods([Method::GET, Method::POST]).into_handler()
}

fn ten() -> Router {
    Router::with_path("ten")
        .hoop(RequestId::new())
        .hoop(Logger::new())
        .hoop(max_concurrency(kit::CONCURRENCY))
        .hoop(trusted_host)
        .hoop(Timeout::new(Duration::from_secs(kit::TIMEOUT)))
        .hoop(max_size(kit::BODY_LIMIT as u64))
        .hoop(cors())
        .hoop(security_headers)
        .hoop(Compression::new())
        .hoop(CachingHeaders::new())
        .get(plaintext)
}

async fn serve(listener: tokio::net::TcpListener) {
    let json = kit::records().leak();
    let app = Router::new()
        .push(Router::with_path("plaintext").get(plaintext))
        .push(Router::with_path("cors").hoop(cors()).get(plaintext))
        .push(Router::with_path("session").hoop(sessions(CookieStore::new())).get(visit))
        .push(Router::with_path("stored").hoop(sessions(MemoryStore::new())).get(visit))
        .push(Router::with_path("fast").hoop(compressed(kit::FAST)).get(Records(json)))
        .push(Router::with_path("middle").hoop(compressed(kit::MIDDLE)).get(Records(json)))
        .push(Router::with_path("upload").post(count))
        .push(Router::with_path("spool").hoop(max_size(u64::MAX)).post(spool))
        .push(Router::with_path("static/{**path}").get(StaticDir::new(common::static_dir())))
        .push(ten());
    Server::new(TcpAcceptor::try_from(listener).unwrap()).serve(app).await;
}

fn main() {
    common::run_tokio(serve)
}
