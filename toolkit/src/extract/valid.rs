//! `Valid<T>`: an extractor whose value satisfies the rules of its type, with the feature `validation`.

use std::collections::{BTreeMap, BTreeSet};

use garde::Validate;
use stelo_core::http::Status;

use super::{Form, FromRequest, FromRequestParts, Json, Path, Query};
use crate::describe::Operation;
use crate::request::{Parts, Request};
use crate::response::{HttpError, Problem};

/// An extractor whose value satisfies the rules of its type, those of the crate `garde`.
///
/// It wraps [`Json`], [`Form`], [`Query`] or [`Path`]. Their own rejections stay. A value that breaks rules is rejected
/// with 422 and a [`Problem`] that names every field, with a JSON pointer (RFC 6901) and the rules that it breaks.
///
/// If the rules need a context, it is the [state](crate::State) of that type, or else its default.
///
/// ```
/// use garde::Validate;
/// use serde::Deserialize;
/// use stelo_toolkit::extract::Valid;
/// use stelo_toolkit::{App, Json, TestClient, post};
///
/// #[derive(Deserialize, Validate)]
/// struct User {
///     #[garde(length(min = 3))]
///     name: String,
///     #[garde(range(min = 18))]
///     age: u8,
/// }
///
/// async fn create(Valid(Json(user)): Valid<Json<User>>) -> String {
///     format!("{} is {}", user.name, user.age)
/// }
///
/// let client = TestClient::new(App::new().route("/", post(create)));
/// let body = r#"{"name": "a", "age": 1}"#;
/// let response = client.post("/").header("content-type", "application/json").body(body).send();
/// assert_eq!(response.status().code(), 422);
/// assert!(response.text().contains(r#"{"detail":"lower than 18","pointer":"/age"}"#));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Valid<T>(pub T);

/// An extractor around a value.
pub trait Wraps {
    /// The type of the value.
    type Value;

    /// Returns the value.
    fn value(&self) -> &Self::Value;
}

macro_rules! wraps {
    ($($extractor:ident)*) => {$(
        impl<T> Wraps for $extractor<T> {
            type Value = T;

            fn value(&self) -> &T {
                &self.0
            }
        }
    )*};
}

wraps! { Json Form Query Path }

impl<E, T, C> FromRequestParts for Valid<E>
where
    E: FromRequestParts<Rejection = HttpError> + Wraps<Value = T> + Send,
    T: Validate<Context = C>,
    C: Default + Send + Sync + 'static,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
        let extracted = E::from_request_parts(parts).await?;
        check(extracted.value(), parts.state::<C>())?;
        Ok(Self(extracted))
    }

    fn describe(operation: &mut Operation) {
        E::describe(operation);
    }
}

impl<E, T, C> FromRequest for Valid<E>
where
    E: FromRequest<Rejection = HttpError> + Wraps<Value = T> + Send,
    T: Validate<Context = C>,
    C: Default + Clone + Send + Sync + 'static,
{
    type Rejection = HttpError;

    async fn from_request(request: Request) -> Result<Self, HttpError> {
        let context = request.state::<C>().cloned();
        let extracted = E::from_request(request).await?;
        check(extracted.value(), context.as_ref())?;
        Ok(Self(extracted))
    }

    fn describe(operation: &mut Operation) {
        E::describe(operation);
    }
}

fn check<T: Validate<Context: Default>>(value: &T, context: Option<&T::Context>) -> Result<(), HttpError> {
    let checked = match context {
        Some(context) => value.validate_with(context),
        None => value.validate(),
    };
    let Err(report) = checked else { return Ok(()) };
    // `garde` checks the rules of a field in an order that differs from one build to the next.
    let mut rules = BTreeMap::<String, BTreeSet<&str>>::new();
    for (path, error) in report.iter() {
        rules.entry(pointer(&path.to_string())).or_default().insert(error.message());
    }
    let details =
        rules.into_iter().map(|(field, rules)| (field, rules.into_iter().collect::<Vec<_>>().join("; ")));
    let fields: BTreeMap<String, String> = details.collect();
    let text: Vec<_> = fields.iter().map(|(field, detail)| format!("`{field}`: {detail}")).collect();
    let fault = |(pointer, detail)| BTreeMap::from([("pointer", pointer), ("detail", detail)]);
    let errors: Vec<BTreeMap<&str, &String>> = fields.iter().map(fault).collect();
    let problem = Problem::new(Status::UNPROCESSABLE_CONTENT).with_detail(text.join(", "));
    Err(problem.with_member("errors", &errors).into())
}

/// Converts a path such as `items[0].name` to a pointer such as `/items/0/name`.
fn pointer(path: &str) -> String {
    let mut pointer = String::new();
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        let part = part.strip_suffix(']').unwrap_or(part);
        pointer.push('/');
        pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}
