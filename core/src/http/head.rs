//! The head of a request: method, target, version and header fields over one block of bytes.

use super::headers::Span;
use super::target::Parts;
use super::{Headers, Method, TargetForm, Version};

/// The head of a request, the same for every protocol.
///
/// Target and header fields are ranges of one block, in the bytes that the peer sent.
///
/// ```
/// use stelo_core::http::{Method, RequestHead};
///
/// let head = RequestHead::new(Method::Get, "/users/7?full=1").unwrap();
/// assert_eq!((head.path(), head.query()), ("/users/7", Some("full=1")));
/// ```
#[derive(Clone)]
pub struct RequestHead {
    method: Method,
    version: Version,
    headers: Headers,
    target: Span,
    parts: Parts,
    /// Empty unless the request is an extended CONNECT.
    protocol: Span,
}

impl RequestHead {
    /// Creates an HTTP/1.1 head without header fields. Returns `None` if `target` is not valid for `method`.
    pub fn new(method: Method, target: &str) -> Option<Self> {
        let mut head = Self::blank();
        head.block_mut().extend_from_slice(target.as_bytes());
        let span = Span::new(0, target.len());
        head.method = method;
        head.set_target_at(span, target.as_bytes()).then_some(head)
    }

    /// Creates an empty head, for a parser to fill.
    pub(crate) fn blank() -> Self {
        Self {
            method: Method::Get,
            version: Version::Http11,
            headers: Headers::new(),
            target: Span::default(),
            parts: Parts::default(),
            protocol: Span::default(),
        }
    }

    /// Sets the target to the range `span` of the block. Returns whether it is valid.
    fn set_target_at(&mut self, span: Span, target: &[u8]) -> bool {
        let Some(parts) = Parts::parse(target, &self.method) else { return false };
        (self.target, self.parts) = (span, parts);
        true
    }

    /// Sets the request line. The caller writes its target to the range `target` of the block.
    pub(crate) fn set_line(&mut self, method: Method, target: Span, parts: Parts, version: Version) {
        (self.method, self.target, self.parts, self.version) = (method, target, parts, version);
    }

    /// Sets the protocol of an extended CONNECT. The caller writes it to the range `protocol` of the block.
    pub(crate) fn set_protocol(&mut self, protocol: Span) {
        self.protocol = protocol;
    }

    /// Clears the head and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.headers.clear();
        self.target = Span::default();
    }

    /// Returns the block that target and fields are ranges of.
    pub(crate) fn block(&self) -> &[u8] {
        self.headers.block()
    }

    #[inline]
    pub(crate) fn block_mut(&mut self) -> &mut alloc::vec::Vec<u8> {
        self.headers.block_mut()
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Sets the method, for middleware. The target stays.
    pub fn set_method(&mut self, method: Method) {
        self.method = method;
    }

    /// Returns the version of the request.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Sets the version.
    #[cfg(feature = "http")]
    pub(crate) fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Sets the target, for middleware. Returns whether it is valid for the method; otherwise the head is unchanged.
    pub fn set_target(&mut self, target: &str) -> bool {
        let block = self.block_mut();
        let start = block.len();
        block.extend_from_slice(target.as_bytes());
        let span = Span::new(start, block.len());
        self.set_target_at(span, target.as_bytes())
    }

    /// Returns the protocol that an extended CONNECT asks for (RFC 8441 section 4), such as `websocket`. `None` for any
    /// other request.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.str_of(self.block()).filter(|protocol| !protocol.is_empty())
    }

    /// Returns the header fields.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Returns the header fields, mutable.
    pub fn headers_mut(&mut self) -> &mut Headers {
        &mut self.headers
    }

    /// Returns the target as received.
    pub fn target(&self) -> &str {
        // Targets are checked to be ASCII when they are set, so the conversion never fails.
        core::str::from_utf8(self.raw_target()).unwrap_or_default()
    }

    /// Returns the form of the target.
    pub fn form(&self) -> TargetForm {
        self.parts.form
    }

    /// Returns the path as received, percent-encoded. It is empty only for CONNECT, and `*` in the asterisk form.
    pub fn path(&self) -> &str {
        self.parts.path(self.raw_target())
    }

    /// Returns the [path](Self::path) as bytes, without the UTF-8 check.
    pub fn path_bytes(&self) -> &[u8] {
        self.parts.path_bytes(self.raw_target())
    }

    /// Returns whether path or query contain a `%`. If not, the path needs no decoding.
    pub fn is_encoded(&self) -> bool {
        self.parts.encoded
    }

    /// Returns the query as received, without the `?`.
    pub fn query(&self) -> Option<&str> {
        self.parts.query(self.raw_target())
    }

    /// Returns host and port: those of the target if it has them, otherwise those of the `Host` field.
    pub fn authority(&self) -> Option<&str> {
        match self.parts.form {
            TargetForm::Absolute | TargetForm::Authority => self.parts.authority(self.raw_target()),
            TargetForm::Origin | TargetForm::Asterisk => self.headers.get_str("host"),
        }
    }

    fn raw_target(&self) -> &[u8] {
        self.target.of(self.block())
    }

    /// Returns the bytes of memory behind this value, without its own size.
    pub(crate) fn held(&self) -> usize {
        self.headers.held()
    }
}

impl core::fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {} {} {:?}", self.method, self.target(), self.version, self.headers)
    }
}
