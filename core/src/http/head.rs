//! The head of a request: method, target, version and header fields over one block of bytes.

use super::headers::Span;
use super::target::Parts;
use super::{Headers, Method, TargetForm, Version};

/// The head of a request, as every protocol hands it on.
///
/// Target and header fields are stretches of one block, in the bytes that the peer sent.
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
}

impl RequestHead {
    /// A head in HTTP/1.1 without header fields; `None` if `target` is not one that goes with `method`.
    pub fn new(method: Method, target: &str) -> Option<Self> {
        let mut head = Self::blank();
        head.block_mut().extend_from_slice(target.as_bytes());
        let span = Span::new(0, target.len());
        head.method = method;
        head.set_target_at(span, target.as_bytes()).then_some(head)
    }

    /// A head to be filled in.
    pub(crate) fn blank() -> Self {
        Self {
            method: Method::Get,
            version: Version::Http11,
            headers: Headers::new(),
            target: Span::default(),
            parts: Parts::default(),
        }
    }

    /// Takes the target, which stands at `span` in the block; says whether it is valid.
    fn set_target_at(&mut self, span: Span, target: &[u8]) -> bool {
        let Some(parts) = Parts::parse(target, &self.method) else { return false };
        (self.target, self.parts) = (span, parts);
        true
    }

    /// Takes the request line, whose target is about to stand at `target` in the block.
    pub(crate) fn set_line(&mut self, method: Method, target: Span, parts: Parts, version: Version) {
        (self.method, self.target, self.parts, self.version) = (method, target, parts, version);
    }

    /// Empties the head; the memory stays.
    pub(crate) fn clear(&mut self) {
        self.headers.clear();
        self.target = Span::default();
    }

    /// The bytes in which target and fields stand.
    pub(crate) fn block(&self) -> &[u8] {
        self.headers.block()
    }

    #[inline]
    pub(crate) fn block_mut(&mut self) -> &mut alloc::vec::Vec<u8> {
        self.headers.block_mut()
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Changes the method (for middleware; the target stays as it is).
    pub fn set_method(&mut self, method: Method) {
        self.method = method;
    }

    /// The version that the peer spoke.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Changes the target (for middleware); says whether it is one that goes with the method. If not, the head stays
    /// as it is.
    pub fn set_target(&mut self, target: &str) -> bool {
        let block = self.block_mut();
        let start = block.len();
        block.extend_from_slice(target.as_bytes());
        let span = Span::new(start, block.len());
        self.set_target_at(span, target.as_bytes())
    }

    /// The header fields.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The header fields, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        &mut self.headers
    }

    /// The target as it came.
    pub fn target(&self) -> &str {
        // Targets are ASCII (checked when they are set), so nothing is lost here.
        core::str::from_utf8(self.raw_target()).unwrap_or_default()
    }

    /// The form of the target.
    pub fn form(&self) -> TargetForm {
        self.parts.form
    }

    /// The path as it came, percent-encoded: never empty, save for CONNECT; `*` for the asterisk form.
    pub fn path(&self) -> &str {
        self.parts.path(self.raw_target())
    }

    /// The [path](Self::path) as bytes: for who only looks for some of them.
    pub fn path_bytes(&self) -> &[u8] {
        self.parts.path_bytes(self.raw_target())
    }

    /// Whether path or query have percent-encoded bytes. If not, the path is what it stands for.
    pub fn is_encoded(&self) -> bool {
        self.parts.encoded
    }

    /// The query as it came, without the `?`.
    pub fn query(&self) -> Option<&str> {
        self.parts.query(self.raw_target())
    }

    /// Host and port: of the target where it has them, else of the `Host` field.
    pub fn authority(&self) -> Option<&str> {
        match self.parts.form {
            TargetForm::Absolute | TargetForm::Authority => self.parts.authority(self.raw_target()),
            TargetForm::Origin | TargetForm::Asterisk => self.headers.get_str("host"),
        }
    }

    fn raw_target(&self) -> &[u8] {
        self.target.of(self.block())
    }

    /// The bytes of memory that this value holds, its own size left out.
    pub(crate) fn held(&self) -> usize {
        self.headers.held()
    }
}

impl core::fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {} {} {:?}", self.method, self.target(), self.version, self.headers)
    }
}
