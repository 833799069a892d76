//! The proxies that are trusted, and the fields that they set.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::codec::{Boolean, Codec, Seconds, Words};
use super::table::{Group, Kind, Setting, Value, setting};
use super::words::words;
use super::{Config, ConfigError, Peers};

/// The proxies that are trusted, and the fields that they set.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Proxy {
    /// The fields that give client and scheme of a request from a trusted proxy. Default:
    /// [`XForwarded`](ProxyHeaders::XForwarded).
    pub headers: ProxyHeaders,
    /// The proxies whose fields are believed. Default: `127.0.0.1`, as in Uvicorn.
    ///
    /// Choose the addresses of the proxies, not `*`: a client that reaches the server directly can pretend to be any other.
    pub trusted: Peers,
    /// Whether each connection begins with a header of the PROXY protocol. Default [`Off`](ProxyProtocol::Off).
    pub protocol: ProxyProtocol,
    /// The peers that may connect if `protocol` is on. Default: those on this machine, `127.0.0.1,::1,unix:`.
    pub protocol_trusted: Peers,
}

words! {
    /// The versions of the PROXY protocol that are accepted.
    pub enum ProxyProtocol {
        /// None: connections begin with TLS or HTTP.
        #[default]
        Off = "off",
        /// Version 1, a line of text.
        V1 = "v1",
        /// Version 2, a binary header.
        V2 = "v2",
        /// Both.
        Any = "any",
    }
}

words! {
    /// The fields by which a proxy tells client and scheme of a request.
    pub enum ProxyHeaders {
        /// None: the client is the peer.
        Off = "off",
        /// `X-Forwarded-For` and `X-Forwarded-Proto`.
        #[default]
        XForwarded = "x-forwarded",
        /// `Forwarded` (RFC 7239), which also gives the host.
        Forwarded = "forwarded",
        /// Either. A request that has both must have the same client in both; otherwise its client is `unknown`.
        Auto = "auto",
    }
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            headers: ProxyHeaders::default(),
            trusted: Peers::loopback(),
            protocol: ProxyProtocol::default(),
            protocol_trusted: Peers::local(),
        }
    }
}

impl Config {
    /// Sets [`Proxy::headers`].
    #[must_use]
    pub fn proxy_headers(mut self, headers: ProxyHeaders) -> Self {
        self.proxy.headers = headers;
        self
    }

    /// Sets [`Proxy::protocol`].
    #[must_use]
    pub fn proxy_protocol(mut self, protocol: ProxyProtocol) -> Self {
        self.proxy.protocol = protocol;
        self
    }

    /// Sets [`Proxy::protocol_trusted`].
    #[must_use]
    pub fn proxy_allow_from(mut self, trusted: Peers) -> Self {
        self.proxy.protocol_trusted = trusted;
        self
    }

    /// Sets [`Timeouts::proxy_protocol`](super::Timeouts::proxy_protocol).
    #[must_use]
    pub fn timeout_proxy_protocol(mut self, timeout: Duration) -> Self {
        self.timeouts.proxy_protocol = timeout;
        self
    }

    /// Sets [`Proxy::trusted`].
    ///
    /// ```
    /// # use stelo_server::Config;
    /// let config = Config::new().forwarded_allow_ips("10.0.0.0/8".parse()?);
    /// # Ok::<(), stelo_server::ConfigError>(())
    /// ```
    #[must_use]
    pub fn forwarded_allow_ips(mut self, trusted: Peers) -> Self {
        self.proxy.trusted = trusted;
        self
    }
}

/// The fields of proxies; a switch as in Uvicorn, or a word.
struct Headers;

impl Headers {
    const KIND: Kind = Kind::SwitchOrWord(<ProxyHeaders as Words>::WORDS);
}

impl Codec<ProxyHeaders> for Headers {
    fn read(text: &str) -> Result<ProxyHeaders, ConfigError> {
        match Boolean::read(text) {
            Ok(true) => Ok(ProxyHeaders::XForwarded),
            Ok(false) => Ok(ProxyHeaders::Off),
            Err(_) => text.parse(),
        }
    }

    fn show(value: &ProxyHeaders) -> Value {
        Value::Text(value.to_string())
    }
}

/// The versions of the PROXY protocol; a switch as in Gunicorn, which calls both versions `auto`, or a word.
struct Protocol;

impl Protocol {
    const KIND: Kind = Kind::SwitchOrWord(<ProxyProtocol as Words>::WORDS);
}

impl Codec<ProxyProtocol> for Protocol {
    fn read(text: &str) -> Result<ProxyProtocol, ConfigError> {
        match Boolean::read(text) {
            Ok(true) => Ok(ProxyProtocol::Any),
            Ok(false) => Ok(ProxyProtocol::Off),
            Err(_) if text.eq_ignore_ascii_case("auto") => Ok(ProxyProtocol::Any),
            Err(_) => text.parse(),
        }
    }

    fn show(value: &ProxyProtocol) -> Value {
        Value::Text(value.to_string())
    }
}

/// A value that is written as one text.
struct Text;

impl Text {
    const KIND: Kind = Kind::Text("ADDRESSES");
}

impl<T: FromStr<Err = ConfigError> + fmt::Display> Codec<T> for Text {
    fn read(text: &str) -> Result<T, ConfigError> {
        text.parse()
    }

    fn show(value: &T) -> Value {
        Value::Text(value.to_string())
    }
}

pub(super) const GROUP: Group = Group {
    title: "Proxies",
    settings: &[
        setting!(
            "proxy-headers",
            Headers,
            proxy.headers,
            "The fields that give client and scheme of a request from a trusted proxy"
        ),
        setting!(
            "forwarded-allow-ips",
            Text,
            proxy.trusted,
            "The proxies that are trusted: addresses and networks with commas, `unix:`, or `*` for all"
        ),
        setting!(
            "proxy-protocol",
            Protocol,
            proxy.protocol,
            "Expect a PROXY protocol header on each connection, and close those without"
        ),
        setting!(
            "proxy-allow-from",
            Text,
            proxy.protocol_trusted,
            "The peers that may connect with the PROXY protocol; others are closed"
        ),
        setting!(
            "timeout-proxy-protocol",
            Seconds,
            timeouts.proxy_protocol,
            "Maximum time for the PROXY protocol header"
        ),
    ],
};
