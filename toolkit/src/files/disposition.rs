//! The `Content-Disposition` field of a response (RFC 6266, RFC 8187).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use stelo_core::http::header::HeaderValue;

/// The characters of a name that are percent-encoded: all but unreserved ones and `/` (RFC 3986 section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Returns the field for a name. A name that needs no encoding is quoted; any other is in the extended form.
pub(super) fn disposition(kind: &str, name: &str) -> HeaderValue {
    let encoded = utf8_percent_encode(name, ENCODED).to_string();
    let field = match encoded == name {
        true => format!("{kind}; filename=\"{name}\""),
        false => format!("{kind}; filename*=utf-8''{encoded}"),
    };
    field.try_into().expect("a token and percent-encoded text are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_or_encoded() {
        for (name, field) in [
            ("example.png", "attachment; filename=\"example.png\""),
            ("a-b_c.~/d", "attachment; filename=\"a-b_c.~/d\""),
            ("\u{4e2d}\u{6587}.txt", "attachment; filename*=utf-8''%E4%B8%AD%E6%96%87.txt"),
            ("a b.txt", "attachment; filename*=utf-8''a%20b.txt"),
            ("\"\r\nx: y", "attachment; filename*=utf-8''%22%0D%0Ax%3A%20y"),
            ("100%;", "attachment; filename*=utf-8''100%25%3B"),
        ] {
            let value: &[u8] = disposition("attachment", name).as_ref().to_owned().leak();
            assert_eq!(value, field.as_bytes(), "{name:?}");
        }
    }
}
