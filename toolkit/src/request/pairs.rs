//! Reads a value from the pairs of a query or of a form. Names may repeat: a list takes all values, and anything else the
//! last one.
//!
//! A file of a form cannot pass through serde. A type that asks for a newtype of the name [`FILE`] gets its number.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;

use serde_core::de::value::{MapDeserializer, SeqDeserializer};
use serde_core::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde_core::forward_to_deserialize_any;

use super::param::{Param, ParamError, Rejected};

/// The number of attempts to find out which values are numbers.
const ATTEMPTS: usize = 16;

/// The name of the newtype by which a type asks for a file.
pub(crate) const FILE: &str = "stelo_toolkit::forms::UploadFile";

/// The value of a field.
pub(crate) enum Field<'a> {
    Text(Cow<'a, str>),
    /// The number of a file.
    File(u64),
}

/// A name and a value.
struct Pair<'a> {
    name: Cow<'a, str>,
    /// Empty for a file.
    value: Cow<'a, str>,
    file: Option<u64>,
    /// Whether the type left it open what the value is. So do `#[serde(flatten)]` and untagged enums.
    is_open: Cell<bool>,
    /// Whether such a value is given as a number or as `true` or `false`, and not as text.
    is_literal: bool,
}

/// A value that is not text.
enum Literal {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(number) => number.fmt(f),
            Self::Signed(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Bool(flag) => flag.fmt(f),
        }
    }
}

impl Pair<'_> {
    fn literal(&self) -> Option<Literal> {
        let text = &*self.value;
        // Rust parses `inf` and `nan` as numbers.
        let is_number = text.ends_with(|c: char| c.is_ascii_digit());
        match text {
            "true" | "false" => Some(Literal::Bool(text == "true")),
            _ if !is_number => None,
            _ => text
                .parse()
                .map(Literal::Unsigned)
                .or_else(|_| text.parse().map(Literal::Signed))
                .or_else(|_| text.parse().map(Literal::Float))
                .ok(),
        }
    }

    fn param(&self) -> Result<Param<'_>, ParamError> {
        match self.file {
            None => Ok(Param { name: &self.name, value: self.value.as_bytes() }),
            Some(_) => Err(self.error("a file, expected a text")),
        }
    }

    fn error(&self, reason: &str) -> ParamError {
        ParamError::Value { name: self.name.clone().into_owned(), reason: reason.to_owned() }
    }
}

/// Reads a value from urlencoded pairs.
///
/// If the type leaves open what a value is, it gets text. If it rejects the text, it gets the numbers as numbers, except
/// those that it rejects as numbers.
///
/// # Errors
/// What does not fit, with the name of the parameter if it is known.
pub(crate) fn from_pairs<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    from_fields(form_urlencoded::parse(text).map(|(name, value)| (name, Field::Text(value))))
}

/// As [`from_pairs`], for fields that have been parsed.
pub(crate) fn from_fields<'a, T: DeserializeOwned>(
    fields: impl Iterator<Item = (Cow<'a, str>, Field<'a>)>,
) -> Result<T, String> {
    let pair = |(name, value)| {
        let (value, file) = match value {
            Field::Text(text) => (text, None),
            Field::File(number) => (Cow::Borrowed(""), Some(number)),
        };
        Pair { name, value, file, is_open: Cell::new(false), is_literal: false }
    };
    let mut pairs: Vec<_> = fields.map(pair).collect();
    let mut error = match T::deserialize(Pairs(&pairs)) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let mut is_changed = false;
    for pair in pairs.iter_mut().filter(|pair| pair.is_open.get()) {
        pair.is_literal = pair.literal().is_some();
        is_changed |= pair.is_literal;
    }
    for _ in 0..ATTEMPTS {
        if !is_changed {
            break;
        }
        error = match T::deserialize(Pairs(&pairs)) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        is_changed = change(&mut pairs, &error);
    }
    Err(named(&pairs, &error))
}

/// Gives an open value its other form for the next attempt. Returns whether there is such a value.
fn change(pairs: &mut [Pair<'_>], error: &ParamError) -> bool {
    let ParamError::Type { value: Some(value), .. } = error else { return false };
    let (Rejected::Text(text) | Rejected::Literal(text)) = value;
    let mut same = pairs.iter_mut().filter(|pair| {
        let is_value =
            pair.value == *text || pair.literal().is_some_and(|literal| literal.to_string() == *text);
        pair.is_open.get() && is_value
    });
    if let Rejected::Text(_) = value {
        // Another parameter with the same value is the text.
        let Some(wrong) = same.find(|pair| !pair.is_literal && pair.literal().is_some()) else {
            return false;
        };
        wrong.is_literal = true;
    }
    let next = same.find(|pair| pair.is_literal);
    next.is_some_and(|pair| std::mem::replace(&mut pair.is_literal, false))
}

/// The error, with the name of the only open parameter that has the rejected value.
fn named(pairs: &[Pair<'_>], error: &ParamError) -> String {
    if let ParamError::Type { value: Some(Rejected::Text(text) | Rejected::Literal(text)), .. } = error {
        let mut names = pairs.iter().filter(|pair| pair.value == *text).map(|pair| &pair.name);
        if let (Some(name), None) = (names.next(), names.next()) {
            return format!("`{name}`: {error}");
        }
    }
    error.to_string()
}

/// All pairs.
struct Pairs<'a>(&'a [Pair<'a>]);

impl<'a> Pairs<'a> {
    /// The pairs by their names, in the order in which the names first occur.
    fn groups(self) -> impl Iterator<Item = (&'a str, Values<'a>)> {
        let mut places = HashMap::new();
        let mut groups: Vec<(&str, Values<'_>)> = Vec::new();
        for pair in self.0 {
            let place = *places.entry(&*pair.name).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, Values(values))) => values.push(pair),
                None => groups.push((&pair.name, Values(Few::from_iter([pair])))),
            }
        }
        groups.into_iter()
    }
}

impl<'de> Deserializer<'de> for Pairs<'_> {
    type Error = ParamError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_map(MapDeserializer::new(self.groups()))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let pairs = self.0.iter().map(|pair| (&*pair.name, Values(Few::from_slice(&[pair]))));
        visitor.visit_seq(MapDeserializer::new(pairs))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Most names occur once.
type Few<'a> = smallvec::SmallVec<[&'a Pair<'a>; 1]>;

/// The values of a name, at least one.
struct Values<'a>(Few<'a>);

impl<'a> Values<'a> {
    fn last(&self) -> &'a Pair<'a> {
        self.0[self.0.len() - 1]
    }
}

impl<'de> IntoDeserializer<'de, ParamError> for Values<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Types that are a single value take the last one.
macro_rules! last {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
            self.last().param()?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Values<'_> {
    type Error = ParamError;

    last! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        if self.0.len() > 1 {
            return self.deserialize_seq(visitor);
        }
        let pair = self.last();
        if let Some(number) = pair.file {
            return visitor.visit_u64(number);
        }
        pair.is_open.set(true);
        match pair.literal().filter(|_| pair.is_literal) {
            Some(Literal::Unsigned(number)) => visitor.visit_u64(number),
            Some(Literal::Signed(number)) => visitor.visit_i64(number),
            Some(Literal::Float(number)) => visitor.visit_f64(number),
            Some(Literal::Bool(flag)) => visitor.visit_bool(flag),
            None => visitor.visit_str(&pair.value),
        }
    }

    /// An empty value is `None`: the browser sends it for an empty field of a form.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        match self.last().value.is_empty() && self.last().file.is_none() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_seq(SeqDeserializer::new(self.0.into_iter().map(|pair| Self(Few::from_slice(&[pair])))))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ParamError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        match self.last().file {
            _ if name != FILE => visitor.visit_newtype_struct(self),
            Some(number) => visitor.visit_u64(number),
            None => Err(self.last().error("a text, expected a file")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.last().param()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { unit unit_struct map struct }
}
