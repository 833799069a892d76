//! A gallery of small drawings: one site that uses every part of the toolkit.
//!
//! `cargo run --example gallery --features sessions,templates,validation`, then open <http://127.0.0.1:8000>. The users are
//! `ada` with the password `correct horse`, and `grace` with `battery staple`. Drawings are SVG. They are in a temporary
//! folder while the server runs.
//!
//! | file | contents |
//! |---|---|
//! | `main.rs` | the application: middleware, routers, start and end |
//! | `gallery.rs`, `art.rs` | the state, and the pictures |
//! | `pages.rs` | pages, files, errors |
//! | `accounts.rs` | login and logout |
//! | `upload.rs` | the form for a new drawing |
//! | `live.rs` | server-sent events, WebSocket |
//! | `api.rs` | JSON for programs and for other sites |

mod accounts;
mod api;
mod art;
mod gallery;
mod live;
mod pages;
mod upload;

use std::process::ExitCode;

use stelo::config::Environment;
use stelo::middleware::{
    Authentication, Compression, ContentSecurityPolicy, RequestId, SecurityHeaders, Sessions,
};
use stelo::request::Executor;
use stelo::sessions::MemoryStore;
use stelo::templates::Templates;
use stelo::{App, Router, StaticFiles, Status};

use crate::gallery::Gallery;

/// The folder of this example.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/gallery");

/// Only scripts with the nonce of the response run. Everything else comes from this site.
fn policy() -> ContentSecurityPolicy {
    ContentSecurityPolicy::new()
        .directive("default-src", ["'self'"])
        .directive("script-src", [ContentSecurityPolicy::NONCE])
        .directive("object-src", ["'none'"])
        .directive("base-uri", ["'none'"])
        .directive("form-action", ["'self'"])
        .directive("frame-ancestors", ["'none'"])
}

/// The pages, which know the user. `Sessions` also refuses what pages of other sites send.
fn pages() -> Router {
    Router::new()
        .middleware(Sessions::stored(MemoryStore::new().max_sessions(10_000)))
        .middleware(Authentication::new(accounts::BySession))
        .merge(pages::router())
        .merge(accounts::router())
        .merge(upload::router())
        .merge(live::router())
}

fn site() -> stelo::Result<App> {
    let settings: api::Settings = Environment::new().prefix("GALLERY_").load()?;
    let files = format!("{HERE}/static");
    let templates = Templates::new(format!("{HERE}/templates"))?.static_files("static", &files);
    // The names of files have the hash of their content, so they never change.
    let files = StaticFiles::new(files).cache_control("public, max-age=31536000, immutable");
    let open = async |executor: Executor| executor.run_blocking(Gallery::open).await;
    let close = async |gallery: Gallery| gallery.close();
    Ok(App::new()
        .lifespan(open, close)
        .state(templates)
        .state(accounts::Passwords::new()?)
        .state(live::Board::new())
        .middleware(RequestId::new())
        .middleware(SecurityHeaders::new().content_security_policy(policy()))
        .middleware(Compression::new())
        .include("", pages())
        .name("pages")
        .mount("/api", api::app(settings))
        .mount("/static", files)
        .name("static")
        .error_handler(Status::NOT_FOUND, pages::error)
        .error_handler(Status::FORBIDDEN, pages::error)
        .error_handler(Status::INTERNAL_SERVER_ERROR, pages::error))
}

fn main() -> ExitCode {
    match site() {
        Ok(app) => stelo::run(app),
        Err(error) => {
            eprintln!("the gallery cannot open: {error}");
            ExitCode::FAILURE
        }
    }
}
