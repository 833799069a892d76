//! `Event`: one server-sent event, as text of the stream (HTML, section 9.2.5).

use std::convert::Infallible;
use std::fmt::Write;
use std::time::Duration;

use serde_core::Serialize;
use stelo_core::Bytes;
use stelo_core::app::BoxError;

use crate::extract::Json;

/// A server-sent event: data, and optionally a name, an id and a time to wait before connecting again.
///
/// ```
/// use stelo_toolkit::events::Event;
///
/// let event = Event::data("two\nlines").name("news").id(7);
/// assert_eq!(event.as_str(), "data: two\ndata: lines\nevent: news\nid: 7\n\n");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event(String);

impl Event {
    /// Creates an event with this data. Each line of the text becomes a line of data.
    pub fn data(data: impl AsRef<str>) -> Self {
        Self::empty().lines("data: ", data.as_ref())
    }

    /// Creates an event whose data is a value as JSON.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(Self::data)
    }

    /// Creates a comment, which clients ignore. It keeps proxies from closing a quiet connection.
    pub fn comment(text: impl AsRef<str>) -> Self {
        Self::empty().lines(": ", text.as_ref())
    }

    /// Creates a message that only tells the client how long to wait before it connects again: see
    /// [`retry`](Self::retry).
    pub fn retry_after(time: Duration) -> Self {
        Self::empty().retry(time)
    }

    /// Sets the name of the event, for which a page listens by `addEventListener`. Without a name it is `message`.
    /// Line breaks in the name are left out: they would begin another field.
    #[must_use]
    pub fn name(self, name: impl AsRef<str>) -> Self {
        self.field("event: ", name.as_ref())
    }

    /// Sets the id. A client that connects again sends the last one as [`LastEventId`](super::LastEventId). Line breaks
    /// and NUL in the id are left out.
    #[must_use]
    pub fn id(self, id: impl ToString) -> Self {
        self.field("id: ", &id.to_string())
    }

    /// Sets the time that the client waits before it connects again, in whole milliseconds.
    #[must_use]
    pub fn retry(mut self, time: Duration) -> Self {
        self.0.pop();
        // Writing to a `String` does not fail.
        let _ = write!(self.0, "retry: {}\n\n", time.as_millis());
        self
    }

    /// Returns the event as text of the stream.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The blank line that ends an event.
    fn empty() -> Self {
        Self("\n".into())
    }

    fn field(mut self, name: &str, value: &str) -> Self {
        self.0.pop();
        self.0.push_str(name);
        self.0.extend(value.chars().filter(|char| !matches!(char, '\r' | '\n' | '\0')));
        self.0.push_str("\n\n");
        self
    }

    /// Writes a field for each line. CR, LF and CR LF end a line.
    fn lines(mut self, name: &str, text: &str) -> Self {
        self.0.pop();
        let mut rest = text;
        loop {
            let end = rest.find(['\r', '\n']);
            self.0.push_str(name);
            self.0.push_str(end.map_or(rest, |end| &rest[..end]));
            self.0.push('\n');
            let Some(end) = end else { break };
            let skip = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
            rest = &rest[end + skip..];
        }
        self.0.push('\n');
        self
    }
}

/// A type that a stream of events can give: an [`Event`], a text, [`Json`], or a `Result` of one. An error cuts the
/// response off.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a server-sent event",
    note = "give an `Event`, a text, `Json(..)`, or a `Result` of one"
)]
pub trait IntoEvent {
    /// Converts to the text of the stream.
    ///
    /// # Errors
    /// There is no event, and the stream ends with this error.
    fn into_text(self) -> Result<Bytes, BoxError>;
}

impl IntoEvent for Event {
    fn into_text(self) -> Result<Bytes, BoxError> {
        Ok(self.0.into())
    }
}

impl IntoEvent for String {
    fn into_text(self) -> Result<Bytes, BoxError> {
        Event::data(self).into_text()
    }
}

impl IntoEvent for &'static str {
    fn into_text(self) -> Result<Bytes, BoxError> {
        Event::data(self).into_text()
    }
}

impl<T: Serialize> IntoEvent for Json<T> {
    fn into_text(self) -> Result<Bytes, BoxError> {
        Event::json(&self.0)?.into_text()
    }
}

impl IntoEvent for Infallible {
    fn into_text(self) -> Result<Bytes, BoxError> {
        match self {}
    }
}

impl<T: IntoEvent, E: Into<BoxError>> IntoEvent for Result<T, E> {
    fn into_text(self) -> Result<Bytes, BoxError> {
        self.map_err(Into::into)?.into_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_the_data_is_a_field() {
        for (data, text) in [
            ("", "data: \n\n"),
            ("a", "data: a\n\n"),
            ("a\nb\r\nc\rd", "data: a\ndata: b\ndata: c\ndata: d\n\n"),
            ("a\n", "data: a\ndata: \n\n"),
            ("a\n\rb", "data: a\ndata: \ndata: b\n\n"),
            ("grün", "data: grün\n\n"),
        ] {
            assert_eq!(Event::data(data).as_str(), text, "{data:?}");
        }
    }

    #[test]
    fn names_and_ids_add_no_lines() {
        let event = Event::data("x").name("a\r\ndata: y").id("7\n\n8\0");
        assert_eq!(event.as_str(), "data: x\nevent: adata: y\nid: 78\n\n");
    }

    #[test]
    fn comments_and_retries_have_no_data() {
        assert_eq!(Event::comment("still\nhere").as_str(), ": still\n: here\n\n");
        assert_eq!(Event::retry_after(Duration::from_millis(1500)).as_str(), "retry: 1500\n\n");
    }

    #[test]
    fn json_is_data() {
        assert_eq!(Event::json(&["a\nb"]).unwrap().as_str(), "data: [\"a\\nb\"]\n\n");
    }
}
