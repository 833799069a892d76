//! The header of the PROXY protocol.

use stelo_core::app::Address;
use stelo_core::proxy_protocol::{Error, Header, MAX_LENGTH, Progress, Versions, parse};

/// Checks that a reader that takes only the bytes that are needed gets the same header or fault as from all bytes, and reads
/// none behind the header. A header is written again and has the same addresses.
///
/// The input: what a connection begins with.
pub fn proxy_protocol(input: &[u8]) {
    for versions in [Versions::V1, Versions::V2, Versions::Any] {
        let whole = read(input, versions, usize::MAX);
        for piece in [1, 7] {
            let pieces = read(input, versions, piece);
            match (&whole, &pieces) {
                // The first fault that shows depends on the bytes that have arrived.
                (Some(Err(_)), Some(Err(_))) => {}
                _ => assert_eq!(whole, pieces, "{versions:?} in pieces of {piece}"),
            }
        }
        match parse(input, versions) {
            Ok(Progress::Done(header)) => {
                assert_eq!(whole, Some(Ok(header.clone())), "{versions:?}");
                round_trip(&header);
            }
            Ok(Progress::Need(_)) => assert_eq!(whole, None, "{versions:?}"),
            Err(error) => assert!(matches!(whole, Some(Err(_))), "{versions:?}: {error}"),
        }
    }
}

/// Reads only the bytes that are needed, at most `piece` at a time. `None` if the input ends before.
fn read(input: &[u8], versions: Versions, piece: usize) -> Option<Result<Header, Error>> {
    let mut length = 0;
    loop {
        assert!(length <= MAX_LENGTH);
        match parse(&input[..length], versions) {
            Ok(Progress::Done(header)) => {
                assert_eq!(header.length, length, "bytes behind the header were read");
                return Some(Ok(header));
            }
            Ok(Progress::Need(more)) => {
                assert_ne!(more, 0);
                if length == input.len() {
                    return None;
                }
                length = (length + more.min(piece)).min(input.len());
            }
            Err(error) => return Some(Err(error)),
        }
    }
}

/// Writes the addresses as a line, which has the same ones.
fn round_trip(header: &Header) {
    let Some(route) = &header.route else { return };
    let (Some(Address::Ip(source)), Some(Address::Ip(destination))) = (&route.source, &route.destination)
    else {
        return;
    };
    let family = match (source.is_ipv4(), destination.is_ipv4()) {
        (true, true) => "TCP4",
        (false, false) => "TCP6",
        // A mapped address became an IPv4 address.
        _ => return,
    };
    let (from, to) = (source.ip(), destination.ip());
    let line = format!("PROXY {family} {from} {to} {} {}\r\n", source.port(), destination.port());
    let expected = Header { length: line.len(), route: Some(route.clone()) };
    assert_eq!(parse(line.as_bytes(), Versions::V1), Ok(Progress::Done(expected)), "{line}");
}
