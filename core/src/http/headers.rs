//! Header fields as ordered pairs over one block of bytes.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use super::header::{IntoHeaderName, IntoHeaderValue};
use super::syntax::{is_field_value, is_name, is_token, list, token_len, value_len};

/// A range of a block of bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// Creates the range from `start` to `end`, with `start <= end`. Offsets beyond 4 GiB give an empty range: the
    /// limits of the machines are far below that.
    #[inline]
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        if end > u32::MAX as usize {
            return Self { start: 0, end: 0 };
        }
        Self { start: start as u32, end: end as u32 }
    }

    pub(crate) fn of(self, block: &[u8]) -> &[u8] {
        block.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(crate) fn str_of(self, block: &[u8]) -> Option<&str> {
        core::str::from_utf8(self.of(block)).ok()
    }
}

#[derive(Clone, Copy)]
struct Field {
    name: Span,
    value: Span,
}

/// Header fields (RFC 9110 section 5): names and values in wire order, with duplicates. Names are compared without
/// regard to case.
///
/// All names and values are ranges of one block of bytes. For a received message that block is the received head, for
/// a [constant](Self::constant) field it is the literal. A name or value that could split a message is refused.
///
/// ```
/// use stelo_core::http::Headers;
///
/// let mut headers = Headers::new();
/// headers.append("Accept", "text/html");
/// headers.append("accept", "text/plain");
/// assert_eq!(headers.get("ACCEPT"), Some(&b"text/html"[..]));
/// assert_eq!(headers.get_all("accept").count(), 2);
///
/// // Names and values that are only known at run time are checked.
/// assert!(headers.try_append("x", "a\r\nset-cookie: b").is_err());
/// ```
#[derive(Clone, Default)]
pub struct Headers {
    block: Cow<'static, [u8]>,
    fields: Fields,
    /// Whether the block is not simply the field lines with CR LF between them, or one of the fields is
    /// [special](is_special).
    mixed: bool,
}

/// The ranges of the fields. Most responses set one field, which needs no allocation.
#[derive(Clone)]
enum Fields {
    One(Field),
    Many(Vec<Field>),
}

impl Headers {
    /// Creates an empty value, without an allocation.
    pub const fn new() -> Self {
        Self { block: Cow::Borrowed(&[]), fields: Fields::Many(Vec::new()), mixed: false }
    }

    /// Parses a literal field line, such as `content-type: text/html`. Returns `None` if it is not valid.
    ///
    /// In a constant the compiler checks the line, and using it needs no allocation and no parsing.
    ///
    /// ```
    /// use stelo_core::http::Headers;
    ///
    /// const HTML: Headers = Headers::constant("content-type: text/html").expect("a header field");
    /// assert_eq!(HTML.get_str("Content-Type"), Some("text/html"));
    /// ```
    pub const fn constant(line: &'static str) -> Option<Self> {
        let line = line.as_bytes();
        let mut colon = 0;
        while colon < line.len() && line[colon] != b':' {
            colon += 1;
        }
        let Some((name, rest)) = line.split_at_checked(colon) else { return None };
        let [b':', b' ', value @ ..] = rest else { return None };
        if !is_token(name) || !is_field_value(value) || line.len() > u32::MAX as usize {
            return None;
        }
        let mixed = is_special(name);
        let field = Field { name: Span::new(0, colon), value: Span::new(colon + 2, line.len()) };
        Some(Self { block: Cow::Borrowed(line), fields: Fields::One(field), mixed })
    }

    /// Creates an empty value with capacity for `fields` fields, and for `bytes` bytes of names and values.
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        let block = Cow::Owned(Vec::with_capacity(bytes + 4 * fields));
        Self { block, fields: Fields::Many(Vec::with_capacity(fields)), mixed: false }
    }

    /// Returns the number of fields, including duplicates.
    pub fn len(&self) -> usize {
        self.fields.as_slice().len()
    }

    /// Returns whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the value of the first field of that name.
    pub fn get(&self, name: impl AsRef<str>) -> Option<&[u8]> {
        self.find(name.as_ref())
    }

    fn find(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// Returns the value of the first field of that name, if it is UTF-8.
    pub fn get_str(&self, name: impl AsRef<str>) -> Option<&str> {
        core::str::from_utf8(self.find(name.as_ref())?).ok()
    }

    /// Returns the values of all fields of that name, in order.
    pub fn get_all(&self, name: impl AsRef<str>) -> impl Iterator<Item = &[u8]> {
        let is_it = move |other: &[u8]| other.eq_ignore_ascii_case(name.as_ref().as_bytes());
        self.raw().filter(move |(name, _)| is_it(name)).map(|(_, value)| value)
    }

    /// Returns whether there is a field of that name.
    pub fn contains(&self, name: impl AsRef<str>) -> bool {
        self.find(name.as_ref()).is_some()
    }

    /// Returns whether there is a field of one of these names.
    #[inline]
    pub fn contains_any<const N: usize>(&self, names: [&str; N]) -> bool {
        self.raw().any(|(name, _)| names.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes())))
    }

    /// Returns whether the comma-separated lists in the fields of that name contain `token`, without regard to case.
    pub fn has_token(&self, name: impl AsRef<str>, token: &str) -> bool {
        self.get_all(name).flat_map(list).any(|member| member.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Returns all names and values, in order and as received. A name is a token, so it is ASCII.
    ///
    /// ```
    /// use stelo_core::http::Headers;
    ///
    /// let mut headers = Headers::new();
    /// headers.append("X-Room", "tea");
    /// let own = headers.iter().filter(|(name, _)| name.to_ascii_lowercase().starts_with("x-"));
    /// assert_eq!(own.collect::<Vec<_>>(), [("X-Room", &b"tea"[..])]);
    /// ```
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &[u8])> + ExactSizeIterator {
        // Every name is checked before it gets here, so the default is not used.
        self.raw().map(|(name, value)| (core::str::from_utf8(name).unwrap_or_default(), value))
    }

    /// As [`iter`](Self::iter), without the UTF-8 check: machines read and write names as bytes.
    #[inline]
    pub(crate) fn raw(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> + ExactSizeIterator {
        let block = &*self.block;
        self.fields.as_slice().iter().map(move |f| (f.name.of(block), f.value.of(block)))
    }

    /// Adds a field at the end. Other fields of that name stay.
    ///
    /// # Panics
    /// If a literal is not a valid name or value.
    #[track_caller]
    pub fn append(&mut self, name: impl IntoHeaderName, value: impl IntoHeaderValue) {
        let (name, value) = (name.into_header_name(), value.into_header_value());
        self.push(name.as_ref(), value.as_bytes());
    }

    /// Sets a field: replaces the value of the first field of that name, and removes the others.
    ///
    /// ```
    /// use stelo_core::http::{Headers, header};
    ///
    /// let mut headers = Headers::new();
    /// headers.set(header::CACHE_CONTROL, "no-store");
    /// headers.set(header::RETRY_AFTER, 120u32);
    /// headers.set("x-room", "tea");
    /// ```
    ///
    /// # Panics
    /// If a literal is not a valid name or value.
    #[track_caller]
    pub fn set(&mut self, name: impl IntoHeaderName, value: impl IntoHeaderValue) {
        let (name, value) = (name.into_header_name(), value.into_header_value());
        self.replace(name.as_ref(), value.as_bytes());
    }

    /// As [`append`](Self::append), with a name and a value that are only known at run time.
    ///
    /// # Errors
    /// The name is not a token, or the value has a control character or white space at its ends.
    pub fn try_append(
        &mut self,
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), InvalidHeader> {
        let (name, value) = (name.as_ref(), value.as_ref());
        check(name, value)?;
        self.push(name, value);
        Ok(())
    }

    /// As [`set`](Self::set), with a name and a value that are only known at run time.
    ///
    /// # Errors
    /// As [`try_append`](Self::try_append); then the fields are unchanged.
    pub fn try_set(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), InvalidHeader> {
        let (name, value) = (name.as_ref(), value.as_ref());
        check(name, value)?;
        self.replace(name, value);
        Ok(())
    }

    /// Returns the value of the first field of that name. Adds a field with this value first if there is none.
    ///
    /// ```
    /// use stelo_core::http::{Headers, header};
    ///
    /// let mut headers = Headers::new();
    /// assert_eq!(headers.set_default(header::CACHE_CONTROL, "no-store"), b"no-store");
    /// assert_eq!(headers.set_default(header::CACHE_CONTROL, "no-cache"), b"no-store");
    /// ```
    ///
    /// # Panics
    /// If a literal is not a valid name or value.
    #[track_caller]
    pub fn set_default(&mut self, name: impl IntoHeaderName, value: impl IntoHeaderValue) -> &[u8] {
        let (name, value) = (name.into_header_name(), value.into_header_value());
        let name: &[u8] = name.as_ref();
        let at = self.position(name).unwrap_or_else(|| {
            self.push(name, value.as_bytes());
            self.len() - 1
        });
        self.fields.as_slice()[at].value.of(&self.block)
    }

    /// Replaces fields by those of the same names in `other`. Repeated fields of `other` stay repeated.
    pub fn set_all(&mut self, other: &Self) {
        for (name, _) in other.iter() {
            self.remove(name);
        }
        self.append_all(other);
    }

    /// Appends all fields of `other`.
    pub fn append_all(&mut self, other: &Self) {
        for (name, value) in other.raw() {
            self.push(name, value);
        }
    }

    /// Adds a field name to `vary` (RFC 9110 section 12.5.5), behind those that are there. The lines become one. Does
    /// nothing if the name or `*` is there already.
    ///
    /// ```
    /// use stelo_core::http::Headers;
    ///
    /// let mut headers = Headers::new();
    /// headers.set("vary", "Cookie");
    /// headers.add_vary("Accept-Encoding");
    /// headers.add_vary("cookie");
    /// assert_eq!(headers.get_str("vary"), Some("Cookie, Accept-Encoding"));
    /// ```
    ///
    /// # Panics
    /// If a literal is not a valid name.
    #[track_caller]
    pub fn add_vary(&mut self, name: impl IntoHeaderName) {
        let name = name.into_header_name();
        if self.has_token("vary", name.as_str()) || self.has_token("vary", "*") {
            return;
        }
        let mut value = Vec::new();
        for line in self.get_all("vary").filter(|line| !line.is_empty()) {
            value.extend_from_slice(line);
            value.extend_from_slice(b", ");
        }
        value.extend_from_slice(name.as_ref());
        self.replace(b"vary", &value);
    }

    fn replace(&mut self, name: &[u8], value: &[u8]) {
        let Some(first) = self.position(name) else {
            return self.push(name, value);
        };
        self.mixed = true;
        let block = self.block.to_mut();
        let start = block.len();
        block.extend_from_slice(value);
        let (value, mut at) = (Span::new(start, block.len()), 0);
        self.fields.retain(|f| {
            at += 1;
            if at == first + 1 {
                f.value = value;
            }
            at <= first + 1 || !f.name.of(block).eq_ignore_ascii_case(name)
        });
    }

    /// Removes all fields of that name. Returns whether there was one.
    pub fn remove(&mut self, name: impl AsRef<str>) -> bool {
        let name = name.as_ref().as_bytes();
        let before = self.len();
        let block = &*self.block;
        self.fields.retain(|f| !f.name.of(block).eq_ignore_ascii_case(name));
        let removed = self.len() != before;
        self.mixed |= removed;
        removed
    }

    /// Removes all fields and keeps the memory.
    pub fn clear(&mut self) {
        match (&mut self.block, &mut self.fields) {
            (Cow::Owned(block), Fields::Many(fields)) => {
                block.clear();
                fields.clear();
                self.mixed = false;
            }
            _ => *self = Self::new(),
        }
    }

    /// Returns whether there is a field of that name.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        self.position(name).is_some()
    }

    /// Overwrites the value of the first field with another one of the same length, that the caller has checked.
    pub(crate) fn overwrite_first(&mut self, value: &[u8]) {
        if let Some(first) = self.fields.as_slice().first().copied()
            && let Some(slot) =
                self.block.to_mut().get_mut(first.value.start as usize..first.value.end as usize)
            && slot.len() == value.len()
        {
            slot.copy_from_slice(value);
        }
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        self.fields.as_slice().iter().position(|f| f.name.of(&self.block).eq_ignore_ascii_case(name))
    }

    /// Appends a field that the caller has checked, or has taken from other fields.
    pub(crate) fn push(&mut self, name: &[u8], value: &[u8]) {
        self.mixed |= is_special(name);
        let block = self.block.to_mut();
        block.reserve(name.len() + value.len() + 4);
        if !block.is_empty() {
            block.extend_from_slice(b"\r\n");
        }
        let start = block.len();
        block.extend_from_slice(name);
        block.extend_from_slice(b": ");
        block.extend_from_slice(value);
        let (middle, end) = (start + name.len(), block.len());
        self.push_spans(Span::new(start, middle), Span::new(middle + 2, end));
    }

    /// Adds a field by its ranges. The caller has checked it and writes it to the block.
    #[inline]
    pub(crate) fn push_spans(&mut self, name: Span, value: Span) {
        self.fields.push(Field { name, value });
    }

    /// Replaces the range of a value. The caller has checked it and writes it to the block.
    pub(crate) fn set_value_span(&mut self, at: usize, value: Span) {
        if let Fields::Many(fields) = &mut self.fields
            && let Some(field) = fields.get_mut(at)
        {
            field.value = value;
        }
    }

    /// Returns the block that the fields are ranges of.
    pub(crate) fn block(&self) -> &[u8] {
        &self.block
    }

    /// Returns the block, and the ranges of names and values in it.
    #[cfg(feature = "http")]
    pub(crate) fn into_block(self) -> (Cow<'static, [u8]>, Vec<(Span, Span)>) {
        let fields = self.fields.as_slice().iter().map(|field| (field.name, field.value)).collect();
        (self.block, fields)
    }

    /// Returns the block for a parser that writes fields itself.
    #[inline]
    pub(crate) fn block_mut(&mut self) -> &mut Vec<u8> {
        self.mixed = true;
        self.block.to_mut()
    }

    /// Returns all field lines, without the last line end, ready to be copied to the output.
    ///
    /// Returns `None` if the fields have to be written one by one: one may be special, or the block has other
    /// content.
    pub(crate) fn lines(&self) -> Option<&[u8]> {
        if self.mixed { None } else { Some(&self.block) }
    }

    /// Returns the bytes of memory behind this value, without its own size.
    pub(crate) fn held(&self) -> usize {
        let block = if let Cow::Owned(block) = &self.block { block.capacity() } else { 0 };
        let fields = if let Fields::Many(fields) = &self.fields { fields.capacity() } else { 0 };
        block + fields * size_of::<Field>()
    }
}

impl Fields {
    fn as_slice(&self) -> &[Field] {
        match self {
            Self::One(field) => core::slice::from_ref(field),
            Self::Many(fields) => fields,
        }
    }

    fn push(&mut self, field: Field) {
        match self {
            Self::One(first) => *self = Self::Many(Vec::from([*first, field])),
            Self::Many(fields) => fields.push(field),
        }
    }

    fn retain(&mut self, mut keep: impl FnMut(&mut Field) -> bool) {
        match self {
            Self::Many(fields) => fields.retain_mut(keep),
            Self::One(field) => {
                if !keep(field) {
                    *self = Self::default();
                }
            }
        }
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

/// Returns whether the encoder has to look at a field of this name: it frames the message, or replaces a default
/// field.
const fn is_special(name: &[u8]) -> bool {
    match name.len() {
        4 => is_name(name, b"date"),
        6 => is_name(name, b"server"),
        10 => is_name(name, b"connection"),
        14 => is_name(name, b"content-length"),
        17 => is_name(name, b"transfer-encoding"),
        _ => false,
    }
}

fn check(name: &[u8], value: &[u8]) -> Result<(), InvalidHeader> {
    if name.is_empty() || token_len(name) < name.len() {
        return Err(InvalidHeader::Name);
    }
    if value_len(value) < value.len() || matches!(value, [b' ' | b'\t', ..] | [.., b' ' | b'\t']) {
        return Err(InvalidHeader::Value);
    }
    Ok(())
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.raw().map(|(n, v)| (AsText(n), AsText(v)))).finish()
    }
}

struct AsText<'a>(&'a [u8]);

impl fmt::Debug for AsText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl PartialEq for Headers {
    /// Compares the values of each name, in order. Names have no order (RFC 9110 section 5.3) and no case.
    fn eq(&self, other: &Self) -> bool {
        let values = |(name, _)| self.get_all(name).eq(other.get_all(name));
        self.len() == other.len() && self.iter().all(values)
    }
}

impl Eq for Headers {}

/// A header field was refused, because it cannot be written as one line, or because the machine writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidHeader {
    /// The name is not a token.
    Name,
    /// The value has a control character, or white space at an end.
    Value,
    /// The field frames messages or concerns one connection, so it cannot be the same for every response.
    Connection,
}

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "invalid header name: use letters, digits and !#$%&'*+-.^_`|~ only",
            Self::Value => {
                "invalid header value: control characters (line breaks among them) and white space at the ends are not allowed"
            }
            Self::Connection => "the server frames messages and manages connections: leave this field out",
        })
    }
}

impl core::error::Error for InvalidHeader {}

#[cfg(test)]
mod tests;
