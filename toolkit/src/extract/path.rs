//! `Path<T>`: the path parameters as a value, deserialized with serde.

use std::any::type_name;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_core::de::value::{MapDeserializer, SeqDeserializer};
use serde_core::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde_core::forward_to_deserialize_any;
use stelo_core::http::Status;

use super::{FromRequestParts, OptionalFromRequestParts};
use crate::describe::Operation;
use crate::request::Parts;
use crate::response::HttpError;
use crate::response::report::failure;

/// The path parameters: one as a value, several as a tuple in their order, or by name as a struct or a map. They are
/// percent-decoded.
///
/// Rejects a parameter that does not fit with 400, naming it, and a path that is not UTF-8. If the route has another
/// number of parameters, or none with the name of a field, the application does not start. What that check cannot see is
/// answered with 500, with a line in the log.
///
/// ```
/// use serde::Deserialize;
/// use stelo_toolkit::{App, Path, get};
///
/// #[derive(Deserialize)]
/// struct Post { id: u64, slug: String }
///
/// async fn user(Path(id): Path<u64>) -> String { format!("user {id}") }
/// async fn pair(Path((id, slug)): Path<(u64, String)>) -> String { format!("user {id}, post {slug}") }
/// async fn post(Path(post): Path<Post>) -> String { format!("user {}, post {}", post.id, post.slug) }
///
/// let app = App::new()
///     .route("/users/{id:int}", get(user))
///     .route("/users/{id:int}/posts/{slug}", get(pair))
///     .route("/users/{id:int}/drafts/{slug}", get(post));
/// # app.build().unwrap();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts for Path<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        parts.check_path()?;
        T::deserialize(Params(parts.path_param_bytes())).map(Self).map_err(|error| match error {
            PathError::Value { .. } | PathError::Custom(_) => {
                HttpError::new(Status::BAD_REQUEST).with_detail(format!("invalid path: {error}"))
            }
            _ => {
                let route = parts.matched_path().unwrap_or("this place");
                failure!("{route} does not suit `Path<{}>`: {error}", type_name::<T>());
                HttpError::new(Status::INTERNAL_SERVER_ERROR)
            }
        })
    }

    fn describe(operation: &mut Operation) {
        operation.check_params(check::<T>);
    }
}

/// Checks whether `T` can be made of parameters of these names.
///
/// It is tried with a value of each kind. A mistake is certain if no value fits and the number or the names of the
/// parameters are the reason.
fn check<T: DeserializeOwned>(names: &[&str]) -> Result<(), String> {
    const VALUES: [&str; 4] = ["0", "a", "true", "00000000-0000-0000-0000-000000000000"];
    let mut found = Ok(());
    for value in VALUES {
        let params = Params(names.iter().map(|&name| (name, value.as_bytes())));
        match catch_unwind(AssertUnwindSafe(|| T::deserialize(params).map(drop))) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error @ (PathError::Count { .. } | PathError::Shape(_)))) => {
                found = Err(format!("`Path<{}>`: {error}", type_name::<T>()));
            }
            // The value does not fit, or is one that the type cannot take without a panic.
            Ok(Err(PathError::Value { .. } | PathError::Custom(_))) | Err(_) => {}
        }
    }
    found
}

/// `None` outside routes, and in routes without parameters.
impl<T: DeserializeOwned> OptionalFromRequestParts for Path<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Option<Self>, HttpError> {
        if parts.path_params().len() == 0 {
            return Ok(None);
        }
        <Self as FromRequestParts>::from_request_parts(parts).await.map(Some)
    }

    fn describe(operation: &mut Operation) {
        operation.check_params(|names| if names.is_empty() { Ok(()) } else { check::<T>(names) });
    }
}

/// An error of deserializing path parameters.
#[derive(Debug)]
enum PathError {
    /// The text of a parameter does not fit its type: the client's mistake.
    Value { name: String, reason: String },
    /// The route has another number of parameters: the programmer's mistake.
    Count { expected: usize, found: usize },
    /// The parameters have other names or another form: the programmer's mistake.
    Shape(String),
    /// The type rejects the parameters: the client's mistake.
    Custom(String),
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { name, reason } => write!(f, "`{name}`: {reason}"),
            Self::Count { expected, found } => {
                write!(f, "it asks for {expected} path parameters, and the route has {found}")
            }
            Self::Shape(reason) | Self::Custom(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for PathError {}

impl de::Error for PathError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::Custom(reason.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Shape(format!("it asks for {expected}, and the parameters are {found}"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Shape(format!("no parameter is named `{field}`"))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::Shape(format!("it has no field for the parameter `{field}`"))
    }
}

/// All parameters.
struct Params<I>(I);

impl<'a, I: ExactSizeIterator<Item = (&'a str, &'a [u8])>> Params<I> {
    fn all(self) -> impl Iterator<Item = Param<'a>> {
        self.0.map(|(name, value)| Param { name, value })
    }

    fn check(&self, expected: usize) -> Result<(), PathError> {
        match self.0.len() {
            found if found == expected => Ok(()),
            found => Err(PathError::Count { expected, found }),
        }
    }

    fn only(self) -> Result<Param<'a>, PathError> {
        self.check(1)?;
        self.all().next().ok_or(PathError::Count { expected: 1, found: 0 })
    }
}

/// Types that are a single value are read from the only parameter.
macro_rules! only {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PathError> {
            self.only()?.$method(visitor)
        }
    )*};
}

impl<'de, 'a, I: ExactSizeIterator<Item = (&'a str, &'a [u8])>> Deserializer<'de> for Params<I> {
    type Error = PathError;

    only! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_option deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PathError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PathError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, PathError> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PathError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, PathError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PathError> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PathError> {
        visitor.visit_seq(SeqDeserializer::new(self.all()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, PathError> {
        self.check(len)?;
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, PathError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PathError> {
        visitor.visit_map(MapDeserializer::new(self.all().map(|param| (param.name, param))))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PathError> {
        self.deserialize_map(visitor)
    }
}

/// One parameter.
#[derive(Clone, Copy)]
struct Param<'a> {
    name: &'a str,
    value: &'a [u8],
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

    fn error(self, reason: impl fmt::Display) -> PathError {
        PathError::Value { name: self.name.to_owned(), reason: reason.to_string() }
    }
}

impl<'de> IntoDeserializer<'de, PathError> for Param<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Deserializes values with `FromStr`.
macro_rules! parsed {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PathError> {
            visitor.$visit(self.text().parse().map_err(|error| self.error(error))?)
        }
    )*};
}

/// As `parsed`, with a fast path for integers that skips the UTF-8 check.
macro_rules! counted {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PathError> {
            match self.digits().and_then(|number| number.try_into().ok()) {
                Some(number) => visitor.$visit(number),
                None => visitor.$visit(self.text().parse().map_err(|error| self.error(error))?),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Param<'_> {
    type Error = PathError;

    counted! {
        deserialize_i8 visit_i8
        deserialize_i16 visit_i16
        deserialize_i32 visit_i32
        deserialize_i64 visit_i64
        deserialize_i128 visit_i128
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

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PathError> {
        // If a type that reads text (a UUID, a date) rejects it, the client is at fault.
        visitor.visit_str(self.text()).map_err(|error: PathError| match error {
            PathError::Shape(reason) | PathError::Custom(reason) => self.error(reason),
            error => error,
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PathError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, PathError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PathError> {
        visitor.visit_enum(self.text().into_deserializer()).map_err(|error: PathError| self.error(error))
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
