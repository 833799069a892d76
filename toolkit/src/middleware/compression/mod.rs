//! `Compression`: compresses response bodies, in the coding that the client prefers (RFC 9110 sections 8.4 and 12.5.3).
//!
//! | module | decides |
//! |---|---|
//! | `eligible` | which responses may be compressed |
//! | `stream` | how a body is compressed, and when the output is sent |

mod eligible;
mod stream;

use std::sync::Arc;

use stelo_core::app::{Reply, Response};
use stelo_core::body::{Body, Length};
use stelo_core::http::{AcceptEncoding, Headers, Method, Status};

use self::eligible::{EXCLUDED, Types};
use super::reply::edited;
use super::{Middleware, Next};
use crate::coding::{self, Levels};
use crate::request::{Executor, Request};
use crate::response::report::failure;

pub use crate::coding::Coding;

/// Compresses response bodies: Starlette's `GZipMiddleware`, with more codings.
///
/// The client chooses by `accept-encoding`, with weights; between codings of equal weight the server prefers Zstandard
/// (feature `zstd`), then Brotli (feature `brotli`), then gzip. Each chunk of a stream is flushed, unless the next chunk
/// is ready. If a stream fails, the compressed body has no valid end.
///
/// These responses stay as they are: those below the minimum size; with a `content-encoding`; with a `content-range`; with
/// the status 206, 204 or 304; with `cache-control: no-transform`; with an [excluded type](Self::excluded_types).
///
/// All others get `vary: Accept-Encoding`, compressed or not. A compressed response has a weak `etag`, because its bytes
/// differ from those of the other codings, and no `accept-ranges`.
///
/// Add it outside of other middleware that read bodies. A page that shows both a secret and input of the client must not be
/// compressed ([BREACH](https://breachattack.com)): add [`NoCompression`] to its route.
///
/// ```
/// use stelo_toolkit::middleware::{Compression, NoCompression};
/// use stelo_toolkit::{App, TestClient, get};
///
/// let app = App::new()
///     .middleware(Compression::new().minimum_size(1000))
///     .route("/", get(async || "hello ".repeat(1000)))
///     .route("/token", get(async || "secret ".repeat(1000)).middleware(NoCompression));
/// let client = TestClient::new(app);
/// let response = client.get("/").header("accept-encoding", "gzip").send();
/// assert_eq!(response.header("content-encoding"), Some("gzip"));
/// let response = client.get("/token").header("accept-encoding", "gzip").send();
/// assert_eq!(response.header("content-encoding"), None);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Compression(Arc<Settings>);

#[derive(Clone, Debug)]
struct Settings {
    minimum_size: u64,
    levels: Levels,
    codings: Vec<Coding>,
    excluded: Types,
}

impl Compression {
    /// Creates the middleware, with the defaults of its methods.
    pub fn new() -> Self {
        Self(Arc::new(Settings {
            minimum_size: 500,
            levels: Levels::default(),
            codings: Coding::ALL.to_vec(),
            excluded: Types::new(EXCLUDED),
        }))
    }

    /// Sets the size in bytes from which bodies are compressed. 500 by default. A stream of unknown length always is.
    pub fn minimum_size(self, bytes: u64) -> Self {
        self.with(|settings| settings.minimum_size = bytes)
    }

    /// Sets the level of gzip, from 1 (fast) to 9 (small): Starlette's `compresslevel`. 6 by default; 9 takes up to twice
    /// the time for a percent of the size. Values outside of the range are clamped.
    pub fn gzip_level(self, level: u8) -> Self {
        self.with(|settings| settings.levels.gzip = level)
    }

    /// Sets the level of Brotli, from 0 (fast) to 11 (small). 4 by default. Values outside of the range are clamped.
    #[cfg(feature = "brotli")]
    pub fn brotli_level(self, level: u8) -> Self {
        self.with(|settings| settings.levels.brotli = level)
    }

    /// Sets the level of Zstandard, from 1 (fast) to 19 (small). 3 by default. Values outside of the range are clamped.
    #[cfg(feature = "zstd")]
    pub fn zstd_level(self, level: i32) -> Self {
        self.with(|settings| settings.levels.zstd = level)
    }

    /// Sets the codings to offer. The order decides between codings that a client accepts with equal weight.
    pub fn codings(self, codings: impl IntoIterator<Item = Coding>) -> Self {
        self.with(|settings| settings.codings = codings.into_iter().collect())
    }

    /// Sets the media types that are not compressed, in place of the default ones: `audio/*`, `video/*`, `font/*`, the
    /// compressed types of images and archives, `text/event-stream`, and gRPC.
    ///
    /// A type matches as a whole, without regard to case and parameters. `audio/*` means each type of audio.
    pub fn excluded_types(self, types: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.with(|settings| settings.excluded = Types::new(types))
    }

    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.0));
        self
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Compression {
    fn call(&self, request: Request, next: Next) -> Reply {
        if request.is_websocket() {
            return next.run(request);
        }
        let client = Client {
            coding: self.0.choose(request.headers()),
            is_head: *request.method() == Method::Head,
            known: request.headers().get("if-none-match").map(<[u8]>::to_vec),
            executor: request.executor(),
        };
        let settings = self.0.clone();
        edited(next.run(request), move |response| settings.apply(response, client))
    }
}

/// The parts of a request that decide about its response.
struct Client {
    coding: Option<Coding>,
    is_head: bool,
    /// `if-none-match`
    known: Option<Vec<u8>>,
    executor: Executor,
}

impl Settings {
    fn choose(&self, headers: &Headers) -> Option<Coding> {
        let mut names = [""; Coding::ALL.len()];
        let codings = self.codings.iter().take(names.len());
        codings.zip(&mut names).for_each(|(coding, name)| *name = coding.name());
        let names = &names[..self.codings.len().min(names.len())];
        AcceptEncoding::of(headers).choose(names).map(|index| self.codings[index])
    }

    fn apply(&self, response: &mut Response, client: Client) {
        if eligible::take_refusal(&mut response.headers) {
            return;
        }
        if response.status == Status::NOT_MODIFIED {
            // The response that the client has may be a compressed one (RFC 9110 section 15.4.5).
            response.headers.add_vary("Accept-Encoding");
            client.known.into_iter().for_each(|known| weaken_if_known(&mut response.headers, &known));
            return;
        }
        if !eligible::allows(response, self.minimum_size, &self.excluded) {
            return;
        }
        response.headers.add_vary("Accept-Encoding");
        let Some(coding) = client.coding.filter(|_| !eligible::is_part(response)) else { return };
        let lasts = eligible::media_type(&response.headers).is_some_and(|media| media == "text/event-stream");
        let mut body = std::mem::take(&mut response.body);
        let levels = self.levels;
        let compressed = match stream::whole(&mut body) {
            Some(bytes) => coding::encode(coding, levels, bytes).map(Body::from),
            // The client gets no body, and a GET request gets none of known length.
            None if client.is_head => Ok(Body::from_frames(futures_lite::stream::empty(), Length::Unknown)),
            None => match coding::encoder(coding, levels, lasts) {
                Ok(encoder) => Ok(stream::compressed(std::mem::take(&mut body), encoder, client.executor)),
                Err(error) => Err(error),
            },
        };
        match compressed {
            Ok(compressed) => response.body = compressed,
            Err(error) => {
                response.body = body;
                failure!("a response is sent uncompressed: {}: {error}", coding.name());
                return;
            }
        }
        response.headers.set("content-encoding", coding.name());
        response.headers.remove("content-length");
        response.headers.remove("accept-ranges");
        weaken(&mut response.headers);
    }
}

/// Makes the entity tag weak: it means the same content in other bytes (RFC 9110 section 8.8.1).
fn weaken(headers: &mut Headers) {
    if let Some(etag) = headers.get("etag").filter(|etag| !etag.starts_with(b"W/")) {
        let weak = [b"W/", etag].concat();
        headers.try_set("etag", weak).unwrap_or_default();
    }
}

/// Makes the entity tag of a 304 weak if the client knows only the weak one: caches look for the same tag (RFC 9111 section
/// 4.3.4).
fn weaken_if_known(headers: &mut Headers, known: &[u8]) {
    let Some(etag) = headers.get("etag") else { return };
    let mut known = known.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    if known.any(|tag| tag.strip_prefix(b"W/") == Some(etag)) {
        weaken(headers);
    }
}

/// Turns [`Compression`] off for the routes that it surrounds.
///
/// It marks their responses with `content-encoding: identity`, which `Compression` removes.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoCompression;

impl Middleware for NoCompression {
    fn call(&self, request: Request, next: Next) -> Reply {
        edited(next.run(request), |response| {
            if !response.headers.contains("content-encoding") {
                response.headers.set("content-encoding", "identity");
            }
        })
    }
}
