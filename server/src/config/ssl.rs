//! TLS: the certificates of the server and their keys, versions, cipher suites, and the certificates of clients.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::codec::{Codec, Count, Switch, Word, Words};
use super::table::{Group, Kind, Setting, Value, each, setting, single};
use super::words::words;
use super::{Ciphers, Config, ConfigError, Listen};

/// TLS, which needs the Cargo feature `tls`. With a certificate, all sockets but those of `insecure` speak TLS only.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Ssl {
    /// The files of the certificates, in PEM, each followed by those of the authorities between it and a root. The host
    /// name that a client asks for (SNI) chooses among them; the first is the default. Default: none.
    pub certfiles: Vec<PathBuf>,
    /// The files of the private keys, in PEM and in the order of the certificates. Default: none, so each file of a
    /// certificate has its key, too.
    pub keyfiles: Vec<PathBuf>,
    /// The password of encrypted private keys. Default `None`.
    pub keyfile_password: Option<Password>,
    /// Whether the server makes a certificate for `localhost` when it starts, for development. Default `false`. Needs the
    /// Cargo feature `tls-self-signed`.
    pub self_signed: bool,
    /// The lowest version of TLS. Default: 1.2.
    pub version: TlsVersion,
    /// The cipher suites. Default `None`: all of them.
    pub ciphers: Option<Ciphers>,
    /// Whether clients present a certificate. Default: they are not asked.
    pub cert_reqs: CertReqs,
    /// The file of the authorities that sign the certificates of clients, in PEM. Default `None`.
    pub ca_certs: Option<PathBuf>,
    /// The files of revocation lists, in PEM. With one, a client is refused if its certificate is on a list, or if no list
    /// is of its authority. Default: none.
    pub crls: Vec<PathBuf>,
    /// Sockets that speak plain HTTP beside TLS. Default: none.
    pub insecure: Vec<Listen>,
    /// The port of HTTPS that requests on `insecure` are redirected to. Default `None`: they are served.
    pub insecure_redirect: Option<u16>,
}

/// A password. `Debug` and `--print-config` do not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Vec<u8>);

impl Password {
    /// Creates a password.
    pub fn new(password: impl Into<Vec<u8>>) -> Self {
        Self(password.into())
    }

    /// Returns the password.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// The lowest version of TLS that is accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2, and 1.3. Written `tls1.2`, or 17 as in Python.
    #[default]
    Tls12,
    /// TLS 1.3 only.
    Tls13,
}

impl Words for TlsVersion {
    const WORDS: &'static [&'static str] = &["tls1.2", "tls1.3"];

    fn word(self) -> &'static str {
        match self {
            Self::Tls12 => "tls1.2",
            Self::Tls13 => "tls1.3",
        }
    }
}

impl FromStr for TlsVersion {
    type Err = ConfigError;

    /// Reads a version, or a number of Python's module `ssl`.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let refused = match text.to_ascii_lowercase().as_str() {
            // `PROTOCOL_TLS_SERVER`.
            "17" | "tls1.2" | "tlsv1.2" | "1.2" => return Ok(Self::Tls12),
            "tls1.3" | "tlsv1.3" | "1.3" => return Ok(Self::Tls13),
            "0" => "PROTOCOL_SSLv2, which is insecure",
            "1" => "PROTOCOL_SSLv3, which is insecure",
            "2" => "PROTOCOL_TLS, which is for clients, too",
            "3" => "PROTOCOL_TLSv1, which is insecure",
            "4" => "PROTOCOL_TLSv1_1, which is insecure",
            "5" => "PROTOCOL_TLSv1_2, which excludes TLS 1.3",
            "16" => "PROTOCOL_TLS_CLIENT, which is for clients",
            "tls1" | "tls1.0" | "tlsv1" | "tlsv1.0" => "TLS 1.0, which is insecure",
            "tls1.1" | "tlsv1.1" => "TLS 1.1, which is insecure",
            _ => return Err(ConfigError::TlsVersion(None)),
        };
        Err(ConfigError::TlsVersion(Some(refused)))
    }
}

words! {
    /// Whether clients present a certificate.
    pub enum CertReqs {
        /// They are not asked for one.
        #[default]
        None = "none",
        /// They are asked. Without one they are served, too.
        Optional = "optional",
        /// They are served only with one.
        Required = "required",
    }
}

/// A word, or the number of Python's `ssl.CERT_NONE` and so on.
struct Reqs;

impl Reqs {
    const KIND: Kind = Word::<CertReqs>::KIND;
}

impl Codec<CertReqs> for Reqs {
    fn read(text: &str) -> Result<CertReqs, ConfigError> {
        match text {
            "0" => Ok(CertReqs::None),
            "1" => Ok(CertReqs::Optional),
            "2" => Ok(CertReqs::Required),
            word => word.parse(),
        }
    }

    fn show(value: &CertReqs) -> Value {
        Word::show(value)
    }
}

impl Ssl {
    /// Whether the server speaks TLS.
    pub fn is_on(&self) -> bool {
        self.self_signed || !self.certfiles.is_empty()
    }

    /// Checks the settings together. Called at the start, when all sources have been read.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.insecure.iter().try_for_each(Listen::check)?;
        let (certificates, keys) = (self.certfiles.len(), self.keyfiles.len());
        Err(match self {
            _ if *self == Self::default() => return Ok(()),
            _ if cfg!(not(feature = "tls")) => ConfigError::NoTls,
            _ if self.self_signed && cfg!(not(feature = "tls-self-signed")) => ConfigError::NoSelfSigned,
            _ if self.self_signed && certificates + keys > 0 => ConfigError::SelfSigned,
            _ if certificates == 0 && keys > 0 => ConfigError::Certfile,
            _ if keys > 0 && keys != certificates => ConfigError::Keyfiles,
            _ if !self.insecure.is_empty() && !self.is_on() => ConfigError::InsecureBind,
            _ if self.insecure_redirect.is_some() && self.insecure.is_empty() => {
                ConfigError::InsecureRedirect
            }
            _ if self.cert_reqs != CertReqs::None && self.ca_certs.is_none() => ConfigError::CaCerts,
            _ if self.cert_reqs == CertReqs::None && !self.crls.is_empty() => ConfigError::CertReqs,
            _ => return Ok(()),
        })
    }
}

impl Config {
    /// Sets [`Ssl::certfiles`] to one.
    #[must_use]
    pub fn ssl_certfile(mut self, path: impl Into<PathBuf>) -> Self {
        self.ssl.certfiles = vec![path.into()];
        self
    }

    /// Sets [`Ssl::keyfiles`] to one.
    #[must_use]
    pub fn ssl_keyfile(mut self, path: impl Into<PathBuf>) -> Self {
        self.ssl.keyfiles = vec![path.into()];
        self
    }

    /// Sets [`Ssl::self_signed`].
    #[must_use]
    pub fn ssl_self_signed(mut self, self_signed: bool) -> Self {
        self.ssl.self_signed = self_signed;
        self
    }

    /// Sets [`Ssl::cert_reqs`] and [`Ssl::ca_certs`].
    #[must_use]
    pub fn ssl_clients(mut self, cert_reqs: CertReqs, ca_certs: impl Into<PathBuf>) -> Self {
        self.ssl.cert_reqs = cert_reqs;
        self.ssl.ca_certs = Some(ca_certs.into());
        self
    }
}

impl Config {
    /// Sets [`Ssl::insecure`].
    #[must_use]
    pub fn insecure_bind(mut self, sockets: impl IntoIterator<Item = Listen>) -> Self {
        self.ssl.insecure = sockets.into_iter().collect();
        self
    }

    /// Sets [`Ssl::insecure_redirect`].
    #[must_use]
    pub fn insecure_redirect(mut self, port: impl Into<Option<u16>>) -> Self {
        self.ssl.insecure_redirect = port.into();
        self
    }
}

/// A port of HTTPS, or `off`.
struct PortOrOff;

impl PortOrOff {
    const KIND: Kind = Kind::Number("PORT");
}

impl Codec<Option<u16>> for PortOrOff {
    fn read(text: &str) -> Result<Option<u16>, ConfigError> {
        match text.eq_ignore_ascii_case("off") {
            true => Ok(None),
            false => Count::read(text).map(Some).map_err(|_| ConfigError::PortOrOff),
        }
    }

    fn show(value: &Option<u16>) -> Value {
        value.map_or_else(|| Value::Text("off".into()), |port| Count::show(&port))
    }
}

fn show(path: Option<&PathBuf>) -> Value {
    path.map_or(Value::Unset, |path| Value::Text(path.to_string_lossy().into_owned()))
}

fn show_all(paths: &[PathBuf]) -> Value {
    match paths {
        [] => Value::Unset,
        [path] => show(Some(path)),
        paths => Value::List(paths.iter().map(|path| path.to_string_lossy().into_owned()).collect()),
    }
}

fn read_all(values: &[OsString]) -> Vec<PathBuf> {
    values.iter().map(PathBuf::from).collect()
}

/// Declares a row whose setting is a list of paths.
macro_rules! paths {
    ($name:literal, $field:ident, $help:literal) => {
        Setting {
            name: $name,
            help: $help,
            kind: Kind::Paths,
            excludes: &[],
            get: |config| show_all(&config.ssl.$field),
            set: |config, values| {
                config.ssl.$field = read_all(values);
                Ok(())
            },
        }
    };
}

pub(super) const GROUP: Group = Group {
    title: "TLS",
    settings: &[
        paths!(
            "ssl-certfile",
            certfiles,
            "Serve HTTPS with the certificates in this PEM file; repeatable, for several host names"
        ),
        paths!(
            "ssl-keyfile",
            keyfiles,
            "The private key in this PEM file; else that in the file of the certificates; repeatable"
        ),
        Setting {
            name: "ssl-keyfile-password",
            help: "The password of the private key; better set by its variable, which `ps` does not show",
            kind: Kind::Text("PASSWORD"),
            excludes: &[],
            get: |config| match config.ssl.keyfile_password {
                Some(_) => Value::Secret,
                None => Value::Unset,
            },
            set: |config, values| {
                let password = values.last().map(|value| Password::new(value.as_encoded_bytes()));
                config.ssl.keyfile_password = password;
                Ok(())
            },
        },
        setting!(
            "ssl-self-signed",
            Switch,
            ssl.self_signed,
            "Serve HTTPS with a new certificate for localhost, for development"
        ),
        setting!(
            "ssl-version",
            Word<TlsVersion>,
            ssl.version,
            "The lowest version of TLS, or 17 for the default"
        ),
        Setting {
            name: "ssl-ciphers",
            help: "Cipher suites, as a string of OpenSSL",
            kind: Kind::Text("CIPHERS"),
            excludes: &[],
            get: |config| {
                config.ssl.ciphers.as_ref().map_or(Value::Unset, |ciphers| Value::Text(ciphers.to_string()))
            },
            set: |config, values| {
                config.ssl.ciphers = Some(single(values, str::parse)?);
                Ok(())
            },
        },
        setting!(
            "ssl-cert-reqs",
            Reqs,
            ssl.cert_reqs,
            "Whether clients present a certificate, in words or as 0, 1, 2"
        ),
        Setting {
            name: "ssl-ca-certs",
            help: "The authorities of the certificates of clients, in this PEM file",
            kind: Kind::Path,
            excludes: &[],
            get: |config| show(config.ssl.ca_certs.as_ref()),
            set: |config, values| {
                config.ssl.ca_certs = values.last().map(PathBuf::from);
                Ok(())
            },
        },
        paths!(
            "ssl-crl",
            crls,
            "Refuse the client certificates that the revocation list in this PEM file names; repeatable"
        ),
        Setting {
            name: "insecure-bind",
            help: "Listen without TLS, too, on HOST:PORT, unix:PATH or fd://N; repeatable",
            kind: Kind::Texts("SOCKET"),
            excludes: &[],
            get: |config| match config.ssl.insecure.as_slice() {
                [] => Value::Unset,
                sockets => Value::List(sockets.iter().map(ToString::to_string).collect()),
            },
            set: |config, values| {
                config.ssl.insecure = each(values, str::parse::<Listen>)?;
                Ok(())
            },
        },
        setting!(
            "insecure-redirect",
            PortOrOff,
            ssl.insecure_redirect,
            "Redirect requests without TLS to HTTPS at this port, or off"
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_python_are_refused_by_name() {
        for (text, expected) in [
            ("17", Ok(TlsVersion::Tls12)),
            ("TLS1.2", Ok(TlsVersion::Tls12)),
            ("TLSv1.3", Ok(TlsVersion::Tls13)),
            ("3", Err("that is PROTOCOL_TLSv1, which is insecure: ")),
            ("5", Err("that is PROTOCOL_TLSv1_2, which excludes TLS 1.3: ")),
            ("tls1.1", Err("that is TLS 1.1, which is insecure: ")),
            ("18", Err("")),
        ] {
            let version = text.parse::<TlsVersion>().map_err(|error| error.to_string());
            let line = |begin| {
                format!("{begin}use tls1.2 or tls1.3, the lowest version to accept, or 17 for the default")
            };
            assert_eq!(version, expected.map_err(line), "{text}");
        }
    }

    #[test]
    fn numbers_of_python_are_words() {
        for (text, expected) in
            [("0", CertReqs::None), ("1", CertReqs::Optional), ("required", CertReqs::Required)]
        {
            assert_eq!(Reqs::read(text), Ok(expected));
        }
        assert!(Reqs::read("3").is_err());
    }

    #[test]
    #[cfg(feature = "tls-self-signed")]
    fn settings_that_do_not_fit_are_refused() {
        let new = Config::new;
        let mut keys = new().ssl_certfile("a");
        keys.ssl.keyfiles = vec!["b".into(), "c".into()];
        let mut crl = new().ssl_certfile("a");
        crl.ssl.crls.push("b".into());
        let mut clients = new().ssl_certfile("a");
        clients.ssl.cert_reqs = CertReqs::Optional;
        for (config, error) in [
            (new().ssl_keyfile("a"), ConfigError::Certfile),
            (new().insecure_bind([Listen::default()]), ConfigError::InsecureBind),
            (new().ssl_certfile("a").insecure_redirect(443), ConfigError::InsecureRedirect),
            (keys, ConfigError::Keyfiles),
            (crl, ConfigError::CertReqs),
            (clients, ConfigError::CaCerts),
            (new().ssl_certfile("a").ssl_self_signed(true), ConfigError::SelfSigned),
        ] {
            assert_eq!(config.ssl.check(), Err(error));
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?}", Some(Password::new("secret"))), "Some(Password)");
    }
}
