//! The head of a part: its headers, its name, and its file name.

use alloc::vec::Vec;

use super::ErrorKind;
use super::parameters::Parameters;
use crate::http::Headers;

/// The head of a part. A part with a file name, even an empty one, is a file; any other is a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    headers: Headers,
    name: Vec<u8>,
    filename: Option<Vec<u8>>,
}

impl Part {
    /// Reads name and file name in the `Content-Disposition`. A value in doubt is rejected, so that no other parser can
    /// read another one.
    pub(super) fn new(headers: Headers) -> Result<Self, ErrorKind> {
        let (mut name, mut filename) = (None, None);
        let mut dispositions = headers.get_all("content-disposition");
        let disposition = dispositions.next().unwrap_or_default();
        if dispositions.next().is_some() {
            return Err(ErrorKind::Disposition);
        }
        for parameter in Parameters::of(disposition) {
            let (key, value) = parameter.map_err(|_| ErrorKind::Disposition)?;
            let slot = match key {
                key if key.eq_ignore_ascii_case(b"name") => &mut name,
                key if key.eq_ignore_ascii_case(b"filename") => &mut filename,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(ErrorKind::Disposition);
            }
        }
        drop(dispositions);
        let name = name.ok_or(ErrorKind::NameMissing)?;
        Ok(Self { headers, name, filename })
    }

    /// Returns the header fields of the part, in wire order.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Returns the name of the field, as received: most clients send UTF-8 (RFC 7578 section 5.1).
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Returns the name of the file, as received. It may be a path: do not use it as the name of a file here.
    pub fn filename(&self) -> Option<&[u8]> {
        self.filename.as_deref()
    }

    /// Whether the part is a file.
    pub fn is_file(&self) -> bool {
        self.filename.is_some()
    }

    /// Takes the head apart: headers, name, file name.
    pub fn into_parts(self) -> (Headers, Vec<u8>, Option<Vec<u8>>) {
        (self.headers, self.name, self.filename)
    }
}
