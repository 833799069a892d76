//! The parts of Stelo's toolkit, as an application would use them. The feature chooses the executor.
use std::process::ExitCode;
use std::time::Duration;

use common::kit;
use stelo::forms::{FormData, Multipart};
use stelo::middleware::{
    BodyLimit, Compression, ConcurrencyLimit, Conditional, Cors, RequestId, SecurityHeaders, Sessions,
    Timeout, TraceContext, TrustedHost,
};
use stelo::routing::MethodRouter;
use stelo::sessions::{MemoryStore, Session};
use stelo::{App, Config, Result, Server, StaticFiles, Status, get, post};

async fn visit(session: Session) -> Result<String> {
    let visits = session.get::<u64>("visits").unwrap_or_default() + 1;
    session.insert("user", "ada")?;
    session.insert("visits", visits)?;
    Ok(visits.to_string())
}

async fn count(mut form: Multipart) -> Result<String> {
    let mut size = 0;
    while let Some(mut part) = form.next_part().await? {
        while let Some(bytes) = part.chunk().await? {
            size += bytes.len();
        }
    }
    Ok(size.to_string())
}

async fn spool(form: FormData) -> Result<String, Status> {
    Ok(form.file("file").ok_or(Status::BAD_REQUEST)?.size().to_string())
}

fn compressed((gzip, brotli, zstd): (u8, u8, u8)) -> Compression {
    Compression::new().gzip_level(gzip).brotli_level(brotli).zstd_level(zstd.into())
}

fn cors() -> Cors {
    Cors::new().allow_origins([kit::ORIGIN]).allow_methods(["GET", "POST"])
}

fn ten() -> MethodRouter {
    get(async || common::HELLO)
        .middleware(RequestId::new())
        .middleware(TraceContext::new())
        .middleware(ConcurrencyLimit::new(kit::CONCURRENCY))
        .middleware(TrustedHost::new(kit::HOSTS))
        .middleware(Timeout::new(Duration::from_secs(kit::TIMEOUT)))
        .middleware(BodyLimit::new(kit::BODY_LIMIT))
        .middleware(cors())
        .middleware(SecurityHeaders::new())
        .middleware(Compression::new())
        .middleware(Conditional::new())
}

fn app() -> App {
    let json = stelo::Bytes::from(kit::records());
    let records = || get(([("content-type", "application/json")], json.clone()));
    App::new()
        .route("/plaintext", get(async || common::HELLO))
        .route("/cors", get(async || common::HELLO).middleware(cors()))
        .route("/session", get(visit).middleware(Sessions::new(kit::SECRET)))
        .route("/stored", get(visit).middleware(Sessions::stored(MemoryStore::new())))
        .route("/fast", records().middleware(compressed(kit::FAST)))
        .route("/middle", records().middleware(compressed(kit::MIDDLE)))
        .route("/upload", post(count))
        .route("/spool", post(spool))
        .route("/ten", ten())
        .mount("/static", StaticFiles::new(common::static_dir()))
}

fn main() -> ExitCode {
    let config = Config::new().port(common::port()).threads(common::threads()).access_log(false);
    match Server::new(config).run(app()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
