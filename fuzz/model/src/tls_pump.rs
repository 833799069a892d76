//! Sessions of TLS, with a client of rustls.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use stelo_server::Config;
use stelo_server::fuzzing::{Session, Sessions};

use crate::source::Source;

/// The most bytes that a session may hold between two calls: a message of the handshake and a record.
const MEMORY: usize = 2 * ((64 << 10) + (18 << 10));

/// The most steps. A full record is one step.
const STEPS: usize = 40;

/// Checks that a session of the server gives the same plaintext and the same end for ciphertext that comes whole, byte by
/// byte and in pieces, that the client receives all that the server has sent, that a failed session gives no more
/// plaintext, and that memory is bounded. A session that waits for a record holds no buffer.
///
/// The input: the version; whether garbage comes before the handshake; two sizes of pieces; then steps.
pub fn tls_pump(input: &[u8]) {
    let mut source = Source::new(input);
    let version = source.pick(&[&TLS13, &TLS12]);
    let early = if source.flag() { source.bytes() } else { &[] };
    let sizes = [source.byte(), source.byte()].map(|size| usize::from(size) + 1);
    let mut steps = Vec::new();
    while !source.is_empty() && steps.len() < STEPS {
        steps.push(Step::read(&mut source));
    }
    let [whole, bytes, pieces] =
        [[usize::MAX; 2], [1; 2], sizes].map(|sizes| Pair::new(version, sizes).run(early, &steps));
    assert_eq!(whole, bytes, "byte by byte");
    assert_eq!(whole, pieces, "in pieces of {sizes:?}");
}

/// A change on one side.
#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    /// The client sends plaintext of this length.
    Sends(usize),
    /// The server does.
    Answers(usize),
    /// The client renews its keys, and asks the server to do so.
    Renews,
    /// The client ends its side.
    Closes,
    /// The server does.
    Ends,
    /// Bytes that are no record of the session arrive.
    Garbage(&'a [u8]),
    /// The next ciphertext of the client has a wrong bit.
    Damages(u8),
    /// The last bytes of the next ciphertext of the client are lost.
    Loses(u8),
}

impl<'a> Step<'a> {
    fn read(source: &mut Source<'a>) -> Self {
        const LENGTHS: [usize; 6] = [1, 0, 100, 5_000, 16_384, 40_000];
        match source.byte() % 16 {
            0..4 => Self::Sends(source.pick(&LENGTHS)),
            4..8 => Self::Answers(source.pick(&LENGTHS).min(16_384)),
            8..10 => Self::Renews,
            10 => Self::Closes,
            11 => Self::Ends,
            12 | 13 => Self::Garbage(source.bytes()),
            14 => Self::Damages(source.byte()),
            _ => Self::Loses(source.byte()),
        }
    }
}

/// The result of a session, which does not depend on the pieces.
#[derive(PartialEq, Debug)]
struct Outcome {
    /// The length of the plaintext that the server has received. Its content is checked.
    plain: usize,
    failed: bool,
    is_handshaking: bool,
    is_peer_closed: bool,
}

/// A client and a session of the server.
struct Pair {
    client: ClientConnection,
    server: Session,
    /// The sizes of the pieces that the server receives, by turns.
    sizes: [usize; 2],
    turns: usize,
    /// The lengths of the plaintext that the two have sent.
    sent: usize,
    answered: usize,
    /// The length of the plaintext that the client has received.
    received: usize,
    failed: bool,
    /// No ciphertext was damaged or lost, and no garbage has come.
    is_intact: bool,
    damage: Option<Step<'static>>,
}

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/src/tls").join(name)
}

/// The plaintext of both sides: each byte follows from its place.
fn content(from: usize, len: usize) -> Vec<u8> {
    (from..from + len).map(|place| (place % 251) as u8).collect()
}

impl Pair {
    fn new(version: &'static SupportedProtocolVersion, sizes: [usize; 2]) -> Self {
        static SESSIONS: LazyLock<Sessions> = LazyLock::new(|| {
            let config = Config::new().ssl_certfile(file("cert.pem")).ssl_keyfile(file("key.pem"));
            Sessions::new(&config.ssl).expect("the files of the tests are valid")
        });
        static ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
            let mut roots = RootCertStore::empty();
            let certificate = CertificateDer::from_pem_file(file("cert.pem")).expect("a certificate");
            roots.add(certificate).expect("a certificate of an authority");
            roots.into()
        });
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .expect("the provider has suites of the version")
            .with_root_certificates(ROOTS.clone())
            .with_no_client_auth();
        let name = "localhost".try_into().expect("a name");
        Self {
            client: ClientConnection::new(config.into(), name).expect("a session"),
            server: SESSIONS.session(),
            sizes,
            turns: 0,
            sent: 0,
            answered: 0,
            received: 0,
            failed: false,
            is_intact: true,
            damage: None,
        }
    }

    fn run(mut self, early: &[u8], steps: &[Step<'_>]) -> Outcome {
        self.garbage(early);
        self.settle();
        let (mut closed, mut ended) = (false, false);
        for step in steps {
            if self.failed || self.server.is_handshaking() {
                break;
            }
            match *step {
                Step::Sends(len) if !closed => {
                    let bytes = content(self.sent, len);
                    // The session of the client holds up to 64 KiB.
                    self.client.writer().write_all(&bytes).expect("there is room");
                    self.sent += len;
                }
                Step::Answers(len) if !ended => {
                    let bytes = content(self.answered, len);
                    self.server.send(&bytes).expect("the session is open");
                    self.answered += len;
                }
                // TLS 1.2 has no message for it.
                Step::Renews if !closed => drop(self.client.refresh_traffic_keys()),
                Step::Closes => {
                    closed = true;
                    self.client.send_close_notify();
                }
                Step::Ends if !ended && self.is_intact && self.damage.is_none() => {
                    ended = true;
                    self.server.close().expect("the session is open");
                }
                // With debug assertions, rustls 0.23 does not expect an alert behind its `close_notify`.
                Step::Garbage(_) | Step::Damages(_) | Step::Loses(_) if ended => {}
                Step::Garbage(bytes) => self.garbage(bytes),
                Step::Damages(place) => self.damage = Some(Step::Damages(place)),
                Step::Loses(number) => self.damage = Some(Step::Loses(number)),
                _ => {}
            }
            self.settle();
        }
        self.check();
        Outcome {
            plain: self.server.plain().len(),
            failed: self.failed,
            is_handshaking: self.server.is_handshaking(),
            is_peer_closed: self.server.is_peer_closed(),
        }
    }

    fn garbage(&mut self, bytes: &[u8]) {
        self.is_intact &= bytes.is_empty();
        self.receive(bytes);
    }

    /// Gives ciphertext to the server. Sends its output after each piece.
    fn receive(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.failed && !self.server.is_peer_closed() {
            let size = self.sizes[self.turns % 2];
            self.turns += 1;
            let (piece, later) = rest.split_at(size.min(rest.len()));
            rest = later;
            self.failed = self.server.receive(piece, size).is_err();
            assert!(self.server.memory() <= MEMORY, "{} bytes are held", self.server.memory());
            self.transmit();
        }
    }

    /// Gives the output of the server to the client.
    fn transmit(&mut self) -> bool {
        let output = self.server.take_output();
        let mut rest = &output[..];
        while !rest.is_empty() {
            // After damage, a client may refuse the answer, such as one in plain HTTP.
            let read = self.client.read_tls(&mut rest).map(drop);
            let processed = read
                .and_then(|()| self.client.process_new_packets().map(drop).map_err(std::io::Error::other));
            if let Err(error) = processed {
                assert!(!self.is_intact, "the client fails: {error}");
                break;
            }
            let mut plain = [0; 4096];
            while let Ok(n @ 1..) = self.client.reader().read(&mut plain) {
                assert!(plain[..n] == content(self.received, n), "other plaintext has come");
                self.received += n;
            }
        }
        !output.is_empty()
    }

    /// Carries ciphertext both ways until none is left.
    fn settle(&mut self) {
        loop {
            let mut sent = Vec::new();
            while self.client.wants_write() {
                self.client.write_tls(&mut sent).expect("a buffer in memory");
            }
            match self.damage {
                Some(Step::Damages(place)) if !sent.is_empty() => {
                    let place = usize::from(place) * sent.len() / 256;
                    sent[place] ^= 1;
                    (self.damage, self.is_intact) = (None, false);
                }
                Some(Step::Loses(number)) if !sent.is_empty() => {
                    // A few bytes could be those with which the next record begins.
                    sent.truncate(sent.len().saturating_sub(usize::from(number) + 16));
                    (self.damage, self.is_intact) = (None, false);
                }
                _ => {}
            }
            self.receive(&sent);
            if !self.transmit() && sent.is_empty() {
                return;
            }
        }
    }

    /// Checks what has arrived on both sides.
    fn check(&mut self) {
        let plain = self.server.plain();
        assert!(plain == content(0, plain.len()), "other plaintext has come");
        if self.is_intact {
            assert!(!self.failed, "a session without damage has failed");
            assert_eq!((plain.len(), self.received), (self.sent, self.answered));
            assert_eq!(self.server.memory(), 0, "an idle session holds a buffer");
        }
        if self.failed {
            let before = self.server.plain().len();
            assert!(self.server.receive(b"more", 1).is_err() && self.server.send(b"more").is_err());
            assert_eq!(self.server.plain().len(), before);
        }
    }
}
