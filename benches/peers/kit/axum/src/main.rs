//! axum with axum-extra, tower-http and tower-sessions.
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, FromRef, Multipart, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Router, extract::multipart::MultipartError};
use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use common::kit;
use tokio::io::{AsyncWriteExt, BufWriter};
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

#[derive(Clone)]
struct App {
    key: Key,
}

impl FromRef<App> for Key {
    fn from_ref(app: &App) -> Self {
        app.key.clone()
    }
}

/// axum-extra signs cookies, and leaves their content to the application.
async fn visit(jar: SignedCookieJar) -> (SignedCookieJar, String) {
    let values = jar.get("session").and_then(|cookie| serde_json::from_str(cookie.value()).ok());
    let mut values: HashMap<String, serde_json::Value> = values.unwrap_or_default();
    let visits = values.get("visits").and_then(|visits| visits.as_u64()).unwrap_or_default() + 1;
    values.insert("user".into(), "ada".into());
    values.insert("visits".into(), visits.into());
    let cookie = Cookie::build(("session", serde_json::to_string(&values).unwrap()));
    (jar.add(cookie.path("/").http_only(true).same_site(SameSite::Lax)), visits.to_string())
}

async fn visit_stored(session: Session) -> String {
    let visits = session.get::<u64>("visits").await.unwrap().unwrap_or_default() + 1;
    session.insert("user", "ada").await.unwrap();
    session.insert("visits", visits).await.unwrap();
    visits.to_string()
}

async fn count(mut form: Multipart) -> Result<String, MultipartError> {
    let mut size = 0;
    while let Some(mut part) = form.next_field().await? {
        while let Some(bytes) = part.chunk().await? {
            size += bytes.len();
        }
    }
    Ok(size.to_string())
}

/// As the example `stream-to-file` of axum, with a larger buffer.
async fn spool(mut form: Multipart) -> Result<String, MultipartError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("upload-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let mut file = BufWriter::with_capacity(256 << 10, tokio::fs::File::create(&path).await.unwrap());
    let mut size = 0;
    while let Some(mut part) = form.next_field().await? {
        while let Some(bytes) = part.chunk().await? {
            size += bytes.len();
            file.write_all(&bytes).await.unwrap();
        }
    }
    file.flush().await.unwrap();
    tokio::fs::remove_file(path).await.unwrap();
    Ok(size.to_string())
}

async fn trusted_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    match kit::HOSTS.iter().any(|allowed| name.eq_ignore_ascii_case(allowed)) {
        true => next.run(request).await,
        false => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn conditional(request: Request, next: Next) -> Response {
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let (mut head, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, kit::BODY_LIMIT).await.unwrap();
    let mut hasher = DefaultHasher::new();
    hasher.write(&body);
    let etag = HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).unwrap();
    if known.is_some_and(|known| known == etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    head.headers.insert(header::ETAG, etag);
    Response::from_parts(head, Body::from(body))
}

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(kit::ORIGIN.parse::<HeaderValue>().unwrap())
        .allow_methods([Method::GET, Method::POST])
}

fn ten() -> Router<App> {
    let fixed = |name, value| {
        SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http())
        .layer(GlobalConcurrencyLimitLayer::new(kit::CONCURRENCY))
        .layer(from_fn(trusted_host))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::from_secs(kit::TIMEOUT),
        ))
        .layer(RequestBodyLimitLayer::new(kit::BODY_LIMIT))
        .layer(cors())
        .layer(fixed("x-content-type-options", "nosniff"))
        .layer(fixed("cross-origin-resource-policy", "same-origin"))
        .layer(CompressionLayer::new());
    Router::new().route("/", get(|| async { common::HELLO })).layer(from_fn(conditional)).layer(layers)
}

/// `CompressionLayer` has one level for all codings.
fn compressed(json: &'static str, (gzip, br, zstd): (u8, u8, u8)) -> Router<App> {
    let one = |level: u8| {
        CompressionLayer::new()
            .no_gzip()
            .no_br()
            .no_zstd()
            .no_deflate()
            .quality(CompressionLevel::Precise(level.into()))
    };
    let records = get(move || async move { ([(header::CONTENT_TYPE, "application/json")], json) });
    Router::new()
        .route("/", records)
        .layer(one(gzip).gzip(true))
        .layer(one(br).br(true))
        .layer(one(zstd).zstd(true))
}

async fn serve(listener: tokio::net::TcpListener) {
    let json = kit::records().leak();
    let app = Router::new()
        .route("/plaintext", get(|| async { common::HELLO }))
        .route("/cors", get(|| async { common::HELLO }).layer(cors()))
        .route("/session", get(visit))
        .route(
            "/stored",
            get(visit_stored).layer(SessionManagerLayer::new(MemoryStore::default()).with_secure(false)),
        )
        .nest("/fast", compressed(json, kit::FAST))
        .nest("/middle", compressed(json, kit::MIDDLE))
        .route("/upload", post(count).layer(DefaultBodyLimit::disable()))
        .route("/spool", post(spool).layer(DefaultBodyLimit::disable()))
        .nest("/ten", ten())
        .nest_service("/static", ServeDir::new(common::static_dir()))
        .with_state(App { key: Key::from(kit::SECRET) });
    let listener = listener.tap_io(|tcp| tcp.set_nodelay(true).unwrap());
    axum::serve(listener, app.into_make_service()).await.unwrap();
}

fn main() {
    common::run_tokio(serve)
}
