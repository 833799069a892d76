//! Sets of peers: addresses and networks, as `--forwarded-allow-ips` lists them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use stelo_core::app::Address;

use super::ConfigError;

/// A set of peers: the proxies that a server trusts.
///
/// Written as a list with commas: addresses, networks, `unix:` for the clients of Unix sockets, or `*` alone for all. An
/// IPv4-mapped IPv6 address is the IPv4 address.
///
/// ```
/// use stelo_server::Peers;
///
/// let peers: Peers = "10.0.0.0/8, 2001:db8::1, unix:".parse()?;
/// assert_eq!(peers.to_string(), "10.0.0.0/8,2001:db8::1,unix:");
///
/// let error = "10.0.0.1/8".parse::<Peers>().unwrap_err();
/// assert_eq!(error.to_string(), "10.0.0.1/8 has bits behind its prefix: use 10.0.0.0/8, or the address alone");
/// # Ok::<(), stelo_server::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Peers(Vec<Peer>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Peer {
    All,
    /// The clients of Unix sockets.
    Unix,
    /// The addresses that begin with this number of bits of an address.
    Network(IpAddr, u8),
}

/// The word for the clients of Unix sockets.
const UNIX: &str = "unix:";

impl Peers {
    /// Returns the default, which is that of Uvicorn.
    pub(crate) fn loopback() -> Self {
        Self(vec![Peer::Network(Ipv4Addr::LOCALHOST.into(), 32)])
    }

    /// Returns the peers on this machine.
    pub(crate) fn local() -> Self {
        let v6 = Peer::Network(Ipv6Addr::LOCALHOST.into(), 128);
        Self([Self::loopback().0, vec![v6, Peer::Unix]].concat())
    }

    /// Returns whether a peer is in the set. A client of a Unix socket without a path has no address.
    pub(crate) fn contain(&self, peer: Option<&Address>) -> bool {
        self.0.iter().any(|one| match (one, peer) {
            (Peer::All, _) | (Peer::Unix, None | Some(Address::Unix(_))) => true,
            (Peer::Network(network, prefix), Some(Address::Ip(address))) => {
                masked(address.ip().to_canonical(), *prefix) == Some(*network)
            }
            _ => false,
        })
    }

    /// Returns whether all peers are in the set.
    pub(crate) fn are_all(&self) -> bool {
        self.0.contains(&Peer::All)
    }
}

/// Returns the address with only the first `prefix` bits. `None` if it has fewer.
fn masked(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    let prefix = u32::from(prefix);
    Some(match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(prefix)?).unwrap_or(0);
            IpAddr::from((u32::from(address) & mask).to_be_bytes())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(prefix)?).unwrap_or(0);
            IpAddr::from(Ipv6Addr::from(u128::from(address) & mask))
        }
    })
}

impl FromStr for Peers {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let peers: Vec<Peer> = items.map(str::parse).collect::<Result<_, _>>()?;
        match peers.len() > 1 && peers.contains(&Peer::All) {
            true => Err(ConfigError::Peers),
            false => Ok(Self(peers)),
        }
    }
}

impl FromStr for Peer {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "*" => return Ok(Self::All),
            UNIX => return Ok(Self::Unix),
            _ => {}
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| ConfigError::Peers)?;
        let bits = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) if !prefix.starts_with('+') => prefix.parse().map_err(|_| ConfigError::Peers)?,
            Some(_) => return Err(ConfigError::Peers),
            None => bits(written),
        };
        // The prefix of a mapped network counts the 96 bits before the IPv4 address.
        let (address, prefix) = match written.to_canonical() {
            IpAddr::V4(address) if written.is_ipv6() && prefix >= 96 => (IpAddr::V4(address), prefix - 96),
            IpAddr::V4(_) if written.is_ipv6() => (written, prefix),
            address => (address, prefix),
        };
        let network = masked(address, prefix).ok_or(ConfigError::Peers)?;
        match network == address {
            true => Ok(Self::Network(network, prefix)),
            false => {
                Err(ConfigError::HostBits { written: text.into(), network: format!("{network}/{prefix}") })
            }
        }
    }
}

impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, peer) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match peer {
                Peer::All => f.write_str("*")?,
                Peer::Unix => f.write_str(UNIX)?,
                Peer::Network(IpAddr::V4(address), 32) => write!(f, "{address}")?,
                Peer::Network(IpAddr::V6(address), 128) => write!(f, "{address}")?,
                Peer::Network(address, prefix) => write!(f, "{address}/{prefix}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(peers: &str, peer: &str) -> bool {
        let peer = match peer {
            "" => None,
            path if path.starts_with('/') => Some(Address::Unix(path.into())),
            ip => Some(Address::Ip((ip.parse::<IpAddr>().unwrap(), 1).into())),
        };
        peers.parse::<Peers>().unwrap().contain(peer.as_ref())
    }

    #[test]
    fn a_set_contains_what_it_lists() {
        for (peers, inside, outside) in [
            ("127.0.0.1", &["127.0.0.1", "::ffff:127.0.0.1"][..], &["127.0.0.2", "::1", "", "/s"][..]),
            ("10.0.0.0/8 , 192.168.0.0/24", &["10.255.0.1", "192.168.0.9"], &["11.0.0.1", "192.168.1.1"]),
            ("::ffff:10.0.0.0/104", &["10.1.2.3"], &["11.1.2.3", "::1"]),
            ("2001:DB8:0::/32", &["2001:db8:ffff::1"], &["2001:db9::1", "10.0.0.1"]),
            ("0.0.0.0/0", &["1.2.3.4"], &["::1"]),
            ("::/0", &["::1"], &["1.2.3.4"]),
            ("unix:", &["", "/s"], &["127.0.0.1"]),
            ("*", &["1.2.3.4", "::1", "", "/s"], &[]),
            ("", &[], &["127.0.0.1", "", "/s"]),
        ] {
            for peer in inside {
                assert!(contains(peers, peer), "{peer} in {peers}");
            }
            for peer in outside {
                assert!(!contains(peers, peer), "{peer} in {peers}");
            }
        }
    }

    #[test]
    fn malformed_items_are_refused() {
        for text in
            ["*, 10.0.0.0/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "localhost", "a/8", "*/0"]
        {
            assert_eq!(text.parse::<Peers>(), Err(ConfigError::Peers), "{text}");
        }
        assert!(matches!("2001:db8::1/32".parse::<Peers>(), Err(ConfigError::HostBits { .. })));
    }
}
