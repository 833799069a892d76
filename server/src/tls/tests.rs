//! Sessions without sockets, with a client of rustls.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::Acceptor;
use super::pump::{Fault, Output, Pump, RECORD};
use crate::{Config, HttpVersions};

/// A client, a session of the server, and what waits between them.
struct Pair {
    client: ClientConnection,
    server: Pump,
    output: Output,
    /// The plaintext that the server has received.
    received: Vec<u8>,
    /// The most bytes that the server receives at once.
    piece: usize,
}

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/src/tls").join(name)
}

impl Pair {
    fn new(piece: usize) -> Self {
        let ssl = Config::new().ssl_certfile(file("cert.pem")).ssl_keyfile(file("key.pem")).ssl;
        let config = Acceptor::new(&ssl, HttpVersions::Http1, None).unwrap().unwrap().config();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(file("cert.pem")).unwrap()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            client: ClientConnection::new(Arc::new(client), "localhost".try_into().unwrap()).unwrap(),
            server: Pump::new(config).unwrap(),
            output: Output::default(),
            received: Vec::new(),
            piece,
        }
    }

    /// Gives ciphertext to the server, as much as it takes at a time.
    fn receive(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let piece = self.piece;
            let read = |room: &mut [u8]| {
                let n = room.len().min(piece).min(bytes.len());
                room[..n].copy_from_slice(&bytes[..n]);
                bytes = &bytes[n..];
                Ok(n)
            };
            let received = &mut self.received;
            self.server.receive(read, &mut |plain| received.extend_from_slice(plain), &mut self.output)?;
        }
        Ok(())
    }

    /// Carries ciphertext both ways until none is left.
    fn settle(&mut self) {
        loop {
            let mut sent = Vec::new();
            while self.client.wants_write() {
                self.client.write_tls(&mut sent).unwrap();
            }
            self.receive(&sent).unwrap();
            let answer = self.output.waiting().to_vec();
            self.output.sent(answer.len());
            let mut rest = &answer[..];
            while !rest.is_empty() {
                self.client.read_tls(&mut rest).unwrap();
                self.client.process_new_packets().unwrap();
            }
            if sent.is_empty() && answer.is_empty() {
                return;
            }
        }
    }

    fn read(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 1 << 20];
        let n = self.client.reader().read(&mut bytes).unwrap();
        bytes.truncate(n);
        bytes
    }
}

#[test]
fn the_division_of_the_input_does_not_matter() {
    for piece in [1, 7, 100, RECORD, usize::MAX] {
        let mut pair = Pair::new(piece);
        assert!(pair.server.is_handshaking());
        pair.settle();
        assert!(!pair.server.is_handshaking());
        let message: Vec<u8> = (0..40_000_u32).map(|i| i as u8).collect();
        pair.client.writer().write_all(&message).unwrap();
        pair.settle();
        assert!(pair.received == message, "pieces of {piece}");
        pair.server.send(b"answer", &mut pair.output).unwrap();
        pair.settle();
        assert_eq!(pair.read(), b"answer");
        assert_eq!(pair.server.server_name(), Some("localhost"));
    }
}

#[test]
fn the_server_sends_after_the_client_has_closed() {
    let mut pair = Pair::new(usize::MAX);
    pair.settle();
    pair.client.writer().write_all(b"last").unwrap();
    pair.client.send_close_notify();
    pair.settle();
    assert!(pair.server.is_peer_closed());
    assert_eq!(pair.received, b"last");
    pair.server.send(b"answer", &mut pair.output).unwrap();
    pair.server.close(&mut pair.output).unwrap();
    pair.settle();
    assert_eq!(pair.read(), b"answer");
    assert_eq!(pair.client.reader().read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn keys_are_renewed_when_the_client_asks() {
    let mut pair = Pair::new(3);
    pair.settle();
    for _ in 0..3 {
        pair.client.refresh_traffic_keys().unwrap();
        pair.client.writer().write_all(b"new").unwrap();
        pair.settle();
        pair.server.send(b"answer", &mut pair.output).unwrap();
        pair.settle();
        assert_eq!(pair.read(), b"answer");
    }
    assert_eq!(pair.received, b"newnewnew");
}

#[test]
fn empty_records_carry_nothing() {
    let mut pair = Pair::new(usize::MAX);
    pair.settle();
    pair.server.send(b"", &mut pair.output).unwrap();
    pair.server.send(b"answer", &mut pair.output).unwrap();
    pair.settle();
    assert_eq!(pair.read(), b"answer");
}

#[test]
fn a_damaged_record_ends_the_session_with_an_alert() {
    let mut pair = Pair::new(usize::MAX);
    pair.settle();
    pair.client.writer().write_all(b"message").unwrap();
    let mut sent = Vec::new();
    pair.client.write_tls(&mut sent).unwrap();
    *sent.last_mut().unwrap() ^= 1;
    assert!(matches!(pair.receive(&sent), Err(Fault::Protocol(rustls::Error::DecryptError))));
    assert!(!pair.output.is_empty());
    assert!(pair.received.is_empty());
    assert!(matches!(pair.receive(&sent), Err(Fault::Stuck)));
}

#[test]
fn other_protocols_get_an_alert() {
    for hello in [&b"\x80\x2e\x01\x03\x01\x00\x15"[..], b"ssh-2.0\r\n"] {
        let mut pair = Pair::new(1);
        assert!(matches!(pair.receive(hello), Err(Fault::Protocol(_))));
        assert_eq!(pair.output.waiting()[0], 21);
    }
}

#[test]
fn plain_http_is_answered_at_its_first_byte() {
    let mut pair = Pair::new(1);
    assert!(matches!(pair.receive(b"GET / HTTP/1.1\r\n\r\n"), Err(Fault::PlainHttp)));
    let answer = String::from_utf8(pair.output.waiting().to_vec()).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    assert!(matches!(pair.receive(b"GET"), Err(Fault::Stuck)));
}

#[test]
fn a_letter_behind_the_handshake_is_no_plain_http() {
    let mut pair = Pair::new(usize::MAX);
    pair.settle();
    assert!(matches!(pair.receive(b"GET / HTTP/1.1\r\n\r\n"), Err(Fault::Protocol(_))));
    assert_eq!(pair.output.waiting()[0], 23);
}

#[test]
fn a_message_of_the_handshake_is_limited() {
    let mut pair = Pair::new(usize::MAX);
    // Records of the type handshake, with the beginning of a message of 16 MiB.
    let mut record = vec![22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff];
    record.resize(5 + 0x4000, 0);
    let failed = (0..8).find_map(|_| pair.receive(&record).err());
    assert!(failed.is_some());
}

#[test]
fn an_idle_session_keeps_no_buffer() {
    let mut pair = Pair::new(usize::MAX);
    pair.settle();
    pair.client.writer().write_all(b"message").unwrap();
    pair.settle();
    pair.server.send(b"answer", &mut pair.output).unwrap();
    pair.settle();
    assert_eq!((pair.server.capacity(), pair.output.capacity()), (0, 0));
}
