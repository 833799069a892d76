//! Evaluates the conditions of a request (RFC 9110 section 13), for files, for `Validators` and for `Conditional`.
//!
//! A date or an `if-range` that is repeated is no date and names no version: a list of them is invalid.

use stelo_core::http::{Headers, date};

/// The validators of the current representation.
#[derive(Clone, Copy)]
pub(crate) struct Current<'a> {
    pub(crate) etag: Option<&'a [u8]>,
    /// In seconds since 1970.
    pub(crate) modified: Option<u64>,
}

/// The result of the conditions of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Precondition {
    /// There are none, or they hold.
    Holds,
    /// The client has the current version: 304.
    NotModified,
    /// The client wants another version: 412.
    Failed,
}

impl Current<'_> {
    /// Evaluates all conditions but `if-range`, in the order of section 13.2.2. `is_read` is for GET and HEAD.
    pub(crate) fn evaluate(self, headers: &Headers, is_read: bool) -> Precondition {
        let date = |name| only(headers, name).and_then(date::parse);
        let is_since = |date: u64| self.modified.map(|modified| modified <= date);
        let wanted = match headers.contains("if-match") {
            true => self.is_listed(headers, "if-match", is_same_strong),
            false => date("if-unmodified-since").and_then(is_since).unwrap_or(true),
        };
        if !wanted {
            return Precondition::Failed;
        }
        let known = match headers.contains("if-none-match") {
            true => self.is_listed(headers, "if-none-match", is_same_weak),
            false => is_read && date("if-modified-since").and_then(is_since).unwrap_or(false),
        };
        match (known, is_read) {
            (false, _) => Precondition::Holds,
            (true, true) => Precondition::NotModified,
            (true, false) => Precondition::Failed,
        }
    }

    /// Whether `if-range` allows a partial response at the time `now`, in seconds since 1970: it is absent, or equals a
    /// strong validator (section 13.1.5). A date is strong after a second: within it, there may have been another version
    /// of the same date (section 8.8.2.2).
    pub(crate) fn allows_range(self, headers: &Headers, now: impl FnOnce() -> u64) -> bool {
        if !headers.contains("if-range") {
            return true;
        }
        let Some(value) = only(headers, "if-range") else { return false };
        let is_date = |modified: u64| value == date::format(modified) && modified < now();
        self.etag.is_some_and(|etag| is_same_strong(etag, value)) || self.modified.is_some_and(is_date)
    }

    /// Whether one of the entity tags in the fields of this name is the current one, or is `*`.
    fn is_listed(self, headers: &Headers, name: &str, is_same: fn(&[u8], &[u8]) -> bool) -> bool {
        let mut tags = headers.get_all(name).flat_map(members);
        tags.any(|tag| tag == b"*" || self.etag.is_some_and(|etag| is_same(etag, tag)))
    }
}

/// Returns the value of a field that must not be repeated.
fn only<'a>(headers: &'a Headers, name: &str) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name);
    values.next().filter(|_| values.next().is_none())
}

/// Returns the members of a list. An entity tag may contain commas between its quotes (section 8.8.3).
fn members(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut is_quoted = false;
    let members = list.split(move |&byte| {
        is_quoted ^= byte == b'"';
        byte == b',' && !is_quoted
    });
    members.map(<[u8]>::trim_ascii)
}

/// Compares entity tags; a weak one differs from every other (section 8.8.3.2).
fn is_same_strong(one: &[u8], other: &[u8]) -> bool {
    one == other && !one.starts_with(b"W/")
}

/// Compares entity tags, whether weak or strong (section 8.8.3.2).
fn is_same_weak(one: &[u8], other: &[u8]) -> bool {
    let opaque = |tag| <[u8]>::strip_prefix(tag, b"W/").unwrap_or(tag);
    opaque(one) == opaque(other)
}

#[cfg(test)]
mod tests {
    use super::Precondition::{Failed, Holds, NotModified};
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const MODIFIED: u64 = 784_111_777;
    const STRONG: Current<'_> = Current { etag: Some(b"\"a\""), modified: Some(MODIFIED) };
    const NONE: Current<'_> = Current { etag: None, modified: None };

    fn fields(fields: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.try_append(name, value).expect("a field");
        }
        headers
    }

    fn evaluate(own: Current<'_>, conditions: &[(&str, &str)]) -> (Precondition, Precondition) {
        let headers = fields(conditions);
        (own.evaluate(&headers, true), own.evaluate(&headers, false))
    }

    #[test]
    fn conditions_are_evaluated_in_order() {
        for (conditions, read, write) in [
            (&[][..], Holds, Holds),
            (&[("if-none-match", "\"a\"")], NotModified, Failed),
            (&[("if-none-match", "W/\"a\"")], NotModified, Failed),
            (&[("if-none-match", "\"x\",\tW/\"a\"")], NotModified, Failed),
            (&[("if-none-match", "\"x\""), ("if-none-match", "\"a\"")], NotModified, Failed),
            (&[("if-none-match", "*")], NotModified, Failed),
            (&[("if-none-match", "a")], Holds, Holds),
            (&[("if-none-match", "\"x\""), ("if-modified-since", DATE)], Holds, Holds),
            (&[("if-modified-since", DATE)], NotModified, Holds),
            (&[("if-modified-since", BEFORE)], Holds, Holds),
            (&[("if-modified-since", "Sunday, 06-Nov-94 08:49:37 GMT")], NotModified, Holds),
            (&[("if-modified-since", "yesterday")], Holds, Holds),
            (&[("if-match", "\"a\"")], Holds, Holds),
            (&[("if-match", "*")], Holds, Holds),
            (&[("if-match", "W/\"a\"")], Failed, Failed),
            (&[("if-match", "\"a\""), ("if-none-match", "\"a\"")], NotModified, Failed),
            (&[("if-match", "\"x\""), ("if-none-match", "\"a\"")], Failed, Failed),
            (&[("if-unmodified-since", DATE)], Holds, Holds),
            (&[("if-unmodified-since", BEFORE)], Failed, Failed),
            (&[("if-match", "\"a\""), ("if-unmodified-since", BEFORE)], Holds, Holds),
        ] {
            assert_eq!(evaluate(STRONG, conditions), (read, write), "{conditions:?}");
        }
        let weak = Current { etag: Some(b"W/\"a\""), modified: None };
        assert_eq!(evaluate(weak, &[("if-match", "W/\"a\"")]).0, Failed);
        assert_eq!(evaluate(weak, &[("if-none-match", "\"a\"")]).0, NotModified);
    }

    #[test]
    fn a_comma_within_an_entity_tag_is_part_of_it() {
        let own = Current { etag: Some(b"\"a,b\""), modified: None };
        for (list, outcome) in
            [("\"a,b\"", NotModified), ("\"x\" , W/\"a,b\"", NotModified), ("\"a\", \"b\"", Holds)]
        {
            assert_eq!(evaluate(own, &[("if-none-match", list)]).0, outcome, "{list}");
        }
        assert_eq!(evaluate(own, &[("if-match", "\"a,b\",\"c\"")]).0, Holds);
        // A tag that does not end has no effect beyond its field.
        assert_eq!(evaluate(own, &[("if-none-match", "\"x"), ("if-none-match", "\"a,b\"")]).0, NotModified);
    }

    #[test]
    fn a_date_that_is_repeated_has_no_effect() {
        for name in ["if-modified-since", "if-unmodified-since"] {
            assert_eq!(evaluate(STRONG, &[(name, BEFORE), (name, DATE)]), (Holds, Holds), "{name}");
            assert_eq!(evaluate(STRONG, &[(name, DATE), (name, DATE)]), (Holds, Holds), "{name}");
        }
    }

    #[test]
    fn without_validators_only_the_asterisk_matches() {
        for (condition, outcome) in [
            (("if-modified-since", DATE), Holds),
            (("if-unmodified-since", BEFORE), Holds),
            (("if-none-match", "\"a\""), Holds),
            (("if-none-match", "*"), NotModified),
            (("if-match", "\"a\""), Failed),
            (("if-match", "*"), Holds),
        ] {
            assert_eq!(evaluate(NONE, &[condition]).0, outcome, "{condition:?}");
        }
    }

    #[test]
    fn if_range_must_be_a_strong_validator() {
        let allows = |own: Current<'_>, values: &[&str], now| {
            let headers = fields(&values.iter().map(|value| ("if-range", *value)).collect::<Vec<_>>());
            own.allows_range(&headers, || now)
        };
        for (if_range, allowed) in [
            (&[][..], true),
            (&["\"a\""], true),
            (&[DATE], true),
            (&["W/\"a\""], false),
            (&["\"x\""], false),
            (&[BEFORE], false),
            (&["*"], false),
            (&["\"a\"", "\"a\""], false),
        ] {
            assert_eq!(allows(STRONG, if_range, MODIFIED + 1), allowed, "{if_range:?}");
        }
        assert!(!allows(Current { etag: Some(b"W/\"a\""), modified: None }, &["W/\"a\""], 0));
        assert!(!allows(NONE, &[DATE], MODIFIED + 1));
        for (now, strong) in [(MODIFIED - 1, false), (MODIFIED, false), (MODIFIED + 1, true)] {
            assert_eq!(allows(STRONG, &[DATE], now), strong, "{now}");
            assert!(allows(STRONG, &["\"a\""], now));
        }
    }
}
