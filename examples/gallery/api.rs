//! The API: drawings as JSON, for programs and for pages of other sites.

use std::time::Duration;

use futures_lite::stream;
use garde::Validate;
use serde::Deserialize;
use stelo::config::CommaSeparated;
use stelo::extract::{Authorization, Bearer, Valid};
use stelo::json_lines::JsonLines;
use stelo::middleware::{Conditional, Cors, Quota, RateLimit};
use stelo::request::Workers;
use stelo::response::{Problem, ResponseExt};
use stelo::{App, HttpError, IntoResponse, Json, Path, Query, Request, Response, State, Status, get, header};

use crate::art::{self, Style};
use crate::gallery::{Drawing, Gallery};

/// The settings of the API, from the environment.
#[derive(Clone, Deserialize)]
pub(crate) struct Settings {
    /// `GALLERY_TOKEN`: the token of programs that add drawings.
    #[serde(default = "token")]
    token: String,
    /// `GALLERY_ORIGINS=https://a.example, https://b.example`: the sites whose pages may use the API.
    #[serde(default)]
    origins: CommaSeparated,
}

fn token() -> String {
    "demo-token".into()
}

#[derive(Deserialize)]
struct Filter {
    artist: Option<String>,
}

impl Filter {
    fn takes(&self, drawing: &Drawing) -> bool {
        self.artist.as_ref().is_none_or(|artist| drawing.artist == *artist)
    }
}

async fn list(State(gallery): State<Gallery>, Query(filter): Query<Filter>) -> Json<Vec<Drawing>> {
    Json(gallery.all().into_iter().filter(|drawing| filter.takes(drawing)).collect())
}

/// The same as lines, for programs that read one after another.
async fn lines(State(gallery): State<Gallery>, Query(filter): Query<Filter>) -> JsonLines {
    JsonLines::new(stream::iter(gallery.all().into_iter().filter(move |drawing| filter.takes(drawing))))
}

async fn one(State(gallery): State<Gallery>, Path(id): Path<u64>) -> Result<Json<Drawing>, HttpError> {
    gallery.drawing(id).map(Json).ok_or_else(|| HttpError::new(Status::NOT_FOUND))
}

#[derive(Deserialize, Validate)]
struct Commission {
    #[garde(length(chars, min = 2, max = 60))]
    title: String,
    #[garde(length(chars, min = 2, max = 30))]
    artist: String,
    #[garde(skip)]
    style: Style,
    #[garde(range(max = 1_000_000))]
    seed: u64,
}

/// Draws a picture.
async fn commission(
    State(gallery): State<Gallery>,
    State(settings): State<Settings>,
    Authorization(token): Authorization<Bearer>,
    workers: Workers,
    Valid(Json(wish)): Valid<Json<Commission>>,
) -> stelo::Result<Response> {
    if !token.matches(&settings.token) {
        return Err(HttpError::new(Status::FORBIDDEN).with_detail("this token is unknown").into());
    }
    if !gallery.has_room() {
        return Err(HttpError::new(Status::CONFLICT).with_detail("the walls are full").into());
    }
    let keeper = gallery.clone();
    let draw = move || keeper.add_svg(&wish.title, &wish.artist, &art::draw(wish.style, wish.seed));
    let drawing = workers.run(draw).await??;
    let id = drawing.id;
    let mut response = (Status::CREATED, Json(drawing)).into_response();
    response.headers.try_set(header::LOCATION, format!("/api/drawings/{id}"))?;
    Ok(response.background(workers.task(move || gallery.find_colours(id))))
}

/// The application of the API. It answers all its errors as problems.
pub(crate) fn app(settings: Settings) -> App {
    let cors = Cors::new()
        .allow_origins(settings.origins.iter().cloned())
        .allow_methods(["GET", "POST"])
        .allow_headers(["authorization", "content-type"])
        .expose_headers(["location", "x-request-id"])
        .max_age(Duration::from_secs(600));
    App::new()
        .state(settings)
        .middleware(cors)
        .middleware(RateLimit::new(Quota::per_minute(120).burst(60)).name("api"))
        .middleware(Conditional::new())
        .on_error(async |_: Request, error: HttpError| Problem::from(error))
        .route("/drawings", get(list).post(commission))
        .route("/drawings.jsonl", get(lines))
        .route("/drawings/{id:int}", get(one))
}
