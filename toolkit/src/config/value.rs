//! Reads a value from the text of a variable, and a struct from variables, with serde.

use std::fmt;

use serde_core::de::value::{MapDeserializer, SeqDeserializer};
use serde_core::de::{self, Deserializer, IntoDeserializer, Visitor};
use serde_core::forward_to_deserialize_any;

use super::{CommaSeparated, Environment, EnvironmentError};

/// The reason why a value cannot be read.
#[derive(Debug)]
pub(super) enum ValueError {
    /// The variable of a field is missing.
    Missing(&'static str),
    /// The variable of a field is invalid.
    Field(String, String),
    Invalid(String),
}

impl ValueError {
    /// Names the variable of the field.
    pub(super) fn named(self, variable: impl FnOnce(&str) -> String) -> EnvironmentError {
        match self {
            Self::Missing(field) => EnvironmentError::Missing { name: variable(field) },
            Self::Field(field, reason) => EnvironmentError::Invalid { name: variable(&field), reason },
            Self::Invalid(reason) => EnvironmentError::Invalid { name: variable("*"), reason },
        }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "`{field}` is missing"),
            Self::Field(field, reason) => write!(f, "`{field}`: {reason}"),
            Self::Invalid(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ValueError {}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::Invalid(reason.to_string())
    }

    /// Leaves the value out: it may be a secret.
    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Invalid(format!("expected {expected}"))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Invalid(format!("expected {expected}"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// The text of a variable.
#[derive(Clone, Copy)]
pub(super) struct Value<'a>(pub(super) &'a str);

/// Deserializes numbers with `FromStr`.
macro_rules! parsed {
    ($($method:ident $visit:ident $kind:literal)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            let invalid = |error| ValueError::Invalid(format!("expected {}: {error}", $kind));
            visitor.$visit(self.0.trim().parse().map_err(invalid)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = ValueError;

    parsed! {
        deserialize_i8 visit_i8 "a number"
        deserialize_i16 visit_i16 "a number"
        deserialize_i32 visit_i32 "a number"
        deserialize_i64 visit_i64 "a number"
        deserialize_i128 visit_i128 "a number"
        deserialize_u8 visit_u8 "a number"
        deserialize_u16 visit_u16 "a number"
        deserialize_u32 visit_u32 "a number"
        deserialize_u64 visit_u64 "a number"
        deserialize_u128 visit_u128 "a number"
        deserialize_f32 visit_f32 "a number"
        deserialize_f64 visit_f64 "a number"
        deserialize_char visit_char "a character"
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let is = |words: [&str; 2]| words.iter().any(|word| self.0.eq_ignore_ascii_case(word));
        match (is(["true", "1"]), is(["false", "0"])) {
            (true, _) => visitor.visit_bool(true),
            (_, true) => visitor.visit_bool(false),
            _ => Err(ValueError::Invalid("expected true, 1, false or 0".into())),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let items: CommaSeparated = self.0.parse().map_err(de::Error::custom)?;
        visitor.visit_seq(SeqDeserializer::new(items.iter().map(|item| Value(item))))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct tuple_struct map struct identifier ignored_any
    }
}

/// A value that names its field in errors.
struct Field<'a> {
    name: &'a str,
    value: Value<'a>,
}

impl<'de, 'a> IntoDeserializer<'de, ValueError> for Value<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de, 'a> IntoDeserializer<'de, ValueError> for Field<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads the value, and adds the name of the field to its error.
macro_rules! named {
    ($($method:ident($($argument:ident: $kind:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $kind,)* visitor: V) -> Result<V::Value, ValueError> {
            let name = self.name;
            self.value
                .$method($($argument,)* visitor)
                .map_err(|error| ValueError::Field(name.to_owned(), error.to_string()))
        }
    )*};
}

impl<'de> Deserializer<'de> for Field<'_> {
    type Error = ValueError;

    named! {
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_unit() deserialize_seq()
        deserialize_map() deserialize_identifier() deserialize_ignored_any()
        deserialize_newtype_struct(name: &'static str) deserialize_unit_struct(name: &'static str)
        deserialize_tuple(len: usize) deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }
}

/// The variables with the prefix, as the fields of a struct.
pub(super) struct Variables<'a>(pub(super) &'a Environment);

impl<'de> Deserializer<'de> for Variables<'_> {
    type Error = ValueError;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let field = |&name: &&'static str| Some((name, Field { name, value: Value(self.0.field(name)?) }));
        visitor.visit_map(MapDeserializer::new(fields.iter().filter_map(field)))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let names = self.0.fields();
        let field = |name: &'_ String| Some((name.clone(), self.0.field(name)?.to_owned()));
        let fields: Vec<_> = names.iter().filter_map(field).collect();
        let fields = fields.iter().map(|(name, value)| (name.as_str(), Field { name, value: Value(value) }));
        visitor.visit_map(MapDeserializer::new(fields))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
