//! Values that a setting cannot have.

use std::borrow::Cow;
use std::{error, fmt};

use stelo_core::http::InvalidHeader;

use super::codec::Executor;
use super::table::alternatives;

/// A value that a setting cannot have. Displayed as what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// The executor is not compiled in.
    Executor {
        /// The name of the executor.
        wanted: Cow<'static, str>,
        /// The names of the executors that are compiled in.
        built: Vec<&'static str>,
    },
    /// No executor is compiled in.
    NoExecutor,
    /// The program has no application of this name, or several and none is named.
    App {
        /// The names of the applications; none if there is one without a name.
        known: Vec<String>,
    },
    /// There is no socket to listen on.
    NoListener,
    /// Not a host.
    Host,
    /// Not a port.
    Port,
    /// Not a socket to listen on.
    Bind,
    /// Not a file descriptor.
    Descriptor,
    /// Not a number above zero.
    Count,
    /// Not a number above zero, nor `off`.
    CountOrOff,
    /// Not a number above zero, nor `auto`.
    CountOrCores,
    /// Not a number.
    Number,
    /// Not a number in this range.
    Range {
        /// The smallest number.
        least: u64,
        /// The largest number.
        most: u64,
    },
    /// Not a number of bytes above zero.
    Size,
    /// Not a number of bytes, where 0 means no limit.
    SizeOrUnlimited,
    /// Not a number of bytes.
    Bytes,
    /// Not a number of bytes, nor `off`.
    BytesOrOff,
    /// Not a number of seconds.
    Seconds,
    /// Not a number of seconds, nor `off`.
    SecondsOrOff,
    /// Not a truth value.
    Boolean,
    /// None of these words.
    Word(&'static [&'static str]),
    /// A time or a number of probes that TCP keep-alive cannot have.
    TcpKeepAlive,
    /// A header field without a colon.
    Colon,
    /// A header field with an invalid name or value.
    Header(InvalidHeader),
    /// A header field that frames messages or concerns one connection.
    ConnectionField(String),
    /// Not a path that an application can be served under.
    RootPath,
    /// Not a list of addresses and networks.
    Peers,
    /// A network with bits behind its prefix.
    HostBits {
        /// The network as it is written.
        written: String,
        /// The network without these bits.
        network: String,
    },
    /// TLS is not compiled in.
    NoTls,
    /// A certificate for development cannot be made, because that is not compiled in.
    NoSelfSigned,
    /// A certificate for development beside the files of another one.
    SelfSigned,
    /// A certificate for development with several processes, each of which would make its own.
    SelfSignedWorkers,
    /// A private key without a certificate.
    Certfile,
    /// Not as many private keys as certificates.
    Keyfiles,
    /// Sockets beside TLS, but no TLS.
    InsecureBind,
    /// A redirect without sockets that it concerns.
    InsecureRedirect,
    /// Not a port above zero, nor `off`.
    PortOrOff,
    /// Client certificates without authorities that sign them.
    CaCerts,
    /// Revocation lists, but no client presents a certificate.
    CertReqs,
    /// Not a version of TLS; or one that is refused, with the reason.
    TlsVersion(Option<&'static str>),
    /// Not a cipher suite, nor a keyword that selects any.
    Cipher(String),
    /// Not an atom of access lines.
    Atom(String),
    /// A level without a target.
    TargetLevel,
    /// Not the name or the number of a user or a group.
    Account,
    /// Not an octal number from 0 to 777.
    Umask,
    /// Not UTF-8.
    Encoding,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Executor { wanted, built } => {
                write!(f, "the executor {wanted} is not compiled in: ")?;
                let words: Vec<_> = [Executor::AUTO].into_iter().chain(built.iter().copied()).collect();
                return write!(f, "use {}, or build with another executor", alternatives(&words));
            }
            Self::App { known } if known.is_empty() => {
                "this program has one application, without a name: leave the name out"
            }
            Self::App { known } => {
                let known: Vec<_> = known.iter().map(String::as_str).collect();
                return write!(f, "choose an application: {}", alternatives(&known));
            }
            Self::Range { least, most } => return write!(f, "use a number from {least} to {most}"),
            Self::Word(words) => return write!(f, "use {}", alternatives(words)),
            Self::Header(error) => return error.fmt(f),
            Self::ConnectionField(name) => {
                return write!(
                    f,
                    "the server frames messages and manages connections: leave the field {name} out"
                );
            }
            Self::Atom(atom) => {
                return write!(
                    f,
                    "{atom} is not an atom of access lines: use those of Gunicorn, such as %(h)s, and %% for a percent \
                     sign"
                );
            }
            Self::HostBits { written, network } => {
                return write!(
                    f,
                    "{written} has bits behind its prefix: use {network}, or the address alone"
                );
            }
            Self::Cipher(item) => {
                let known: Vec<_> = super::ciphers::known().collect();
                return write!(
                    f,
                    "`{item}` selects no cipher suite: use DEFAULT, keywords such as ECDHE+AESGCM, {}",
                    alternatives(&known)
                );
            }
            Self::TlsVersion(refused) => {
                if let Some(refused) = refused {
                    write!(f, "that is {refused}: ")?;
                }
                return f.write_str("use tls1.2 or tls1.3, the lowest version to accept, or 17 for the default");
            }
            Self::NoExecutor => "no executor is compiled in: build with a Cargo feature that brings one",
            Self::NoListener => {
                "there is no address to listen on: give a host and a port, a Unix socket or a descriptor"
            }
            Self::Host => "the host is empty: give a name or an address, such as 127.0.0.1",
            Self::Bind => {
                "use HOST:PORT, such as 127.0.0.1:8000, [ADDRESS]:PORT for IPv6, unix:PATH or fd://N"
            }
            Self::Port => "use a number from 0 to 65535; 0 lets the system choose",
            Self::Descriptor => "use the number of an open descriptor, 0 or more",
            Self::Count => "use a whole number, 1 or more",
            Self::CountOrOff => "use a whole number, 1 or more, or off",
            Self::CountOrCores => "use a whole number, 1 or more, or auto",
            Self::Number => "use a whole number",
            Self::Size => "use a number of bytes, 1 or more",
            Self::SizeOrUnlimited => "use a number of bytes; 0 means no limit",
            Self::Bytes => "use a number of bytes",
            Self::BytesOrOff => "use a number of bytes, or off",
            Self::Seconds => "use a number of seconds, such as 5 or 0.5",
            Self::SecondsOrOff => "use a number of seconds, such as 5 or 0.5, or off",
            Self::Boolean => "use true or false",
            Self::TcpKeepAlive => {
                "use 1 to 32767 seconds for the times of TCP keep-alive, or off, and 1 to 127 probes"
            }
            Self::Colon => "use Name:Value, such as X-Frame-Options:DENY",
            Self::Peers => {
                "use addresses and networks with commas, such as 127.0.0.1,10.0.0.0/8, unix: for Unix sockets, or * alone"
            }
            Self::RootPath => "the root path must begin with a slash, such as /api, and be plain ASCII",
            Self::NoTls => {
                "this program is built without TLS: add the Cargo feature `tls`, or leave the files out"
            }
            Self::NoSelfSigned => {
                "this program cannot make certificates: add the Cargo feature `tls-self-signed`, or leave --ssl-self-signed out"
            }
            Self::SelfSignedWorkers => {
                "--ssl-self-signed serves from one process: leave --workers out, or give --ssl-certfile"
            }
            Self::SelfSigned => "use either --ssl-self-signed or --ssl-certfile",
            Self::Keyfiles => {
                "give one --ssl-keyfile for each --ssl-certfile, in the same order, or none if the certificate files have the keys"
            }
            Self::InsecureBind => {
                "--insecure-bind listens beside HTTPS: add --ssl-certfile, or use --bind instead"
            }
            Self::InsecureRedirect => {
                "--insecure-redirect has no effect without --insecure-bind: name the socket whose requests it redirects"
            }
            Self::PortOrOff => "use a number from 1 to 65535, or off",
            Self::CaCerts => "to verify clients, name the authorities of their certificates: add --ssl-ca-certs",
            Self::CertReqs => "a revocation list has no effect unless clients present certificates: add --ssl-cert-reqs",
            Self::Certfile => "a private key needs its certificate: add --ssl-certfile",
            Self::TargetLevel => "use TARGET=LEVEL, such as shop::cart=debug",
            Self::Account => "use the name or the number of a user or a group",
            Self::Umask => "use an octal number from 0 to 777, such as 027",
            Self::Encoding => "it is not UTF-8",
        })
    }
}

impl error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Header(error) => Some(error),
            _ => None,
        }
    }
}
