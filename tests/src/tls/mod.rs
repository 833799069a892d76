//! A client that speaks TLS, and the certificate that it trusts.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{
    ALL_VERSIONS, ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};
use stelo_server::Config;

use crate::client::Wire;
use crate::{Client, Running, config};

/// Returns the path of the certificate of `localhost`.
pub fn certfile() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls/cert.pem"))
}

/// Returns the path of its private key.
pub fn keyfile() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls/key.pem"))
}

/// Returns settings for HTTPS.
pub fn tls_config() -> Config {
    config().ssl_certfile(certfile()).ssl_keyfile(keyfile())
}

/// A socket with TLS. Reads fail if the server ends without `close_notify`.
#[derive(Debug)]
pub struct TlsSocket(RefCell<StreamOwned<ClientConnection, TcpStream>>);

/// Returns the path of a file beside the certificate.
pub fn file(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls")).join(name)
}

/// A client, before it connects.
#[derive(Debug)]
pub struct Connect<'a> {
    /// The host name that it asks for.
    pub name: &'static str,
    /// The file with the only certificate that it trusts.
    pub trusts: PathBuf,
    /// The file with its own certificate and key.
    pub certificate: Option<PathBuf>,
    /// The versions that it speaks.
    pub versions: &'a [&'static SupportedProtocolVersion],
}

impl Default for Connect<'_> {
    fn default() -> Self {
        Self { name: "localhost", trusts: certfile().into(), certificate: None, versions: ALL_VERSIONS }
    }
}

impl Connect<'_> {
    /// Returns the configuration of sessions.
    pub fn config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(&self.trusts).expect("a certificate");
        roots.add(certificate).expect("a valid certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(self.versions)
            .expect("the provider has the suites")
            .with_root_certificates(roots);
        Arc::new(match &self.certificate {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let chain = CertificateDer::pem_file_iter(path).expect("a file");
                let chain = chain.collect::<Result<_, _>>().expect("valid PEM");
                let key = PrivateKeyDer::from_pem_file(path).expect("a private key");
                builder.with_client_auth_cert(chain, key).expect("the key of the certificate")
            }
        })
    }

    /// Connects to a server. The handshake follows with the first bytes.
    #[track_caller]
    pub fn to(&self, address: SocketAddr) -> Client<TlsSocket> {
        connect_with(self.config(), self.name, address)
    }
}

/// Connects a client. Those with the same configuration resume sessions.
#[track_caller]
pub fn connect_with(config: Arc<ClientConfig>, name: &'static str, address: SocketAddr) -> Client<TlsSocket> {
    let name = name.try_into().expect("a valid name");
    let session = ClientConnection::new(config, name).expect("a valid configuration");
    let socket = TcpStream::connect(address).expect("the server accepts connections");
    Client::new(TlsSocket(RefCell::new(StreamOwned::new(session, socket))))
}

/// Connects a client that trusts the certificate.
#[track_caller]
pub fn connect(server: &Running) -> Client<TlsSocket> {
    Connect::default().to(server.address())
}

impl TlsSocket {
    /// Whether the session goes on with an earlier one. Known once bytes were exchanged.
    pub fn is_resumed(&self) -> bool {
        self.0.borrow().conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Closes the sending side of the socket without `close_notify`.
    ///
    /// # Panics
    /// The connection is broken.
    pub fn cut_off(&self) {
        self.0.borrow().sock.shutdown(Shutdown::Write).expect("a connection can be half closed");
    }
}

impl Read for TlsSocket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.get_mut().read(buf)
    }
}

impl Write for TlsSocket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.get_mut().flush()
    }
}

impl Wire for TlsSocket {
    fn limit(&self) -> io::Result<()> {
        self.0.borrow().sock.limit()
    }

    fn half_close(&self) -> io::Result<()> {
        let stream = &mut *self.0.borrow_mut();
        stream.conn.send_close_notify();
        stream.conn.write_tls(&mut stream.sock)?;
        stream.sock.shutdown(Shutdown::Write)
    }
}
