//! The test client: calls an application in memory, without sockets. Results do not depend on timing.
//!
//! A request is sent by `send()`, which blocks the thread, or by `await`. With `await`, the application runs in the executor
//! of the test:
//!
//! ```
//! use std::time::Duration;
//! use stelo::{App, TestClient, get};
//!
//! async fn tea() -> &'static str {
//!     tokio::time::sleep(Duration::from_millis(1)).await;
//!     "tea"
//! }
//!
//! # /*
//! #[tokio::test]
//! # */
//! # #[tokio::main(flavor = "current_thread")]
//! async fn tea_is_served() {
//!     let client = TestClient::new(App::new().route("/", get(tea)));
//!     assert_eq!(client.get("/").await.text(), "tea");
//! }
//! # tea_is_served();
//! ```

pub use stelo_toolkit::testing::{
    AsyncTestWebSocket, Client, CookieJar, Host, Part, TestEvent, TestHandshake, TestRequest, TestResponse,
    TestStream, TestWebSocket,
};

/// Calls an application in memory: see [`Client`].
pub type TestClient = Client<Executors>;

/// The executors of the enabled Cargo features.
#[derive(Clone, Copy, Debug)]
pub struct Executors;

impl Host for Executors {
    /// Executors of smol and async-std run on threads of their own, so only tokio forbids it.
    fn forbids_blocking(idle: bool) -> bool {
        #[cfg(feature = "tokio")]
        return stelo_tokio::forbids_blocking(idle);
        #[cfg(not(feature = "tokio"))]
        {
            let _ = idle;
            false
        }
    }
}
