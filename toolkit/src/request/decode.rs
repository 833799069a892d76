//! Reads values from JSON, urlencoded pairs and text. Errors name the field and have the status of their response.

use serde_core::de::DeserializeOwned;
use serde_json::error::Category;
use stelo_core::http::Status;

use super::pairs::from_pairs;
use crate::response::HttpError;

/// Reads a JSON text.
///
/// # Errors
/// 400 if it is not JSON; 422, naming the field, if the value does not fit.
pub(crate) fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, HttpError> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value =
        serde_path_to_error::deserialize(&mut json).map_err(|error| match error.inner().classify() {
            Category::Data => HttpError::new(Status::UNPROCESSABLE_CONTENT)
                .with_detail(format!("invalid JSON value: {}", named(&error))),
            _ => malformed(error.inner()),
        })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> HttpError {
    HttpError::new(Status::BAD_REQUEST).with_detail(format!("malformed JSON: {error}"))
}

/// Reads the query of a URL.
///
/// # Errors
/// 400, naming the parameter that does not fit.
pub(crate) fn query<T: DeserializeOwned>(query: &str) -> Result<T, HttpError> {
    from_pairs(query.as_bytes())
        .map_err(|detail| HttpError::new(Status::BAD_REQUEST).with_detail(format!("invalid query: {detail}")))
}

/// Reads the body of a form.
///
/// # Errors
/// 422, naming the field that does not fit.
pub(crate) fn form<T: DeserializeOwned>(body: &[u8]) -> Result<T, HttpError> {
    from_pairs(body).map_err(|detail| {
        HttpError::new(Status::UNPROCESSABLE_CONTENT).with_detail(format!("invalid form: {detail}"))
    })
}

/// The error, preceded by the name of its field if the error does not name it itself.
fn named<E: std::fmt::Display>(error: &serde_path_to_error::Error<E>) -> String {
    match error.path().to_string() {
        path if path == "." => error.inner().to_string(),
        path => format!("`{path}`: {}", error.inner()),
    }
}

/// Reads text.
///
/// # Errors
/// 400 if it is not UTF-8.
pub(crate) fn text(bytes: Vec<u8>) -> Result<String, HttpError> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        HttpError::new(Status::BAD_REQUEST).with_detail(format!("the body is not UTF-8 (at byte {at})"))
    })
}
