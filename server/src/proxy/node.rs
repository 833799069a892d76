//! The address of a client, as a proxy writes it in a field.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use stelo_core::app::Address;

/// The longest name of a client that is kept, which is that of DNS.
const LONGEST: usize = 253;

/// A client that the proxy does not know, or does not name legibly (RFC 7239 section 6.2).
pub(super) fn unknown() -> Address {
    Address::Name("unknown".into())
}

/// Reads a client: an address, with or without a port, or a name. `None` if there is nothing.
///
/// Text that is neither address nor printable could forge a line of the log, and counts as unknown.
pub(super) fn read(text: &[u8]) -> Option<Address> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return None;
    }
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    let plain = std::str::from_utf8(text).ok();
    let plain = plain.filter(|text| text.len() <= LONGEST && text.bytes().all(is_plain));
    let Some(text) = plain else { return Some(unknown()) };
    Some(address(text).unwrap_or_else(|| Address::Name(text.into())))
}

/// Reads an address: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<Address> {
    let (ip, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (ip, port) = rest.split_once(']')?;
            let port = if port.is_empty() { "" } else { port.strip_prefix(':')? };
            (IpAddr::V6(ip.parse::<Ipv6Addr>().ok()?), port.parse().unwrap_or(0))
        }
        None => match (text.parse::<IpAddr>(), text.split_once(':')) {
            (Ok(ip), _) => (ip, 0),
            (Err(_), Some((ip, port))) => (IpAddr::V4(ip.parse::<Ipv4Addr>().ok()?), port.parse().ok()?),
            (Err(_), None) => return None,
        },
    };
    Some(SocketAddr::new(ip, port).into())
}
