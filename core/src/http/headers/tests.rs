//! Header fields: order, repetition, case, and what cannot split a message.

use super::*;

#[test]
fn offsets_beyond_4_gib_are_an_empty_range() {
    let most = u32::MAX as usize;
    assert_eq!((Span::new(1, most).end, Span::new(1, most + 1) == Span::default()), (u32::MAX, true));
}

#[test]
fn set_replaces_the_first_and_drops_the_rest() {
    let mut h = Headers::new();
    for (name, value) in [("a", "1"), ("b", "2"), ("A", "3")] {
        h.append(name, value);
    }
    h.set("A", "4");
    assert_eq!(std::format!("{h:?}"), r#"{"a": "4", "b": "2"}"#);
    assert!(h.remove("B") && !h.remove("b"));
    assert_eq!(h.len(), 1);
}

#[test]
fn equality_is_by_name_and_keeps_the_order_of_values() {
    let headers = |fields: &[(&str, &str)]| {
        let mut headers = Headers::new();
        fields.iter().try_for_each(|(name, value)| headers.try_append(name, value)).unwrap();
        headers
    };
    let first = headers(&[("a", "1"), ("a", "2"), ("b", "3")]);
    assert_eq!(first, headers(&[("A", "1"), ("b", "3"), ("a", "2")]));
    for other in [&[("a", "2"), ("a", "1"), ("b", "3")][..], &[("a", "1"), ("a", "1"), ("b", "3")], &[]] {
        assert_ne!(first, headers(other));
        assert_ne!(headers(other), first);
    }
}

#[test]
fn fields_are_merged_by_name() {
    let mut h = Headers::new();
    h.append("a", "1");
    h.append("b", "2");
    let mut other = Headers::new();
    other.append("A", "3");
    other.append("a", "4");
    h.set_all(&other);
    assert_eq!(std::format!("{h:?}"), r#"{"b": "2", "A": "3", "a": "4"}"#);
    assert_eq!(h.set_default("b", "5"), b"2");
    assert_eq!(h.set_default("c", "5"), b"5");
}

#[test]
fn constant_fields_are_checked_and_can_be_changed() {
    const TEXT: Headers = Headers::constant("content-type: text/plain").expect("a field");
    for line in ["", "a", ": b", "a:b", "a b: c", "a:  b", "a: b\r\nc: d"] {
        assert_eq!(Headers::constant(line), None, "{line:?}");
    }
    let mut h = TEXT;
    h.append("a", "1");
    h.set("Content-Type", "text/html");
    assert_eq!(std::format!("{h:?}"), r#"{"content-type": "text/html", "a": "1"}"#);
    let mut h = TEXT;
    h.set("content-type", "");
    assert_eq!((h.len(), h.get_str("content-type")), (1, Some("")));
    assert!(h.remove("content-type") && h.is_empty());
    let mut h = TEXT;
    h.clear();
    assert_eq!(h, Headers::new());
}

#[test]
fn fields_that_could_split_a_message_are_refused() {
    let mut h = Headers::new();
    for name in ["", "a b", "a:", "a\r", "\0", "é"] {
        assert_eq!(h.try_append(name, "v"), Err(InvalidHeader::Name), "{name:?}");
    }
    for value in ["a\r\nb: c", "a\nb", "\0", "\x7f", "\x1b", " a", "a\t"] {
        assert_eq!(h.try_append("n", value), Err(InvalidHeader::Value), "{value:?}");
        assert_eq!(h.try_set("n", value), Err(InvalidHeader::Value), "{value:?}");
    }
    assert!(h.is_empty());
    h.append("n", "tab\tand \u{e9}");
}

#[test]
fn vary_keeps_every_line() {
    let mut h = Headers::new();
    h.add_vary("Origin");
    h.append("vary", "Cookie, accept");
    h.append("vary", "");
    h.add_vary("Accept");
    assert_eq!(h.len(), 3);
    h.add_vary("Accept-Encoding");
    assert_eq!(std::format!("{h:?}"), r#"{"vary": "Origin, Cookie, accept, Accept-Encoding"}"#);
    h.set("vary", "*");
    h.add_vary("Origin");
    assert_eq!(h.get_str("vary"), Some("*"));
}

#[test]
fn tokens_are_found_in_lists_over_several_lines() {
    let mut h = Headers::new();
    h.append("Connection", "keep-alive, ,Upgrade");
    h.append("connection", "x");
    assert!(h.has_token("connection", "upgrade") && h.has_token("connection", "X"));
    assert!(!h.has_token("connection", "up"));
}

#[test]
fn one_of_several_names_is_found_without_regard_to_case() {
    let mut headers = Headers::new();
    headers.append("Host", "a");
    headers.append("X-Forwarded-For", "b");
    assert!(headers.contains_any(["x-forwarded-proto", "x-forwarded-for"]));
    assert!(!headers.contains_any(["forwarded", "x-forwarded"]));
    assert!(!headers.contains_any([]));
}
