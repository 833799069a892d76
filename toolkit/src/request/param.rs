//! `Param`: a parameter of a path, a query or a form, deserialized from its text. Errors name it.

use std::fmt;

use serde_core::de::{self, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde_core::forward_to_deserialize_any;

/// An error of deserializing parameters.
#[derive(Debug)]
pub(crate) enum ParamError {
    /// The text of a parameter does not fit its type: the client's mistake.
    Value { name: String, reason: String },
    /// The route has another number of parameters: the programmer's mistake.
    Count { expected: usize, found: usize },
    /// The parameters have other names: in a path, the programmer's mistake.
    Shape(String),
    /// A value of another type than the one that is expected.
    Type { found: String, expected: String, value: Option<Rejected> },
    /// The type rejects the parameters: the client's mistake.
    Custom(String),
}

/// A value of the wrong type, as text.
#[derive(Debug)]
pub(crate) enum Rejected {
    Text(String),
    /// A number or a boolean.
    Literal(String),
}

impl ParamError {
    fn mismatch(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let value = match found {
            Unexpected::Str(text) => Some(Rejected::Text(text.to_owned())),
            Unexpected::Unsigned(number) => Some(Rejected::Literal(number.to_string())),
            Unexpected::Signed(number) => Some(Rejected::Literal(number.to_string())),
            Unexpected::Float(number) => Some(Rejected::Literal(number.to_string())),
            Unexpected::Bool(flag) => Some(Rejected::Literal(flag.to_string())),
            _ => None,
        };
        Self::Type { found: found.to_string(), expected: expected.to_string(), value }
    }
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { name, reason } => write!(f, "`{name}`: {reason}"),
            Self::Count { expected, found } => {
                write!(f, "it asks for {expected} path parameters, and the route has {found}")
            }
            Self::Shape(reason) | Self::Custom(reason) => f.write_str(reason),
            Self::Type { found, expected, .. } => write!(f, "invalid type: {found}, expected {expected}"),
        }
    }
}

impl std::error::Error for ParamError {}

impl de::Error for ParamError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::Custom(reason.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::mismatch(found, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Shape(format!("missing field `{field}`"))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::Shape(format!("unknown field `{field}`"))
    }
}

/// One parameter.
#[derive(Clone, Copy)]
pub(crate) struct Param<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a [u8],
}

impl<'a> Param<'a> {
    fn text(self) -> &'a str {
        // A range of the path between two character boundaries.
        str::from_utf8(self.value).unwrap_or_default()
    }

    /// Returns the value as a number if it consists of digits, few enough for a `u64`.
    fn digits(self) -> Option<u64> {
        let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
        match self.value {
            [] => None,
            value if value.len() > 19 => None,
            value => value.iter().try_fold(0, |number, byte| Some(10 * number + digit(byte)?)),
        }
    }

    fn error(self, reason: impl fmt::Display) -> ParamError {
        ParamError::Value { name: self.name.to_owned(), reason: reason.to_string() }
    }
}

impl<'de> IntoDeserializer<'de, ParamError> for Param<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Deserializes values with `FromStr`.
macro_rules! parsed {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
            visitor.$visit(self.text().parse().map_err(|error| self.error(error))?)
        }
    )*};
}

/// As `parsed`, with a fast path for integers that skips the UTF-8 check.
macro_rules! counted {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
            match self.digits().and_then(|number| number.try_into().ok()) {
                Some(number) => visitor.$visit(number),
                None => visitor.$visit(self.text().parse().map_err(|error| self.error(error))?),
            }
        }
    )*};
}

/// As `counted`, for types without a sign: `FromStr` accepts a `+`.
macro_rules! unsigned {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
            match self.digits().and_then(|number| number.try_into().ok()) {
                Some(number) => visitor.$visit(number),
                None if self.value.starts_with(b"+") => Err(self.error("a number without a sign is expected")),
                None => visitor.$visit(self.text().parse().map_err(|error| self.error(error))?),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Param<'_> {
    type Error = ParamError;

    counted! {
        deserialize_i8 visit_i8
        deserialize_i16 visit_i16
        deserialize_i32 visit_i32
        deserialize_i64 visit_i64
        deserialize_i128 visit_i128
    }

    unsigned! {
        deserialize_u8 visit_u8
        deserialize_u16 visit_u16
        deserialize_u32 visit_u32
        deserialize_u64 visit_u64
        deserialize_u128 visit_u128
    }

    parsed! {
        deserialize_bool visit_bool
        deserialize_f32 visit_f32
        deserialize_f64 visit_f64
        deserialize_char visit_char
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        // If a type that reads text (a UUID, a date) rejects it, the client is at fault.
        visitor.visit_str(self.text()).map_err(|error: ParamError| self.error(error))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        visitor.visit_enum(self.text().into_deserializer()).map_err(|error: ParamError| self.error(error))
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
