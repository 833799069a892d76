//! The live parts of an open page: the feed of news, and the board on which visitors draw together.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_lite::{StreamExt, future, stream};
use serde::{Deserialize, Serialize};
use stelo::authentication::User;
use stelo::dependencies::{Dependency, Depends};
use stelo::events::{Event, EventStream, IntoEvent, LastEventId, Replayed};
use stelo::extract::FromRequestParts;
use stelo::middleware::requires;
use stelo::request::{Executor, Parts, Workers};
use stelo::response::BoxError;
use stelo::templates::{Value, context};
use stelo::websocket::{Broadcast, CloseCode, Lagged};
use stelo::{Bytes, HttpError, Redirect, Request, Response, Router, State, WebSocket, get, post};

use crate::accounts::Person;
use crate::art;
use crate::gallery::Gallery;
use crate::pages::Page;

/// A visitor with an open page: counted while the feed is open, and no longer when it ends, however it ends.
#[derive(Clone)]
struct Visit;

impl Dependency for Visit {
    type Rejection = HttpError;

    async fn resolve(parts: &mut Parts) -> Result<Self, HttpError> {
        let State(gallery) = State::<Gallery>::from_request_parts(parts).await?;
        gallery.arrive();
        parts.after_response(async move { gallery.leave() })?;
        Ok(Self)
    }
}

/// An event of the feed.
enum News {
    /// A drawing is new, or has changed. It has an id, so that a visitor that comes back misses none.
    Drawing(Replayed),
    /// The number of visitors. Old numbers are worth nothing, so these events have no id.
    Visitors(usize),
}

impl IntoEvent for News {
    fn into_text(self) -> Result<Bytes, BoxError> {
        match self {
            Self::Drawing(event) => event.into_text(),
            Self::Visitors(count) => Event::data(count.to_string()).name("visitors").into_text(),
        }
    }
}

async fn feed(
    Depends(_visit): Depends<Visit>,
    State(gallery): State<Gallery>,
    executor: Executor,
    last: Option<LastEventId>,
) -> EventStream {
    let drawings = gallery.news().subscribe(last.as_ref()).map(News::Drawing);
    let now = stream::once(News::Visitors(gallery.visitors()));
    // A visitor that misses a number gets the next one.
    let later = gallery.counts().subscribe().filter_map(|count| count.ok().map(News::Visitors));
    EventStream::new(executor, now.chain(stream::or(drawings, later)))
}

/// The colours of the pens.
const PENS: [&str; 5] = ["#22223b", "#e4572e", "#17406d", "#f3a712", "#4f9d69"];

/// The number of strokes on the board. The oldest fade.
const MAX_STROKES: usize = 400;

/// The number of points of a stroke.
const MAX_POINTS: usize = 600;

/// A line on the board, in the coordinates of a picture of 320 by 240.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stroke {
    pen: usize,
    points: Vec<(f64, f64)>,
}

impl Stroke {
    fn is_valid(&self) -> bool {
        let is_inside = |&(x, y): &(f64, f64)| (0.0..=320.0).contains(&x) && (0.0..=240.0).contains(&y);
        self.pen < PENS.len()
            && (1..=MAX_POINTS).contains(&self.points.len())
            && self.points.iter().all(is_inside)
    }

    /// The attribute `points` of a `<polyline>`. A single point is a line to itself, which shows as a dot.
    fn line(&self) -> String {
        let first = self.points.first().filter(|_| self.points.len() == 1);
        let points = self.points.iter().chain(first);
        points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
    }
}

/// The board that all visitors share.
#[derive(Clone)]
pub(crate) struct Board(Arc<(Mutex<VecDeque<Stroke>>, Broadcast<Stroke>)>);

impl Board {
    pub(crate) fn new() -> Self {
        Self(Arc::new((Mutex::default(), Broadcast::new(64))))
    }

    fn strokes(&self) -> MutexGuard<'_, VecDeque<Stroke>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, stroke: Stroke) {
        let mut strokes = self.strokes();
        if strokes.len() == MAX_STROKES {
            strokes.pop_front();
        }
        strokes.push_back(stroke.clone());
        self.0.1.send(stroke);
    }

    fn to_svg(&self) -> String {
        let mut svg = art::sheet("#fffdf8");
        for stroke in self.strokes().iter() {
            svg += &format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"4\" stroke-linecap=\"round\" \
                 stroke-linejoin=\"round\"/>\n",
                stroke.line(),
                PENS[stroke.pen]
            );
        }
        svg + "</svg>\n"
    }
}

async fn board(State(board): State<Board>, page: Page, request: Request) -> Result<Response, HttpError> {
    let line = |stroke: &Stroke| context! { points => stroke.line(), colour => PENS[stroke.pen] };
    let strokes: Vec<Value> = board.strokes().iter().map(line).collect();
    page.show(&request, "board.html", context! { strokes, pens => PENS })
}

/// Sends the strokes of the others, and adds those of this visitor.
async fn draw(State(board): State<Board>, websocket: WebSocket) -> stelo::Result<()> {
    // Both under the lock, so that no stroke is missing and none comes twice.
    let (mut others, so_far) = {
        let strokes = board.strokes();
        (board.0.1.subscribe(), strokes.iter().cloned().collect::<Vec<_>>())
    };
    websocket.accept().await?;
    for stroke in so_far {
        websocket.send_json(&stroke).await?;
    }
    let draw = async {
        let mut strokes = websocket.iter_json::<Stroke>();
        while let Some(stroke) = strokes.next().await {
            match stroke? {
                stroke if stroke.is_valid() => board.add(stroke),
                _ => websocket.close(CloseCode::POLICY_VIOLATION, "this is no stroke")?,
            }
        }
        Ok(())
    };
    let watch = async {
        while let Some(stroke) = others.next().await {
            match stroke {
                Ok(stroke) => websocket.send_json(&stroke).await?,
                // The page connects again, and gets the whole board.
                Err(Lagged(_)) => websocket.close(CloseCode::TRY_AGAIN_LATER, "too slow")?,
            }
        }
        Ok(())
    };
    future::or(draw, watch).await
}

/// Hangs the board on the wall, and wipes it.
async fn hang(
    State(gallery): State<Gallery>,
    State(board): State<Board>,
    User(person): User<Person>,
    page: Page,
    workers: Workers,
) -> stelo::Result<Redirect> {
    if board.strokes().is_empty() || !gallery.has_room() {
        page.flash("error", "The board is empty, or the walls are full.".into())?;
        return Ok(Redirect::see_other("/board"));
    }
    let svg = board.to_svg();
    let work = move || {
        let drawing = gallery.add_svg("Drawn together", &person.name, &svg)?;
        gallery.find_colours(drawing.id);
        Ok::<_, std::io::Error>(drawing)
    };
    let drawing = workers.run(work).await??;
    board.strokes().clear();
    page.flash("success", "The board hangs on the wall now.".into())?;
    Ok(Redirect::see_other(format!("/drawings/{}", drawing.id)))
}

/// The routes of the feed and of the board.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/news", get(feed))
        .name("news")
        .route("/board", get(board).websocket(draw))
        .name("board")
        .route("/board/hang", post(hang).middleware(requires(["artist"]).redirect("pages:login")))
        .name("hang")
}
