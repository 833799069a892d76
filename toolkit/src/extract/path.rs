//! `Path<T>`: the path parameters as a value, deserialized with serde.

use std::any::type_name;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_core::de::value::{MapDeserializer, SeqDeserializer};
use serde_core::de::{DeserializeOwned, Deserializer, Visitor};
use stelo_core::http::Status;

use super::{FromRequestParts, OptionalFromRequestParts};
use crate::describe::Operation;
use crate::request::Parts;
use crate::request::param::{Param, ParamError};
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
            ParamError::Value { .. } | ParamError::Custom(_) => {
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
            Ok(Err(error @ (ParamError::Count { .. } | ParamError::Shape(_) | ParamError::Type { .. }))) => {
                found = Err(format!("`Path<{}>`: {error}", type_name::<T>()));
            }
            // The value does not fit, or is one that the type cannot take without a panic.
            Ok(Err(ParamError::Value { .. } | ParamError::Custom(_))) | Err(_) => {}
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

/// All parameters.
struct Params<I>(I);

impl<'a, I: ExactSizeIterator<Item = (&'a str, &'a [u8])>> Params<I> {
    fn all(self) -> impl Iterator<Item = Param<'a>> {
        self.0.map(|(name, value)| Param { name, value })
    }

    fn check(&self, expected: usize) -> Result<(), ParamError> {
        match self.0.len() {
            found if found == expected => Ok(()),
            found => Err(ParamError::Count { expected, found }),
        }
    }

    fn only(self) -> Result<Param<'a>, ParamError> {
        self.check(1)?;
        self.all().next().ok_or(ParamError::Count { expected: 1, found: 0 })
    }
}

/// Types that are a single value are read from the only parameter.
macro_rules! only {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
            self.only()?.$method(visitor)
        }
    )*};
}

impl<'de, 'a, I: ExactSizeIterator<Item = (&'a str, &'a [u8])>> Deserializer<'de> for Params<I> {
    type Error = ParamError;

    only! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_option deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        self.deserialize_map(visitor)
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

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_unit()
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
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_seq(SeqDeserializer::new(self.all()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ParamError> {
        self.check(len)?;
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_map(MapDeserializer::new(self.all().map(|param| (param.name, param))))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        self.deserialize_map(visitor)
    }
}
