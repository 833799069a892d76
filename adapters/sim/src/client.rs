//! A plain client for tests: it sends any bytes with any pauses, and reads responses strictly. `request.rs` adds requests
//! by method and path.

use std::future::poll_fn;
use std::io;
use std::task::{Poll, ready};
use std::time::Duration;

use stelo_runtime::{Address, Runtime as _, Stream as _};

use crate::answer::{Answer, Asked};
use crate::handles::Stream;
use crate::sim::Sim;
use crate::wire::{Broken, Wire};

/// A client with one connection. It sends requests by method and path ([`get`](Self::get) and similar), and any bytes,
/// valid or not.
///
/// ```
/// use std::sync::Arc;
///
/// use stelo_core::app::{App, Reply, Request, Response};
/// use stelo_server::{Config, Server};
/// use stelo_sim::{Client, Simulation};
///
/// struct Hello;
///
/// impl App for Hello {
///     fn call(&self, request: Request) -> Reply {
///         Response::new(format!("{} {}", request.head().method(), request.head().path())).into()
///     }
/// }
///
/// Simulation::new(1).run(async |sim| {
///     let server = Server::new(Config::new().port(0));
///     let handle = server.handle();
///     let serving = sim.start(server.serve_on(sim.clone(), Arc::new(Hello)));
///     let address = handle.listening().await.unwrap().remove(0);
///
///     let mut client = Client::connect(&sim, &address).await.unwrap();
///     assert_eq!(client.get("/tea").send().await.unwrap().text(), "GET /tea");
///     let answer = client.post("/tea").json(&["green"]).send().await.unwrap();
///     assert_eq!((answer.status, answer.text().as_str()), (200, "POST /tea"));
///
///     handle.stop();
///     serving.await.unwrap();
/// })?;
/// # Ok::<(), stelo_sim::Failure>(())
/// ```
#[derive(Debug)]
pub struct Client {
    pub(crate) sim: Sim,
    server: Address,
    pub(crate) wire: Wire<Stream>,
    /// A request follows on a new connection: the last answer says close, or was not read to its end.
    pub(crate) spent: bool,
}

impl Client {
    /// Opens a connection.
    ///
    /// # Errors
    /// Returns an error if no socket listens there, or its queue is full.
    pub async fn connect(sim: &Sim, address: &Address) -> io::Result<Self> {
        let wire = Wire::new(sim.connect(address).await?);
        Ok(Self { sim: sim.clone(), server: address.clone(), wire, spent: false })
    }

    /// Connects again if the server has closed the connection, or will.
    pub(crate) async fn reconnect(&mut self) -> Result<(), Broken> {
        if self.spent || !poll_fn(|cx| Poll::Ready(self.wire.is_idle(cx))).await {
            let connected = self.sim.connect(&self.server).await;
            self.wire = Wire::new(connected.map_err(|error| Broken::Connect(error.kind()))?);
            self.spent = false;
        }
        Ok(())
    }

    /// Returns the local address.
    pub fn address(&self) -> Option<Address> {
        self.wire.stream.local_address()
    }

    /// Queues bytes, which are sent while the client waits for an answer.
    pub fn queue(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.queue(bytes.as_ref());
    }

    /// Sends bytes, without reading meanwhile.
    ///
    /// # Errors
    /// Returns an error if the connection is broken.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.queue(bytes);
        poll_fn(|cx| self.wire.poll_flush(cx)).await
    }

    /// Sends bytes in pieces of `size`, with a pause after each.
    ///
    /// # Errors
    /// Returns an error if the connection is broken.
    pub async fn trickle(&mut self, bytes: impl AsRef<[u8]>, size: usize, pause: Duration) -> io::Result<()> {
        for piece in bytes.as_ref().chunks(size.max(1)) {
            self.send(piece).await?;
            self.sim.pause(pause).await;
        }
        Ok(())
    }

    /// Reads the next answer to a request other than HEAD and CONNECT, with the interim responses before it.
    ///
    /// # Errors
    /// Returns an error if there is no complete answer.
    pub async fn answer(&mut self) -> Result<Answer, Broken> {
        poll_fn(|cx| self.wire.poll_answer(cx, Asked::Other)).await
    }

    /// Reads the next answer to a HEAD request, which has no body.
    ///
    /// # Errors
    /// Returns an error if there is no complete answer.
    pub async fn answer_to_head(&mut self) -> Result<Answer, Broken> {
        poll_fn(|cx| self.wire.poll_answer(cx, Asked::Head)).await
    }

    /// Reads the next answer to a CONNECT. The bytes of the tunnel follow a success; [`bytes`](Self::bytes) reads them.
    ///
    /// # Errors
    /// Returns an error if there is no complete answer.
    pub async fn answer_to_connect(&mut self) -> Result<Answer, Broken> {
        poll_fn(|cx| self.wire.poll_answer(cx, Asked::Connect)).await
    }

    /// Waits for `100 Continue` after a request with `expect: 100-continue`. False if the answer comes instead.
    ///
    /// # Errors
    /// Returns an error if neither comes.
    pub async fn asked(&mut self) -> Result<bool, Broken> {
        poll_fn(|cx| {
            let wire = &mut self.wire;
            let _ = wire.poll_flush(cx);
            loop {
                if let Some(asked) = wire.reader.is_asked(&mut wire.input) {
                    return Poll::Ready(Ok(asked));
                }
                if let Some(broken) = wire.broken() {
                    return Poll::Ready(Err(broken));
                }
                ready!(wire.poll_input(cx));
            }
        })
        .await
    }

    /// Reads the next `n` bytes without parsing them, such as those after an upgrade.
    ///
    /// # Errors
    /// Returns an error if the connection ends before.
    pub async fn bytes(&mut self, n: usize) -> Result<Vec<u8>, Broken> {
        poll_fn(|cx| {
            // The bytes may have arrived although sending fails.
            let _ = self.wire.poll_flush(cx);
            while self.wire.input.len() < n {
                if let Some(broken) = self.wire.broken() {
                    return Poll::Ready(Err(broken));
                }
                ready!(self.wire.poll_input(cx));
            }
            Poll::Ready(Ok(self.wire.input.drain(..n).collect()))
        })
        .await
    }

    /// Closes the sending side. Answers can still come.
    ///
    /// # Errors
    /// Returns an error if the connection is broken.
    pub async fn finish(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            ready!(self.wire.poll_flush(cx))?;
            self.wire.stream.poll_close(cx)
        })
        .await
    }

    /// Resets the connection.
    pub fn reset(self) {
        self.wire.stream.reset();
    }

    /// Reads to the end of the connection; returns the number of bytes that were not part of an answer.
    pub async fn drain(&mut self) -> usize {
        let mut n = std::mem::take(&mut self.wire.input).len();
        while !self.wire.has_ended() {
            poll_fn(|cx| self.wire.poll_input(cx)).await;
            n += std::mem::take(&mut self.wire.input).len();
        }
        n
    }
}
