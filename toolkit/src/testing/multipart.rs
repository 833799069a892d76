//! Multipart forms that the client sends (RFC 7578).

use stelo_core::Bytes;

/// A part of a multipart form: a text, or a file. [`TestRequest::multipart`](super::TestRequest::multipart) sends it.
#[derive(Clone, Debug)]
pub struct Part {
    name: String,
    file: Option<(String, String)>,
    content: Bytes,
}

impl Part {
    /// Creates a field of text.
    pub fn text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), file: None, content: Bytes::from(text.as_bytes().to_vec()) }
    }

    /// Creates a file. Its content type follows from its name, and is `application/octet-stream` if the name says nothing.
    pub fn file(name: &str, filename: &str, content: impl Into<Bytes>) -> Self {
        let content_type = mime_guess::from_path(filename).first_or_octet_stream().to_string();
        let file = Some((filename.to_owned(), content_type));
        Self { name: name.to_owned(), file, content: content.into() }
    }

    /// Sets the content type of a file.
    #[must_use]
    pub fn content_type(mut self, content_type: &str) -> Self {
        if let Some((_, own)) = &mut self.file {
            content_type.clone_into(own);
        }
        self
    }

    /// Appends the part, with its headers.
    fn write(&self, boundary: &str, body: &mut Vec<u8>) {
        let mut head =
            format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"", quoted(&self.name));
        if let Some((filename, content_type)) = &self.file {
            head += &format!("; filename=\"{}\"\r\ncontent-type: {content_type}", quoted(filename));
        }
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(&self.content);
        body.extend_from_slice(b"\r\n");
    }
}

/// Returns a form of these parts: its content type and its body.
pub(super) fn form(parts: &[Part]) -> (String, Vec<u8>) {
    let boundary = free_boundary(parts);
    let mut body = Vec::new();
    for part in parts {
        part.write(&boundary, &mut body);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// Returns a boundary that no part contains. The same parts have the same one.
fn free_boundary(parts: &[Part]) -> String {
    let mut number = 0_u32;
    loop {
        let boundary = format!("stelo-test-boundary-{number}");
        let is_inside =
            |part: &Part| part.content.windows(boundary.len()).any(|window| window == boundary.as_bytes());
        if !parts.iter().any(is_inside) {
            return boundary;
        }
        number += 1;
    }
}

/// Escapes a name as browsers do: the HTML standard, section 4.10.21.8.
fn quoted(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}
