//! Responses: their framing, the fields that the machine adds, and what an application cannot send.

use super::*;

#[test]
fn there_is_no_response_without_a_request() {
    let mut pair = Pair::new();
    assert_eq!(pair.head(200, &[], Length::None), Err(FaultKind::State));
    pair.feed(GET);
    pair.respond(200, &[], "");
    assert_eq!(pair.head(200, &[], Length::None), Err(FaultKind::State), "the request has had its answer");
    assert_eq!(pair.written(), "");
}

#[test]
fn http_1_0_closes_unless_asked_otherwise() {
    let mut pair = Pair::new();
    pair.feed("GET / HTTP/1.0\r\n\r\n");
    pair.head(200, &[], Length::Unknown).unwrap();
    pair.send(Command::Data("x".into())).unwrap();
    pair.send(Command::End).unwrap();
    assert_eq!(pair.written(), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nx");
    let mut pair = Pair::new();
    pair.feed("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    assert_eq!(
        pair.respond(200, &[], "x"),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: keep-alive\r\nkeep-alive: timeout=5\r\n\r\nx"
    );
    let mut pair = Pair::new();
    pair.feed("GET / HTTP/1.1\r\nhost: a\r\nconnection: Keep-Alive\r\n\r\n");
    assert_eq!(
        pair.respond(200, &[], "x"),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: keep-alive\r\nkeep-alive: timeout=5\r\n\r\nx"
    );
    assert_eq!(pair.machine.close_state(), CloseState::Open);
}

#[test]
fn unknown_length_is_chunked_and_may_have_trailers() {
    let mut pair = Pair::new();
    pair.feed(GET);
    pair.head(200, &[], Length::Unknown).unwrap();
    for part in ["abc", "", "0123456789abcdef"] {
        pair.send(Command::Data(part.into())).unwrap();
    }
    let mut trailers = Headers::new();
    trailers.append("t", "1");
    pair.send(Command::Trailers(&trailers)).unwrap();
    assert_eq!(
        pair.written(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nt: 1\r\n\r\n"
    );
}

#[test]
fn responses_without_a_body() {
    let cases = [
        ("HEAD", 200, Length::Known(5), "content-length: 5\r\n"),
        ("HEAD", 200, Length::Unknown, "transfer-encoding: chunked\r\n"),
        ("GET", 204, Length::None, ""),
        ("GET", 304, Length::Known(5), ""),
        ("GET", 205, Length::None, "content-length: 0\r\n"),
        ("GET", 200, Length::None, "content-length: 0\r\n"),
    ];
    for (method, status, length, framing) in cases {
        let mut pair = Pair::new();
        pair.feed(&format!("{method} / HTTP/1.1\r\nhost: a\r\n\r\n"));
        pair.head(status, &[], length).unwrap();
        if method == "HEAD" || status == 304 {
            pair.send(Command::Data("hello".into())).unwrap();
        }
        pair.send(Command::End).unwrap();
        let line = format!("HTTP/1.1 {}\r\n", Status::new(status).unwrap());
        assert_eq!(pair.written(), format!("{line}{framing}\r\n"), "{method} {status}");
        assert_eq!(pair.machine.close_state(), CloseState::Open);
    }
    let mut pair = Pair::new();
    pair.feed("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
    pair.head(204, &[("content-length", "0")], Length::None).unwrap();
    assert_eq!(pair.written(), "HTTP/1.1 204 No Content\r\n\r\n");
}

#[test]
fn head_has_the_framing_fields_of_get() {
    let (length, chunked) = (("content-length", "5"), ("transfer-encoding", "chunked"));
    for own in [&[][..], &[length], &[("content-length", "50")], &[chunked], &[length, chunked]] {
        for (version, length) in
            [("1.1", Length::Known(5)), ("1.1", Length::Unknown), ("1.0", Length::Known(5))]
        {
            let [head, get] = ["HEAD", "GET"].map(|method| {
                let mut pair = Pair::new();
                pair.feed(&format!("{method} / HTTP/{version}\r\nhost: a\r\n\r\n"));
                let result = pair.head(200, own, length);
                (result, pair.written())
            });
            assert_eq!(head, get, "HTTP/{version} {own:?} {length:?}");
        }
    }
    // A handler for HEAD alone has no content.
    for none in [Length::None, Length::Known(0)] {
        let mut pair = Pair::new();
        pair.feed("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
        pair.head(200, &[length], none).unwrap();
        assert_eq!(pair.written(), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
    }
}

#[test]
fn a_whole_response_equals_its_parts() {
    let requests = [
        GET,
        "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n",
    ];
    let fields =
        [("x", "y"), ("content-length", "2"), ("transfer-encoding", "chunked"), ("connection", "close")];
    let bodies = [None, Some(""), Some("hi")];
    for (request, status) in requests.iter().flat_map(|r| [101, 200, 204, 205, 304, 404, 999].map(|s| (r, s)))
    {
        for (field, body) in fields.iter().flat_map(|f| bodies.map(|b| (f, b))) {
            let [mut parts, mut whole] = [Pair::new(), Pair::new()];
            parts.feed(request);
            whole.feed(request);
            let length = body.map_or(Length::None, |body| Length::Known(body.len() as u64));
            let mut result = parts.head(status, &[*field], length);
            let mut written = parts.written();
            if result.is_ok() && parts.machine.close_state() != CloseState::Switched {
                if let Some(body) = body.filter(|_| parts.machine.wants_data(StreamId::ONLY)) {
                    result = parts.send(Command::Data(body.into()));
                }
                result = result.and_then(|()| parts.send(Command::End));
            }
            let mut headers = Headers::new();
            headers.try_append(field.0, field.1).unwrap();
            let (status, defaults) = (Status::new(status).unwrap(), Defaults::default());
            let mut body = body.map(Bytes::from);
            let body = body.as_mut();
            let at_once = whole.send(Command::Whole { status, headers: &headers, defaults: &defaults, body });
            let case = format!("{request:?} {status} {headers:?} {length:?}");
            assert_eq!(at_once, result, "{case}");
            written += &parts.written();
            assert_eq!(whole.written(), written, "{case}");
            assert_eq!(whole.machine.poll_timeout(), parts.machine.poll_timeout(), "{case}");
            assert_eq!(whole.machine.close_state(), parts.machine.close_state(), "{case}");
            assert_eq!(whole.events(), parts.events(), "{case}");
        }
    }
}

#[test]
fn what_the_application_says_of_the_length_has_to_be_true() {
    let ask = || {
        let mut pair = Pair::new();
        pair.feed(GET);
        pair
    };
    assert_eq!(ask().head(200, &[("content-length", "4")], Length::Known(5)), Err(FaultKind::Framing));
    assert_eq!(ask().head(200, &[("content-length", "+4")], Length::Unknown), Err(FaultKind::Framing));
    assert_eq!(ask().head(200, &[("transfer-encoding", "gzip")], Length::Unknown), Err(FaultKind::Framing));
    for status in [100, 101, 199, 600, 999] {
        assert_eq!(ask().head(status, &[], Length::None), Err(FaultKind::Status), "{status}");
    }
    let mut pair = ask();
    pair.head(200, &[("content-length", "4")], Length::Unknown).unwrap();
    assert_eq!(pair.send(Command::Data("hello".into())), Err(FaultKind::BodyTooLong));
    assert_eq!(pair.send(Command::End), Err(FaultKind::BodyTooShort));
    pair.send(Command::Reset(ResetCause::Internal)).unwrap();
    assert_eq!(pair.written(), "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
    assert_eq!(pair.machine.close_state(), CloseState::HalfClose);
}

#[test]
fn defaults_give_way_to_the_applications_own_fields() {
    let date = b"Sun, 06 Nov 1994 08:49:37 GMT";
    let mut others = Headers::new();
    others.append("x-a", "1");
    let defaults = Defaults::new(Some(date), Some("stelo"), &others).unwrap();
    let write = |fields: &[(&str, &str)]| {
        let mut pair = Pair::new();
        pair.feed(GET);
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.try_append(name, value).unwrap();
        }
        let status = Status::OK;
        let length = Length::None;
        pair.send(Command::Response { status, headers: &headers, length, defaults: &defaults }).unwrap();
        pair.written().replace("HTTP/1.1 200 OK\r\n", "").replace("content-length: 0\r\n\r\n", "")
    };
    let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    assert_eq!(write(&[]), format!("{date}server: stelo\r\nx-a: 1\r\n"));
    assert_eq!(write(&[("Server", "me")]), format!("{date}x-a: 1\r\nServer: me\r\n"));
    assert_eq!(write(&[("date", "now")]), "server: stelo\r\nx-a: 1\r\ndate: now\r\n");
    assert_eq!(write(&[("date", "now"), ("server", "me")]), "x-a: 1\r\ndate: now\r\nserver: me\r\n");
    assert_eq!(write(&[("X-A", "2")]), format!("{date}server: stelo\r\nX-A: 2\r\n"));
    assert_eq!(write(&[("x-b", "2")]), format!("{date}server: stelo\r\nx-a: 1\r\nx-b: 2\r\n"));
}

#[test]
fn defaults_follow_each_status_line_and_the_date() {
    let write = |status, defaults: &Defaults| {
        let mut pair = Pair::new();
        pair.feed(GET);
        let (headers, length) = (Headers::new(), Length::None);
        pair.send(Command::Response { status, headers: &headers, length, defaults }).unwrap();
        pair.written().replace("content-length: 0\r\n\r\n", "")
    };
    let mut defaults =
        Defaults::new(Some(b"Sun, 06 Nov 1994 08:49:37 GMT"), Some("stelo"), &Headers::new()).unwrap();
    let fields = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nserver: stelo\r\n";
    assert_eq!(write(Status::OK, &defaults), format!("HTTP/1.1 200 OK\r\n{fields}"));
    assert_eq!(write(Status::NOT_FOUND, &defaults), format!("HTTP/1.1 404 Not Found\r\n{fields}"));

    defaults.set_date(b"Thu, 01 Jan 1970 00:00:00 GMT");
    let fields = "date: Thu, 01 Jan 1970 00:00:00 GMT\r\nserver: stelo\r\n";
    assert_eq!(write(Status::OK, &defaults), format!("HTTP/1.1 200 OK\r\n{fields}"));

    let mut others = Headers::new();
    others.append("Date", "x");
    others.append("server", "y");
    let mut defaults = Defaults::new(Some(b"Sun, 06 Nov 1994 08:49:37 GMT"), Some("stelo"), &others).unwrap();
    defaults.set_date(b"Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(write(Status::OK, &defaults), "HTTP/1.1 200 OK\r\nDate: x\r\nserver: y\r\n");
}
