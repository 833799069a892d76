//! Server-sent events as a browser reads them: the HTML standard, section 9.2.6.

/// An event of a stream of the type `text/event-stream`.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct TestEvent {
    /// The type: `message` if the stream does not say.
    pub event: String,
    /// The lines of data, separated by line feeds.
    pub data: String,
    /// The identifier of the last event that has one.
    pub id: String,
    /// The time in milliseconds before the client connects again, if this event sets it.
    pub retry: Option<u64>,
}

/// Reads events from the pieces of a body.
#[derive(Debug, Default)]
pub(super) struct Reader {
    input: Vec<u8>,
    begun: bool,
    /// The input follows a carriage return, so a line feed at its beginning belongs to that.
    after_return: bool,
    last_id: String,
    event: TestEvent,
    has_data: bool,
}

impl Reader {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Takes the next event of the input. An event without its empty line at the end of the stream is lost.
    pub(super) fn next(&mut self) -> Option<TestEvent> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                let mut event = std::mem::take(&mut self.event);
                if !std::mem::take(&mut self.has_data) {
                    continue;
                }
                event.data.pop();
                if event.event.is_empty() {
                    event.event = "message".into();
                }
                event.id.clone_from(&self.last_id);
                return Some(event);
            }
            self.field(&line);
        }
        None
    }

    /// Takes the next complete line.
    fn line(&mut self) -> Option<String> {
        if self.after_return && !self.input.is_empty() {
            self.after_return = false;
            if self.input.first() == Some(&b'\n') {
                self.input.remove(0);
            }
        }
        let end = self.input.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
        let line = String::from_utf8_lossy(&self.input[..end]).into_owned();
        self.after_return = self.input[end] == b'\r';
        self.input.drain(..=end);
        match std::mem::replace(&mut self.begun, true) {
            false => Some(line.strip_prefix('\u{feff}').unwrap_or(&line).to_owned()),
            true => Some(line),
        }
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event.event),
            "data" => {
                self.event.data.push_str(value);
                self.event.data.push('\n');
                self.has_data = true;
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.last_id),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.event.retry = value.parse().ok()
            }
            // An empty name is a comment.
            _ => {}
        }
    }
}
