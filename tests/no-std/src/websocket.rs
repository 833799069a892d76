//! A WebSocket between two machines: handshake, a message in both directions (compressed, if available), and the close.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stelo_core::body;
use stelo_core::http::Headers;
use stelo_core::proto::{self, HttpMachine, Machine};
use stelo_core::ws::{
    ClientHandshake, CloseCode, Command, Config, Connection, Event, Handshake, Message, is_asked_for,
};
use stelo_core::{Instant, h1};

const NOW: Instant = Instant::ZERO;

/// Whether a message comes back as it was sent, and the close frame too.
pub(crate) fn echoes() -> Option<bool> {
    let config = Arc::new(Config::default());
    let (mut client, mut server) = open(&config)?;
    let text = "to be said, to be said again, and to be said a third time, for there has to be something to compress";
    client.send(NOW, Command::Message(text.into())).ok()?;
    carry(&mut client, &mut server);
    let Event::Text(heard) = server.next_event() else { return None };
    let answer = Message::Text(heard.into_owned().into());
    server.send(NOW, Command::Message(answer)).ok()?;
    let compressed = carry(&mut server, &mut client) < text.len();
    let back = matches!(client.next_event(), Event::Text(heard) if heard == text);
    client.send(NOW, Command::Close { code: CloseCode::NORMAL_CLOSURE, reason: "done" }).ok()?;
    carry(&mut client, &mut server);
    let closing = matches!(server.next_event(), Event::Closing);
    let closed = matches!(server.next_event(), Event::Closed(closed) if closed.reason == "done");
    carry(&mut server, &mut client);
    let told = matches!(client.next_event(), Event::Closed(closed) if closed.reason == "done");
    let ended = matches!(client.next_event(), Event::Ended);
    Some(compressed == cfg!(feature = "deflate") && back && closing && closed && told && ended)
}

/// Both sides of a WebSocket, after the handshake.
fn open(config: &Arc<Config>) -> Option<(Connection, Connection)> {
    let mut asked = ClientHandshake::new("example.org", "/", &[], *b"without a source", config).ok()?;
    let mut http = h1::Connection::new(Arc::new(h1::Config::default()), NOW);
    http.receive(NOW, asked.request());
    let proto::Event::Request { stream, head, .. } = http.next_event() else { return None };
    let handshake = is_asked_for(&head).then(|| Handshake::check(&head))?.ok()?;
    let mut headers = Headers::new();
    let agreed = handshake.accept(&mut headers, config).ok()?;
    let answer = proto::Command::Response {
        status: stelo_core::http::Status::SWITCHING_PROTOCOLS,
        headers: &headers,
        length: body::Length::None,
        defaults: &proto::Defaults::default(),
    };
    http.send(NOW, stream, answer).ok()?;
    let mut slices = [&[][..]; 4];
    let filled = http.poll_transmit(&mut slices).slices;
    let opened = asked.receive(&slices[..filled].concat()).ok()??;
    let client = Connection::client(config.clone(), opened.agreed, *b"nor of any true luck", NOW);
    Some((client, Connection::server(config.clone(), agreed, NOW)))
}

/// Carries what one side has written to the other; says how much it was.
fn carry(from: &mut Connection, to: &mut Connection) -> usize {
    let mut slices = [&[][..]; 4];
    let filled = from.poll_transmit(&mut slices).slices;
    let bytes: Vec<u8> = slices[..filled].concat();
    from.transmitted(NOW, bytes.len());
    to.receive(NOW, &bytes)
}
