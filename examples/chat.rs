//! A chat with rooms. Each room has a page and a WebSocket on the same path.
//!
//! `cargo run --example chat`, then open `http://127.0.0.1:8000/` in two windows. The page at
//! `http://127.0.0.1:8000/tea?name=Ada` joins by itself.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use futures_lite::future;
use serde::Deserialize;
use stelo::websocket::{Broadcast, Lagged, Subscription, Text};
use stelo::{App, Html, Path, Query, Redirect, State, WebSocket, get};

/// The number of lines that a guest can fall behind before some are dropped.
const BEHIND: usize = 64;

type Room = Broadcast<Text>;

#[derive(Clone, Default)]
struct Rooms(Arc<Mutex<HashMap<String, Room>>>);

impl Rooms {
    /// Enters a room. The first guest creates it, and rooms without guests are removed.
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

/// A line of text that all guests share without a copy.
fn line(text: String) -> Text {
    Arc::<str>::from(text).into()
}

async fn chat(
    State(rooms): State<Rooms>,
    Path(room): Path<String>,
    Query(Guest { name }): Query<Guest>,
    websocket: WebSocket,
) -> stelo::Result<()> {
    websocket.accept().await?;
    let (room, mut lines) = rooms.enter(room);
    room.send(line(format!("{name} has joined")));

    let speak = async {
        let mut texts = websocket.iter_text();
        while let Some(text) = texts.next().await {
            room.send(line(format!("{name}: {}", text?)));
        }
        Ok(())
    };
    // A slow guest does not slow the others down, but misses lines.
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

fn main() -> ExitCode {
    let app = App::new()
        .state(Rooms::default())
        .route("/", get(Redirect::to("/lobby")))
        .route("/{room}", get(Html(include_str!("chat.html"))).websocket(chat));
    stelo::run(app)
}
