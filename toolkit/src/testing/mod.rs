//! The test client: calls an application in memory, without sockets. Results do not depend on timing.
//!
//! A request is sent by `send()`, which blocks the thread, or by `await`. With `await`, the application runs in the executor
//! of the test, so its handlers can use the timers and tasks of that executor.
//!
//! | file | contents |
//! |---|---|
//! | `client.rs` | the client, start and stop of the application |
//! | `request.rs`, `response.rs` | an exchange, judged as a server judges it |
//! | `websocket.rs`, `socket.rs`, `line.rs` | WebSockets: the handshake, the two kinds of socket, the queues |
//! | `executor.rs`, `host.rs` | the executor, and calls that block a thread |

mod client;
mod executor;
mod host;
mod line;
mod request;
mod response;
mod socket;
mod websocket;

pub use client::Client;
pub use host::{AnyHost, Host};
pub use request::TestRequest;
pub use response::TestResponse;
pub use socket::{AsyncTestWebSocket, TestWebSocket};
pub use websocket::TestHandshake;

/// Calls an application in memory: see [`Client`].
pub type TestClient = Client<AnyHost>;
