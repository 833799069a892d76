//! `Decompression`: decompresses request bodies, within limits (RFC 9110 section 8.4).
//!
//! The body is decompressed as the handler reads it, in pieces of 32 KiB.

use futures_lite::stream;
use stelo_core::Bytes;
use stelo_core::app::Reply;
use stelo_core::body::{Body, BodyError, Frame, Length};
use stelo_core::http::{Headers, Status};

use super::reply::refused;
use super::{Middleware, Next};
use crate::coding::{self, DECODABLE, Decode};
use crate::request::Request;
use crate::response::HttpError;

/// The size of the pieces, in bytes.
const PIECE: usize = 32 << 10;
/// A body may have one stream, and one more for this number of bytes. Each one costs an initialization.
const STREAM: u64 = 1 << 10;

/// Decompresses request bodies with a `content-encoding` of `gzip`, `deflate`, `br` (feature `brotli`) or `zstd` (feature
/// `zstd`).
///
/// Handlers see the decompressed body, without `content-encoding` and `content-length`. The [limit of collected
/// bodies](crate::Router::body_limit) counts decompressed bytes. Two more limits protect handlers that read the body as a
/// stream: its [size](Self::max_size), and its [ratio](Self::max_ratio) to the compressed bytes.
///
/// | request | status |
/// |---|---|
/// | an unknown coding, or several | 415, with `accept-encoding` |
/// | a limit is exceeded | 413 |
/// | the body is not of its coding, or is incomplete | 400 |
///
/// The last two are errors of the body: the handler gets them when it reads. A handler that does not read them back gets the
/// bytes before the error.
///
/// ```
/// use stelo_toolkit::middleware::Decompression;
/// use stelo_toolkit::{App, post};
///
/// let app = App::new()
///     .middleware(Decompression::new().max_size(8 << 20))
///     .route("/", post(async |text: String| text));
/// # app.build().unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Decompression {
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    size: u64,
    ratio: u64,
    ratio_from: u64,
}

impl Decompression {
    /// Creates the middleware, with the defaults of its methods.
    pub fn new() -> Self {
        Self { limits: Limits { size: 64 << 20, ratio: 100, ratio_from: 1 << 20 } }
    }

    /// Sets the most bytes that a body may have after decompression. 64 MiB by default.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.limits.size = bytes;
        self
    }

    /// Sets how many times larger than its compressed form a body may be, beyond the first MiB. 100 by default.
    pub fn max_ratio(mut self, ratio: u64) -> Self {
        self.limits.ratio = ratio;
        self
    }
}

impl Default for Decompression {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Decompression {
    fn call(&self, mut request: Request, next: Next) -> Reply {
        let decoder = match decoder(request.headers()) {
            Ok(None) => return next.run(request),
            Ok(Some(decoder)) => decoder,
            Err(error) => return refused(request, error),
        };
        let headers = request.head_mut().headers_mut();
        headers.remove("content-encoding");
        headers.remove("content-length");
        let body = request.stream();
        *request.body_mut() = match body.length() {
            Length::None | Length::Known(0) => Body::empty(),
            _ => decompressed(body, decoder, self.limits),
        };
        next.run(request)
    }
}

/// Returns the decoder for a request; `None` if its body has no coding.
fn decoder(headers: &Headers) -> Result<Option<Box<dyn Decode>>, HttpError> {
    let members = headers.get_all("content-encoding").flat_map(|field| field.split(|&byte| byte == b','));
    let mut codings = members
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"));
    let decoder = match (codings.next(), codings.next()) {
        (None, _) => return Ok(None),
        (Some(coding), None) => coding::decoder(coding),
        _ => None,
    };
    match decoder {
        Some(decoder) => Ok(Some(decoder)),
        None => Err(HttpError::new(Status::UNSUPPORTED_MEDIA_TYPE)
            .with_detail(format!("the content-encoding must be one of: {DECODABLE}"))
            .with_header("accept-encoding", DECODABLE)),
    }
}

fn decompressed(body: Body, decoder: Box<dyn Decode>, limits: Limits) -> Body {
    let work = Work {
        body,
        decoder,
        limits,
        input: Bytes::new(),
        state: State::Between,
        read: 0,
        written: 0,
        streams: 0,
    };
    Body::from_frames(stream::try_unfold(work, Work::next), Length::Unknown)
}

/// A body that is being decompressed.
struct Work {
    body: Body,
    decoder: Box<dyn Decode>,
    limits: Limits,
    /// The rest of the last chunk.
    input: Bytes,
    state: State,
    read: u64,
    written: u64,
    /// The number of streams that have begun.
    streams: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning, or after the end of a stream.
    Between,
    /// The decoder needs input.
    Within,
    /// The decoder may have output without more input.
    Full,
}

impl Work {
    /// Returns the next frame.
    async fn next(mut self) -> Result<Option<(Frame, Self)>, BodyError> {
        loop {
            if self.input.is_empty() && self.state != State::Full {
                match self.body.frame().await.transpose()? {
                    Some(Frame::Data(bytes)) => self.input = bytes,
                    Some(trailers) if self.state == State::Between => return Ok(Some((trailers, self))),
                    None if self.state == State::Between => return Ok(None),
                    _ => return Err(invalid("the compressed body is incomplete")),
                }
                continue;
            }
            let piece = self.piece()?;
            if !piece.is_empty() {
                return Ok(Some((Frame::Data(piece.into()), self)));
            }
        }
    }

    /// Decompresses up to a piece of output.
    fn piece(&mut self) -> Result<Vec<u8>, BodyError> {
        if self.state == State::Between {
            self.begin()?;
        }
        // One byte beyond the limit shows that the body is too large.
        let room = (self.limits.size - self.written).saturating_add(1).min(PIECE as u64) as usize;
        let mut piece = vec![0; room];
        let step = self
            .decoder
            .decode(&self.input, &mut piece)
            .map_err(|_| invalid("the compressed body is invalid"))?;
        if step.read == 0 && step.written == 0 && !step.ended && !self.input.is_empty() {
            return Err(invalid("the compressed body is invalid"));
        }
        self.input.advance(step.read);
        piece.truncate(step.written);
        self.read += step.read as u64;
        self.written += step.written as u64;
        self.state = match step.written == room {
            _ if step.ended => State::Between,
            true => State::Full,
            false => State::Within,
        };
        self.check()?;
        Ok(piece)
    }

    /// Begins the first stream, or one after another.
    fn begin(&mut self) -> Result<(), BodyError> {
        self.streams += 1;
        let is_allowed =
            self.streams == 1 || (self.streams <= 2 + self.read / STREAM && self.decoder.restart());
        if is_allowed { Ok(()) } else { Err(invalid("the compressed body has bytes after its end")) }
    }

    fn check(&self) -> Result<(), BodyError> {
        let Limits { size, ratio, ratio_from } = self.limits;
        if self.written > size {
            return Err(BodyError::TooLarge { limit: usize::try_from(size).unwrap_or(usize::MAX) });
        }
        if self.written > ratio_from && self.written / ratio.max(1) > self.read {
            let text = format!("the body is more than {ratio} times as large as its compressed form");
            return Err(BodyError::Other(HttpError::new(Status::CONTENT_TOO_LARGE).with_detail(text).into()));
        }
        Ok(())
    }
}

/// An error that the client has made: 400.
fn invalid(text: &'static str) -> BodyError {
    BodyError::Other(HttpError::new(Status::BAD_REQUEST).with_detail(text).into())
}
