//! Convertors: the text that a parameter matches.
//!
//! | name | takes |
//! |---|---|
//! | `str` | at least one character, none of them `/`; the default |
//! | `path` | any text, including the empty one |
//! | `int` | 1 to 20 ASCII digits, at most `u64::MAX` |
//! | `float` | digits, or digits `.` digits |
//! | `uuid` | 32 hexadecimal digits, with or without each hyphen of the form 8-4-4-4-12 |
//!
//! Values stay text. Parsing numbers is left to the code that reads the captures.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// A custom convertor.
///
/// ```
/// use stelo_core::http::Method;
/// use stelo_core::routing::{Builder, Convertor};
///
/// struct Year;
///
/// impl Convertor for Year {
///     fn matches(&self, text: &str) -> bool {
///         text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit())
///     }
/// }
///
/// let mut builder = Builder::new();
/// builder.convertor("year", Year);
/// builder.route("/archive/{year:year}", Method::Get, "archive");
/// assert!(builder.build().is_ok());
/// ```
pub trait Convertor: Send + Sync + 'static {
    /// Returns whether the whole of `text` is a value. It contains no `/` unless
    /// [`spans_segments`](Self::spans_segments).
    ///
    /// The search tries the longest text first, then shorter ones that the rest of the pattern allows. The values
    /// given to `url_path_for` have to match too.
    fn matches(&self, text: &str) -> bool;

    /// Returns whether a value may contain `/`.
    fn spans_segments(&self) -> bool {
        false
    }
}

/// The kind of convertor of a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    Str,
    Path,
    Int,
    Float,
    Uuid,
    /// The index in [`Convertors`].
    Custom(usize),
}

/// The convertors of a router by name: the built-in ones and the custom ones.
#[derive(Default)]
pub(super) struct Convertors {
    custom: Vec<(Box<str>, Box<dyn Convertor>)>,
}

impl Convertors {
    /// Adds a convertor. It replaces one of the same name, including a built-in one.
    pub(super) fn add(&mut self, name: Box<str>, convertor: Box<dyn Convertor>) {
        self.custom.push((name, convertor));
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.custom.iter().map(|(name, _)| &**name)
    }

    pub(super) fn class(&self, name: &str) -> Option<Class> {
        if let Some(position) = self.custom.iter().rposition(|(custom, _)| **custom == *name) {
            return Some(Class::Custom(position));
        }
        Some(match name {
            "str" => Class::Str,
            "path" => Class::Path,
            "int" => Class::Int,
            "float" => Class::Float,
            "uuid" => Class::Uuid,
            _ => return None,
        })
    }

    /// Returns whether values of this class may contain `/`.
    pub(super) fn spans(&self, class: Class) -> bool {
        match class {
            Class::Path => true,
            Class::Custom(position) => self.custom[position].1.spans_segments(),
            Class::Str | Class::Int | Class::Float | Class::Uuid => false,
        }
    }

    /// Returns whether a value of this class may contain `byte`, so that it may end before or after it. Always false
    /// for `uuid`, whose length is fixed.
    pub(super) fn takes(&self, class: Class, byte: u8) -> bool {
        match class {
            Class::Int => byte.is_ascii_digit(),
            Class::Float => byte.is_ascii_digit() || byte == b'.',
            Class::Uuid => false,
            Class::Str | Class::Path | Class::Custom(_) => byte != b'/' || self.spans(class),
        }
    }

    /// Returns whether the whole of `text` is a value of this class.
    pub(super) fn matches(&self, class: Class, text: &str) -> bool {
        let bytes = text.as_bytes();
        match class {
            Class::Str => !text.is_empty() && !bytes.contains(&b'/'),
            Class::Path => true,
            Class::Int => !text.is_empty() && int_end(bytes, 0) == text.len(),
            Class::Float => {
                let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
                [whole, fraction]
                    .iter()
                    .all(|part| !part.is_empty() && digits_end(part.as_bytes(), 0) == part.len())
            }
            Class::Uuid => uuid_end(bytes, 0) == Some(text.len()),
            Class::Custom(position) => {
                let convertor = &self.custom[position].1;
                (convertor.spans_segments() || !bytes.contains(&b'/')) && convertor.matches(text)
            }
        }
    }
}

/// Returns the end of the ASCII digits that begin at `at`.
#[inline]
pub(super) fn digits_end(text: &[u8], at: usize) -> usize {
    text[at..].iter().position(|byte| !byte.is_ascii_digit()).map_or(text.len(), |count| at + count)
}

/// Returns the end of the longest `int` that begins at `at`; `at` if there is none.
#[inline]
pub(super) fn int_end(text: &[u8], at: usize) -> usize {
    const MOST: usize = 20;
    let end = digits_end(&text[..text.len().min(at + MOST)], at);
    if end - at < MOST { end } else { long_int_end(&text[at..at + MOST]) + at }
}

/// Returns how many of 20 digits fit an `int`.
#[cold]
fn long_int_end(digits: &[u8]) -> usize {
    let value = |byte: &u8| u64::from(byte - b'0');
    let fits = digits.iter().try_fold(0_u64, |n, byte| n.checked_mul(10)?.checked_add(value(byte))).is_some();
    if fits { digits.len() } else { digits.len() - 1 }
}

/// Returns the end of the `uuid` that begins at `at`. There is at most one.
pub(super) fn uuid_end(text: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    for (i, digits) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if i > 0 && text.get(end) == Some(&b'-') {
            end += 1;
        }
        if !text.get(end..end + digits)?.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        end += digits;
    }
    Some(end)
}

/// The reason why a value cannot be part of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ValueError {
    /// A `/` in a value for a single segment.
    PathSeparator,
    /// NUL, CR or LF: no request has them in its path (see [`Target::parse`](crate::http::Target::parse)).
    Control,
    /// An empty `str`.
    Empty,
    /// A negative `int`.
    NegativeInteger,
    /// A negative `float`.
    NegativeFloat,
    /// A `float` that is not a number.
    NotANumber,
    /// An infinite `float`.
    Infinite,
    /// Another value that the convertor does not match.
    Mismatch,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PathSeparator => "it may not contain `/`; use the convertor `path` for values that do",
            Self::Control => "it may not contain NUL, CR or LF, with which no request would be accepted",
            Self::Empty => "it must not be empty",
            Self::NegativeInteger => "negative integers are not supported",
            Self::NegativeFloat => "negative floats are not supported",
            Self::NotANumber => "NaN is not supported",
            Self::Infinite => "infinite values are not supported",
            Self::Mismatch => "its convertor would not match it",
        })
    }
}

impl core::error::Error for ValueError {}

impl Convertors {
    /// Checks that a path with this value would match again.
    pub(super) fn check(&self, class: Class, text: &str) -> Result<(), ValueError> {
        check_text(text)?;
        if self.matches(class, text) {
            return Ok(());
        }
        Err(match class {
            _ if text.contains('/') => ValueError::PathSeparator,
            Class::Str => ValueError::Empty,
            Class::Float if text == "NaN" => ValueError::NotANumber,
            Class::Float if text.trim_start_matches('-') == "inf" => ValueError::Infinite,
            Class::Float if text.starts_with('-') => ValueError::NegativeFloat,
            Class::Int if text.starts_with('-') => ValueError::NegativeInteger,
            _ => ValueError::Mismatch,
        })
    }
}

/// Checks that the path of a request can contain a text, percent-encoded.
pub(super) fn check_text(text: &str) -> Result<(), ValueError> {
    if text.contains(['\0', '\r', '\n']) { Err(ValueError::Control) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn matches(name: &str, text: &str) -> bool {
        let convertors = Convertors::default();
        convertors.matches(convertors.class(name).unwrap(), text)
    }

    #[test]
    fn built_in_convertors_match_their_values() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("str", &["a", "a.b", " ", "é", "\n"], &["", "/", "a/b"]),
            ("path", &["", "a/b", "/", "\n"], &[]),
            (
                "int",
                &["0", "007", "18446744073709551615", "00000000000000000007"],
                &[
                    "",
                    "-1",
                    "+1",
                    "1.0",
                    "a",
                    "18446744073709551616",
                    "99999999999999999999",
                    "100000000000000000000",
                    "١",
                ],
            ),
            ("float", &["1", "1.5", "0.0", "007.500"], &["", "1.", ".5", "-1", "1.5.2", "1e5", "1.+5"]),
            (
                "uuid",
                &["ec38df32-ceda-4cfa-9b4a-1aeb94ad551a", "EC38DF32ceda-4cfa9b4a1aeb94ad551a"],
                &[
                    "",
                    "ec38df32-ceda-4cfa-9b4a-1aeb94ad551",
                    "ec38df32-ceda-4cfa-9b4a-1aeb94ad551g",
                    "ec38df3-2ceda-4cfa-9b4a-1aeb94ad551a",
                    "ec38df32--ceda-4cfa-9b4a-1aeb94ad551a",
                    "ec38df32-ceda-4cfa-9b4a-1aeb94ad551a-",
                ],
            ),
        ];
        for (name, good, bad) in cases {
            good.iter().for_each(|text| assert!(matches(name, text), "{name} takes {text:?}"));
            bad.iter().for_each(|text| assert!(!matches(name, text), "{name} does not take {text:?}"));
        }
    }

    #[test]
    fn the_end_of_a_number_is_found() {
        assert_eq!(int_end(b"a12b", 1), 3);
        assert_eq!(int_end(b"x", 0), 0);
        assert_eq!(int_end(b"18446744073709551615", 0), 20);
        assert_eq!(int_end(b"18446744073709551616", 0), 19);
        assert_eq!(int_end(b"123456789012345678901234", 0), 20);
    }

    #[test]
    fn an_invalid_value_is_rejected_with_the_reason() {
        let convertors = Convertors::default();
        let check = |name: &str, value: &dyn fmt::Display| {
            convertors.check(convertors.class(name).unwrap(), &value.to_string())
        };
        assert_eq!(check("str", &"tom/christie"), Err(ValueError::PathSeparator));
        assert_eq!(check("str", &""), Err(ValueError::Empty));
        assert_eq!(check("int", &-1), Err(ValueError::NegativeInteger));
        assert_eq!(check("int", &1.5), Err(ValueError::Mismatch));
        assert_eq!(check("float", &-1.5), Err(ValueError::NegativeFloat));
        assert_eq!(check("float", &f64::NAN), Err(ValueError::NotANumber));
        assert_eq!(check("float", &f64::NEG_INFINITY), Err(ValueError::Infinite));
        assert_eq!(check("uuid", &"x"), Err(ValueError::Mismatch));
        for value in [0.1, 100.0, 1e-7, 1e22] {
            assert_eq!(check("float", &value), Ok(()));
        }
    }
}
