//! The pages that need no login, the files of the drawings, and the pages of errors.

use serde::Deserialize;
use stelo::authentication::User;
use stelo::extract::FromRequestParts;
use stelo::handler::blocking;
use stelo::middleware::Cache;
use stelo::request::Parts;
use stelo::response::{CacheControl, ResponseExt};
use stelo::sessions::{Session, SessionError};
use stelo::templates::minijinja::value::{Serde, merge_maps};
use stelo::templates::{Templates, Value, context};
use stelo::{
    FileResponse, HttpError, IntoResponse, Path, Query, Request, Response, Router, State, Status, get, header,
};

use crate::accounts::Person;
use crate::art;
use crate::gallery::{Drawing, Gallery};

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

/// The needs of every page: the templates, and the values of the layout.
pub(crate) struct Page {
    templates: Templates,
    session: Session,
    person: Option<Person>,
    visitors: usize,
}

impl FromRequestParts for Page {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        let session = Session::from_request_parts(parts).await?;
        let person = Option::<User<Person>>::from_request_parts(parts).await?;
        let State(templates) = State::<Templates>::from_request_parts(parts).await?;
        let State(gallery) = State::<Gallery>::from_request_parts(parts).await?;
        Ok(Self { templates, session, person: person.map(|User(it)| it), visitors: gallery.visitors() })
    }
}

impl Page {
    /// Leaves a message for the next page.
    pub(crate) fn flash(&self, category: &str, message: String) -> Result<(), SessionError> {
        self.session.flash(category, message)
    }

    /// Renders a page. It shows the messages that the last request has left.
    pub(crate) fn show(self, request: &Parts, name: &str, values: Value) -> Result<Response, HttpError> {
        let layout = context! {
            person => self.person.map(|person| person.name),
            visitors => self.visitors,
            messages => Serde(self.session.take_flashes()),
        };
        let page = self.templates.response(request, name, merge_maps([layout, values]))?;
        Ok(page.with_header(header::CACHE_CONTROL, "private, no-cache"))
    }
}

fn values(drawings: &[Drawing]) -> Value {
    Serde(drawings.to_vec()).into()
}

async fn wall(State(gallery): State<Gallery>, page: Page, request: Request) -> Result<Response, HttpError> {
    page.show(&request, "wall.html", context! { drawings => values(&gallery.all()) })
}

fn found(gallery: &Gallery, id: u64) -> Result<Drawing, HttpError> {
    let missing = || HttpError::new(Status::NOT_FOUND).with_detail("There is no such drawing.");
    gallery.drawing(id).ok_or_else(missing)
}

async fn drawing(
    State(gallery): State<Gallery>,
    Path(id): Path<u64>,
    page: Page,
    request: Request,
) -> Result<Response, HttpError> {
    let drawing = found(&gallery, id)?;
    let (older, newer) = (id.checked_sub(1).filter(|id| *id > 0), gallery.drawing(id + 1));
    let values = context! {
        drawing => Serde(drawing),
        older,
        newer => newer.map(|drawing| drawing.id),
    };
    page.show(&request, "drawing.html", values)
}

/// One card of the wall. The script of the page asks for it when the feed names a drawing.
async fn card(
    State(gallery): State<Gallery>,
    State(templates): State<Templates>,
    Path(id): Path<u64>,
    request: Request,
) -> Result<Response, HttpError> {
    let drawings = values(&[found(&gallery, id)?]);
    templates.block(&request, "wall.html", "cards", context! { drawings })
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    download: bool,
}

/// The file of a drawing, whole or in part.
///
/// Some are uploaded, and an SVG can have scripts. In an `<img>` they never run. For a browser that opens the file as a
/// page, the policy forbids them.
async fn file(
    State(gallery): State<Gallery>,
    Path(id): Path<u64>,
    Query(shown): Query<Shown>,
    request: Request,
) -> Result<Response, HttpError> {
    let drawing = found(&gallery, id)?;
    let name = format!("{}.svg", drawing.title.replace(['/', '\\'], "-"));
    let disposition = if shown.download { "attachment" } else { "inline" };
    let file = FileResponse::new(gallery.file(id))
        .filename(name)
        .content_disposition_type(disposition)
        .header(header::CACHE_CONTROL, "no-cache")
        .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    file.respond(&request).await
}

/// All drawings on one sheet. It takes time, so a thread for blocking work draws it, and the cache keeps it.
fn poster(State(gallery): State<Gallery>) -> Result<Response, HttpError> {
    let mut svg = art::sheet("#1b1f3b");
    // An uploaded picture could draw outside of its place.
    let ours = gallery.all().into_iter().filter(|drawing| drawing.is_ours);
    for (place, drawing) in ours.take(12).enumerate() {
        let text = std::fs::read_to_string(gallery.file(drawing.id));
        let text = text.map_err(|error| HttpError::new(Status::INTERNAL_SERVER_ERROR).with_source(error))?;
        let (x, y) = (12 + place % 4 * 76, 24 + place / 4 * 68);
        svg += &text.replacen("<svg", &format!("<svg x=\"{x}\" y=\"{y}\" width=\"68\" height=\"51\""), 1);
    }
    let keep = CacheControl::new().public().max_age(MINUTE).stale_while_revalidate(10 * MINUTE);
    let mut response = (keep, svg + "</svg>\n").into_response();
    response.headers.set(header::CONTENT_TYPE, "image/svg+xml");
    Ok(response)
}

async fn colophon(page: Page, request: Request) -> Result<Response, HttpError> {
    page.show(&request, "colophon.html", context! {})
}

/// Fails, so that the page for errors can be seen.
async fn broken() -> stelo::Result<&'static str> {
    let paint: u32 = "no paint left".parse()?;
    Ok(if paint > 0 { "painted" } else { "blank" })
}

/// The page of an error. It needs no session, so that it also works if the session does not.
pub(crate) async fn error(request: Request, error: HttpError) -> Result<(Status, Response), HttpError> {
    let Some(templates) = request.state::<Templates>() else { return Err(error) };
    let values =
        context! { status => error.status.code(), reason => error.status.reason(), detail => error.detail };
    Ok((error.status, templates.response(&request, "error.html", values)?))
}

/// The routes of these pages.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(wall))
        .name("wall")
        .route("/drawings/{id:int}", get(drawing))
        .name("drawing")
        .route("/drawings/{id:int}/card", get(card))
        .name("card")
        .route("/drawings/{id:int}.svg", get(file))
        .name("file")
        .route("/poster.svg", get(blocking(poster)).middleware(Cache::new()))
        .name("poster")
        .route("/colophon", get(colophon))
        .name("colophon")
        .route("/broken", get(broken))
        .name("broken")
}
