//! A handler for WebSockets, declared by `get`.

use stelo::{App, WebSocket, get};

async fn chat(_: WebSocket) {}

fn main() {
    stelo::run(App::new().route("/", get(chat))); //~ here
}

//~ ` is not a handler
//~ declare it with `websocket(..)`
