//! From a form to a struct: texts as [`serde_html_form`] reads them, and files as [`UploadFile`].
//!
//! A file cannot pass through serde. Its deserializer gives the number of the file instead, and [`UploadFile`] takes the
//! file of that number from a list that belongs to the thread while a form is read.

use std::cell::RefCell;
use std::fmt;

use serde_core::de::value::{Error, MapDeserializer, SeqDeserializer, StrDeserializer};
use serde_core::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde_core::forward_to_deserialize_any;
use stelo_core::http::Status;

use super::{FormData, FormValue, UploadFile};
use crate::request::decode::named;
use crate::response::HttpError;

/// Reads a form as a value. Files that the client has not chosen are left out.
///
/// # Errors
/// 422, naming the field that does not fit.
pub(crate) fn read<T: DeserializeOwned>(form: &FormData) -> Result<T, HttpError> {
    let files = form.iter().filter_map(|(_, value)| value.as_file().filter(|file| !file.is_absent()));
    let _files = Files::lend(files.cloned().collect());
    serde_path_to_error::deserialize(Form(form)).map_err(|error| {
        HttpError::new(Status::UNPROCESSABLE_CONTENT).with_detail(format!("invalid form: {}", named(&error)))
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

/// The name by which [`UploadFile`] asks for a file.
const FILE: &str = "stelo_toolkit::forms::UploadFile";

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

    fn visit_u64<E: serde_core::de::Error>(self, number: u64) -> Result<UploadFile, E> {
        let file = FILES.with_borrow(|files| files.get(usize::try_from(number).ok()?).cloned());
        file.ok_or_else(|| E::custom("files are read from multipart forms only"))
    }

    /// A format that knows nothing of files, or serde's buffer of a flattened struct.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<UploadFile, D::Error> {
        deserializer.deserialize_u64(self)
    }
}

/// The value of one field: a text, or the number of a file.
#[derive(Clone, Copy)]
enum Value<'a> {
    Text(&'a str),
    File(u64),
}

/// All values of one name.
struct Values<'a>(Vec<Value<'a>>);

struct Form<'a>(&'a FormData);

impl<'a> Form<'a> {
    fn values(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        let mut files = 0;
        self.0.iter().filter_map(move |(name, value)| match value {
            FormValue::Text(text) => Some((name, Value::Text(text))),
            FormValue::File(file) if file.is_absent() => None,
            FormValue::File(_) => {
                files += 1;
                Some((name, Value::File(files - 1)))
            }
        })
    }

    /// Returns the values by name, in the order of their first one.
    fn grouped(&self) -> Vec<(&'a str, Values<'a>)> {
        let mut numbers = std::collections::HashMap::new();
        let mut groups: Vec<(&str, Values<'_>)> = Vec::new();
        for (name, value) in self.values() {
            let number = *numbers.entry(name).or_insert(groups.len());
            match groups.get_mut(number) {
                Some((_, values)) => values.0.push(value),
                None => groups.push((name, Values(vec![value]))),
            }
        }
        groups
    }
}

impl<'de> Deserializer<'de> for Form<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(self.grouped().into_iter()))
    }

    /// A list of pairs keeps the order of all fields.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(MapDeserializer::new(self.values()))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 f32 f64 char str string bytes byte_buf option unit_struct
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de> for Values<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> IntoDeserializer<'de> for Value<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'a> Values<'a> {
    /// Returns the value of a field that occurs once.
    fn one(self) -> Result<Value<'a>, Error> {
        match self.0[..] {
            [value] => Ok(value),
            _ => Err(Error::custom("the field occurs more than once")),
        }
    }
}

/// Forwards methods of [`Values`] to the only value.
macro_rules! forward_to_one {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.one()?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Values<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0[..] {
            [value] => value.deserialize_any(visitor),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.0.into_iter()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0[..] {
            [value] => value.deserialize_option(visitor),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            FILE => self.one()?.deserialize_newtype_struct(name, visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.one()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_one! {
        deserialize_bool deserialize_char deserialize_str deserialize_string
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_f32 deserialize_f64 deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_identifier
    }

    forward_to_deserialize_any! { unit_struct tuple tuple_struct map struct }
}

/// Reads texts as numbers and booleans.
macro_rules! parse {
    ($($method:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self {
                Self::Text(text) => match text.parse::<$type>() {
                    Ok(value) => IntoDeserializer::<Error>::into_deserializer(value).$method(visitor),
                    Err(error) => Err(Error::custom(error)),
                },
                Self::File(_) => Err(Error::custom(format_args!("a file, expected {}", Expected(&visitor)))),
            }
        }
    )*};
}

/// The text by which a visitor describes what it expects.
struct Expected<'a, V>(&'a V);

impl<'de, V: Visitor<'de>> fmt::Display for Expected<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => visitor.visit_str(text),
            Self::File(number) => visitor.visit_u64(number),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => visitor.visit_str(text),
            Self::File(_) => Err(Error::custom(format_args!("a file, expected {}", Expected(&visitor)))),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    /// An empty text is no value, as in an urlencoded form.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text("") => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::File(number) if name == FILE => visitor.visit_u64(number),
            Self::Text(_) if name == FILE => Err(Error::custom("a text, expected a file")),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => visitor.visit_enum(StrDeserializer::new(text)),
            Self::File(_) => Err(Error::custom(format_args!("a file, expected {}", Expected(&visitor)))),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(std::iter::once(self)))
    }

    parse! {
        deserialize_bool bool;
        deserialize_u8 u8;
        deserialize_u16 u16;
        deserialize_u32 u32;
        deserialize_u64 u64;
        deserialize_u128 u128;
        deserialize_i8 i8;
        deserialize_i16 i16;
        deserialize_i32 i32;
        deserialize_i64 i64;
        deserialize_i128 i128;
        deserialize_f32 f32;
        deserialize_f64 f64;
    }

    forward_to_deserialize_any! {
        bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}
