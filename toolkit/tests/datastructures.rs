//! URLs, query parameters, header fields and maps with repeated names, as values.

use stelo_toolkit::request::{InvalidUrl, MultiDict, QueryParams, Url};
use stelo_toolkit::{App, Headers, Request, TestClient, get, websocket};

fn url(text: &str) -> Url {
    text.parse().expect("a URL")
}

#[test]
fn a_url_has_its_parts() {
    let url = url("https://Example.org:123/path/to?abc=123#anchor");
    assert_eq!((url.scheme(), url.host(), url.port()), ("https", "Example.org", Some(123)));
    assert_eq!((url.authority(), url.username(), url.password()), ("Example.org:123", None, None));
    assert_eq!((url.path(), url.query(), url.fragment()), ("/path/to", Some("abc=123"), Some("anchor")));
    assert!(url.is_secure());
}

#[test]
fn each_part_of_a_url_is_replaced_alone() {
    let from = url("https://example.org:123/a?abc=123#anchor");
    for (to, expected) in [
        (from.clone().with_scheme("http"), "http://example.org:123/a?abc=123#anchor"),
        (from.clone().with_port(None), "https://example.org/a?abc=123#anchor"),
        (from.clone().with_host("example.com"), "https://example.com:123/a?abc=123#anchor"),
        (from.clone().with_path("b c?d"), "https://example.org:123/b%20c%3Fd?abc=123#anchor"),
        (from.clone().with_query(None).with_fragment(None), "https://example.org:123/a"),
        (from.with_query("x=#").with_fragment("y"), "https://example.org:123/a?x=%23#y"),
        (url("https://[fe::2]:12345").with_port(8080), "https://[fe::2]:8080"),
        (url("https://[fe::2]").with_port(123), "https://[fe::2]:123"),
        (url("https://h/").with_host("fe::2"), "https://[fe::2]/"),
        (url("https://[fe::2]:1").with_username("u").with_password("p"), "https://u:p@[fe::2]:1"),
        (url("http://u:p@host/").with_host("bar"), "http://u:p@bar/"),
        (url("http://u:p@host:80").with_port(88), "http://u:p@host:88"),
        (url("http://host:80").with_username("u"), "http://u@host:80"),
        (url("http://u:p@host/").with_password(None).with_username(None), "http://host/"),
        (url("/path?a=1").with_port(8080), "//:8080/path?a=1"),
        (url("/path?a=1").with_username("u"), "//u@/path?a=1"),
    ] {
        assert_eq!(to, expected);
    }
    assert_eq!(url("/path?a=1").with_port(8080).port(), Some(8080));
}

#[test]
fn a_new_part_of_a_url_cannot_become_another_part() {
    let to = url("https://host/").with_host("evil/?#@x").with_username("a@b:c").with_password("d/e");
    assert_eq!(to, "https://a%40b%3Ac:d%2Fe@evil%2F%3F%23%40x/");
    assert_eq!(url("/a").with_path("//evil.org/x"), "/.//evil.org/x");
}

#[test]
fn the_query_of_a_url_is_edited_by_name() {
    let url = url("https://example.org/path/?page=3");
    let url = url.include_query_params([("page", "4")]);
    assert_eq!(url, "https://example.org/path/?page=4");
    let url = url.include_query_params([("search", "testing")]);
    assert_eq!(url, "https://example.org/path/?page=4&search=testing");
    let url = url.replace_query_params([("order", "a b")]);
    assert_eq!(url, "https://example.org/path/?order=a+b");
    assert_eq!(url.remove_query_params(&["order"]), "https://example.org/path/");
    let blank: Url = "/x?a=1&a=2&b=3&c".parse().unwrap();
    assert_eq!(blank.include_query_params([("a", "9")]), "/x?b=3&c=&a=9");
}

#[test]
fn the_debug_form_of_a_url_hides_its_password() {
    for (text, shown) in [
        ("https://example.org/path", "Url(https://example.org/path)"),
        ("https://user@example.org/path", "Url(https://user@example.org/path)"),
        ("https://user:secret@example.org/path", "Url(https://user:********@example.org/path)"),
    ] {
        assert_eq!(format!("{:?}", url(text)), shown);
        assert_eq!(url(text).to_string(), text);
    }
}

#[test]
fn a_text_that_is_not_a_url_is_rejected() {
    for (text, error) in [
        ("http://host:port/", InvalidUrl::Port),
        ("http://host:65536/", InvalidUrl::Port),
        ("http://host:+1/", InvalidUrl::Port),
        ("http://[::1/", InvalidUrl::Bracket),
        ("http://::1]/", InvalidUrl::Bracket),
        ("http://ho st/", InvalidUrl::Character),
        ("/a\r\nb", InvalidUrl::Character),
    ] {
        assert_eq!(text.parse::<Url>(), Err(error), "{text:?}");
    }
    for text in ["", "a/b", "mailto:ada@example.org", "sqlite:///tmp/x.db", "//host", "?q", "#f", "http://h:"]
    {
        assert_eq!(url(text), text);
    }
}

async fn show_url(request: Request) -> String {
    request.url().to_string()
}

#[test]
fn the_url_of_a_request_has_its_host() {
    let client = TestClient::new(App::new().route("/{path:path}", get(show_url)));
    let text = |host: &'static str, target: &str| client.get(target).header("host", host).send().text();
    assert_eq!(
        text("example.com:8000", "/some/path?query=string"),
        "http://example.com:8000/some/path?query=string"
    );
    assert_eq!(text("x:80", "/a%3Fb%20c"), "http://x:80/a%3Fb%20c");
}

#[test]
fn a_path_that_looks_like_a_host_stays_a_path() {
    for (path, shown) in [
        ("@google.com", "http://localhost/@google.com?a=b"),
        ("user:pass@google.com", "http://localhost/user:pass@google.com?a=b"),
        ("//google.com/x", "http://localhost//google.com/x?a=b"),
        ("http://google.com/x", "http://localhost/http://google.com/x?a=b"),
    ] {
        let made = Url::new("http", "localhost", path, Some("a=b"));
        assert_eq!(made, shown);
        assert_eq!((made.host(), url(shown).host()), ("localhost", "localhost"));
    }
}

#[test]
fn the_path_of_a_route_becomes_an_absolute_url() {
    let app = App::new()
        .route("/foo/{id:int}", get("foo"))
        .name("foo")
        .route("/chat", websocket(async |_: stelo_toolkit::WebSocket| {}))
        .name("chat")
        .host("api.example.org", stelo_toolkit::Router::new().route("/v1", get("one")).name("one"));
    for (name, base, expected) in [
        ("foo", "https://example.org/root_path/", "https://example.org/root_path/foo/7"),
        ("foo", "http://example.org", "http://example.org/foo/7"),
        ("chat", "https://example.org/root_path/", "wss://example.org/root_path/chat"),
        ("chat", "http://example.org/", "ws://example.org/chat"),
        ("one", "https://example.org/", "https://api.example.org/v1"),
    ] {
        let id: &dyn std::fmt::Display = &7;
        let params = if name == "foo" { vec![("id", id)] } else { vec![] };
        let path = app.url_path_for(name, &params).unwrap();
        assert_eq!(path.make_absolute_url(&url(base)), expected);
    }
    let one = app.url_path_for("one", &[]).unwrap();
    assert_eq!((one.path(), one.host()), ("/v1", Some("api.example.org")));
    let error = app.url_path_for("bar", &[]).unwrap_err();
    assert_eq!(error.to_string(), r#"no route has the name "bar" and the parameters """#);
    assert!(app.url_path_for("chat", &[]).unwrap().is_websocket());
}

fn headers(fields: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    fields.iter().try_for_each(|(name, value)| headers.try_append(name, value)).expect("valid fields");
    headers
}

#[test]
fn header_fields_are_found_without_regard_to_case() {
    let h = headers(&[("a", "123"), ("A", "456"), ("b", "789")]);
    assert!(h.contains("A") && h.contains("b") && !h.contains("c"));
    assert_eq!((h.get_str("A"), h.get("c")), (Some("123"), None));
    assert_eq!(h.get_all("a").collect::<Vec<_>>(), [b"123", b"456"]);
    assert_eq!(h.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "A", "b"]);
    assert_eq!(format!("{h:?}"), r#"{"a": "123", "A": "456", "b": "789"}"#);
    assert_eq!(h, headers(&[("a", "123"), ("b", "789"), ("a", "456")]));
    assert_ne!(h, headers(&[("a", "456"), ("a", "123"), ("b", "789")]));
}

#[test]
fn header_fields_are_set_once_and_removed() {
    let mut h = Headers::new();
    h.set("a", "1");
    h.set("a", "2");
    h.set_default("a", "3");
    h.set_default("b", "4");
    assert_eq!(h, headers(&[("a", "2"), ("b", "4")]));
    h.remove("a");
    assert_eq!(h, headers(&[("b", "4")]));
}

#[test]
fn header_fields_are_merged() {
    let mut h = headers(&[("a", "1"), ("b", "2")]);
    h.set_all(&headers(&[("a", "3"), ("a", "4"), ("c", "5")]));
    assert_eq!(h, headers(&[("a", "3"), ("a", "4"), ("b", "2"), ("c", "5")]));
    let before = h.clone();
    h.set("a", "6");
    assert_eq!(h.get_all("a").count(), 1);
    assert_eq!(before.get_all("a").count(), 2);
}

async fn show_headers(mut request: Request) -> String {
    request.head_mut().headers_mut().append("b", "2");
    format!("{:?} {:?}", request.headers().get_str("a"), request.headers().get_str("b"))
}

#[test]
fn the_header_fields_of_a_request_can_be_changed() {
    let client = TestClient::new(App::new().route("/", get(show_headers)));
    assert_eq!(client.get("/").header("a", "1").send().text(), r#"Some("1") Some("2")"#);
}

#[test]
fn query_parameters_can_lack_a_value() {
    let query = QueryParams::parse("a=123&abc&def&b=456");
    assert_eq!((query.get("abc"), query.get("a")), (Some(""), Some("123")));
    assert_eq!(query.keys().collect::<Vec<_>>(), ["a", "abc", "def", "b"]);
}

#[test]
fn query_parameters_repeat_and_keep_their_order() {
    let query = QueryParams::parse("a=123&a=456&b=789");
    assert!(query.contains("a") && !query.contains("A"));
    assert_eq!((query.get("a"), query.get("nope")), (Some("456"), None));
    assert_eq!(query.get_all("a").collect::<Vec<_>>(), ["123", "456"]);
    assert_eq!(query.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(query.to_string(), "a=123&a=456&b=789");
    assert_eq!(format!("{query:?}"), r#"QueryParams("a=123&a=456&b=789")"#);
    assert_eq!(query, QueryParams::parse("b=789&a=123&a=456"));
    assert_ne!(query, QueryParams::parse("b=789&a=456&a=123"));
    assert_eq!(query, [("a", "123"), ("a", "456"), ("b", "789")].into_iter().collect());
    let odd = QueryParams::parse("a=1&b=+x%20&c=%zz&&d");
    assert_eq!(odd.iter().collect::<Vec<_>>(), [("a", "1"), ("b", " x "), ("c", "%zz"), ("d", "")]);
    assert_eq!(odd.to_string(), "a=1&b=+x+&c=%25zz&d=");
    assert_eq!(QueryParams::parse("a=1;b=2").get("a"), Some("1;b=2"));
}

#[test]
fn a_map_with_repeated_names_is_read_by_the_last_value() {
    let map = MultiDict::<String>::from([("a", "123"), ("a", "456"), ("b", "789")]);
    assert!(map.contains("a") && !map.contains("A"));
    assert_eq!((map.get("a").map(String::as_str), map.get("nope")), (Some("456"), None));
    assert_eq!(map.get_all("a").collect::<Vec<_>>(), ["123", "456"]);
    assert_eq!(map.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(map.len(), 3);
    assert_eq!(format!("{map:?}"), r#"MultiDict([("a", "123"), ("a", "456"), ("b", "789")])"#);
    assert_eq!(map, MultiDict::from([("b", "789"), ("a", "123"), ("a", "456")]));
    assert_ne!(map, MultiDict::from([("b", "789"), ("a", "456"), ("a", "123")]));
}

#[test]
fn a_map_with_repeated_names_can_be_changed() {
    let start = || MultiDict::<u8>::from([("a", 1), ("a", 2), ("b", 3)]);
    let pairs = |map: MultiDict<u8>| {
        map.into_iter().map(|(name, value)| format!("{name}{value}")).collect::<Vec<_>>()
    };
    let changed = |change: &dyn Fn(&mut MultiDict<u8>)| {
        let mut map = start();
        change(&mut map);
        pairs(map)
    };
    assert_eq!(changed(&|map| map.set("a", 9)), ["b3", "a9"]);
    assert_eq!(changed(&|map| assert_eq!(map.remove("a"), Some(2))), ["b3"]);
    assert_eq!(changed(&|map| assert_eq!(map.remove("x"), None)), ["a1", "a2", "b3"]);
    assert_eq!(changed(&|map| assert_eq!(map.remove_all("a"), [1, 2])), ["b3"]);
    assert_eq!(changed(&|map| assert_eq!(map.pop(), Some(("b".into(), 3)))), ["a1", "a2"]);
    assert_eq!(changed(&|map| map.set_all("b", [4, 5])), ["a1", "a2", "b4", "b5"]);
    assert_eq!(changed(&|map| map.set_all("a", [0; 0])), ["b3"]);
    assert_eq!(changed(&|map| assert_eq!(map.set_default("a", 9), &2)), ["a1", "a2", "b3"]);
    assert_eq!(changed(&|map| assert_eq!(map.set_default("c", 9), &9)), ["a1", "a2", "b3", "c9"]);
    assert_eq!(changed(&|map| map.append("b", 4)), ["a1", "a2", "b3", "b4"]);
    assert_eq!(changed(&|map| map.update([("a", 7)])), ["b3", "a7"]);
    assert_eq!(changed(&|map| map.update(map.clone())), ["a1", "a2", "b3"]);
    assert_eq!(changed(&|map| map.update([("a", 4), ("a", 5), ("c", 6)])), ["b3", "a4", "a5", "c6"]);
    assert_eq!(changed(&MultiDict::clear), [""; 0]);
}

#[test]
fn the_host_of_a_url_can_be_an_address_in_brackets() {
    assert_eq!(url("http://a/").with_host("[::1]"), "http://[::1]/");
    assert_eq!(url("http://a/").with_host("::1"), "http://[::1]/");
}

#[test]
fn a_url_is_read_from_text_only() {
    let error = serde_json::from_str::<Url>("7").unwrap_err().to_string();
    assert!(error.starts_with("invalid type: integer `7`, expected a URL"), "{error}");
}
