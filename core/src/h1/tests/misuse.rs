//! Commands that the application must not give. Nothing is written for them.

use super::*;

/// A connection with a request that waits for its response.
fn asked() -> Pair {
    let mut pair = Pair::new();
    pair.feed(GET);
    pair
}

#[test]
fn interim_responses_are_1xx_except_100_and_101() {
    for (status, result) in [
        (100, Err(FaultKind::Status)),
        (101, Err(FaultKind::Status)),
        (200, Err(FaultKind::Status)),
        (103, Ok(())),
    ] {
        let mut pair = asked();
        let status = Status::new(status).expect("a status");
        let command = Command::Informational { status, headers: &Headers::new() };
        assert_eq!(pair.send(command), result, "{status}");
        assert_eq!(pair.written().is_empty(), result.is_err(), "{status}");
    }
}

#[test]
fn a_body_needs_a_response_before_it() {
    let mut pair = asked();
    assert_eq!(pair.send(Command::Data("x".into())), Err(FaultKind::State));
    assert_eq!(pair.written(), "");
    assert!(pair.respond(200, &[], "x").ends_with("\r\n\r\nx"));
    assert_eq!(pair.send(Command::Data("y".into())), Err(FaultKind::State));
    assert_eq!(pair.written(), "");
}

#[test]
fn two_lengths_have_to_agree() {
    for (lengths, result) in [(["4", "4"], Ok(())), (["4", "5"], Err(FaultKind::Framing))] {
        let fields = lengths.map(|length| ("content-length", length));
        assert_eq!(asked().head(200, &fields, Length::Unknown), result, "{lengths:?}");
    }
}

#[test]
fn a_second_shutdown_changes_nothing() {
    let mut pair = asked();
    pair.machine.shutdown(at(0));
    pair.machine.shutdown(at(1));
    assert!(pair.respond(200, &[], "x").contains("connection: close"));
}
