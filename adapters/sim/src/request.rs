//! Requests by method and path, as a test writes them: header fields, JSON, forms, bodies in pieces, timeouts in virtual
//! time. Their connection is kept for the next request.

use std::future::poll_fn;
use std::time::Duration;

use serde_core::Serialize;

use crate::answer::{Answer, Asked};
use crate::client::Client;
use crate::wire::Broken;

/// A request that a [`Client`] has not sent yet.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct ClientRequest<'a> {
    client: &'a mut Client,
    method: String,
    target: String,
    fields: String,
    names: Vec<String>,
    body: Content,
    trailers: String,
    timeout: Option<Duration>,
}

#[derive(Debug)]
enum Content {
    None,
    Whole(Vec<u8>),
    Chunks { pieces: Vec<Vec<u8>>, pause: Duration },
}

impl Client {
    /// Creates a GET request to a target such as `/path?query`.
    pub fn get(&mut self, target: &str) -> ClientRequest<'_> {
        self.request("GET", target)
    }

    /// Creates a HEAD request.
    pub fn head(&mut self, target: &str) -> ClientRequest<'_> {
        self.request("HEAD", target)
    }

    /// Creates a POST request.
    pub fn post(&mut self, target: &str) -> ClientRequest<'_> {
        self.request("POST", target)
    }

    /// Creates a PUT request.
    pub fn put(&mut self, target: &str) -> ClientRequest<'_> {
        self.request("PUT", target)
    }

    /// Creates a PATCH request.
    pub fn patch(&mut self, target: &str) -> ClientRequest<'_> {
        self.request("PATCH", target)
    }

    /// Creates a DELETE request.
    pub fn delete(&mut self, target: &str) -> ClientRequest<'_> {
        self.request("DELETE", target)
    }

    /// Creates an OPTIONS request.
    pub fn options(&mut self, target: &str) -> ClientRequest<'_> {
        self.request("OPTIONS", target)
    }

    /// Creates a request of this method.
    pub fn request(&mut self, method: &str, target: &str) -> ClientRequest<'_> {
        ClientRequest {
            client: self,
            method: method.to_owned(),
            target: target.to_owned(),
            fields: String::new(),
            names: Vec::new(),
            body: Content::None,
            trailers: String::new(),
            timeout: None,
        }
    }
}

impl<'a> ClientRequest<'a> {
    /// Adds a header field. The client adds `host` and the field that frames the body, unless they are set here.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.fields += &line(name, value);
        self.names.push(name.to_ascii_lowercase());
        self
    }

    /// Sets the body, which is sent with its length.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Content::Whole(body.into());
        self
    }

    /// Sets a value as the body, in JSON.
    ///
    /// # Panics
    /// If the value cannot be written as JSON.
    #[track_caller]
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.header("content-type", "application/json").body(body),
            Err(error) => panic!("the body: {error}"),
        }
    }

    /// Sets the fields of a form as the body, urlencoded.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let pairs = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        self.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// Sets the pieces of a body, which are sent in chunks. The client pauses after each of them.
    ///
    /// An answer that comes before the last piece ends the request.
    pub fn chunks<B: Into<Vec<u8>>>(mut self, pieces: impl IntoIterator<Item = B>, pause: Duration) -> Self {
        self.body = Content::Chunks { pieces: pieces.into_iter().map(Into::into).collect(), pause };
        self
    }

    /// Adds a trailer field behind a body of [chunks](Self::chunks).
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers += &line(name, value);
        self
    }

    /// Limits the virtual time until the answer is complete. Default: none, since the timeouts of the server end an
    /// exchange.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends the request, and reads the answer. Connects again before it if the server has closed the connection.
    ///
    /// # Errors
    /// There is no complete answer.
    pub async fn send(self) -> Result<Answer, Broken> {
        let (sim, timeout) = (self.client.sim.clone(), self.timeout);
        let answer = async { self.open().await?.finish().await };
        match timeout {
            Some(timeout) => sim.timeout(timeout, answer).await.unwrap_or(Err(Broken::Timeout)),
            None => answer.await,
        }
    }

    /// Sends the request, and reads the head of the answer. [`Incoming`] reads the body piece by piece.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn open(self) -> Result<Incoming<'a>, Broken> {
        let asked = if self.method == "HEAD" { Asked::Head } else { Asked::Other };
        let head = self.request_head();
        let Self { client, body, trailers, .. } = self;
        client.reconnect().await?;
        // Until the answer is complete, the connection cannot carry another request.
        client.spent = true;
        client.wire.queue(head.as_bytes());
        let mut incoming = Incoming { client, asked, is_sent: true };
        match body {
            Content::None => {}
            Content::Whole(body) => incoming.client.wire.queue(&body),
            Content::Chunks { pieces, pause } => {
                incoming.is_sent = false;
                for piece in pieces {
                    incoming.client.wire.queue_chunk(&piece);
                    let sim = incoming.client.sim.clone();
                    if !pause.is_zero()
                        && let Some(head) = sim.timeout(pause, incoming.head()).await
                    {
                        head?;
                        return Ok(incoming);
                    }
                }
                incoming.client.wire.queue(format!("0\r\n{trailers}\r\n").as_bytes());
                incoming.is_sent = true;
            }
        }
        incoming.head().await?;
        Ok(incoming)
    }

    /// Returns the head of the request.
    fn request_head(&self) -> String {
        let Self { method, target, fields, names, .. } = self;
        let has = |name: &str| names.iter().any(|known| known == name);
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        if !has("host") {
            head += &line("host", "sim");
        }
        if !has("content-length") && !has("transfer-encoding") {
            match &self.body {
                Content::Whole(body) => head += &line("content-length", &body.len().to_string()),
                Content::Chunks { .. } => head += &line("transfer-encoding", "chunked"),
                // RFC 9110 section 8.6: methods that anticipate content state that there is none.
                Content::None if matches!(&**method, "POST" | "PUT" | "PATCH") => {
                    head += &line("content-length", "0");
                }
                Content::None => {}
            }
        }
        head + fields + "\r\n"
    }
}

/// An answer whose head has been read. Dropping it before its end leaves the exchange: the next request of the client
/// has a new connection.
#[derive(Debug)]
pub struct Incoming<'a> {
    client: &'a mut Client,
    asked: Asked,
    /// Whether the request has been sent, or is queued.
    is_sent: bool,
}

impl Incoming<'_> {
    async fn head(&mut self) -> Result<(), Broken> {
        poll_fn(|cx| self.client.wire.poll_until(cx, self.asked, |reader| reader.has_head())).await
    }

    /// Returns the answer as far as it has been read, without the pieces of the body that were taken.
    pub fn answer(&mut self) -> &Answer {
        self.client.wire.reader.answer()
    }

    /// Reads the next piece of the body. `None` is the end.
    ///
    /// # Errors
    /// The answer is cut off.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        poll_fn(|cx| self.client.wire.poll_piece(cx, self.asked)).await
    }

    /// Reads the answer to its end.
    ///
    /// # Errors
    /// The answer is cut off.
    pub async fn finish(self) -> Result<Answer, Broken> {
        let answer = poll_fn(|cx| self.client.wire.poll_answer(cx, self.asked)).await?;
        self.client.spent = answer.closes() || answer.status == 101 || !self.is_sent;
        Ok(answer)
    }
}

/// Returns the line of a field.
///
/// # Panics
/// If the value ends the line. For invalid requests there is [`Client::send`].
#[track_caller]
fn line(name: &str, value: &str) -> String {
    let line = format!("{name}: {value}\r\n");
    assert!(line.find(['\r', '\n']) == Some(line.len() - 2), "field `{name}`: a line end");
    line
}

/// Encodes a name or a value of a form: the URL standard, section 5.2.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'*' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
