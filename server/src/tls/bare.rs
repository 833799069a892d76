//! A session without sockets, for fuzz targets. No part of the API.

use std::sync::Arc;

use rustls::server::ServerConfig;

use super::Acceptor;
use super::pump::{Fault, Output, Pump};
use crate::HttpVersions;
use crate::config::Ssl;

/// The configuration of sessions.
#[derive(Clone)]
pub struct Sessions(Arc<ServerConfig>);

impl Sessions {
    /// Reads the files of a configuration.
    ///
    /// # Errors
    /// A file is missing or invalid.
    ///
    /// # Panics
    /// The configuration has no certificate.
    pub fn new(ssl: &Ssl) -> Result<Self, String> {
        let acceptor = Acceptor::new(ssl, HttpVersions::Auto, None).map_err(|error| error.to_string())?;
        Ok(Self(acceptor.expect("the configuration has a certificate").config()))
    }

    /// Creates a session that waits for a client.
    ///
    /// # Panics
    /// The configuration is not valid.
    #[must_use]
    pub fn session(&self) -> Session {
        let pump = Pump::new(self.0.clone()).expect("the configuration is valid");
        Session { pump, output: Output::default(), plain: Vec::new() }
    }
}

/// A session of a server.
pub struct Session {
    pump: Pump,
    output: Output,
    plain: Vec<u8>,
}

impl Session {
    /// Takes ciphertext of a client, at most `piece` bytes at a time.
    ///
    /// # Errors
    /// The session has failed.
    pub fn receive(&mut self, mut bytes: &[u8], piece: usize) -> Result<(), String> {
        while !bytes.is_empty() {
            let read = |room: &mut [u8]| {
                let (now, later) = bytes.split_at(room.len().min(piece).min(bytes.len()));
                room[..now.len()].copy_from_slice(now);
                bytes = later;
                Ok::<_, Fault>(now.len())
            };
            let plain = &mut self.plain;
            let received =
                self.pump.receive(read, &mut |part| plain.extend_from_slice(part), &mut self.output);
            received.map_err(|fault| fault.to_string())?;
        }
        Ok(())
    }

    /// Encrypts plaintext as one record.
    ///
    /// # Errors
    /// The session cannot send.
    pub fn send(&mut self, plain: &[u8]) -> Result<(), String> {
        self.pump.send(plain, &mut self.output).map_err(|fault| fault.to_string())
    }

    /// Ends the own side with `close_notify`.
    ///
    /// # Errors
    /// The session has failed.
    pub fn close(&mut self) -> Result<(), String> {
        self.pump.close(&mut self.output).map_err(|fault| fault.to_string())
    }

    /// Takes the ciphertext that waits to be sent.
    pub fn take_output(&mut self) -> Vec<u8> {
        let bytes = self.output.waiting().to_vec();
        self.output.sent(bytes.len());
        bytes
    }

    /// Returns the plaintext that was received.
    #[must_use]
    pub fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// Whether the handshake has not ended.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.pump.is_handshaking()
    }

    /// Whether the client has sent `close_notify`.
    #[must_use]
    pub fn is_peer_closed(&self) -> bool {
        self.pump.is_peer_closed()
    }

    /// The bytes of the buffers that the session holds.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.pump.capacity() + self.output.capacity()
    }
}
