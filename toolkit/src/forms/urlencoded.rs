//! Urlencoded bodies, with the limits of their fields.

use stelo_core::body::{Body, BodyError, Length};

use super::{FormLimits, rejection};
use crate::response::HttpError;

/// Reads a urlencoded body of up to `limit` bytes. The limits of fields end it as soon as they are exceeded.
pub(crate) async fn collect(mut body: Body, limit: usize, limits: &FormLimits) -> Result<Vec<u8>, HttpError> {
    let limit = limits
        .max_body_size
        .map_or(limit, |most| usize::try_from(most).map_or(limit, |most| most.min(limit)));
    let too_large = || HttpError::from(BodyError::TooLarge { limit });
    if matches!(body.length(), Length::Known(length) if length > limit as u64) {
        return Err(too_large());
    }
    let (mut all, mut fields) = (Vec::new(), Fields::default());
    while let Some(bytes) = body.chunk().await {
        let bytes = bytes?;
        fields.count(&bytes, limits)?;
        if bytes.len() > limit - all.len() {
            return Err(too_large());
        }
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

/// Counts the fields of a body, and the bytes of the current one.
#[derive(Default)]
struct Fields {
    count: usize,
    /// The bytes of name and value, without the `=` between them.
    size: usize,
    /// Whether a byte of the field has come. An empty one does not count.
    begun: bool,
    /// Whether the `=` of the field has come.
    named: bool,
}

impl Fields {
    fn count(&mut self, bytes: &[u8], limits: &FormLimits) -> Result<(), HttpError> {
        for (index, piece) in bytes.split(|&b| b == b'&').enumerate() {
            if index > 0 {
                *self = Self { count: self.count, ..Self::default() };
            }
            if piece.is_empty() {
                continue;
            }
            if !std::mem::replace(&mut self.begun, true) {
                if self.count == limits.max_fields {
                    return Err(rejection::too_many("fields", limits.max_fields));
                }
                self.count += 1;
            }
            self.size += piece.len();
            if !self.named && piece.contains(&b'=') {
                self.named = true;
                self.size -= 1;
            }
            if self.size > limits.max_part_size {
                return Err(rejection::exceeded("Field", limits.max_part_size));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts a body in pieces of every size: the result must not depend on it.
    fn count(body: &str, limits: &FormLimits) -> Result<usize, String> {
        let results: Vec<_> = (1..=body.len())
            .map(|size| {
                let mut fields = Fields::default();
                let counted = body.as_bytes().chunks(size).try_for_each(|piece| fields.count(piece, limits));
                counted.map(|()| fields.count).map_err(|error| error.detail.into_owned())
            })
            .collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{body}");
        results[0].clone()
    }

    #[test]
    fn fields_are_counted_in_any_pieces() {
        let limits = FormLimits::new().max_fields(3).max_part_size(4);
        for (body, expected) in [("a", 1), ("=b", 1), ("&&a=1&&b&", 2), ("a=b=c&abcd&ab=cd", 3), ("a&b&c", 3)]
        {
            assert_eq!(count(body, &limits), Ok(expected), "{body}");
        }
        let (many, large) =
            ("Too many fields. Maximum number of fields is 3.", "Field exceeded maximum size of 0KB.");
        for (body, expected) in [("a&b&c&d", many), ("abcde", large), ("abc=de", large), ("a&a=b=cd", large)]
        {
            assert_eq!(count(body, &limits).as_ref().map_err(|error| &**error), Err(expected), "{body}");
        }
    }
}
