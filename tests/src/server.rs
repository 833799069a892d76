//! Servers in this process, on the executor of a case.

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures_lite::future::block_on;
use stelo_async_std::AsyncStd;
use stelo_core::app::{Address, App};
use stelo_server::{Config, ServeError, Server, ServerHandle, Stopped};
use stelo_smol::Smol;
use stelo_tokio::Tokio;

use crate::Client;

/// The executor of a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum On {
    /// tokio
    Tokio,
    /// smol
    Smol,
    /// async-std
    AsyncStd,
}

/// Returns settings for one thread and a port that the system chooses.
pub fn config() -> Config {
    Config::new().port(0).threads(1)
}

impl On {
    /// Starts a server with the settings of [`config`].
    #[track_caller]
    pub fn serve(self, app: impl App) -> Running {
        self.serve_with(config(), app)
    }

    /// Starts a server with these settings.
    #[track_caller]
    pub fn serve_with(self, config: Config, app: impl App) -> Running {
        match self.try_serve(config, app) {
            Ok(running) => running,
            Err(error) => panic!("the server does not start: {error}"),
        }
    }

    /// Starts a server in a thread of its own. Does not wait until it listens.
    pub fn start(self, config: Config, app: impl App) -> (ServerHandle, Serving) {
        let server = Server::new(config);
        let handle = server.handle();
        let app: Arc<dyn App> = Arc::new(app);
        let thread = std::thread::spawn(move || match self {
            Self::Tokio => server.run::<Tokio>(app),
            Self::Smol => server.run::<Smol>(app),
            Self::AsyncStd => server.run::<AsyncStd>(app),
        });
        (handle, thread)
    }

    /// Starts a server with these settings, which may fail.
    ///
    /// # Errors
    /// The errors of the server.
    pub fn try_serve(self, config: Config, app: impl App) -> Result<Running, ServeError> {
        let (handle, thread) = self.start(config, app);
        match block_on(handle.listening()) {
            Some(addresses) => Ok(Running { addresses, handle, thread: Some(thread) }),
            None => match join(thread) {
                Err(error) => Err(error),
                Ok(stopped) => panic!("the server has stopped without ever listening: {stopped:?}"),
            },
        }
    }
}

/// The thread of a server.
pub type Serving = JoinHandle<Result<Stopped, ServeError>>;

/// A running server. Dropping it stops the server and waits for its end.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<Address>,
    handle: ServerHandle,
    thread: Option<Serving>,
}

impl Running {
    /// Returns the address of the server.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        match self.addresses[..] {
            [Address::Ip(address)] => address,
            ref other => panic!("not one TCP address: {other:?}"),
        }
    }

    /// Returns the addresses of all sockets of the server.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Connects a client.
    #[track_caller]
    pub fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// Connects a client to a server on a Unix socket.
    #[track_caller]
    pub fn connect_unix(&self, path: &Path) -> Client<UnixStream> {
        assert_eq!(self.addresses, [Address::Unix(path.to_string_lossy().into())]);
        Client::new(UnixStream::connect(path).expect("the server listens on the Unix socket"))
    }

    /// Asks the server to stop, as a signal does, without waiting.
    pub fn ask_to_stop(&self) {
        self.handle.stop();
    }

    /// Waits for a server that stops by itself.
    ///
    /// # Errors
    /// The errors of the server.
    #[track_caller]
    pub fn wait(mut self) -> Result<Stopped, ServeError> {
        join(self.thread.take().expect("a server is waited for once"))
    }

    /// Stops the server and waits for its end.
    ///
    /// # Errors
    /// The errors of the server.
    #[track_caller]
    pub fn stop(self) -> Result<Stopped, ServeError> {
        self.ask_to_stop();
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            // A case that has failed already has a better message.
            if !std::thread::panicking() {
                ended.expect("the server does not panic").expect("the server ends well");
            }
        }
    }
}

#[track_caller]
fn join(thread: JoinHandle<Result<Stopped, ServeError>>) -> Result<Stopped, ServeError> {
    thread.join().expect("the server does not panic")
}
