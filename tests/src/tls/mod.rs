//! A client that speaks TLS, and the certificate that it trusts.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
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

/// Connects a client that trusts the certificate.
#[track_caller]
pub fn connect(server: &Running) -> Client<TlsSocket> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(certfile()).expect("a certificate");
    roots.add(certificate).expect("a valid certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has the suites")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a valid name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a valid configuration");
    let socket = TcpStream::connect(server.address()).expect("the server accepts connections");
    Client::new(TlsSocket(RefCell::new(StreamOwned::new(session, socket))))
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
