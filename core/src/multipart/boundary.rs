//! The boundary between parts, as `Content-Type` announces it.

use alloc::vec::Vec;

use super::{Error, ErrorKind, parameter};

/// The boundary between the parts of a body: 1 to 70 characters (RFC 2046 section 5.1.1).
///
/// ```
/// use stelo_core::multipart::{Boundary, ErrorKind};
///
/// assert!(Boundary::of(b"multipart/form-data; boundary=\"a b\"").is_ok());
/// let error = Boundary::of(b"multipart/form-data").unwrap_err();
/// assert_eq!(error.kind, ErrorKind::BoundaryMissing);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Boundary(Vec<u8>);

impl Boundary {
    /// The length of the longest boundary, in bytes.
    pub const MAX: usize = 70;

    /// Creates a boundary of these characters. `None` if a character is not allowed, the last is a space, or there are
    /// none or more than 70.
    pub fn new(boundary: &[u8]) -> Option<Self> {
        let valid = (1..=Self::MAX).contains(&boundary.len())
            && boundary.iter().all(|&b| is_boundary_byte(b))
            && !boundary.ends_with(b" ");
        valid.then(|| Self(boundary.to_vec()))
    }

    /// Reads the boundary in a `Content-Type`, whatever its type.
    ///
    /// # Errors
    /// There is no boundary, or it is not valid.
    pub fn of(content_type: &[u8]) -> Result<Self, Error> {
        let error = |kind| Error { kind, at: 0 };
        let boundary = parameter(content_type, "boundary").ok_or(error(ErrorKind::BoundaryMissing))?;
        Self::new(&boundary).ok_or(error(ErrorKind::BoundaryInvalid))
    }

    /// Returns the characters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// `bchars` of RFC 2046 section 5.1.1.
fn is_boundary_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_have_one_to_seventy_of_the_characters_of_the_rfc() {
        let boundary = |value: &str| Boundary::of(value.as_bytes()).map(|boundary| boundary.0);
        for (value, expected) in [
            ("multipart/form-data; boundary=----WebKitFormBoundaryX", "----WebKitFormBoundaryX"),
            ("multipart/form-data; charset=utf-8; BOUNDARY=\"a b?\"", "a b?"),
            ("multipart/form-data; boundary=a=b/c:d", "a=b/c:d"),
        ] {
            assert_eq!(boundary(value), Ok(expected.into()), "{value}");
        }
        let long = alloc::format!("m/f; boundary={}", "x".repeat(71));
        for value in ["m/f; boundary=", "m/f; boundary=\"a \"", "m/f; boundary=a*", "m/f; boundary=ä", &long]
        {
            assert_eq!(boundary(value).unwrap_err().kind, ErrorKind::BoundaryInvalid, "{value}");
        }
        for value in ["", "m/f", "m/f; bound=a", "m/f boundary=a", "m/f; boundary=\"a"] {
            assert_eq!(boundary(value).unwrap_err().kind, ErrorKind::BoundaryMissing, "{value}");
        }
    }
}
