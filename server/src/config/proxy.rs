//! The proxies that are trusted, and the fields that they set.

use std::fmt;
use std::str::FromStr;

use super::codec::Codec;
use super::table::{Group, Kind, Setting, Value, setting};
use super::words::words;
use super::{Config, ConfigError};
use crate::Peers;

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
        Self { headers: ProxyHeaders::default(), trusted: Peers::loopback() }
    }
}

impl Config {
    /// Sets [`Proxy::headers`].
    #[must_use]
    pub fn proxy_headers(mut self, headers: ProxyHeaders) -> Self {
        self.proxy.headers = headers;
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
    const KIND: Kind = Kind::SwitchOrWord(<ProxyHeaders as super::codec::Words>::WORDS);
}

impl Codec<ProxyHeaders> for Headers {
    fn read(text: &str) -> Result<ProxyHeaders, ConfigError> {
        match super::codec::Boolean::read(text) {
            Ok(true) => Ok(ProxyHeaders::XForwarded),
            Ok(false) => Ok(ProxyHeaders::Off),
            Err(_) => text.parse(),
        }
    }

    fn show(value: &ProxyHeaders) -> Value {
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
    ],
};
