//! The test client: calls an application in memory, without sockets. Results do not depend on timing.
//!
//! A request is sent by `send()`, which blocks the thread, or by `await`. With `await`, the application runs in the executor
//! of the test, so its handlers can use the timers and tasks of that executor.
//!
//! | file | contents |
//! |---|---|
//! | `client.rs` | the client, start and stop of the application |
//! | `request.rs`, `multipart.rs` | a request and its body |
//! | `exchange.rs`, `location.rs`, `cookies.rs` | the calls of the application: redirects, base URL, cookies |
//! | `response.rs`, `stream.rs`, `events.rs` | the response, judged as a server judges it; whole, in pieces, as events |
//! | `websocket.rs`, `socket.rs`, `line.rs` | WebSockets: the handshake, the two kinds of socket, the queues |
//! | `executor.rs`, `clock.rs`, `host.rs` | the executor, its time, and calls that block a thread |

mod client;
mod clock;
mod cookies;
mod events;
mod exchange;
mod executor;
mod host;
mod line;
mod location;
mod multipart;
mod request;
mod response;
mod socket;
mod stream;
mod websocket;

pub use client::Client;
pub use cookies::CookieJar;
pub use events::TestEvent;
pub use host::{AnyHost, Host};
pub use multipart::Part;
pub use request::TestRequest;
pub use response::TestResponse;
pub use socket::{AsyncTestWebSocket, TestWebSocket};
pub use stream::TestStream;
pub use websocket::TestHandshake;

/// Calls an application in memory: see [`Client`].
pub type TestClient = Client<AnyHost>;
