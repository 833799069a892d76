//! WebSockets handled by a method for each event: Starlette's `WebSocketEndpoint`.

use std::future::Future;

use stelo_core::app::BoxError;
use stelo_core::ws::CloseCode;

use super::messages::FromMessage;
use super::{WebSocket, WebSocketHandler, error};
use crate::describe::Operation;
use crate::response::Failure;

/// A WebSocket handler with a method for each event. Each WebSocket gets its own clone of the endpoint.
///
/// ```
/// use stelo_toolkit::response::BoxError;
/// use stelo_toolkit::websocket::WebSocketEndpoint;
/// use stelo_toolkit::{App, TestClient, WebSocket};
///
/// #[derive(Clone)]
/// struct Count(u32);
///
/// impl WebSocketEndpoint for Count {
///     type Data = String;
///
///     async fn on_receive(&mut self, websocket: &WebSocket, text: String) -> Result<(), BoxError> {
///         self.0 += 1;
///         Ok(websocket.send_text(format!("{}. {text}", self.0)).await?)
///     }
/// }
///
/// let client = TestClient::new(App::new().websocket("/count", Count(0)));
/// let mut socket = client.websocket_connect("/count").connect().unwrap();
/// for line in ["1. tea", "2. tea"] {
///     socket.send_text("tea");
///     assert_eq!(socket.receive_text().unwrap(), line);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an endpoint for WebSockets",
    note = "implement `WebSocketEndpoint` and `Clone` for it"
)]
pub trait WebSocketEndpoint: Send {
    /// The type of messages, Starlette's `encoding`: `String`, [`Bytes`](crate::Bytes), [`Json<T>`](crate::Json), or
    /// [`Message`](stelo_core::ws::Message) for both kinds. A message of another kind closes with 1003.
    type Data: FromMessage + Send;

    /// Called when the client requests the WebSocket. Accepts it by default.
    ///
    /// # Errors
    /// As the errors of a handler. No other method is called then.
    fn on_connect(&mut self, websocket: &WebSocket) -> impl Future<Output = Result<(), BoxError>> + Send {
        async { Ok(websocket.accept().await?) }
    }

    /// Called for each message.
    ///
    /// # Errors
    /// As the errors of a handler.
    fn on_receive(
        &mut self,
        websocket: &WebSocket,
        data: Self::Data,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Called at the end, with the code of the client, or with the code that an error closes with.
    fn on_disconnect(&mut self, websocket: &WebSocket, code: CloseCode) -> impl Future<Output = ()> + Send {
        let _ = (websocket, code);
        async {}
    }
}

/// The type implements [`WebSocketEndpoint`].
#[derive(Debug)]
pub enum AsWebSocketEndpoint {}

impl<E: WebSocketEndpoint + Clone + Sync + 'static> WebSocketHandler<AsWebSocketEndpoint> for E {
    async fn call(mut self, websocket: WebSocket) -> Result<(), Failure> {
        self.on_connect(&websocket).await.map_err(Failure::new)?;
        let failure = loop {
            let message = websocket.receive().await.and_then(E::Data::from_message);
            let outcome = match message {
                Ok(data) => self.on_receive(&websocket, data).await,
                Err(error) => Err(error.into()),
            };
            if let Err(error) = outcome {
                break Failure::new(error);
            }
        };
        self.on_disconnect(&websocket, error::code(&failure)).await;
        Err(failure)
    }

    fn describe(_: &mut Operation) {}
}
