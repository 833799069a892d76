//! Header blocks of responses: status, the fields of the application, and the default fields.
//!
//! No block refers to a dynamic table, so the default fields are encoded once, and copied into each response. The caller
//! begins the first block of a connection by [`Encoder::begin`].

use alloc::vec::Vec;

use super::hpack::{Encoder, Indexing, KnownName, constant_field, literal};
use crate::http::{Headers, Status, is_name};
use crate::proto::Defaults;

/// Writes the header block of a response.
///
/// Leaves out the fields that HTTP/2 does not allow (RFC 9113 section 8.2.2), and any `content-length` in `headers`: the
/// caller decides about `length`. The [default fields](Defaults) are those that `headers` lacks.
///
/// ```
/// use stelo_core::h2::head;
/// use stelo_core::h2::hpack::{BlockLimits, Decoder, FieldLines};
/// use stelo_core::http::{Headers, Status};
/// use stelo_core::proto::Defaults;
///
/// let mut headers = Headers::new();
/// headers.set("Content-Type", "text/plain");
/// headers.set("connection", "close");
/// let mut block = Vec::new();
/// head::response(&mut block, Status::OK, &headers, Some(2), &Defaults::default());
///
/// let (mut decoder, mut fields) = (Decoder::new(4_096), FieldLines::default());
/// decoder.begin(BlockLimits::default());
/// decoder.decode(&block, &mut fields)?;
/// assert_eq!(decoder.finish()?, None);
/// let fields: Vec<_> = fields.iter().collect();
/// assert_eq!(fields[0], (&b":status"[..], &b"200"[..]));
/// assert_eq!(fields[1], (&b"content-type"[..], &b"text/plain"[..]));
/// assert_eq!(fields[2], (&b"content-length"[..], &b"2"[..]));
/// assert_eq!(fields.len(), 3);
/// # Ok::<(), stelo_core::h2::hpack::HpackError>(())
/// ```
#[inline]
pub fn response(
    out: &mut Vec<u8>,
    status: Status,
    headers: &Headers,
    length: Option<u64>,
    defaults: &Defaults,
) {
    Encoder::status(out, status);
    // Without special fields, `date` and `server` are not replaced.
    if headers.lines().is_some() && !defaults.has_others() || defaults.is_disjoint(headers) {
        out.extend_from_slice(defaults.http2(render));
    } else {
        for (name, value) in defaults.raw_missing_from(headers) {
            literal(out, Indexing::for_response(name), name, value);
        }
    }
    fields(out, headers);
    if let Some(length) = length {
        content_length(out, length);
    }
}

/// Writes fields in order, without those that HTTP/2 does not allow, and without `content-length`: the fields of an
/// informational response, or trailers.
#[inline]
pub fn fields(out: &mut Vec<u8>, headers: &Headers) {
    for (name, value) in headers.raw() {
        if !is_left_out(name) {
            literal(out, Indexing::for_response(name), name, value);
        }
    }
}

/// Encodes the default fields.
#[cold]
fn render(fields: &Headers) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields.raw() {
        match Indexing::for_response(name) {
            Indexing::Never => literal(&mut block, Indexing::Never, name, value),
            _ => constant_field(&mut block, name, value),
        }
    }
    block
}

/// Returns whether a field is about a connection of HTTP/1.1, or frames a message there.
#[inline]
fn is_left_out(name: &[u8]) -> bool {
    match name.len() {
        2 => is_name(name, b"te"),
        7 => is_name(name, b"upgrade"),
        10 => is_name(name, b"connection") || is_name(name, b"keep-alive"),
        14 => is_name(name, b"content-length") || is_name(name, b"http2-settings"),
        16 => is_name(name, b"proxy-connection"),
        17 => is_name(name, b"transfer-encoding"),
        _ => false,
    }
}

/// Writes `content-length`.
#[inline]
fn content_length(out: &mut Vec<u8>, mut length: u64) {
    // 20 digits hold any number.
    let mut digits = [0; 20];
    let mut at = digits.len();
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (length % 10) as u8;
        length /= 10;
        at -= 1;
        if length == 0 {
            break;
        }
    }
    let digits = digits.get(at..).unwrap_or_default();
    // Without indexing, the name of the index: 15 in the prefix, and the rest.
    out.extend_from_slice(&[0x0f, KnownName::CONTENT_LENGTH.index() - 15, digits.len() as u8]);
    out.extend_from_slice(digits);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h2::hpack::{BlockLimits, Decoder, FieldLines};
    use crate::http::date;
    use alloc::string::String;
    use alloc::vec;
    use proptest::prelude::*;

    fn decoded(block: &[u8]) -> Vec<(String, String, bool)> {
        let (mut decoder, mut lines) = (Decoder::new(0), FieldLines::default());
        decoder.begin(BlockLimits::default());
        decoder.decode(block, &mut lines).unwrap();
        assert_eq!(decoder.finish(), Ok(None));
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let marks = lines.fields().iter().map(|field| field.is_never_indexed());
        lines.iter().zip(marks).map(|((name, value), mark)| (text(name), text(value), mark)).collect()
    }

    fn field(name: &str, value: &str) -> (String, String, bool) {
        (name.to_ascii_lowercase(), value.into(), name.eq_ignore_ascii_case("set-cookie"))
    }

    #[test]
    fn lengths_are_decimal() {
        for n in [0, 7, 10, 99, 100, 65_535, u64::MAX] {
            let mut out = vec![];
            content_length(&mut out, n);
            assert_eq!(decoded(&out), [field("content-length", &std::format!("{n}"))]);
        }
    }

    #[test]
    fn the_date_of_default_fields_changes() {
        let mut defaults = Defaults::new(Some(&date::format(0)), Some("stelo"), &Headers::new()).unwrap();
        let block = |defaults: &Defaults| {
            let mut out = vec![];
            response(&mut out, Status::OK, &Headers::new(), None, defaults);
            decoded(&out)
        };
        assert_eq!(block(&defaults)[1], field("date", "Thu, 01 Jan 1970 00:00:00 GMT"));
        defaults.set_date(&date::format(784_111_777));
        assert_eq!(block(&defaults)[1], field("date", "Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(block(&defaults)[2], field("server", "stelo"));
    }

    const NAMES: [&str; 14] = [
        "a",
        "Vary",
        "date",
        "Server",
        "content-type",
        "content-length",
        "Connection",
        "te",
        "Keep-Alive",
        "upgrade",
        "proxy-connection",
        "transfer-encoding",
        "Set-Cookie",
        "x-default",
    ];

    proptest! {
        #[test]
        fn a_block_has_the_fields_that_are_allowed_and_the_defaults_that_are_missing(
            code in 100u16..=999,
            own in proptest::collection::vec((0..NAMES.len(), "[a-z]{0,3}"), 0..6),
            other: bool,
            length: Option<u64>,
        ) {
            let (mut headers, mut others) = (Headers::new(), Headers::new());
            if other {
                others.append("X-Default", "1");
            }
            let defaults = Defaults::new(Some(&date::format(0)), Some("stelo"), &others).unwrap();
            let mut expected = vec![field(":status", &std::format!("{code}"))];
            let has = |name: &str| own.iter().any(|(own, _)| NAMES[*own].eq_ignore_ascii_case(name));
            let all = [("date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("server", "stelo"), ("x-default", "1")];
            for (name, value) in all.into_iter().take(if other { 3 } else { 2 }) {
                if !has(name) {
                    expected.push(field(name, value));
                }
            }
            for (name, value) in &own {
                headers.append(NAMES[*name], crate::http::header::HeaderValue::try_from(value.clone()).unwrap());
                if ![5, 6, 7, 8, 9, 10, 11].contains(name) {
                    expected.push(field(NAMES[*name], value));
                }
            }
            if let Some(length) = length {
                expected.push(field("content-length", &std::format!("{length}")));
            }
            let mut out = vec![];
            response(&mut out, Status::new(code).unwrap(), &headers, length, &defaults);
            prop_assert_eq!(decoded(&out), expected);
        }
    }
}
