//! The texts of values: the sentences of errors, and debug output.

use std::error::Error;
use std::sync::Arc;

use stelo_core::body::{Body, BodyError, Length};
use stelo_core::dotenv::SyntaxFault;
use stelo_core::h1;
use stelo_core::h1::state::Exchange;
use stelo_core::http::header::{HeaderName, HeaderValue};
use stelo_core::http::range::InvalidRange;
use stelo_core::http::{Headers, InvalidHeader, Method, RequestHead, Status, Version};
use stelo_core::routing::{Methods, UrlPath};
use stelo_core::ws::{CloseCode, HandshakeError, Message, NotOffered, SendError, Text};
use stelo_core::{Bytes, Fault, FaultKind, Instant};

#[test]
fn each_error_is_one_sentence() {
    let refused =
        HandshakeError::Refused { status: Status::FORBIDDEN, headers: Headers::new(), ahead: Vec::new() };
    let errors: Vec<(&dyn Error, &str)> = vec![
        (
            &InvalidHeader::Connection,
            "the server frames messages and manages connections: leave this field out",
        ),
        (&InvalidRange::Unsatisfiable, "a range starts after the end of the content"),
        (&SyntaxFault::Assignment, "use NAME=value"),
        (&HandshakeError::Request, "invalid host, path, subprotocol or header field"),
        (&refused, "the server has not opened the WebSocket: 403 Forbidden"),
        (&HandshakeError::Malformed, "the server does not speak WebSocket here"),
        (&HandshakeError::TooLarge, "the head of the server's answer is larger than 16 KiB"),
        (&HandshakeError::Accept, "the server has answered another handshake than this one"),
        (&HandshakeError::Protocol, "the server has chosen a subprotocol that was not offered to it"),
        (&HandshakeError::Extension, "the server has answered with an extension that was not offered to it"),
        (&SendError::Closed, "the WebSocket is closed: nothing can be sent any more"),
        (&SendError::Incomplete, "a message that was begun in parts has to be completed first"),
        (&SendError::Kind, "all parts of a message have to be of the kind of the first"),
        (&SendError::Utf8, "text has to be UTF-8: send bytes as a binary message"),
        (&SendError::TooLong, "the payload of a ping or pong may have 125 bytes at most"),
        (
            &NotOffered,
            "the chosen subprotocol was not offered by the client: choose one of `ws::protocols`, or none",
        ),
    ];
    for (error, text) in errors {
        assert_eq!(error.to_string(), text);
    }
    let invalid = Status::try_from(1000).expect_err("a number of four digits");
    assert_eq!(invalid.to_string(), "1000 is not a status code; use a number from 100 to 999");
    assert_eq!(Status::try_from(404), Ok(Status::NOT_FOUND));
}

#[test]
fn an_error_of_a_body_names_its_cause() {
    let other = BodyError::Other("the disk is full".into());
    assert_eq!(other.source().map(ToString::to_string).as_deref(), Some("the disk is full"));
    assert!(BodyError::Disconnected.source().is_none());
    let fault = Fault { kind: FaultKind::Incomplete, at: 7 };
    let source = BodyError::Fault(fault).source().map(ToString::to_string);
    assert_eq!(source, Some(fault.to_string()));
}

#[cfg(feature = "http")]
#[test]
fn errors_of_conversion_are_sentences() {
    use stelo_core::Unsupported;
    assert_eq!(Unsupported::Version.to_string(), "unsupported version of HTTP: use 1.0, 1.1 or 2");
    let text = "the URI is not a request target of the method: use a path, or a URI with a scheme";
    assert_eq!(Unsupported::Target.to_string(), text);
}

#[cfg(feature = "deflate")]
#[test]
fn errors_of_compression_are_sentences() {
    use stelo_core::ws::deflate::{InflateError, Unacceptable};
    assert_eq!(InflateError::Corrupt.to_string(), "decompression failed");
    assert_eq!(InflateError::TooLarge.to_string(), "the decompressed message is too large");
    let text = "the server has answered with an extension that was not offered to it";
    assert_eq!(Unacceptable.to_string(), text);
}

#[test]
fn the_debug_output_of_values_shows_what_they_hold() {
    let mut head = RequestHead::new(Method::Post, "/a").expect("a valid target");
    head.headers_mut().append("b", "c");
    let machine = h1::Connection::new(Arc::new(h1::Config::default()), Instant::ZERO);
    let (sender, body) = Body::channel(Length::Unknown);
    for (text, expected) in [
        (format!("{head:?}"), r#"POST /a HTTP/1.1 {"b": "c"}"#),
        (format!("{:?}", HeaderName::from_static("x-a")), "\"x-a\""),
        (HeaderName::from_static("x-a").to_string(), "x-a"),
        (format!("{:?}", HeaderValue::from_static("a\"b")), r#""a\"b""#),
        (format!("{:?}", HeaderValue::try_from(vec![b'a', 0xff]).expect("obs-text")), r#""a\xff""#),
        (format!("{:?}", Method::Options), "OPTIONS"),
        (format!("{:?}", Methods::ANY), "ANY"),
        (format!("{:?}", Methods::from([Method::Get, Method::Put])), "{GET, PUT}"),
        (UrlPath { host: Some("a".into()), path: "/b".into() }.to_string(), "/b"),
        (format!("{:?}", Body::from("a")), r#"Body(b"a")"#),
        (format!("{body:?}"), "Body(Unknown)"),
        (format!("{:?}", Text::from("a")), "\"a\""),
        (Text::from("a").to_string(), "a"),
        (format!("{:?}", h1::Memory::default()), "Memory"),
        (Version::Http2.to_string(), "HTTP/2"),
    ] {
        assert_eq!(text, expected);
    }
    let text = format!("{machine:?}");
    assert!(text.starts_with("Connection { exchange: ") && text.contains("unread: 0, unsent: 0"), "{text}");
    assert_eq!(format!("{:?}", Exchange::default()), format!("{:?}", Exchange::new()));
    assert!(format!("{sender:?}").starts_with("Sender { demand: "), "{sender:?}");
}

#[test]
fn names_of_fields_are_equal_in_any_case() {
    assert_eq!(HeaderName::from_static("x-a"), HeaderName::from_static("X-A"));
    assert_ne!(HeaderName::from_static("x-a"), HeaderName::from_static("x-b"));
    assert_eq!(HeaderValue::try_from(vec![b'\n']), Err(InvalidHeader::Value));
}

#[test]
#[should_panic = "invalid header value"]
fn a_literal_with_a_line_break_is_no_value() {
    HeaderValue::from_static("a\nb");
}

#[test]
fn statuses_and_methods_have_their_classes() {
    for (status, client, server) in
        [(399, false, false), (400, true, false), (499, true, false), (500, false, true)]
    {
        let status = Status::new(status).expect("a status");
        assert_eq!((status.is_client_error(), status.is_server_error()), (client, server), "{status}");
    }
    for (method, safe, idempotent) in [
        (Method::Get, true, true),
        (Method::Query, true, true),
        (Method::Put, false, true),
        (Method::Delete, false, true),
        (Method::Post, false, false),
        (Method::Patch, false, false),
    ] {
        assert_eq!((method.is_safe(), method.is_idempotent()), (safe, idempotent), "{method}");
    }
}

#[test]
fn close_codes_have_names() {
    for (code, name) in [
        (CloseCode::NORMAL_CLOSURE, Some("NORMAL_CLOSURE")),
        (CloseCode::PROTOCOL_ERROR, Some("PROTOCOL_ERROR")),
        (CloseCode(4000), None),
    ] {
        assert_eq!(code.name(), name);
    }
}

#[test]
fn text_is_the_same_however_it_is_held() {
    let long = "a".repeat(5000);
    for text in ["short", &*long] {
        let fixed: &'static str = String::leak(text.to_owned());
        for held in [Text::from(fixed), Text::from(text.to_owned()), Text::from(Arc::<str>::from(text))] {
            assert!(held == *text && held == text && held == held.clone() && held.as_ref() == text);
            assert_eq!(String::from(held.clone()), text);
            assert_eq!(*Bytes::from(held.clone()), *text.as_bytes());
            let message = Message::from(held.clone());
            assert_eq!(message, Message::text(held));
            assert_eq!(message.as_bytes(), text.as_bytes());
        }
        let bytes = Message::from(Bytes::from(text.to_owned()));
        assert_eq!(bytes, Message::binary(text.as_bytes().to_vec()));
        assert_eq!(bytes, Message::from(text.as_bytes().to_vec()));
    }
}

#[test]
fn each_fault_of_a_proxy_header_is_a_sentence() {
    use stelo_core::proxy_protocol::Error::*;
    let texts = [Missing, Line, Command, Family, Address, Extension, Checksum, TooLong]
        .map(|error| error.to_string());
    assert!(texts[0].starts_with("it does not begin with a PROXY protocol header"), "{}", texts[0]);
    for text in &texts[1..] {
        assert!(
            text.starts_with("its PROXY ") || text == "the checksum of its PROXY header does not match",
            "{text}"
        );
    }
}
