//! Version 1: `PROXY TCP4 source destination port port`, one line of at most 107 bytes that ends with CR LF.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Error, Header, Progress, Route, SHORTEST};

/// The beginning of every line.
pub(super) const PREFIX: &[u8] = b"PROXY ";

/// The maximum length of a line with its end, given by the specification.
const MAX_LENGTH: usize = 107;

/// The number of spaces in a line with addresses.
const SPACES: usize = 5;

/// Parses a line. The input has passed the check of its prefix.
pub(super) fn parse(input: &[u8]) -> Result<Progress, Error> {
    let line = input.get(..MAX_LENGTH).unwrap_or(input);
    let end = line.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    match end.and_then(|end| Some((end, line.get(end..)?))) {
        Some((end, [b'\r', b'\n', ..])) => {
            let line = line.get(..end).and_then(|line| core::str::from_utf8(line).ok()).ok_or(Error::Line)?;
            Ok(Progress::Done(Header { length: end + 2, route: read(line)? }))
        }
        Some((_, [b'\r'])) if line.len() < MAX_LENGTH => Ok(Progress::Need(1)),
        Some((_, [b'\r'])) => Err(Error::TooLong),
        Some(_) => Err(Error::Line),
        None if line.len() + 2 > MAX_LENGTH => Err(Error::TooLong),
        None => Ok(Progress::Need(missing(line).min(MAX_LENGTH - line.len()))),
    }
}

/// Returns the number of bytes that every valid line with this beginning has more.
fn missing(line: &[u8]) -> usize {
    if line.len() < SHORTEST {
        return SHORTEST - line.len();
    }
    let fields = match line.starts_with(b"PROXY TCP") {
        // A space and at least one character for each field.
        true => SPACES.saturating_sub(line.iter().filter(|byte| **byte == b' ').count()) * 2,
        false => 0,
    };
    fields + 2
}

/// Reads a complete line.
fn read(line: &str) -> Result<Option<Route>, Error> {
    let mut fields = line.split(' ').skip(1);
    let mut next = || fields.next().ok_or(Error::Line);
    match next()? {
        // The specification says to ignore the rest of the line.
        "UNKNOWN" => Ok(None),
        family @ ("TCP4" | "TCP6") => {
            let address = |text: &str| match family {
                "TCP4" => text.parse::<Ipv4Addr>().map(IpAddr::V4),
                _ => text.parse::<Ipv6Addr>().map(IpAddr::V6),
            };
            let source = address(next()?).map_err(|_| Error::Address)?;
            let destination = address(next()?).map_err(|_| Error::Address)?;
            let source = SocketAddr::new(source, port(next()?)?).into();
            let destination = SocketAddr::new(destination, port(next()?)?).into();
            match fields.next() {
                None => Ok(Some(Route { source: Some(source), destination: Some(destination) })),
                Some(_) => Err(Error::Line),
            }
        }
        _ => Err(Error::Line),
    }
}

/// Reads a port: decimal digits, without a sign and without leading zeros.
fn port(text: &str) -> Result<u16, Error> {
    let is_plain = text == "0" || text.starts_with(|c: char| matches!(c, '1'..='9'));
    text.parse().ok().filter(|_| is_plain).ok_or(Error::Address)
}
