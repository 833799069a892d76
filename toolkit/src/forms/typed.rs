//! From a form to a struct, with files as [`UploadFile`].
//!
//! A file cannot pass through serde. Its deserializer gives the number of the file instead, and [`UploadFile`] takes the
//! file of that number from a list that belongs to the thread while a form is read.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde_core::de::{Deserialize, DeserializeOwned, Deserializer, Error, Visitor};
use stelo_core::http::Status;

use super::{FormData, FormValue, UploadFile};
use crate::request::pairs::{FILE, Field, from_fields};
use crate::response::HttpError;

/// Reads a form as a value. Files that the client has not chosen are left out.
///
/// # Errors
/// 422, naming the field that does not fit.
pub(crate) fn read<T: DeserializeOwned>(form: &FormData) -> Result<T, HttpError> {
    let is_chosen = |value: &FormValue| !value.as_file().is_some_and(UploadFile::is_absent);
    let chosen = || form.iter().filter(|(_, value)| is_chosen(value));
    let _files = Files::lend(chosen().filter_map(|(_, value)| value.as_file().cloned()).collect());
    let mut files = 0;
    let fields = chosen().map(|(name, value)| {
        let field = match value {
            FormValue::Text(text) => Field::Text(Cow::Borrowed(text)),
            FormValue::File(_) => {
                files += 1;
                Field::File(files - 1)
            }
        };
        (Cow::Borrowed(name), field)
    });
    from_fields(fields).map_err(|detail| {
        HttpError::new(Status::UNPROCESSABLE_CONTENT).with_detail(format!("invalid form: {detail}"))
    })
}

thread_local! {
    /// The files of the form that is being read.
    static FILES: RefCell<Vec<UploadFile>> = const { RefCell::new(Vec::new()) };
}

/// Restores the files of an outer form on drop.
struct Files(Vec<UploadFile>);

impl Files {
    fn lend(files: Vec<UploadFile>) -> Self {
        Self(FILES.replace(files))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        FILES.replace(std::mem::take(&mut self.0));
    }
}

impl<'de> Deserialize<'de> for UploadFile {
    /// Takes a file of a multipart form. No other format has one.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(FILE, FileVisitor)
    }
}

struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = UploadFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<UploadFile, E> {
        let file = FILES.with_borrow(|files| files.get(usize::try_from(number).ok()?).cloned());
        file.ok_or_else(|| E::custom("files are read from multipart forms only"))
    }

    /// A format that knows nothing of files, or serde's buffer of a flattened struct.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<UploadFile, D::Error> {
        deserializer.deserialize_u64(self)
    }
}
