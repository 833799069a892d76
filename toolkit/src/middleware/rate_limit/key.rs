//! The key of a request: the quota that it is taken from.

use std::net::IpAddr;

use stelo_core::app::Address;

use crate::request::Parts;

/// The kind of keys.
pub(super) enum Keys {
    Client,
    Route,
    ClientAndRoute,
    Function(Box<KeyOf>),
}

type KeyOf = dyn Fn(&Parts) -> Option<String> + Send + Sync;

/// The key of a request.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Key<'a> {
    Client(Client),
    Route(&'a str),
    ClientAndRoute(Client, &'a str),
    Text(String),
}

/// A client, by its address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Client {
    V4([u8; 4]),
    /// The first 64 bits: a client has all addresses behind them (RFC 6177).
    V6([u8; 8]),
    /// A client of a Unix socket: all of them share a quota.
    Local,
}

impl Keys {
    /// Returns the key of a request. `None` if it is not limited.
    pub(super) fn of<'a>(&self, request: &'a Parts) -> Option<Key<'a>> {
        let route = || request.matched_path().unwrap_or_default();
        Some(match self {
            Self::Client => Key::Client(Client::of(request)),
            Self::Route => Key::Route(route()),
            Self::ClientAndRoute => Key::ClientAndRoute(Client::of(request), route()),
            Self::Function(function) => Key::Text(function(request)?),
        })
    }
}

impl Client {
    fn of(request: &Parts) -> Self {
        let Some(Address::Ip(address)) = request.client() else { return Self::Local };
        match address.ip().to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }

    fn text(self) -> String {
        match self {
            Self::V4(octets) => IpAddr::from(octets).to_string(),
            Self::V6(half) => {
                let mut octets = [0; 16];
                octets[..8].copy_from_slice(&half);
                format!("{}/64", IpAddr::from(octets))
            }
            Self::Local => "local".to_owned(),
        }
    }
}

impl Key<'_> {
    /// Returns the key as a text, for stores outside this process.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Client(client) => client.text(),
            Self::Route(route) => (*route).to_owned(),
            Self::ClientAndRoute(client, route) => format!("{} {route}", client.text()),
            Self::Text(text) => text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_as_text() {
        let v6 = Client::V6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 7]);
        assert_eq!(Key::ClientAndRoute(v6, "/a").text(), "2001:db8:0:7::/64 /a");
        assert_eq!(Key::Client(Client::V4([10, 0, 0, 1])).text(), "10.0.0.1");
        assert_eq!(Key::Client(Client::Local).text(), "local");
        assert_eq!(Key::Route("/a").text(), "/a");
    }
}
