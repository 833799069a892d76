//! The fields of proxies: Uvicorn's table, and what Uvicorn leaves open.

use std::net::IpAddr;

use stelo_core::app::Address;
use stelo_core::http::Headers;

use super::{Identity, Proxies, forwarded};
use crate::config::ProxyHeaders;

fn identify(fields: ProxyHeaders, trusted: &str, lines: &[(&str, &str)]) -> Identity {
    let mut headers = Headers::new();
    for (name, value) in lines {
        headers.try_append(name, value.trim()).unwrap();
    }
    Proxies { trusted: trusted.parse().unwrap(), fields }.identify(&headers)
}

fn client(identity: &Identity) -> String {
    identity.client.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn x_forwarded_for(trusted: &str, value: &str) -> String {
    client(&identify(ProxyHeaders::XForwarded, trusted, &[("X-Forwarded-For", value)]))
}

#[test]
fn the_client_is_the_last_entry_that_is_not_a_trusted_proxy() {
    let entries = "1.2.3.4, 10.0.2.1, 192.168.0.2";
    for (trusted, value, expected) in [
        ("127.0.0.1", "1.2.3.4", "1.2.3.4:0"),
        ("*", entries, "1.2.3.4:0"),
        ("127.0.0.1", entries, "192.168.0.2:0"),
        ("127.0.0.1, 192.168.0.2", entries, "10.0.2.1:0"),
        ("127.0.0.0/8, 10.0.0.0/8, 192.168.0.0/24", entries, "1.2.3.4:0"),
        ("127.0.0.1, 1.2.3.4, 10.0.2.1, 192.168.0.2", entries, "1.2.3.4:0"),
        ("127.0.0.1, 2001:db8::/32", "2001:db9::1, [2001:db8::1]:443, 2001:0DB8::2", "2001:db9::1:0"),
        ("127.0.0.1, 10.0.0.1", "1.2.3.4, ::ffff:10.0.0.1", "1.2.3.4:0"),
        ("*", "1.2.3.4:1024", "1.2.3.4:1024"),
        ("*", "[2001:db8::1]:443", "2001:db8::1:443"),
        ("*", "[2001:db8::1]", "2001:db8::1:0"),
        ("*", "[2001:db8::1]:nope", "2001:db8::1:0"),
        ("*", "[2001:db8::1]x", "[2001:db8::1]x"),
        ("*", "2001:db8::1", "2001:db8::1:0"),
        ("*", "[bad", "[bad"),
        ("*", "1.2.3.4:nope", "1.2.3.4:nope"),
        ("*", "1.2.3.4:70000", "1.2.3.4:70000"),
        ("*", "unknown", "unknown"),
        ("127.0.0.1", "1.2.3.4, unknown", "unknown"),
    ] {
        assert_eq!(x_forwarded_for(trusted, value), expected, "{value} from {trusted}");
    }
}

#[test]
fn an_empty_entry_leaves_the_client() {
    for value in ["", ",", "1.2.3.4,", "1.2.3.4, , "] {
        assert_eq!(x_forwarded_for("127.0.0.1", value), "", "{value:?}");
    }
    assert_eq!(x_forwarded_for("*", ", 1.2.3.4"), "");
}

#[test]
fn text_that_could_forge_a_log_line_is_an_unknown_client() {
    let long = "a".repeat(254);
    for value in ["a b", "a\"b", "a\\b", "a\tb", "é", &long] {
        assert_eq!(x_forwarded_for("*", value), "unknown", "{value:?}");
    }
}

#[test]
fn all_lines_of_the_field_count() {
    let lines = [("X-Forwarded-For", "1.2.3.4:99"), ("x-forwarded-for", "127.0.0.1")];
    assert_eq!(client(&identify(ProxyHeaders::XForwarded, "127.0.0.1", &lines)), "1.2.3.4:99");
}

#[test]
fn the_scheme_is_the_last_that_is_exactly_one() {
    let proto = |values: &[&str]| {
        let lines: Vec<_> = values.iter().map(|value| ("X-Forwarded-Proto", *value)).collect();
        identify(ProxyHeaders::XForwarded, "*", &lines).secure
    };
    for (values, expected) in [
        (&["https"][..], Some(true)),
        (&["wss"], Some(true)),
        (&["http"], Some(false)),
        (&["ws"], Some(false)),
        (&["http", "https"], Some(true)),
        (&["https", "gopher"], None),
        (&["HTTPS"], None),
        (&["https,http"], None),
        (&[""], None),
        (&[], None),
    ] {
        assert_eq!(proto(values), expected, "{values:?}");
    }
}

#[test]
fn the_element_of_forwarded_counts_that_a_trusted_proxy_has_appended() {
    let read = |value| identify(ProxyHeaders::Forwarded, "10.0.0.0/8", &[("Forwarded", value)]);
    for (value, expected_client, secure, host) in [
        ("for=192.0.2.43", "192.0.2.43:0", None, None),
        ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17:4711", None, None),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60:0", Some(false), None),
        (
            "for=6.6.6.6;proto=http, for=1.2.3.4;proto=HTTPS;host=a.org:444",
            "1.2.3.4:0",
            Some(true),
            Some("a.org:444"),
        ),
        ("for=1.2.3.4;host=a;proto=https, for=10.0.0.2;host=b", "1.2.3.4:0", Some(true), Some("a")),
        ("for=10.0.0.3;host=a, for=10.0.0.2;host=b", "10.0.0.3:0", None, Some("a")),
        ("for=\"_gazonk\"", "_gazonk", None, None),
        ("for=unknown , ;", "unknown", None, None),
        ("proto=https", "", Some(true), None),
        ("for=1.2.3.4:80; host=\"a b\"", "1.2.3.4:80", None, None),
        ("for=\"1.2.3\\.4\"", "1.2.3.4:0", None, None),
        ("", "", None, None),
    ] {
        let identity = read(value);
        assert_eq!(client(&identity), expected_client, "{value}");
        assert_eq!((identity.secure, identity.host.as_deref()), (secure, host), "{value}");
    }
}

#[test]
fn a_client_cannot_hide_behind_a_malformed_field() {
    for value in ["for=\"", "for=\"a\\", "for", "for=a;for=b", "for=a b", "=a", "for=1.2.3.4 for=2"] {
        assert_eq!(forwarded::clients(value), None, "{value}");
        let identity = identify(ProxyHeaders::Forwarded, "127.0.0.1", &[("Forwarded", value)]);
        assert_eq!(client(&identity), "unknown", "{value}");
    }
    let lines = [("Forwarded", "for=\""), ("Forwarded", "for=1.2.3.4")];
    assert_eq!(client(&identify(ProxyHeaders::Forwarded, "127.0.0.1", &lines)), "1.2.3.4:0");
}

#[test]
fn only_the_chosen_fields_count() {
    let lines =
        [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=2.2.2.2")];
    let of = |fields, lines: &[(&str, &str)]| client(&identify(fields, "127.0.0.1", lines));
    assert_eq!(of(ProxyHeaders::Off, &lines), "");
    assert_eq!(of(ProxyHeaders::XForwarded, &lines), "1.1.1.1:0");
    assert_eq!(of(ProxyHeaders::Forwarded, &lines), "2.2.2.2:0");
    assert_eq!(of(ProxyHeaders::Auto, &lines[..2]), "1.1.1.1:0");
    assert_eq!(of(ProxyHeaders::Auto, &lines[2..]), "2.2.2.2:0");
    let contradiction = identify(ProxyHeaders::Auto, "127.0.0.1", &lines);
    assert_eq!((client(&contradiction).as_str(), contradiction.secure), ("unknown", None));
    let agreed = [lines[0], lines[1], ("Forwarded", "for=1.1.1.1;proto=https")];
    let agreed = identify(ProxyHeaders::Auto, "127.0.0.1", &agreed);
    assert_eq!((client(&agreed).as_str(), agreed.secure), ("1.1.1.1:0", Some(true)));
}

#[test]
fn the_kind_of_the_address_is_kept() {
    let identity = identify(ProxyHeaders::XForwarded, "*", &[("X-Forwarded-For", "::ffff:1.2.3.4")]);
    assert_eq!(identity.client, Some(Address::Ip((IpAddr::from([1, 2, 3, 4]), 0).into())));
}
