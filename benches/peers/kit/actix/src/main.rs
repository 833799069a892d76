//! actix-web with actix-cors, actix-files, actix-multipart and actix-session.
use std::hash::{DefaultHasher, Hasher};
use std::sync::LazyLock;
use std::time::Duration;

use actix_cors::Cors;
use actix_multipart::Multipart;
use actix_multipart::form::tempfile::{TempFile, TempFileConfig};
use actix_multipart::form::{MultipartForm, MultipartFormConfig};
use actix_session::config::CookieContentSecurity;
use actix_session::storage::CookieSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::cookie::Key;
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::{Compress, DefaultHeaders, Logger, Next, from_fn};
use actix_web::{App, Error, HttpResponse, HttpServer, error, rt, web};
use common::kit;
use futures_util::TryStreamExt;
use tokio::sync::Semaphore;

async fn visit(session: Session) -> Result<String, Error> {
    let visits = session.get::<u64>("visits")?.unwrap_or_default() + 1;
    session.insert("user", "ada")?;
    session.insert("visits", visits)?;
    Ok(visits.to_string())
}

async fn count(mut form: Multipart) -> Result<String, Error> {
    let mut size = 0;
    while let Some(mut part) = form.try_next().await? {
        while let Some(bytes) = part.try_next().await? {
            size += bytes.len();
        }
    }
    Ok(size.to_string())
}

#[derive(MultipartForm)]
struct Upload {
    file: TempFile,
}

async fn spool(MultipartForm(form): MultipartForm<Upload>) -> String {
    form.file.size.to_string()
}

async fn request_id(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let name = HeaderName::from_static("x-request-id");
    let id = req.headers().get(&name).cloned();
    let id = id.unwrap_or_else(|| HeaderValue::try_from(uuid::Uuid::new_v4().to_string()).unwrap());
    let mut res = next.call(req).await?;
    res.headers_mut().insert(name, id);
    Ok(res)
}

async fn concurrency(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    static PERMITS: Semaphore = Semaphore::const_new(kit::CONCURRENCY);
    let _permit = PERMITS.acquire().await.unwrap();
    next.call(req).await
}

async fn trusted_host(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let host = req.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    match kit::HOSTS.iter().any(|allowed| name.eq_ignore_ascii_case(allowed)) {
        true => next.call(req).await,
        false => Err(error::ErrorBadRequest("Invalid host header")),
    }
}

async fn timeout(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match rt::time::timeout(Duration::from_secs(kit::TIMEOUT), next.call(req)).await {
        Ok(res) => res,
        Err(_) => Err(error::ErrorServiceUnavailable("Timeout")),
    }
}

async fn body_limit(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let length =
        req.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    match length.unwrap_or(0) > kit::BODY_LIMIT {
        true => Err(error::ErrorPayloadTooLarge("Too large")),
        false => next.call(req).await,
    }
}

async fn conditional(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let known = req.headers().get(header::IF_NONE_MATCH).cloned();
    let (req, res) = next.call(req).await?.into_parts();
    let (mut res, body) = res.into_parts();
    let body = to_bytes(body).await.map_err(|_| error::ErrorInternalServerError("body"))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&body);
    let etag = HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).unwrap();
    if known.is_some_and(|known| known == etag) {
        *res.status_mut() = StatusCode::NOT_MODIFIED;
    }
    res.headers_mut().insert(header::ETAG, etag);
    Ok(ServiceResponse::new(req, res.set_body(body).map_into_boxed_body()))
}

fn cors() -> Cors {
    Cors::default().allowed_origin(kit::ORIGIN).allowed_methods(["GET", "POST"])
}

fn ten() -> impl HttpServiceFactory {
    // The last one is the outermost.
    web::resource("/ten")
        .get(|| async { common::HELLO })
        .wrap(from_fn(conditional))
        .wrap(Compress::default())
        .wrap(
            DefaultHeaders::new()
                .add(("x-content-type-options", "nosniff"))
                .add(("cross-origin-resource-policy", "same-origin")),
        )
        .wrap(cors())
        .wrap(from_fn(body_limit))
        .wrap(from_fn(timeout))
        .wrap(from_fn(trusted_host))
        .wrap(from_fn(concurrency))
        .wrap(Logger::default())
        .wrap(from_fn(request_id))
}

async fn records() -> HttpResponse {
    static JSON: LazyLock<&str> = LazyLock::new(|| kit::records().leak());
    HttpResponse::Ok().content_type("application/json").body(*JSON)
}

fn main() -> std::io::Result<()> {
    let server = HttpServer::new(|| {
        let sessions = SessionMiddleware::builder(CookieSessionStore::default(), Key::from(kit::SECRET))
            .cookie_secure(false)
            .cookie_content_security(CookieContentSecurity::Signed);
        App::new()
            .app_data(MultipartFormConfig::default().total_limit(usize::MAX))
            .app_data(TempFileConfig::default())
            .route("/plaintext", web::get().to(|| async { common::HELLO }))
            .service(web::resource("/cors").get(|| async { common::HELLO }).wrap(cors()))
            .service(web::resource("/session").get(visit).wrap(sessions.build()))
            .service(web::resource("/fast").get(records).wrap(Compress::default()))
            .route("/upload", web::post().to(count))
            .route("/spool", web::post().to(spool))
            .service(ten())
            .service(actix_files::Files::new("/static", common::static_dir()))
    })
    .workers(common::threads());
    rt::System::new().block_on(server.bind(common::addr())?.run())
}
