//! The client, the scheme and the host of a request that a proxy passes on, from the fields that the proxy adds.
//!
//! [`Proxies::identify`] is a function of the fields. Whether the peer of a connection is a trusted proxy is decided once per
//! connection, by [`Peers`] (`config/peers.rs`): see `connection/http/gate.rs`.
//!
//! | file | contents |
//! |---|---|
//! | `node.rs` | the address of a client, as a proxy writes it |
//! | `x_forwarded.rs` | `X-Forwarded-For` and `X-Forwarded-Proto`, as Uvicorn reads them |
//! | `forwarded.rs` | `Forwarded` (RFC 7239) |

mod forwarded;
mod node;
#[cfg(test)]
mod tests;
mod x_forwarded;

use std::time::Duration;

use stelo_core::app::Address;
use stelo_core::http::Headers;
use stelo_core::proxy_protocol::Versions;

use crate::config::{self, Config, Peers, Proxy, ProxyHeaders};
use node::unknown;

/// The proxies that are trusted, and the fields that they set.
#[derive(Clone, Debug)]
pub(crate) struct Proxies {
    pub(crate) trusted: Peers,
    pub(crate) fields: ProxyHeaders,
}

/// The facts of a request that a proxy passes on. `None` leaves those of the connection.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) client: Option<Address>,
    pub(crate) secure: Option<bool>,
    /// The host and port that the client asked for. Only `Forwarded` has it: a client can send `X-Forwarded-Host` through
    /// a proxy that does not set this field.
    pub(crate) host: Option<String>,
}

/// The PROXY protocol, on every connection.
#[derive(Clone, Debug)]
pub(crate) struct ProxyProtocol {
    pub(crate) versions: Versions,
    pub(crate) trusted: Peers,
    pub(crate) timeout: Duration,
}

impl ProxyProtocol {
    /// Returns the protocol of a configuration; `None` if it is off.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        let versions = match config.proxy.protocol {
            config::ProxyProtocol::Off => return None,
            config::ProxyProtocol::V1 => Versions::V1,
            config::ProxyProtocol::V2 => Versions::V2,
            config::ProxyProtocol::Any => Versions::Any,
        };
        let trusted = config.proxy.protocol_trusted.clone();
        Some(Self { versions, trusted, timeout: config.timeouts.proxy_protocol })
    }
}

impl Proxies {
    /// Returns the proxies of a configuration; `None` if it trusts none.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        let Proxy { headers, trusted, .. } = config.proxy.clone();
        let is_used = headers != ProxyHeaders::Off && trusted != Peers::default();
        is_used.then_some(Self { trusted, fields: headers })
    }

    /// Returns what the fields of a request from a trusted proxy say.
    pub(crate) fn identify(&self, headers: &Headers) -> Identity {
        let x_forwarded = || x_forwarded::read(headers, &self.trusted);
        let forwarded = || forwarded::read(headers, &self.trusted);
        match self.fields {
            ProxyHeaders::Off => Identity::default(),
            ProxyHeaders::XForwarded => x_forwarded().unwrap_or_default(),
            ProxyHeaders::Forwarded => forwarded().unwrap_or_default(),
            ProxyHeaders::Auto => match (x_forwarded(), forwarded()) {
                (Some(one), Some(other)) => one.agreed(other),
                (one, other) => one.or(other).unwrap_or_default(),
            },
        }
    }
}

/// Returns whether there is a field of a proxy. Most requests have none.
pub(crate) fn has_fields(headers: &Headers) -> bool {
    headers.contains_any([x_forwarded::FOR, x_forwarded::PROTO, forwarded::FIELD])
}

impl Identity {
    /// Returns what two kinds of fields agree on. A proxy sets one of them, and may pass on the other from the client: where
    /// they differ, none can be believed.
    fn agreed(self, other: Self) -> Self {
        let ip = |address: &Option<Address>| match address {
            Some(Address::Ip(address)) => Some(address.ip()),
            _ => None,
        };
        match ip(&self.client).is_some() && ip(&self.client) == ip(&other.client) {
            true => Self { secure: self.secure.filter(|_| self.secure == other.secure), host: None, ..self },
            false => Self { client: Some(unknown()), secure: None, host: None },
        }
    }
}
