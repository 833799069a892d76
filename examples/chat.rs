//! A chat: rooms, each with a page and a WebSocket on the same path.
//!
//! `cargo run --example chat`, then open `http://127.0.0.1:8000/` in two windows. A page of
//! `http://127.0.0.1:8000/tea?name=Ada` comes in by itself.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use futures_lite::future;
use serde::Deserialize;
use stelo::{
    App, Broadcast, Html, Lagged, Path, Query, Redirect, State, Subscription, Text, WebSocket,
    WebSocketError, get,
};

/// How many lines a guest may be behind before some are missed.
const BEHIND: usize = 64;

type Room = Broadcast<Text>;

#[derive(Clone, Default)]
struct Rooms(Arc<Mutex<HashMap<String, Room>>>);

impl Rooms {
    /// Comes into a room, which is made for the first guest. Rooms without guests are cleared away.
    fn enter(&self, name: String) -> (Room, Subscription<Text>) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.retain(|_, room| room.subscribers() > 0);
        let room = rooms.entry(name).or_insert_with(|| Room::new(BEHIND)).clone();
        let lines = room.subscribe();
        (room, lines)
    }
}

#[derive(Deserialize)]
struct Guest {
    name: String,
}

/// A line that all guests share.
fn line(text: String) -> Text {
    Arc::<str>::from(text).into()
}

async fn chat(
    State(rooms): State<Rooms>,
    Path(room): Path<String>,
    Query(Guest { name }): Query<Guest>,
    websocket: WebSocket,
) -> Result<(), WebSocketError> {
    websocket.accept().await?;
    let (room, mut lines) = rooms.enter(room);
    room.send(line(format!("{name} has come in")));

    let speak = async {
        let mut texts = websocket.iter_text();
        while let Some(text) = texts.next().await {
            room.send(line(format!("{name}: {}", text?)));
        }
        Ok(())
    };
    // A guest who reads slowly holds nobody else back, but misses lines.
    let listen = async {
        while let Some(line) = lines.next().await {
            let line = line.unwrap_or_else(|Lagged(missed)| format!("({missed} lines missed)").into());
            websocket.send_text(line).await?;
        }
        Ok(())
    };
    let end = future::or(speak, listen).await;
    room.send(line(format!("{name} has left")));
    end
}

async fn page() -> Html<&'static str> {
    Html(include_str!("chat.html"))
}

fn main() -> ExitCode {
    let app = App::new()
        .state(Rooms::default())
        .route("/", get(async || Redirect::to("/lobby")))
        .route("/{room}", get(page).websocket(chat));
    stelo::run(app)
}
