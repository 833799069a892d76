//! A connection, as applications see it: its ends, its encryption, its executor.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use super::Executor;
use crate::Bytes;

/// The facts of a connection that do not depend on a request: the addresses of the socket, the TLS session, the
/// executor.
pub struct Connection {
    /// The address of the peer: the client, or the last proxy.
    pub peer: Option<Address>,
    /// The local address that the peer connected to.
    pub local: Option<Address>,
    /// The TLS session; `None` without encryption.
    pub tls: Option<Arc<Tls>>,
    /// The executor that runs the application.
    pub executor: Arc<dyn Executor>,
}

impl Connection {
    /// Creates the facts of an unencrypted connection.
    pub fn new(peer: Option<Address>, local: Option<Address>, executor: Arc<dyn Executor>) -> Self {
        Self { peer, local, tls: None, executor }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .field("local", &self.local)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// The facts of a TLS session.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Tls {
    /// The protocol version, such as `TLSv1.3`.
    pub version: String,
    /// The cipher suite, by its IANA name.
    pub cipher_suite: String,
    /// The host name that the client asked for (SNI, RFC 6066 section 3).
    pub server_name: Option<String>,
    /// The application protocol that was agreed on (ALPN, RFC 7301).
    pub alpn: Option<Bytes>,
    /// The certificates of the client in DER, the client's own first. Empty if it has sent none.
    pub client_certificates: Vec<Bytes>,
    /// The subject of the client's own certificate, such as `CN=alice,O=Example` (RFC 4514). An authority that the server
    /// trusts has signed it.
    pub client_subject: Option<String>,
}

/// The address of one end of a connection.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Address {
    /// An IP address and port.
    Ip(SocketAddr),
    /// The path of a Unix socket.
    Unix(Arc<str>),
    /// A client that a proxy names instead of giving its address, such as `unknown` or `_hidden` (RFC 7239 section 6).
    Name(Arc<str>),
}

impl From<SocketAddr> for Address {
    /// Returns the address of a socket. An IPv4-mapped IPv6 address, which a dual-stack socket has for an IPv4 client,
    /// becomes the IPv4 address (RFC 4291 section 2.5.5.2).
    fn from(address: SocketAddr) -> Self {
        Self::Ip(SocketAddr::new(address.ip().to_canonical(), address.port()))
    }
}

impl fmt::Display for Address {
    /// Writes `127.0.0.1:8000`, `::1:8000` (without brackets, as Uvicorn does), the path or the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{}:{}", address.ip(), address.port()),
            Self::Unix(text) | Self::Name(text) => f.write_str(text),
        }
    }
}
