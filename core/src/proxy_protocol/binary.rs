//! Version 2: a signature, version and command, address family, length; then addresses and extensions (TLVs).

use alloc::string::String;
use core::net::{IpAddr, SocketAddr};

use super::crc32c::crc32c;
use super::{Error, Header, MAX_LENGTH, Progress, Route};
use crate::app::Address;

/// The beginning of every header. HTTP, TLS and version 1 do not begin with it.
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The length of the part before the addresses.
const FIXED: usize = 16;

/// The length of the path of a Unix socket, which is padded with zeros.
const PATH: usize = 108;

/// The type of the extension that has a checksum of the header (`PP2_TYPE_CRC32C`).
const CRC32C: u8 = 3;

/// Parses a header. The input has passed the check of its signature.
pub(super) fn parse(input: &[u8]) -> Result<Progress, Error> {
    let Some((fixed, _)) = input.split_first_chunk::<FIXED>() else {
        return Ok(Progress::Need(FIXED - input.len()));
    };
    let [.., command, family, high, low] = *fixed;
    let length = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if !matches!(command, 0x20 | 0x21) {
        return Err(Error::Command);
    }
    if length > MAX_LENGTH {
        return Err(Error::TooLong);
    }
    let Some(header) = input.get(..length) else { return Ok(Progress::Need(length - input.len())) };
    let route = match command {
        // LOCAL: the specification says to ignore family, addresses and extensions.
        0x20 => None,
        _ => read(header, family)?,
    };
    Ok(Progress::Done(Header { length, route }))
}

/// Reads the addresses and checks the extensions of a complete header.
fn read(header: &[u8], family: u8) -> Result<Option<Route>, Error> {
    let mut rest = header.get(FIXED..).unwrap_or_default();
    let route = match family {
        // AF_UNSPEC: the proxy does not know the addresses.
        0x00 => None,
        0x11 | 0x21 => {
            let (source, destination) = match family {
                0x11 => (ip::<4>(&mut rest)?, ip::<4>(&mut rest)?),
                _ => (ip::<16>(&mut rest)?, ip::<16>(&mut rest)?),
            };
            let mut port = || take(&mut rest).map(u16::from_be_bytes);
            let source = SocketAddr::new(source, port()?).into();
            let destination = SocketAddr::new(destination, port()?).into();
            Some(Route { source: Some(source), destination: Some(destination) })
        }
        0x31 => Some(Route { source: path(take(&mut rest)?)?, destination: path(take(&mut rest)?)? }),
        _ => return Err(Error::Family),
    };
    check_extensions(header, rest)?;
    Ok(route)
}

/// Takes the first `N` bytes of the addresses.
fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Error> {
    let (first, others) = rest.split_first_chunk::<N>().ok_or(Error::Address)?;
    *rest = others;
    Ok(*first)
}

fn ip<const N: usize>(rest: &mut &[u8]) -> Result<IpAddr, Error>
where
    IpAddr: From<[u8; N]>,
{
    take(rest).map(IpAddr::from)
}

/// Reads the path of a Unix socket, up to its padding. An abstract name begins with a zero, and is shown with `@`. Control
/// characters are refused, because the address appears in logs.
fn path(bytes: [u8; PATH]) -> Result<Option<Address>, Error> {
    let (mark, name) = match &bytes {
        [0, name @ ..] => ("@", &name[..]),
        name => ("", &name[..]),
    };
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    let name = name.get(..end).and_then(|name| core::str::from_utf8(name).ok()).ok_or(Error::Address)?;
    if name.contains(char::is_control) {
        return Err(Error::Address);
    }
    Ok((!name.is_empty()).then(|| Address::Unix((String::from(mark) + name).into())))
}

/// Checks that the extensions fill the rest of the header, and the checksum if there is one. Extensions have a type of one
/// byte, a length of two, and a value.
fn check_extensions(header: &[u8], mut rest: &[u8]) -> Result<(), Error> {
    let mut checked = false;
    while let [kind, tail @ ..] = rest {
        let (length, tail) = tail.split_first_chunk().ok_or(Error::Extension)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (value, tail) = tail.split_at_checked(length).ok_or(Error::Extension)?;
        if *kind == CRC32C {
            let expected = <[u8; 4]>::try_from(value).map_err(|_| Error::Extension)?;
            if core::mem::replace(&mut checked, true) {
                return Err(Error::Extension);
            }
            check_sum(header, header.len() - tail.len(), u32::from_be_bytes(expected))?;
        }
        rest = tail;
    }
    Ok(())
}

/// Checks the sum of the header, in which the sum itself, which ends at `end`, counts as zeros.
fn check_sum(header: &[u8], end: usize, expected: u32) -> Result<(), Error> {
    let own = end - 4..end;
    let bytes = header.iter().enumerate().map(|(at, byte)| if own.contains(&at) { 0 } else { *byte });
    if crc32c(bytes) == expected { Ok(()) } else { Err(Error::Checksum) }
}
