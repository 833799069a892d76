use std::time::Duration;

use stelo_core::app::Address;
use stelo_core::http::{Method, RequestHead, Status};

use super::*;

fn line(format: &str, change: impl FnOnce(&mut RequestHead)) -> String {
    let format: AccessFormat = format.parse().expect("the format is valid");
    let mut head = RequestHead::new(Method::Get, "/a%2Fb?x=1").expect("the target is valid");
    change(&mut head);
    let client = Address::Ip("127.0.0.1:44650".parse().expect("an address"));
    let response_fields: Vec<Option<Box<[u8]>>> = format
        .response_fields
        .iter()
        .map(|name| (name != "x-none").then(|| format!("{name} of the response").into_bytes().into()))
        .collect();
    let record = Record {
        client: Some(&client),
        head: &head,
        scheme: "https",
        status: Status::NOT_FOUND,
        bytes: 12,
        duration: Duration::from_micros(1_234_567),
        unix_time: 784_111_777,
        request_id: Some("r-1"),
        response_fields: &response_fields,
    };
    let mut line = String::new();
    Pattern(&format).write(&mut line, &record).expect("all values can be displayed");
    line
}

#[test]
fn atoms_of_other_servers_have_their_values() {
    let pid = std::process::id();
    for (format, expected) in [
        ("%(h)s %(l)s %(u)s %(t)s", "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000]".to_owned()),
        (r#""%(r)s" %(s)s %(b)s %(B)s"#, r#""GET /a%2Fb?x=1 HTTP/1.1" 404 12 12"#.into()),
        ("%(m)s %(U)s %(q)s %(H)s %(R)s", "GET /a%2Fb x=1 HTTP/1.1 /a%2Fb?x=1".into()),
        ("%(T)s %(M)s %(D)s %(L)s", "1 1234 1234567 1.234567".into()),
        ("%(S)s %(st)s 100%%", "https Not Found 100%".into()),
        ("%(p)s %(process)d", format!("<{pid}> {pid}")),
        (
            r#"[%(time)s] %(addr)s - "%(method)s %(path)s %(protocol)s" %(status)d %(dt_ms).1f"#,
            r#"[1994-11-06 08:49:37 +0000] 127.0.0.1 - "GET /a%2Fb HTTP/1.1" 404 1234.6"#.into(),
        ),
        (
            r#"%(levelprefix)s %(client_addr)s - "%(request_line)s" %(status_code)s"#,
            r#"INFO:     127.0.0.1:44650 - "GET /a%2Fb?x=1 HTTP/1.1" 404 Not Found"#.into(),
        ),
        ("%(m)-6s| %(m)6s| %(request_id)s", "GET   |    GET| r-1".into()),
        ("%({X-A}o)s %({x-none}o)s %({x-b}i)s", "x-a of the response - -".into()),
    ] {
        assert_eq!(line(format, |_| {}), expected, "{format}");
    }
}

#[test]
fn fields_of_the_request_are_escaped_and_secrets_are_left_out() {
    let written = line("%(f)s|%(a)s|%({authorization}i)s|%(header{cookie})s|%(u)s", |head| {
        head.headers_mut().append("referer", "a\"b\\c");
        head.headers_mut().append("user-agent", "caf\u{e9}\u{9b}");
        head.headers_mut().append("authorization", "Basic QW5uOnNlY3JldA==");
        head.headers_mut().append("cookie", "session=1");
    });
    assert_eq!(written, "a\\\"b\\\\c|caf\u{e9}\\u{9b}|[redacted]|[redacted]|Ann");
}

#[test]
fn the_trace_of_a_request_has_32_digits() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (parent, expected) in [
        (format!("00-{trace}-00f067aa0ba902b7-01"), trace),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01".into(), "-"),
        ("00-short-00f067aa0ba902b7-01".into(), "-"),
    ] {
        let written =
            line("%(trace_id)s", |head| head.headers_mut().try_set("traceparent", &parent).expect("valid"));
        assert_eq!(written, expected);
    }
}
