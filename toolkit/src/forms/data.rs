//! `FormData`: the fields and files of a form, in order, with repeated names.

use std::sync::Arc;

use super::UploadFile;

/// The fields and files of a form, in the order in which they came. A name can occur several times; the last value counts
/// where one is asked for. Cloning is cheap.
///
/// As an argument of a handler, it is the form in the body. A body of another content type is an empty form.
///
/// ```
/// use stelo_toolkit::forms::{FormData, UploadFile};
/// use stelo_toolkit::Headers;
///
/// let mut form = FormData::new();
/// form.append("tag", "a");
/// form.append("tag", "b");
/// form.append("photo", UploadFile::new("sea.png", Headers::new(), "..."));
/// assert_eq!(form.text("tag"), Some("b"));
/// assert_eq!(form.texts("tag").collect::<Vec<_>>(), ["a", "b"]);
/// assert_eq!(form.file("photo").map(UploadFile::filename), Some("sea.png"));
/// assert_eq!(form.text("photo"), None);
/// ```
// Shared, because a form stays in its request.
#[derive(Clone, Debug, Default)]
pub struct FormData(Arc<Vec<(String, FormValue)>>);

/// The value of a field of a form.
#[derive(Clone, Debug)]
pub enum FormValue {
    /// A text.
    Text(String),
    /// A file.
    File(UploadFile),
}

impl FormValue {
    /// Returns the text; `None` for a file.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::File(_) => None,
        }
    }

    /// Returns the file; `None` for a text.
    pub fn as_file(&self) -> Option<&UploadFile> {
        match self {
            Self::Text(_) => None,
            Self::File(file) => Some(file),
        }
    }
}

impl FormData {
    /// Creates an empty form.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field at the end.
    pub fn append(&mut self, name: impl Into<String>, value: impl Into<FormValue>) {
        Arc::make_mut(&mut self.0).push((name.into(), value.into()));
    }

    /// Returns the last value of that name.
    pub fn get(&self, name: &str) -> Option<&FormValue> {
        self.iter().rev().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Returns all values of that name, in order.
    pub fn get_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a FormValue> {
        self.iter().filter(move |(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Returns the last value of that name, if it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// Returns the last value of that name, if it is a file.
    pub fn file(&self, name: &str) -> Option<&UploadFile> {
        self.get(name)?.as_file()
    }

    /// Returns all texts of that name, in order.
    pub fn texts<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.get_all(name).filter_map(FormValue::as_text)
    }

    /// Returns all files of that name, in order.
    pub fn files<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a UploadFile> {
        self.get_all(name).filter_map(FormValue::as_file)
    }

    /// Whether there is a field of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns all names and values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &FormValue)> + ExactSizeIterator {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the number of fields, repeated ones included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for FormData {
    type Item = (String, FormValue);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl<N: Into<String>, V: Into<FormValue>> FromIterator<(N, V)> for FormData {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(Arc::new(fields.collect()))
    }
}

impl From<String> for FormValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for FormValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<UploadFile> for FormValue {
    fn from(file: UploadFile) -> Self {
        Self::File(file)
    }
}
